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
  let flips = 0;
  cluster.network.rules.dropsRumor = (_, to) => to !== cluster.node(2).registry.self;
  cluster.network.rules.alter = (bytes, _, to) => {
    if (decodeRumor(bytes).kind !== 'opened' || to !== cluster.node(2).registry.self) return bytes;
    const altered = Buffer.from(bytes);
    const at = (flips * 37) % altered.length;
    altered[at] = (altered[at] as number) ^ (1 << (flips % 8));
    flips += 1;
    return altered;
  };
  const { refusals } = cluster.node(2).registry;
  const counters = cluster.node(2).engine.counters;
  for (let round = 0; round < 60; round++) {
    cluster.register(1, `service-${round}`);
    cluster.run(25);
  }
  t.ok(flips >= 50, `${flips} rumors were damaged`);
  const refused = refusals.entries().reduce((sum, [, count]) => sum + count, 0);
  const unusable = counters.get('rumors_gap') + counters.get('rumors_stale');
  t.ok(refused + unusable >= flips * 0.9, `${refused} refused, ${unusable} led nowhere`);
  t.ok(refusals.get('BAD_SIGNATURE') > 0);
  t.ok(refusals.get('ROOT_MISMATCH') > 0);
  cluster.network.rules.alter = (bytes) => bytes;
  cluster.network.rules.dropsRumor = () => false;
  cluster.run(5_000);
  t.ok(cluster.isConverged(), 'the digests brought what the rumors could not');
  t.equal(cluster.seenBy(2).length, 60);
  t.equal([...cluster.node(2).registry.owners()].length, 3, 'and no owner that does not exist');
});

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
