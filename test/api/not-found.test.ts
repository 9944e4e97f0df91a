import t from 'tap';
import { notFound } from '../../src/api/not-found.ts';
import { ServiceIndex } from '../../src/registry/service-index.ts';
import { makeRecord, startMicros } from '../record/fixtures.ts';

const instance = (fields: Parameters<typeof makeRecord>[0], node = 'node-2') => ({
  record: makeRecord(fields),
  node,
});
const told = (index: ServiceIndex, isPartial = false) => {
  const { code, reason, message } = notFound(index, isPartial, 'shop', 'cart');
  return [code, reason, message];
};
const start = new Date(startMicros / 1000).toISOString();

t.test('a service of which nothing was ever heard is unknown, and the reason may be ours', (t) => {
  const index = new ServiceIndex();
  t.strictSame(told(index), [
    'NOT_FOUND',
    'UNKNOWN_SERVICE',
    'shop/cart is not known: nobody registered it, or the news has not come here yet; "disco list" shows what is known',
  ]);
  t.match(told(index, true)[2], 'come here yet, as this node has not yet heard from any other; ');
  t.end();
});

t.test('a service without a healthy instance is counted, as of the latest word of one', (t) => {
  const index = new ServiceIndex();
  index.put(instance({ instanceId: 'a', health: 'critical', lastUpdate: startMicros - 5_000_000 }));
  index.put(instance({ instanceId: 'b', health: 'critical' }));
  index.put(instance({ instanceId: 'c', health: 'maintenance', lastUpdate: 1 }));
  t.strictSame(told(index), [
    'NOT_FOUND',
    'NO_HEALTHY_INSTANCE',
    `shop/cart has no healthy instance: 2 critical, 1 in maintenance, as of ${start}; "disco list --group shop" shows them`,
  ]);
  t.end();
});

t.test('who is asked about instances of other nodes says where their checks are known', (t) => {
  const index = new ServiceIndex();
  const put = (instanceId: string, node: string, health: 'critical' | 'maintenance') =>
    index.put(instance({ instanceId, health }, node));
  put('a', 'node-1', 'critical');
  put('b', 'node-2', 'critical');
  put('c', 'node-2', 'critical');
  put('d', 'node-9', 'maintenance');
  const told = () =>
    notFound(
      index,
      false,
      'shop',
      'cart',
      () => false,
      ({ node }) => node === 'node-1',
    ).message;
  t.match(told(), / shows them, and "disco list --checks" at node "node-2" says why$/);
  for (const node of ['node-3', 'node-4', 'node-5']) put(node, node, 'critical');
  t.match(told(), / at nodes "node-2", "node-3", "node-4", … says why$/);
  t.end();
});

t.test('addresses at which another process answers are named, a few of many', (t) => {
  const index = new ServiceIndex();
  for (const port of [1, 2, 3, 4, 5])
    index.put(instance({ instanceId: `i${port}`, ip: '::1', port, health: 'critical' }));
  const told = (...ports: number[]): string =>
    notFound(index, false, 'shop', 'cart', ({ record }) => ports.includes(record.port)).message;
  t.match(told(2, 3), '; another process answers at [::1]:2, [::1]:3 (identity_mismatch); "disco');
  t.match(told(1, 2, 3, 4), ' answers at [::1]:1, [::1]:2, [::1]:3, … (identity_mismatch); ');
  t.notMatch(told(), 'process');
  t.end();
});

t.test('a service that is gone is told with when, why and which instance was the last', (t) => {
  const index = new ServiceIndex();
  const last = instance({ ip: '::1' }, 'a\nb');
  index.put(last);
  index.remove(last, { at: startMicros, reason: 'owner_dead' });
  t.strictSame(told(index), [
    'NOT_FOUND',
    'SERVICE_GONE',
    String.raw`shop/cart is gone since ${start} (owner dead): no instance is registered now, the last was cart-1 of node "a\nb"`,
  ]);
  t.end();
});

t.test('a time that is none, from a clock gone mad, does not hide the answer', (t) => {
  const index = new ServiceIndex();
  const lastUpdate = Number.MAX_SAFE_INTEGER;
  index.put(instance({ health: 'critical', lastUpdate }));
  t.match(told(index)[2], /1 critical, 0 in maintenance, as of \+?\d+/);
  const far = instance({});
  const gone = new ServiceIndex();
  gone.put(far);
  gone.remove(far, { at: Number.MAX_SAFE_INTEGER * 1_000, reason: 'expired' });
  t.match(told(gone)[2], 'gone since 9007199254740991000 µs (expired)');
  t.end();
});
