/** Times that lie, in every field that holds one; honest clocks that are off are taken as they are. */
import t from 'tap';
import { disco } from '../../src/gen/gossip.js';
import { encodeRumor } from '../../src/gossip/message.ts';
import type { Sealed } from '../../src/record/head.ts';
import type { RefusalReason } from '../../src/record/verdict.ts';
import { keyOfOwner } from '../../src/record/owner.ts';
import { TestCluster } from '../gossip/cluster.ts';
import { delta, headOf, HostilePeer, refusedSince, stateOf } from './hostile-peer.ts';

const secondMicros = 1_000_000;
const yearMicros = 365 * 86_400 * secondMicros;
const wire = disco.gossip.v1;

/** A head of the peer's own with numbers that no honest encoder writes; signed all the same. */
function signedHead(
  { signer, id }: HostilePeer,
  wallMicros: number,
  fields: disco.gossip.v1.Head.$Properties,
): Sealed {
  const head = headOf(signer, wallMicros);
  const facts = { ...head.facts, addresses: [...head.facts.addresses] };
  const plain = { ...head, owner: keyOfOwner(id) as Uint8Array, facts };
  const bootId = Buffer.from(head.bootId, 'hex');
  const body = wire.Head.encode({ ...plain, bootId, ...fields }).finish();
  return { body, signature: signer.sign('disco/v1/head', 'test', body) };
}

const ahead = (micros: number) => (now: number) => ({ lastUpdate: now + micros });
const lies: readonly [string, RefusalReason, (now: number) => disco.gossip.v1.Head.$Properties][] =
  [
    ['lastUpdate in 61 s', 'CLOCK_AHEAD', ahead(61 * secondMicros)],
    ['lastUpdate in 100 years', 'CLOCK_AHEAD', ahead(100 * yearMicros)],
    ['lastUpdate 2^53 - 1', 'CLOCK_AHEAD', () => ({ lastUpdate: Number.MAX_SAFE_INTEGER })],
    ['lastUpdate 2^53', 'OUT_OF_RANGE', () => ({ lastUpdate: 2 ** 53 })],
    ['lastUpdate 2^63', 'OUT_OF_RANGE', () => ({ lastUpdate: 2 ** 63 })],
    ['lastUpdate -1, which is 2^64 - 1', 'OUT_OF_RANGE', () => ({ lastUpdate: -1 })],
    ['lastUpdate 0', 'OUT_OF_RANGE', () => ({ lastUpdate: 0 })],
    ['lastUpdate NaN, which is 0', 'OUT_OF_RANGE', () => ({ lastUpdate: NaN })],
    ['lastUpdate a day and a second ago', 'EXPIRED', ahead(-86_401 * secondMicros)],
    ['lastUpdate 1', 'EXPIRED', () => ({ lastUpdate: 1 })],
    ['a floor above lastUpdate', 'OUT_OF_RANGE', (now) => ({ floor: now + 1 })],
    ['a floor of 2^63', 'OUT_OF_RANGE', () => ({ floor: 2 ** 63 })],
    ['incarnation 0', 'OUT_OF_RANGE', () => ({ incarnation: 0 })],
    ['incarnation 2^53', 'OUT_OF_RANGE', () => ({ incarnation: 2 ** 53 })],
    ['a start in 2^60', 'OUT_OF_RANGE', () => ({ facts: { startedAt: 2 ** 60 } })],
  ];

t.test('heads with times that cannot be are refused by name, and change nothing', async (t) => {
  const cluster = await TestCluster.of(2);
  cluster.register(2, 'add');
  cluster.run(200);
  const node = cluster.node(1);
  const peer = HostilePeer.greeted(cluster, 66, node);
  const before = stateOf(node);
  for (const [what, reason, make] of lies) {
    const now = cluster.clock.now().wallMicros;
    const head = signedHead(peer, now, make(now));
    for (const carry of [
      () =>
        peer.send(node.registry.self, { kind: 'rumor', rumor: { head, previous: 0, records: [] } }),
      () => peer.send(node.registry.self, delta(head, [])),
      () => peer.publish({ head, previous: 1, records: [] }),
      () => peer.greet(node.registry.self, { head }),
    ]) {
      const counted = refusedSince(node);
      carry();
      cluster.run(5);
      t.strictSame(refusedSince(node, counted), { [reason]: 1 }, what);
    }
  }
  t.equal(stateOf(node), before);
  t.ok(peer.isLinked(node), 'a wrong clock is no offence');
  t.equal(node.clock.now().correctionMicros ?? 0, 0, 'nor does it move ours');
});

t.test('records from after their head, or out of range, spoil their head', async (t) => {
  const cluster = await TestCluster.of(1);
  const node = cluster.node(1);
  const peer = HostilePeer.greeted(cluster, 66, node);
  const before = stateOf(node);
  const { wallMicros } = cluster.clock.now();
  const times = [wallMicros + 1_000, wallMicros + 100 * yearMicros, 2 ** 53, 2 ** 63, -1, 0];
  for (const lastUpdate of times) {
    const record = peer.record({ lastUpdate });
    const head = peer.head([record], { lastUpdate: wallMicros + 1 });
    peer.send(node.registry.self, delta(head, [record.bytes]));
    cluster.run(2);
  }
  t.strictSame(refusedSince(node), { OUT_OF_RANGE: times.length });
  t.equal(stateOf(node), before);
});

t.test(
  'a flood of heads from the future has no more than four of their owners dialed',
  async (t) => {
    const cluster = await TestCluster.of(1);
    const node = cluster.node(1);
    const dialed = node.engine.counters.get('dials');
    const { wallMicros } = cluster.clock.now();
    for (let number = 1_000; number < 1_200; number++) {
      const owner = new HostilePeer(cluster, number);
      const head = owner.head([], { lastUpdate: wallMicros + 3_600 * secondMicros });
      const bytes = encodeRumor({ head, previous: 0, records: [] });
      node.agent.rumor(`relay ${number}`, bytes);
    }
    t.equal(node.registry.refusals.get('CLOCK_AHEAD'), 200);
    cluster.run(100);
    const extra =
      node.engine.counters.get('dials') + node.engine.counters.get('witnesses_dialed') - dialed;
    t.ok(extra <= 4, `${extra} dials`);
  },
);

t.test('times that one member lies about do not move the clock of honest nodes', async (t) => {
  const cluster = await TestCluster.of(4);
  const node = cluster.node(1);
  const peer = HostilePeer.greeted(cluster, 66, node);
  for (const time of [1, Number.MAX_SAFE_INTEGER, cluster.clock.now().wallMicros + yearMicros]) {
    peer.greet(node.registry.self, { time });
    peer.send(node.registry.self, peer.digest({ time }));
    cluster.run(2_000);
  }
  peer.greet(node.registry.self, { time: NaN });
  cluster.run(2_000);
  for (const { clock, engine } of cluster.nodes.values()) {
    t.equal(clock.now().correctionMicros ?? 0, 0);
    t.equal(engine.clockTrouble, undefined);
  }
  t.ok(cluster.isConverged());
});

t.test(
  'honest clocks are taken: 59 s ahead, almost a day behind, up for three years',
  async (t) => {
    const cluster = await TestCluster.of(1);
    const node = cluster.node(1);
    const { wallMicros } = cluster.clock.now();
    const relay = HostilePeer.greeted(cluster, 66, node);
    for (const [number, fields] of [
      [67, { lastUpdate: wallMicros + 59 * secondMicros }],
      [68, { lastUpdate: wallMicros - 86_390 * secondMicros }],
      [69, { facts: { startedAt: wallMicros - 3 * yearMicros } }],
      [70, { facts: { startedAt: wallMicros + 59 * secondMicros } }],
    ] as const) {
      const owner = new HostilePeer(cluster, number);
      const head = signedHead(owner, wallMicros, fields);
      const { self } = node.registry;
      relay.send(self, delta(head, []));
      cluster.run(5);
      t.same(node.registry.state(owner.id)?.head.body, head.body, JSON.stringify(fields));
    }
    t.strictSame(refusedSince(node), {});
    // A whole node with such a clock, and such a life, registers and is seen.
    const joined = await cluster.start(2, { skewMs: 59_000, uptimeMs: 3 * 365 * 86_400_000 });
    cluster.run(3_000);
    cluster.register(2, 'add');
    t.ok(cluster.until(() => cluster.isSeenByAll('add'), 1_000) <= 50);
    t.equal(joined.engine.clockTrouble, undefined);
  },
);
