import t from 'tap';
import { filesMessage, holdMessage, instanceMessage } from '../../src/api/convert.ts';
import { memberMessage, memberMessages, wireHealth } from '../../src/api/convert.ts';
import { disco } from '../../src/gen/discovery.js';
import { healths } from '../../src/record/record.ts';
import { makeFacts, makeRecord, makeSealed, makeTombstone, signerOf } from '../record/fixtures.ts';
import { Node } from './fixture.ts';

const { State } = disco.v1.Member;

t.test('an instance is told with all that its record says, and where it is from', (t) => {
  const endpoints = [
    { name: 'metrics', port: 9_100, ip: '' },
    { name: 'admin', port: 9_101, ip: '::1' },
  ];
  const said = { ttlMs: 5_000, weight: 7, zone: 'eu-1', endpoints };
  const record = makeRecord({ ...said, health: 'warning' });
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
    held: false,
    weight: 7,
    zone: 'eu-1',
    endpoints: [
      { name: 'metrics', port: 9_100, ip: '10.0.0.7' },
      { name: 'admin', port: 9_101, ip: '::1' },
    ],
  });
  const { ServiceInstance } = disco.v1;
  const back = ServiceInstance.decode(ServiceInstance.encode(message).finish());
  t.match(back, { group: 'shop', instanceId: 'cart-1', metadata: { zone: 'a' }, conflict: true });
  t.equal(Number(back.lastUpdate), record.lastUpdate, 'microseconds survive the wire');
  t.end();
});

t.test('maintenance is told as health, with the reason and the health beneath', (t) => {
  const maintenance = { reason: 'kernel update', health: 'critical' } as const;
  const record = makeRecord({ health: 'maintenance', maintenance });
  const { HEALTH_MAINTENANCE, HEALTH_CRITICAL } = disco.v1.Health;
  t.match(instanceMessage({ record, node: 'node-7' }, false), {
    health: HEALTH_MAINTENANCE,
    maintenance: { reason: 'kernel update', health: HEALTH_CRITICAL },
  });
  const node = new Node();
  node.hear(2, [], makeFacts({ maintenance: 'moving' }));
  t.match(memberMessage(node.registry, node.control, signerOf(2).owner), { maintenance: 'moving' });
  t.match(memberMessage(node.registry, node.control, node.self), { maintenance: '' });
  t.end();
});

t.test('of refused files a hundred are told, and how many they are', (t) => {
  const bad = Array.from({ length: 101 }, (_, index) => ({ file: `f${index}`, problem: 'no' }));
  const report = { directory: '/d', files: 102, instances: 1, problem: 'full' };
  const message = filesMessage({ ...report, bad });
  t.strictSame(message, { ...report, bad: bad.slice(0, 100), filesBad: bad.length });
  t.end();
});

t.test('what is held says so, and a hold survives the wire', (t) => {
  const instance = { record: makeRecord(), node: 'node-7', isHeld: true } as const;
  t.equal(instanceMessage(instance, false).held, true);
  const hold = {
    group: 'shop',
    name: 'cart',
    reason: '3 of 4 instances fell silent at once',
    since: 1_763_000_000_000_001,
    until: 1_763_000_030_000_001,
    instances: 3,
  };
  const { Hold } = disco.v1;
  const back = Hold.decode(Hold.encode(holdMessage(hold)).finish());
  t.strictSame({ ...back, since: Number(back.since), until: Number(back.until) }, hold);
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
  const members = memberMessages(node.registry, node.control);
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
  node.control.linked = [owner];
  const [self, bob] = memberMessages(node.registry, node.control);
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
  node.registry.observe(
    signerOf(2).owner,
    { kind: 'unreachable', why: 'refused' },
    node.clock.now(),
  );
  const states = memberMessages(node.registry, node.control).map(({ name, state }) => [
    name,
    state,
  ]);
  t.strictSame(states, [
    ['node-1', State.ALIVE],
    ['node-2', State.DEAD],
    ['node-3', State.LEFT],
  ]);
  t.end();
});

t.test('a member is told with its round trip and with who accuses it', (t) => {
  const node = new Node();
  const [owner, stranger] = [signerOf(2).owner, signerOf(9).owner];
  node.hear(2, []);
  node.control.rtts = { [owner]: 0.3504 };
  const said = { reason: 'silent' as const, since: 1_750_000_000_000_000, confirmed: true };
  node.control.accusers = {
    [owner]: [
      { accuser: node.self, ...said },
      { accuser: stranger, ...said },
    ],
  };
  const message = memberMessage(node.registry, node.control, owner) ?? {};
  const back = disco.v1.Member.decode(disco.v1.Member.encode(message).finish());
  t.equal(Number(back.rttMicros), 350);
  t.match(back.accusers, [
    { peerId: node.self, name: 'node-1', reason: 'silent', confirmed: true },
    { peerId: stranger, name: '', reason: 'silent', confirmed: true },
  ]);
  t.equal(Number(back.accusers[0]?.since), said.since);
  const self = memberMessage(node.registry, node.control, node.self);
  t.notOk('rttMicros' in (self ?? {}), 'absent, not zero');
  t.equal(memberMessage(node.registry, node.control, stranger), undefined);
  t.end();
});
