import t from 'tap';
import { instanceMessage, memberMessages, wireHealth } from '../../src/api/convert.ts';
import { disco } from '../../src/gen/discovery.js';
import { healths } from '../../src/record/record.ts';
import { makeFacts, makeRecord, makeSealed, makeTombstone, signerOf } from '../record/fixtures.ts';
import { Node } from './fixture.ts';

const { State } = disco.v1.Member;

t.test('an instance is told with all that its record says, and where it is from', (t) => {
  const record = makeRecord({ ttlMs: 5_000, health: 'warning' });
  const message = instanceMessage({ record, node: 'node-7' }, true);
  t.strictSame(message, {
    group: 'shop',
    name: 'cart',
    ip: '10.0.0.7',
    port: 8080,
    instanceId: 'cart-1',
    owner: record.owner,
    node: 'node-7',
    health: disco.v1.Health.HEALTH_WARNING,
    lastUpdate: record.lastUpdate,
    metadata: { zone: 'a' },
    tags: ['blue'],
    version: '1.2.3',
    ttlMs: 5_000,
    conflict: true,
  });
  const { ServiceInstance } = disco.v1;
  const back = ServiceInstance.decode(ServiceInstance.encode(message).finish());
  t.match(back, { group: 'shop', instanceId: 'cart-1', metadata: { zone: 'a' }, conflict: true });
  t.equal(Number(back.lastUpdate), record.lastUpdate, 'microseconds survive the wire');
  t.end();
});

t.test('every health has a number of its own, and none is that of "unspecified"', (t) => {
  const numbers = healths.map((health) => wireHealth[health]);
  t.strictSame([...new Set(numbers)], numbers);
  t.notOk(numbers.includes(disco.v1.Health.HEALTH_UNSPECIFIED));
  t.end();
});

t.test('this node stands first among the members, the others by name and peer id', (t) => {
  const node = new Node();
  const ownerOf = (key: number): string => signerOf(key).owner;
  node.hear(2, [], makeFacts({ name: 'zoe' }));
  node.hear(3, [], makeFacts({ name: 'bob' }));
  node.hear(4, [], makeFacts({ name: 'bob' }));
  const members = memberMessages(node.registry, () => false);
  t.strictSame(
    members.map(({ name }) => name),
    ['node-1', 'bob', 'bob', 'zoe'],
  );
  t.strictSame(
    members.map(({ peerId }) => peerId),
    [ownerOf(1), ...[ownerOf(3), ownerOf(4)].sort(), ownerOf(2)],
  );
  t.end();
});

t.test('a member is told with its state, its link and its live instances', (t) => {
  const node = new Node();
  const { owner } = signerOf(2);
  const records = [
    makeSealed({ owner, instanceId: 'a' }),
    makeSealed({ owner, instanceId: 'b' }),
    makeTombstone({ owner, instanceId: 'c' }),
  ];
  node.hear(2, records, makeFacts({ name: 'bob', version: '9.9.9', addresses: ['/ip4/1.2.3.4'] }));
  const [self, bob] = memberMessages(node.registry, (peer) => peer === owner);
  t.match(self, { self: true, linked: false, state: State.ALIVE, instances: 0 });
  t.match(bob, {
    peerId: owner,
    self: false,
    linked: true,
    state: State.ALIVE,
    incarnation: 1,
    addresses: ['/ip4/1.2.3.4'],
    version: '9.9.9',
    instances: 2,
    stateSince: node.clock.now().wallMicros,
  });
  t.end();
});

t.test('a dead member and one that left are told as such', (t) => {
  const node = new Node();
  node.hear(2, []);
  node.hear(3, [], makeFacts({ name: 'node-3', left: true }));
  node.registry.observe(signerOf(2).owner, { kind: 'unreachable' }, node.clock.now());
  const states = memberMessages(node.registry, () => false).map(({ name, state }) => [name, state]);
  t.strictSame(states, [
    ['node-1', State.ALIVE],
    ['node-2', State.DEAD],
    ['node-3', State.LEFT],
  ]);
  t.end();
});
