import t from 'tap';
import type { MemoryStore } from '../../src/store/memory-store.ts';
import { TestCluster } from './cluster.ts';

t.test('a node alone is ready at once and says why', async (t) => {
  const cluster = new TestCluster();
  const { engine } = await cluster.start(1, { seeds: ['mem/1'] });
  t.equal(engine.readiness, undefined, 'not before its seed address turned out to be itself');
  cluster.run(10);
  t.match(engine.readiness, /the first node/);
  t.equal(engine.isPartial, false);
});

t.test('ten nodes that know one seed node become a full mesh', async (t) => {
  const cluster = await TestCluster.of(10);
  for (const { engine, registry } of cluster.nodes.values()) {
    t.equal(engine.linkCount, 9);
    t.equal([...registry.members()].length, 10);
    t.type(engine.readiness, 'string');
  }
  t.ok(cluster.isConverged());
});

t.test('a registration is seen by all others after one network delay', async (t) => {
  const cluster = await TestCluster.of(10);
  cluster.register(4, 'add');
  t.ok(cluster.until(() => cluster.isSeenByAll('add'), 1_000) <= 5);
  cluster.run(100);
  cluster.deregister(4, 'add');
  t.ok(cluster.until(() => cluster.isSeenByNone('add'), 1_000) <= 5);
});

t.test('a lost rumor is repaired by the next rounds of digests', async (t) => {
  const cluster = await TestCluster.of(10);
  cluster.network.rules.dropsRumor = () => true;
  cluster.register(2, 'add');
  const waitedMs = cluster.until(() => cluster.isSeenByAll('add'), 5_000);
  t.ok(waitedMs <= 2_500, `${waitedMs} ms`);
  t.ok(cluster.isConverged());
});

t.test('a rumor that comes before its predecessor waits, then asks for the gap', async (t) => {
  const cluster = await TestCluster.of(2, 7);
  const first = cluster.node(1);
  const second = cluster.node(2);
  let dropped = 0;
  cluster.network.rules.dropsRumor = () => dropped++ === 0;
  cluster.register(1, 'add');
  cluster.run(30);
  t.strictSame(cluster.seenBy(2), [], 'the first rumor is lost');
  cluster.register(1, 'sub');
  const waitedMs = cluster.until(
    () => cluster.isSeenByAll('add') && cluster.isSeenByAll('sub'),
    500,
  );
  t.ok(waitedMs <= 40, `${waitedMs} ms`);
  t.equal(second.engine.counters.get('rumors_gap'), 1);
  t.equal(second.engine.counters.get('asked_delta'), 1);
  t.equal(first.registry.state(first.registry.self)?.set.count, 2);
});

t.test(
  'a crashed node is hidden everywhere within two seconds and shown on its return',
  async (t) => {
    const cluster = await TestCluster.of(10);
    cluster.register(5, 'add');
    cluster.run(100);
    t.ok(cluster.isSeenByAll('add'));
    const store = cluster.crash(5);
    const goneMs = cluster.until(() => cluster.isSeenByNone('add'), 2_000);
    t.ok(goneMs <= 100, `${goneMs} ms: the links broke and the re-dials were refused`);
    t.equal(cluster.node(1).registry.index.departure('test', 'add')?.reason, 'owner_dead');
    await cluster.start(5, { store });
    const backMs = cluster.until(() => cluster.isSeenByAll('add'), 2_000);
    t.ok(backMs <= 1_500, `${backMs} ms, without any service doing anything`);
  },
);

t.test('a node that leaves is dropped at once and not dialed again', async (t) => {
  const cluster = await TestCluster.of(5);
  cluster.register(3, 'add');
  cluster.run(100);
  const leaving = cluster.node(3);
  const left = { kind: 'facts', facts: { left: true } } as const;
  leaving.registry.commit([left], cluster.clock.now());
  cluster.run(10);
  t.ok(cluster.isSeenByNone('add'));
  const owner = leaving.registry.self;
  cluster.crash(3);
  const before = cluster.node(1).engine.counters.get('dials');
  cluster.run(5_000);
  t.equal(cluster.node(1).registry.member(owner)?.state, 'left');
  t.equal(cluster.node(1).engine.counters.get('dials'), before);
});

t.test('a node that left comes back with its next start', async (t) => {
  const cluster = await TestCluster.of(3);
  cluster.register(3, 'add');
  const left = { kind: 'facts', facts: { left: true } } as const;
  cluster.node(3).registry.commit([left], cluster.clock.now());
  cluster.run(50);
  const store = cluster.crash(3);
  cluster.run(2_000);
  await cluster.start(3, { store });
  t.ok(cluster.until(() => cluster.isSeenByAll('add'), 2_000) <= 1_500);
});

t.test('two nodes without the seed node find each other from memory', async (t) => {
  const cluster = await TestCluster.of(5);
  cluster.register(2, 'add');
  cluster.run(200);
  const stores = new Map([1, 2, 3, 4, 5].map((number) => [number, cluster.crash(number)]));
  cluster.run(10_000);
  for (const number of [2, 4]) {
    const store = stores.get(number) as MemoryStore;
    await cluster.start(number, { store, seeds: ['mem/1'] });
  }
  const waitedMs = cluster.until(
    () => cluster.isSeenByAll('add') && isLinked(cluster, 2, 4),
    5_000,
  );
  t.ok(waitedMs <= 1_000, `${waitedMs} ms`);
});

t.test('a node that moved while it was down is found at its new address', async (t) => {
  const cluster = await TestCluster.of(3);
  cluster.register(2, 'add');
  cluster.run(100);
  const store = cluster.crash(2);
  cluster.run(500);
  await cluster.start(2, { store, address: 'mem/elsewhere' });
  const { self } = cluster.node(2).registry;
  const addressAt = (number: number): string | undefined =>
    cluster.node(number).registry.state(self)?.head.head.facts.addresses[0];
  const isMoved = (): boolean => [1, 3].every((number) => addressAt(number) === 'mem/elsewhere');
  t.ok(cluster.until(isMoved, 2_000) <= 2_000);
  t.ok(cluster.until(() => cluster.isSeenByAll('add'), 2_000) <= 100);
});

t.test('halves that were cut apart serve what they can reach, and merge again', async (t) => {
  const cluster = await TestCluster.of(6);
  cluster.register(1, 'left');
  cluster.register(6, 'right');
  cluster.run(500);
  cluster.cut([1, 2, 3], [4, 5, 6]);
  cluster.run(5_000);
  t.strictSame(cluster.seenBy(2), ['left']);
  t.strictSame(cluster.seenBy(5), ['right']);
  cluster.register(2, 'news');
  cluster.run(500);
  cluster.cut();
  const waitedMs = cluster.until(
    () => ['left', 'right', 'news'].every((name) => cluster.isSeenByAll(name)),
    10_000,
  );
  t.ok(waitedMs <= 3_000, `${waitedMs} ms after healing`);
  cluster.run(3_000);
  t.ok(cluster.isConverged());
});

t.test(
  'a node whose seeds are all dead is ready after the time to join, and says so',
  async (t) => {
    const cluster = new TestCluster();
    const { engine } = await cluster.start(2, { seeds: ['mem/9', 'mem/8'] });
    cluster.run(9_000);
    t.equal(engine.readiness, undefined);
    t.equal(engine.isPartial, true);
    cluster.run(1_100);
    t.match(engine.readiness, /tried seed nodes mem\/9, mem\/8 and 0 remembered peers/);
    await cluster.start(9, { seeds: ['mem/9'] });
    t.ok(cluster.until(() => isLinked(cluster, 2, 9), 10_000) <= 5_000, 'it keeps trying');
  },
);

t.test('frames that only a later version has are no reason for a ban', async (t) => {
  const cluster = await TestCluster.of(2);
  const peer = cluster.node(1).registry.self;
  const later = Buffer.from([0xa2, 0x06, 0x00]);
  const { engine, registry } = cluster.node(2);
  for (let time = 0; time < 10; time++)
    engine.step({ kind: 'message', peer, bytes: later }, cluster.clock.now());
  t.equal(registry.refusals.get('UNEXPECTED'), 10);
  cluster.run(1_000);
  t.ok(isLinked(cluster, 2, 1));
});

t.test('two runs with one random seed are the same run', async (t) => {
  const trace = async (randomSeed: number): Promise<string> => {
    const cluster = await TestCluster.of(8, randomSeed);
    cluster.network.rules.dropsRumor = (from, to) => from < to;
    cluster.register(3, 'add');
    cluster.run(700);
    cluster.crash(2);
    cluster.run(1_300);
    const counted = [...cluster.nodes.values()].map(({ engine }) => engine.counters.entries());
    return JSON.stringify([counted, cluster.fingerprint(3)]);
  };
  t.equal(await trace(11), await trace(11));
  t.not(await trace(11), await trace(12));
});

function isLinked(cluster: TestCluster, a: number, b: number): boolean {
  return cluster.node(a).engine.isLinked(cluster.node(b).registry.self);
}
