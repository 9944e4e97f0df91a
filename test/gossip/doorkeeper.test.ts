import t from 'tap';
import { encodeRumor } from '../../src/gossip/message.ts';
import { TestCluster } from './cluster.ts';

const flipped = Buffer.from('no head');

t.test('nodes of two clusters never mix, and both count why', async (t) => {
  const cluster = await TestCluster.of(2);
  await cluster.start(3, { cluster: 'other', seeds: ['mem/1'] });
  cluster.run(15_000);
  t.equal([...cluster.node(1).registry.members()].length, 2);
  t.equal([...cluster.node(3).registry.members()].length, 1);
  t.ok(cluster.node(1).registry.refusals.get('WRONG_CLUSTER') > 0);
  t.match(
    cluster.node(3).engine.readiness,
    /nobody was reached within 10000 ms; tried seed nodes mem\/1/,
  );
});

t.test('a peer that sends what no honest node can is banned, and forgiven later', async (t) => {
  const cluster = await TestCluster.of(3);
  const [liar, judge] = [cluster.node(1), cluster.node(2)];
  const self = liar.registry.self;
  cluster.network.rules.alter = (bytes, from, to) =>
    from === self && to === judge.registry.self ? Buffer.from('noise') : bytes;
  cluster.until(() => !isLinked(cluster, 2, 1), 60_000);
  cluster.network.rules.alter = (bytes) => bytes;
  const before = judge.registry.refusals.get('BANNED');
  cluster.register(1, 'add');
  cluster.run(60_000);
  t.notOk(isLinked(cluster, 2, 1));
  t.ok(judge.registry.refusals.get('BANNED') > before, 'its hello is refused by name');
  t.equal(judge.registry.member(self)?.state, 'alive', 'that says nothing about its life');
  t.strictSame(cluster.seenBy(2), ['add'], 'and what it signs comes by others');
  const dials = liar.engine.counters.get('dials');
  t.ok(dials < 30, `it is not insistent: ${dials} dials`);
  const bytes = encodeRumor({
    head: { body: flipped, signature: flipped },
    previous: 0,
    records: [],
  });
  const refused = judge.registry.refusals.get('MALFORMED');
  const effects = judge.engine.step({ kind: 'rumor', peer: self, bytes }, cluster.clock.now());
  t.match(effects, [{ kind: 'judge', verdict: 'ignore' }]);
  t.equal(judge.registry.refusals.get('MALFORMED'), refused, 'its rumors are not even read');
  cluster.run(11 * 60_000);
  t.ok(isLinked(cluster, 2, 1), 'ten minutes later all is well');
});

function isLinked(cluster: TestCluster, a: number, b: number): boolean {
  return cluster.node(a).engine.isLinked(cluster.node(b).registry.self);
}
