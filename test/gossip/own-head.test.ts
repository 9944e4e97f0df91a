import t from 'tap';
import { compareBytes, sha256 } from '../../src/record/hash.ts';
import { decodeFrame, encodeFrame } from '../../src/gossip/message.ts';
import { hasPrecedence } from '../../src/gossip/own-head.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { TestCluster } from './cluster.ts';
import type { StartOptions } from './cluster.ts';

/** Services of group `test` that all nodes see, or undefined when they differ. */
function seen(cluster: TestCluster): readonly string[] | undefined {
  const views = [...cluster.nodes.keys()].map((number) => cluster.seenBy(number));
  return views.every((view) => String(view) === String(views[0])) ? views[0] : undefined;
}

function sees(cluster: TestCluster, names: readonly string[], boundMs = 5_000): number {
  const isSo = (): boolean => String(seen(cluster)) === String(names) && cluster.isConverged();
  return cluster.until(isSo, boundMs);
}

/** Nodes 1 to 4, of which the last had registered add, mul and sub before it was lost. */
async function lost(options: StartOptions): Promise<TestCluster> {
  const cluster = await TestCluster.of(4);
  for (const name of ['add', 'mul', 'sub']) cluster.register(4, name, { ttlMs: 10_000 });
  cluster.deregister(4, 'mul');
  cluster.run(1_000);
  cluster.crash(4);
  cluster.run(2_000);
  await cluster.start(4, options);
  return cluster;
}

t.test('a restored backup goes above what its node had said later', async (t) => {
  const cluster = await TestCluster.of(4);
  cluster.register(4, 'add');
  const backup = cluster.node(4).store.fork('backup');
  cluster.register(4, 'sub');
  cluster.run(1_000);
  cluster.crash(4);
  // A clock that is right puts a new life above all others; this one stands still.
  await cluster.start(4, { store: backup, skewMs: -5_000 });
  const waitedMs = sees(cluster, ['add']);
  t.ok(waitedMs <= 2_000, `${waitedMs} ms`);
  t.equal(cluster.node(4).engine.counters.get('reclaims'), 1);
});

t.test(
  'a lost database comes back from the others, without any service doing anything',
  async (t) => {
    const cluster = await lost({ isReborn: true });
    const waitedMs = sees(cluster, ['add', 'sub']);
    t.ok(waitedMs <= 1_000, `${waitedMs} ms`);
    const { registry, store, engine } = cluster.node(4);
    t.equal(registry.isReborn, false);
    t.equal(engine.counters.get('reclaims'), 1);
    const kept = store
      .load()
      .registrations.map(({ name, ttlMs }) => ({ name, ttlMs }))
      .sort((a, b) => a.name.localeCompare(b.name));
    t.strictSame(kept, [
      { name: 'add', ttlMs: 10_000 },
      { name: 'sub', ttlMs: 10_000 },
    ]);
    cluster.run(9_000);
    const healthOf = (): string[] => registry.index.list('test').map(({ record }) => record.health);
    t.strictSame(healthOf(), ['passing', 'passing'], 'leases began anew');
    cluster.run(3_000);
    t.strictSame(healthOf(), ['critical', 'critical']);
    cluster.run(60_000);
    t.strictSame(cluster.seenBy(1), [], 'and end, when nobody renews them');
  },
);

t.test('what the new life has had a say on is not brought back', async (t) => {
  const cluster = await lost({ isReborn: true });
  cluster.register(4, 'add', { port: 2_000 });
  cluster.register(4, 'sub');
  cluster.deregister(4, 'sub');
  cluster.register(4, 'new');
  sees(cluster, ['add', 'new']);
  t.equal(cluster.node(1).registry.index.list('test')[0]?.record.port, 2_000);
  cluster.run(10_000);
  t.strictSame(seen(cluster), ['add', 'new']);
});

t.test('a reborn node of which nobody knows anything speaks up after a few rounds', async (t) => {
  const cluster = await TestCluster.of(3);
  await cluster.start(4, { isReborn: true });
  cluster.register(4, 'add');
  const { registry } = cluster.node(4);
  const waitedMs = cluster.until(() => !registry.isReborn, 10_000);
  t.ok(waitedMs <= 5_000, `${waitedMs} ms`);
  sees(cluster, ['add']);
  const own = registry.state(registry.self)?.head.head.lastUpdate ?? 0;
  t.ok(cluster.clock.now().wallMicros - own < 5_000_000, 'its stamps are of the present');
});

t.test('a reborn node alone speaks up too, and meets its past later', async (t) => {
  const cluster = await TestCluster.of(2);
  cluster.register(2, 'add');
  cluster.run(1_000);
  cluster.crash(2);
  const store = cluster.crash(1);
  await cluster.start(2, { isReborn: true, seeds: ['mem/2'] });
  cluster.register(2, 'sub');
  cluster.run(5_000);
  t.equal(cluster.node(2).registry.isReborn, false);
  await cluster.start(1, { store });
  sees(cluster, ['sub']);
});

t.test('records that never come are not waited for for ever', async (t) => {
  const cluster = await TestCluster.of(4);
  cluster.register(4, 'add');
  cluster.run(1_000);
  cluster.crash(4);
  cluster.run(2_000);
  const { engine } = await cluster.start(4, { isReborn: true });
  cluster.register(4, 'sub');
  const isWhole = (bytes: Uint8Array): boolean => {
    const frame = decodeFrame(bytes);
    return frame.kind === 'opened' && frame.value.kind === 'delta' && frame.value.whole;
  };
  const { self } = cluster.node(4).registry;
  const nothing = encodeFrame({ kind: 'check', owner: self, incarnation: 0 });
  cluster.network.rules.alter = (bytes, _, to) => (to === self && isWhole(bytes) ? nothing : bytes);
  const waitedMs = cluster.until(() => cluster.isSeenByAll('sub'), 30_000);
  t.ok(waitedMs >= 10_000 && waitedMs <= 15_000, `${waitedMs} ms`);
  t.ok(engine.counters.get('asked_whole') > 3, 'it was asked for again and again');
});

t.test('of two processes with one key one ends, and the other wins everywhere', async (t) => {
  for (const randomSeed of [1, 2, 3, 4]) {
    const cluster = await TestCluster.of(5, randomSeed);
    cluster.register(5, 'first');
    cluster.run(1_000);
    // Boot ids come from a counter: so that the newcomer is not always the one that stays.
    for (let life = 0; life < randomSeed; life++) {
      await cluster.start(7);
      cluster.crash(7);
    }
    await cluster.start(6, { key: 5, store: new MemoryStore() });
    cluster.register(6, 'second');
    const isOne = (): boolean => cluster.nodes.has(5) !== cluster.nodes.has(6);
    const waitedMs = cluster.until(isOne, 20_000);
    t.ok(waitedMs <= 10_000, `${waitedMs} ms until one of them ended`);
    const stays = cluster.nodes.has(5) ? 5 : 6;
    const name = stays === 5 ? 'first' : 'second';
    cluster.until(() => cluster.isConverged() && cluster.isSeenByAll(name), 20_000);
    const { engine, registry } = cluster.node(stays);
    const others = [...cluster.nodes.keys()].filter((number) => number !== stays);
    const holds = (): string[] => others.map((number) => cluster.bootIdAt(number, registry.self));
    const reclaims = engine.counters.get('reclaims');
    cluster.run(20_000);
    t.strictSame([...new Set(holds())], [cluster.bootIdAt(stays, registry.self)]);
    t.equal(engine.counters.get('reclaims'), reclaims, 'and that is the end of it');
    t.ok(cluster.isConverged());
  }
});

t.test('the smaller hash of the boot id stays', (t) => {
  const [a, b] = ['0000000000000001', '0000000000000002'];
  const hashOf = (hex: string) => sha256(Buffer.from(hex, 'hex'));
  t.equal(hasPrecedence(a, b), compareBytes(hashOf(a), hashOf(b)) < 0);
  t.equal(hasPrecedence(b, a), !hasPrecedence(a, b));
  t.end();
});
