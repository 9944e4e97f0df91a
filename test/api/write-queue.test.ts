import t from 'tap';
import { WriteQueue } from '../../src/api/write-queue.ts';
import type { Mutation } from '../../src/registry/own-state.ts';
import { makeRegistration } from '../contract/store-contract.ts';
import { Node } from './fixture.ts';

const register = (port: number): Mutation => ({
  kind: 'register',
  registration: makeRegistration({ port, instanceId: `cart-${port}` }),
});
const refresh: Mutation = { kind: 'refresh' };
const absent: Mutation = { kind: 'deregister', key: 'shop/cart/nowhere' };

const queueOf = (node: Node): WriteQueue => new WriteQueue(node.registry, node.clock);

t.test('what came in during one turn is one commit, one head and one revision', async (t) => {
  const node = new Node();
  const before = node.registry.feed.revision;
  const ports = [1, 2, 3, 4, 5];
  const queue = queueOf(node);
  const sealed = await Promise.all(ports.map((port) => queue.submit(register(port))));
  t.equal(node.store.commits.length, 1);
  t.equal(node.store.commits[0]?.owners?.[0]?.puts.length, ports.length);
  t.equal(node.registry.feed.revision, before + 1);
  t.strictSame(
    sealed.map((one) => one?.record.port),
    ports,
    'each is answered with its own record',
  );
  const stamps = sealed.map((one) => one?.record.lastUpdate ?? 0);
  t.ok(
    stamps.every((stamp, index) => index === 0 || stamp > (stamps[index - 1] ?? stamp)),
    'stamps rise in the order of asking',
  );
});

t.test('nothing is answered before it is on disk, nor visible', async (t) => {
  const node = new Node();
  const seen: string[] = [];
  const commit = node.store.commit.bind(node.store);
  node.store.commit = (batch) => {
    seen.push(`visible ${node.registry.index.count}`);
    commit(batch);
    seen.push('on disk');
  };
  await queueOf(node)
    .submit(register(1))
    .then(() => seen.push('answered'));
  t.strictSame(seen, ['visible 0', 'on disk', 'answered']);
});

t.test('one that is refused does not hold back the others of its group', async (t) => {
  const node = new Node();
  const queue = queueOf(node);
  const [first, wrong, last] = await Promise.allSettled([
    queue.submit(register(1)),
    queue.submit(absent),
    queue.submit(register(2)),
  ]);
  t.match(first, { status: 'fulfilled' });
  t.match(wrong, {
    status: 'rejected',
    reason: {
      code: 'NOT_FOUND',
      reason: 'UNKNOWN_INSTANCE',
      message: /^shop\/cart\/nowhere is not registered at this daemon: list what is/,
    },
  });
  t.match(last, { status: 'fulfilled' });
  t.equal(node.store.commits.length, 1);
  t.equal(node.registry.index.count, 2);
});

t.test('a disk that refuses fails all that waited, and nothing of it is visible', async (t) => {
  const node = new Node();
  node.store.isFull = true;
  const queue = queueOf(node);
  const outcomes = await Promise.allSettled([queue.submit(register(1)), queue.submit(register(2))]);
  for (const outcome of outcomes)
    t.match(outcome, {
      status: 'rejected',
      reason: { code: 'RESOURCE_EXHAUSTED', reason: 'DISK', message: /^cannot write to/ },
    });
  t.equal(node.registry.index.count, 0);
  node.store.isFull = false;
  t.match(await queue.submit(register(1)), { record: { port: 1 } }, 'it recovers by itself');
});

t.test('closing writes what waits and takes no more', async (t) => {
  const node = new Node();
  const queue = queueOf(node);
  const waiting = queue.submit(register(1));
  queue.close();
  t.equal(node.store.commits.length, 1, 'written at once');
  t.match(await waiting, { record: { port: 1 } });
  await t.rejects(queue.submit(register(2)), {
    code: 'UNAVAILABLE',
    reason: 'STOPPING',
    message: 'this daemon is stopping: try again once it is back',
  });
  t.equal(node.registry.index.count, 1);
});

t.test('at most 50000 writes wait: one more is refused', async (t) => {
  const node = new Node();
  const queue = queueOf(node);
  const waiting = Array.from({ length: 50_000 }, () => queue.submit(refresh));
  await t.rejects(queue.submit(refresh), {
    code: 'RESOURCE_EXHAUSTED',
    reason: 'TOO_MANY_RECORDS',
    message: '50000 writes are waiting already: try again in a moment',
  });
  await Promise.all(waiting);
  t.equal(node.store.commits.length, 1);
  t.equal(await queue.submit(refresh), undefined, 'there is room again');
});
