/** Most of a cluster goes at once: what is silent is held for a while, what is killed is not. */
import t from 'tap';
import { TestCluster } from './cluster.ts';
import type { TestNode } from './cluster.ts';

const all = [1, 2, 3, 4, 5, 6];
const others = all.slice(1);

/** Six nodes, each with an instance of one service. */
async function start(randomSeed: number): Promise<TestCluster> {
  const cluster = await TestCluster.of(all.length, randomSeed);
  for (const number of all) cluster.register(number, 'add');
  cluster.run(1_000);
  return cluster;
}

const shown = ({ registry }: TestNode): number => registry.index.count;
const held = ({ registry }: TestNode): number => registry.brake.hold('test', 'add')?.instances ?? 0;

/** Instances that went down at a node after a revision. */
function downs({ registry }: TestNode, revision: number): number {
  const answer = registry.feed.read(revision, Infinity);
  const changes = answer.kind === 'changes' ? answer.changes : [];
  return changes.flatMap(({ events }) => events).filter(({ kind }) => kind === 'down').length;
}

t.test('a node whose network is gone goes on with its last good answer, and says so', async (t) => {
  const cluster = await start(1);
  const alone = cluster.node(1);
  t.equal(alone.engine.isIsolated, false);
  cluster.cut([1], others);
  const noticedMs = cluster.until(() => alone.engine.isIsolated, 5_000);
  t.ok(noticedMs <= 2_500, `${noticedMs} ms`);
  cluster.until(() => others.every((number) => shown(cluster.node(number)) === 5), 10_000);
  for (const number of others) t.equal(held(cluster.node(number)), 0, 'one vanished');
  cluster.run(60_000);
  t.strictSame([shown(alone), held(alone), alone.engine.isIsolated], [6, 0, true]);
});

t.test('a network that heals leaves no trace in the answers of who was alone', async (t) => {
  const cluster = await start(2);
  const alone = cluster.node(1);
  const { revision } = alone.registry.feed;
  cluster.cut([1], others);
  cluster.until(() => alone.engine.isIsolated, 5_000);
  cluster.run(10_000);
  cluster.cut();
  cluster.until(() => !alone.engine.isIsolated, 10_000);
  cluster.until(() => others.every((number) => shown(cluster.node(number)) === 6), 5_000);
  cluster.run(30_000);
  t.equal(shown(alone), 6);
  t.equal(downs(alone, revision), 0);
});

t.test('nodes that are killed are gone at once, however many they are', async (t) => {
  const cluster = await start(3);
  for (const number of others) cluster.crash(number);
  const left = cluster.node(1);
  const goneMs = cluster.until(() => shown(left) === 1, 2_000);
  t.ok(goneMs <= 200, `${goneMs} ms`);
  t.equal(left.registry.brake.counters.get('holds'), 0);
});

t.test('of two halves each believes the other dead: half of a service is no reason', async (t) => {
  const cluster = await start(4);
  cluster.cut([1, 2, 3], [4, 5, 6]);
  cluster.until(() => all.every((number) => shown(cluster.node(number)) === 3), 10_000);
  for (const number of all) t.equal(cluster.node(number).registry.brake.counters.get('holds'), 0);
  cluster.cut();
  cluster.until(() => all.every((number) => shown(cluster.node(number)) === 6), 20_000);
});

t.test(
  'the smaller part of a cut cluster holds what it cannot reach, the larger not',
  async (t) => {
    const cluster = await start(5);
    cluster.cut([1, 2], [3, 4, 5, 6]);
    cluster.until(() => [1, 2].every((number) => held(cluster.node(number)) === 4), 10_000);
    cluster.until(() => [3, 4, 5, 6].every((number) => shown(cluster.node(number)) === 4), 10_000);
    for (const number of [1, 2]) t.equal(shown(cluster.node(number)), 6);
    // What happens on one's own side goes on as ever.
    cluster.register(2, 'sub');
    cluster.until(() => cluster.seenBy(1).includes('sub'), 1_000);
    cluster.crash(2);
    cluster.until(() => shown(cluster.node(1)) === 5, 1_000);
    t.equal(held(cluster.node(1)), 4);
  },
);
