import t from 'tap';
import { bare, decodeRumor, encodeRumor, rumorBytesMax } from '../../src/gossip/message.ts';
import { rumorOf, Rumors } from '../../src/gossip/rumor.ts';
import type { OwnerState } from '../../src/record/merge.ts';
import { RecordSet } from '../../src/record/record-set.ts';
import { makeHead } from '../record/fixtures.ts';
import { TestCluster } from './cluster.ts';
import { hashedSignatures } from './hashed-signatures.ts';
import { LoneNode, peerOf } from './lone-node.ts';

t.test('changes in a burst are told in one rumor an interval, the first at once', async (t) => {
  const cluster = await TestCluster.of(2);
  const { counters } = cluster.node(1).engine;
  const before = counters.get('rumors_published');
  for (let index = 0; index < 50; index++) {
    cluster.register(1, `service-${index}`);
    cluster.run(2);
  }
  cluster.run(100);
  const told = counters.get('rumors_published') - before;
  t.ok(told >= 5 && told <= 7, `${told} rumors for 50 changes in 100 ms`);
  t.equal(cluster.seenBy(2).length, 50);
  t.equal(cluster.node(2).engine.counters.get('deltas_applied'), 0, 'no repair was needed');
});

t.test(
  'a rumor over the bound carries the head alone, and the records are asked for',
  async (t) => {
    const cluster = await TestCluster.of(2);
    const tags = ['x'.repeat(6_000)];
    for (let index = 0; index < 30; index++) cluster.register(1, `service-${index}`, { tags });
    cluster.run(200);
    t.equal(cluster.seenBy(2).length, 30);
    t.ok(cluster.node(2).engine.counters.get('rumors_gap') >= 1);
    const state = cluster.node(1).registry.state(cluster.node(1).registry.self) as OwnerState;
    const rumor = rumorOf(state, 0);
    t.equal(rumor.records.length, 0);
    t.ok(encodeRumor(rumor).length < rumorBytesMax);
  },
);

t.test('over a new link what came by broadcast is told directly, as well', async (t) => {
  const cluster = await TestCluster.of(2);
  const third = await cluster.start(3);
  cluster.run(1_000);
  cluster.network.rules.dropsRumor = (_, to) => to === third.registry.self;
  cluster.register(1, 'new');
  cluster.run(20);
  t.strictSame(cluster.seenBy(3), ['new']);
  cluster.run(4_000);
  cluster.register(1, 'later');
  cluster.run(20);
  t.strictSame(cluster.seenBy(3), ['new'], 'and not for longer than it takes');
  cluster.run(3_000);
  t.equal(cluster.seenBy(3).length, 2);
});

t.test('a rumor holds exactly what changed since the head before', async (t) => {
  const cluster = await TestCluster.of(1);
  cluster.register(1, 'one');
  const { registry } = cluster.node(1);
  const first = (registry.state(registry.self) as OwnerState).head.head.lastUpdate;
  cluster.run(50);
  cluster.register(1, 'two');
  cluster.deregister(1, 'one');
  const state = registry.state(registry.self) as OwnerState;
  t.equal(rumorOf(state, first).records.length, 2);
  t.equal(rumorOf(state, state.head.head.lastUpdate).records.length, 0);
  t.match(decodeRumor(encodeRumor(rumorOf(state, first))), { value: { previous: first } });
});

t.test('one flipped bit anywhere in a rumor changes nothing, and shows in a counter', async (t) => {
  const cluster = await TestCluster.of(3);
  // Over new links rumors are told directly, too.
  cluster.run(4_000);
  const { engine, registry } = cluster.node(2);
  let flips = 0;
  const verdicts = new Set<string>();
  // Each from another relay: one alone would soon be banned.
  cluster.network.rules.dropsRumor = (_, to) => to === registry.self;
  cluster.network.rules.alter = (bytes, _, to) => {
    if (decodeRumor(bytes).kind !== 'opened' || to !== cluster.node(3).registry.self) return bytes;
    const altered = Buffer.from(bytes);
    const at = (flips * 37) % altered.length;
    altered[at] = (altered[at] as number) ^ (1 << (flips % 8));
    flips += 1;
    const rumor = { kind: 'rumor', peer: `relay ${flips}`, bytes: altered } as const;
    const before = cluster.fingerprint(2);
    for (const effect of engine.step(rumor, cluster.clock.now()))
      if (effect.kind === 'judge') verdicts.add(effect.verdict);
    t.equal(cluster.fingerprint(2), before);
    return bytes;
  };
  const { refusals } = registry;
  for (let round = 0; round < 60; round++) {
    cluster.register(1, `service-${round}`);
    cluster.run(25);
  }
  t.ok(flips >= 50, `${flips} rumors were damaged`);
  const refused = refusals.entries().reduce((sum, [, count]) => sum + count, 0);
  const unusable = engine.counters.get('rumors_gap') + engine.counters.get('rumors_stale');
  t.ok(refused + unusable >= flips * 0.9, `${refused} refused, ${unusable} led nowhere`);
  t.ok(refusals.get('BAD_SIGNATURE') > 0);
  t.ok(verdicts.has('reject'));
  cluster.network.rules.alter = (bytes) => bytes;
  cluster.network.rules.dropsRumor = () => false;
  cluster.run(5_000);
  t.ok(cluster.isConverged(), 'the digests brought what the rumors could not');
  t.equal(cluster.seenBy(2).length, 60);
  t.equal([...registry.owners()].length, 3, 'and no owner that does not exist');
});

t.test(
  'of an owner that tells a thousand heads a second the last is everywhere soon',
  async (t) => {
    const cluster = await TestCluster.of(5, 3, { config: { rumorIntervalMs: 1 } });
    const heads = 1_000;
    const applied = (number: number): number =>
      cluster.node(number).engine.counters.get('rumors_applied');
    const before = applied(2);
    for (let head = 1; head <= heads; head++) {
      cluster.register(1, 'add', { port: head });
      cluster.run(1);
    }
    const isLast = (number: number): boolean =>
      cluster.node(number).registry.index.list('test')[0]?.record.port === heads;
    const lateMs = cluster.until(() => [...cluster.nodes.keys()].every(isLast), 5_000);
    t.ok(lateMs <= 2_000, `${lateMs} ms after the last`);
    const taken = applied(2) - before;
    t.ok(taken <= 200 + 100 + 50, `${taken} of ${heads} were merged one by one`);
    t.ok(cluster.node(2).registry.refusals.get('PEER_THROTTLED') > heads / 2);
    for (const { registry, engine } of cluster.nodes.values()) {
      t.equal(registry.refusals.get('BANNED'), 0, 'whoever passed them on is not to blame');
      t.equal(engine.linkCount, 4);
    }
    cluster.register(3, 'sub');
    t.ok(cluster.until(() => cluster.isSeenByAll('sub'), 1_000) <= 10, 'other owners do not wait');
    cluster.run(2_000);
    t.ok(cluster.isConverged());
  },
);

t.test('a forged head does not use up what its owner may tell', async (t) => {
  const cluster = await TestCluster.of(2);
  const { registry } = cluster.node(1);
  const { engine } = cluster.node(2);
  const { body } = (registry.state(registry.self) as OwnerState).head;
  for (let time = 0; time < 500; time++) {
    const head = { body: withLaterField(body, time), signature: Buffer.alloc(64) };
    const bytes = encodeRumor({ head, previous: 0, records: [] });
    engine.step({ kind: 'rumor', peer: `relay ${time}`, bytes }, cluster.clock.now());
  }
  cluster.register(1, 'add');
  t.ok(cluster.until(() => cluster.isSeenByAll('add'), 1_000) <= 5);
  t.equal(cluster.node(2).registry.refusals.get('PEER_THROTTLED'), 0);
});

t.test('a gap is asked for once, however many rumors show it', async (t) => {
  const cluster = await TestCluster.of(2, 4);
  const { engine, registry } = cluster.node(2);
  let dropped = 0;
  cluster.network.rules.dropsRumor = () => dropped++ === 0;
  cluster.register(1, 'first');
  cluster.run(25);
  for (let index = 0; index < 10; index++) {
    cluster.register(1, `later-${index}`);
    cluster.run(2);
  }
  cluster.run(30);
  t.ok(engine.counters.get('rumors_gap') >= 1);
  t.ok(engine.counters.get('asked_delta') <= 2);
  t.equal(registry.index.list('test').length, 11);
});

/** Another body with the same meaning. */
function withLaterField(body: Uint8Array, value: number): Uint8Array {
  const field = Buffer.alloc(7);
  field.set([0xa5, 0x06], 0);
  field.writeUInt32LE(value, 2);
  return Buffer.concat([body, field.subarray(0, 6)]);
}

t.test('a gap over the 10,000 that are remembered is left to the digests', (t) => {
  const gapsMax = 10_000;
  const node = new LoneNode({ verifier: hashedSignatures.verifier });
  const asked = new Set<string>();
  const rumors = new Rumors(node.context, (_, owner) => void asked.add(owner));
  // Each speaks of a record that does not come with it.
  const heads = Array.from({ length: gapsMax + 1 }, (_, number) =>
    makeHead(RecordSet.empty, { count: 1 }, hashedSignatures.signerOf(number)),
  );
  const kinds = heads.map((head) => {
    return rumors.take(peerOf(2), { head: bare(head), previous: 0, records: [] }).kind;
  });
  t.strictSame(new Set(kinds), new Set(['gap']));
  node.clock.advance(20);
  rumors.wake();
  t.equal(asked.size, gapsMax);
  t.notOk(asked.has(heads.at(-1)?.head.owner ?? ''), 'all but the last');
  t.equal(rumors.wakeAtMs, Infinity, 'and none is left');
  t.end();
});
