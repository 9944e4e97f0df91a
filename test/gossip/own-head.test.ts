import t from 'tap';
import { compareBytes, sha256 } from '../../src/record/hash.ts';
import { hasPrecedence } from '../../src/gossip/own-head.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { TestCluster } from './cluster.ts';

t.test('a restored backup goes above what its node had said later', async (t) => {
  const cluster = await TestCluster.of(4);
  cluster.register(4, 'add');
  const backup = cluster.node(4).store.fork('backup');
  cluster.register(4, 'sub');
  cluster.run(1_000);
  cluster.crash(4);
  // A clock that is right puts a new life above all others; this one stands still.
  await cluster.start(4, { store: backup, skewMs: -5_000 });
  const isHealed = (): boolean => cluster.isSeenByAll('add') && cluster.isConverged();
  const waitedMs = cluster.until(isHealed, 5_000);
  t.ok(waitedMs <= 2_000, `${waitedMs} ms`);
  t.ok(cluster.isSeenByNone('sub'));
  t.equal(cluster.node(4).engine.counters.get('reclaims'), 1);
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
