/** Two processes with one key, and those who accuse them. */
import t from 'tap';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { TestCluster } from './cluster.ts';
import { hashedSignatures } from './hashed-signatures.ts';
import { isToAll, MemberLog, stateAt } from './member-log.ts';
import { slander } from './liars.ts';

const options = { signatures: hashedSignatures };

/** Of nodes 6 and 7, who have the key of 6, one is left: the number of that one. */
function untilOne(cluster: TestCluster): number {
  const isOne = (): boolean => cluster.nodes.has(6) !== cluster.nodes.has(7);
  cluster.until(isOne, 60_000);
  return cluster.nodes.has(6) ? 6 : 7;
}

t.test('a frozen node of which a copy is started: one of them stays, and lives', async (t) => {
  for (const randomSeed of [1, 2, 3, 4]) {
    const cluster = await TestCluster.of(6, randomSeed, options);
    const { self } = cluster.node(6).registry;
    cluster.freeze(6);
    cluster.until(() => stateAt(cluster, 1, self) === 'dead', 10_000);
    await cluster.start(7, { ...options, key: 6, store: new MemoryStore() });
    cluster.until(() => isToAll(cluster, self, 'alive'), 5_000);
    cluster.run(5_000);
    cluster.thaw(6);
    const stays = untilOne(cluster);
    cluster.register(stays, 'add');
    cluster.until(() => cluster.isSeenByAll('add') && isToAll(cluster, self, 'alive'), 10_000);
    cluster.run(10_000);
    const log = new MemberLog(cluster);
    cluster.run(60_000);
    t.strictSame(log.changes, [], `${stays} lives, and nothing flaps`);
    t.ok(cluster.isConverged());
  }
});

t.test('two with one key, both alive, and accused: one stays, and is alive to all', async (t) => {
  for (const randomSeed of [5, 6, 7]) {
    const cluster = await TestCluster.of(6, randomSeed, options);
    const { self } = cluster.node(6).registry;
    const subject = cluster.node(6);
    await cluster.start(7, { ...options, key: 6, store: new MemoryStore() });
    slander(cluster, [1, 2, 3], subject);
    cluster.run(1_000);
    if (cluster.nodes.has(6)) slander(cluster, [4, 5], subject);
    const stays = untilOne(cluster);
    cluster.run(10_000);
    cluster.register(stays, 'add');
    cluster.until(() => cluster.isSeenByAll('add'), 10_000);
    t.ok(isToAll(cluster, self, 'alive'));
    const log = new MemberLog(cluster);
    cluster.run(60_000);
    t.strictSame(log.changes, []);
    t.ok(cluster.isConverged());
  }
});
