/** Nodes that are killed: their connections close at once, and nobody listens at their address. */
import t from 'tap';
import { TestCluster } from './cluster.ts';
import { hashedSignatures } from './hashed-signatures.ts';
import { isToAll, MemberLog } from './member-log.ts';

const many = 25;
const options = { signatures: hashedSignatures };

t.test(`kill -9 of one of ${many} nodes: all others hide it within 60 ms`, async (t) => {
  const tookMs: number[] = [];
  for (const victim of [2, 9, 17, 25]) {
    const cluster = await TestCluster.of(many, victim, options);
    cluster.register(victim, 'add');
    cluster.run(20_000);
    t.ok(cluster.isSeenByAll('add'));
    const { self } = cluster.node(victim).registry;
    cluster.crash(victim);
    tookMs.push(cluster.until(() => cluster.isSeenByNone('add'), 1_000));
    t.ok(isToAll(cluster, self, 'dead'));
  }
  t.ok(Math.max(...tookMs) <= 60, `${tookMs.join()} ms`);
});

t.test('where all can look for themselves, all hide it before anybody accuses it', async (t) => {
  const cluster = await TestCluster.of(many, 5, options);
  cluster.register(9, 'add');
  cluster.run(20_000);
  cluster.crash(9);
  const tookMs = cluster.until(() => cluster.isSeenByNone('add'), 1_000);
  t.ok(tookMs <= 10, `${tookMs} ms`);
  const made = [...cluster.nodes.values()].map(({ engine }) => engine.counters);
  t.equal(made.filter((counters) => counters.get('accusations_made') > 0).length, 0);
});

t.test(
  'three or more of those who noticed accuse it, for the reason that is a proof',
  async (t) => {
    const cluster = await TestCluster.of(many, 1, options);
    cluster.run(20_000);
    const { self } = cluster.node(9).registry;
    cluster.crash(9);
    cluster.run(10_000);
    const { engine } = cluster.node(1);
    const accusers = engine.accusersOf(self);
    t.ok(accusers.length >= 3, `${accusers.length} accusers`);
    for (const { reason } of accusers) t.equal(reason, 'refused');
  },
);

t.test('all neighbors of one node die, and it with them: the rest comes to know', async (t) => {
  const cluster = await TestCluster.of(many, 3, options);
  cluster.run(20_000);
  const { self } = cluster.node(12).registry;
  const linked = [...cluster.nodes.values()].filter(({ engine }) => engine.isLinked(self));
  t.ok(linked.length >= 8 && linked.length <= 17, `${linked.length} neighbors`);
  const gone = linked.map(({ registry }) => registry.self);
  for (const { number } of linked) cluster.crash(number);
  cluster.crash(12);
  const tookMs = cluster.until(
    () => [self, ...gone].every((owner) => isToAll(cluster, owner, 'dead')),
    30_000,
  );
  t.ok(tookMs <= 15_000, `${tookMs} ms`);
});

t.test('all neighbors of one node die: it lives, and finds others', async (t) => {
  const cluster = await TestCluster.of(many, 3, options);
  cluster.run(20_000);
  const { self } = cluster.node(12).registry;
  cluster.register(12, 'add');
  cluster.run(1_000);
  const log = new MemberLog(cluster);
  const linked = [...cluster.nodes.values()].filter(({ engine }) => engine.isLinked(self));
  const gone = linked.map(({ registry }) => registry.self);
  for (const { number } of linked) cluster.crash(number);
  const tookMs = cluster.until(
    () => gone.every((owner) => isToAll(cluster, owner, 'dead')),
    30_000,
  );
  t.ok(tookMs <= 5_000, `${tookMs} ms`);
  cluster.run(5_000);
  t.ok(cluster.isSeenByAll('add'));
  t.strictSame(
    log.changes.filter(({ of }) => of === 12),
    [],
  );
  t.ok(cluster.node(12).engine.linkCount >= 2);
});

t.test('a node that starts again within the suspicion time is alive to all at once', async (t) => {
  const cluster = await TestCluster.of(many, 4, options);
  cluster.run(20_000);
  const { self } = cluster.node(7).registry;
  const store = cluster.crash(7);
  cluster.run(10);
  await cluster.start(7, { ...options, store });
  cluster.register(7, 'again');
  const tookMs = cluster.until(
    () => isToAll(cluster, self, 'alive') && cluster.isSeenByAll('again'),
    5_000,
  );
  t.ok(tookMs <= 500, `${tookMs} ms`);
  const log = new MemberLog(cluster);
  cluster.run(30_000);
  t.strictSame(log.changes, [], 'nothing that was said of the life before disturbs this one');
});
