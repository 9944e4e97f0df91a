/** How old an answer may be, and how old it says it is. */
import t from 'tap';
import { disco } from '../../src/gen/discovery.js';
import { makeFacts, makeSealed, signerOf } from '../record/fixtures.ts';
import { Node, serve } from './fixture.ts';

const { State } = disco.v1.Member;
const add = { group: 'math', name: 'add' };
const far = makeSealed({ owner: signerOf(2).owner, ...add, instanceId: 'a' });
const advice = 'ask another daemon, allow more, or set stale_ok to be answered all the same';

t.test('an answer as old as it may be is given, and one a millisecond older refused', async (t) => {
  const { client, node } = await serve(t);
  node.hear(2, [far]);
  node.control.reconciledMs = 5_000;
  const asked = { ...add, maxStaleMs: 5_000 };
  t.match(await client.call('Get', asked), { instanceId: 'a', stale: false });
  t.match(await client.call('List', asked), { instances: [{}], stale: false });
  node.control.reconciledMs = 5_001;
  const sentence = `the last completed reconcile of this node was 5001 ms ago, and max_stale_ms is 5000: ${advice}`;
  for (const method of ['Get', 'List', 'ListByGroup'] as const)
    t.strictSame(await client.refusal(method, asked), {
      code: 'FAILED_PRECONDITION',
      reason: 'STALE',
      sentence,
    });
});

t.test('who takes it all the same is answered, and told that it is stale', async (t) => {
  const { client, node } = await serve(t);
  node.hear(2, [far]);
  node.control.reconciledMs = 60_000;
  const asked = { ...add, maxStaleMs: 5_000, staleOk: true };
  const get = await client.call('Get', asked);
  t.match(get, { instanceId: 'a', stale: true });
  t.equal(Number(get.sinceReconcileMs), 60_000);
  const list = await client.call('List', asked);
  t.match(list, { instances: [{ instanceId: 'a' }], stale: true });
  t.equal(Number(list.sinceReconcileMs), 60_000);
});

t.test('who asks for nothing is answered however old it is, with the age', async (t) => {
  const { client, node } = await serve(t);
  node.hear(2, [far]);
  node.control.reconciledMs = 3_600_000;
  const get = await client.call('Get', add);
  t.equal(Number(get.sinceReconcileMs), 3_600_000);
  t.equal(get.stale, false);
});

t.test('before the first reconcile there is no age, and everything is too old', async (t) => {
  const { client, node } = await serve(t);
  await client.call('Register', { ...add, ip: '127.0.0.1', port: 5001 });
  node.control.reconciledMs = undefined;
  node.control.partial = true;
  t.equal((await client.call('Get', add)).sinceReconcileMs, null);
  const maxStaleMs = 1e12;
  t.strictSame(await client.refusal('Get', { ...add, maxStaleMs }), {
    code: 'FAILED_PRECONDITION',
    reason: 'STALE',
    sentence: `this node has not completed a reconcile with a peer yet, and max_stale_ms is 1000000000000: ${advice}`,
  });
});

t.test('a node without others is never stale: alone from the first, or left by all', (t) => {
  const node = new Node();
  const asked = { maxStaleMs: 1 };
  node.control.reconciledMs = undefined;
  t.equal(node.service.list(asked).stale, false);
  node.control.reconciledMs = 60_000;
  t.equal(node.service.list(asked).stale, false);
  node.hear(2, [far]);
  t.throws(() => node.service.list(asked), { code: 'FAILED_PRECONDITION', reason: 'STALE' });
  node.die(2, 'silent');
  t.throws(
    () => node.service.list(asked),
    { code: 'FAILED_PRECONDITION', reason: 'STALE' },
    'it may live elsewhere',
  );
  node.registry.observe(signerOf(2).owner, { kind: 'linked' }, node.clock.now());
  node.hear(2, [], makeFacts({ name: 'node-2', left: true }));
  t.equal(node.service.list(asked).stale, false);
  t.end();
});

t.test('what is refused as too old is not said to be unknown', (t) => {
  const node = new Node();
  node.hear(2, []);
  node.control.reconciledMs = 9_000;
  t.throws(() => node.service.get({ ...add, maxStaleMs: 1 }), {
    code: 'FAILED_PRECONDITION',
    reason: 'STALE',
  });
  const staleOk = true;
  t.throws(() => node.service.get({ ...add, maxStaleMs: 1, staleOk }), {
    code: 'NOT_FOUND',
    reason: 'UNKNOWN_SERVICE',
  });
  t.end();
});

t.test('each instance says how its node is seen: alive, suspect, dead and held', async (t) => {
  const { client, node } = await serve(t);
  await client.call('Register', { ...add, ip: '127.0.0.1', port: 5001 });
  node.hear(2, [far]);
  const states = async () => {
    const { instances } = await client.call('List', {});
    return Object.fromEntries(instances.map((one) => [one.instanceId, one.ownerState]));
  };
  t.strictSame(await states(), { '127.0.0.1:5001': State.ALIVE, a: State.ALIVE });
  node.registry.observe(signerOf(2).owner, { kind: 'accused' }, node.clock.now());
  t.strictSame(await states(), { '127.0.0.1:5001': State.ALIVE, a: State.SUSPECT });
  node.holdService('shop', 'cart');
  t.match(await states(), { a: State.DEAD, d: State.ALIVE });
  t.equal((await client.call('Get', { group: 'shop', name: 'cart' })).candidates, 4);
  const reader = client.watch(add);
  t.equal((await reader.snapshot())[1]?.instance?.ownerState, State.STATE_UNSPECIFIED);
  await reader.cancel(node);
});
