/** Who lives answers those who say that it does not, in time, and they are not believed again. */
import t from 'tap';
import { encodeFrame, encodeRumor } from '../../src/gossip/message.ts';
import { TestCluster } from './cluster.ts';
import type { TestNode } from './cluster.ts';
import { hashedSignatures } from './hashed-signatures.ts';
import { lieOf, neighborsOf, slander } from './liars.ts';
import { countOf, isToAll, MemberLog } from './member-log.ts';

const many = 25;
const neighborsK = 8;
const victim = 9;

async function settled(
  randomSeed: number,
): Promise<{ cluster: TestCluster; subject: TestNode; neighbors: number[]; log: MemberLog }> {
  const cluster = await TestCluster.of(many, randomSeed, { signatures: hashedSignatures });
  cluster.register(victim, 'add');
  cluster.run(20_000);
  const subject = cluster.node(victim);
  const neighbors = neighborsOf(cluster, subject);
  return { cluster, subject, neighbors, log: new MemberLog(cluster) };
}

/** For how long the victim was hidden by any of the others, ms in all of one of them at most. */
function hiddenMs(log: MemberLog, cluster: TestCluster): number {
  const since = new Map<number, number>();
  const sums = new Map<number, number>();
  const endMs = cluster.clock.now().monoMs;
  const add = (at: number, untilMs: number): void => {
    const sinceMs = since.get(at);
    if (sinceMs !== undefined) sums.set(at, (sums.get(at) ?? 0) + untilMs - sinceMs);
    since.delete(at);
  };
  for (const { at, of, state, atMs } of log.changes) {
    if (of !== victim) continue;
    add(at, atMs);
    if (state === 'dead') since.set(at, atMs);
  }
  for (const at of since.keys()) add(at, endMs);
  return Math.max(0, ...sums.values());
}

const roundsOfLies: [string, (neighbors: readonly number[]) => readonly number[]][] = [
  ['one of its neighbors', (neighbors) => neighbors.slice(0, 1)],
  ['three of its neighbors', (neighbors) => neighbors.slice(0, 3)],
  [`${neighborsK - 1} of its neighbors`, (neighbors) => neighbors.slice(0, neighborsK - 1)],
  ['all of its neighbors but one', (neighbors) => neighbors.slice(1)],
];

for (const [who, choose] of roundsOfLies)
  t.test(`falsely accused by ${who} a node answers, and is hidden by nobody`, async (t) => {
    for (const randomSeed of [1, 2]) {
      const { cluster, subject, neighbors, log } = await settled(randomSeed);
      const liars = choose(neighbors);
      t.ok(liars.length > 0 && liars.length < neighbors.length);
      slander(cluster, liars, subject);
      cluster.run(3_000);
      t.ok(isToAll(cluster, subject.registry.self, 'alive'));
      t.equal(hiddenMs(log, cluster), 0);
      t.equal(countOf(cluster, 'refutations'), 1);
      log.take();
      slander(cluster, liars, subject);
      cluster.run(1_500);
      // Who heard the answer before what it answers has nobody to call a liar, and suspects again.
      const isDead = ({ state }: { state: string }): boolean => state === 'dead';
      t.strictSame(log.take().filter(isDead), [], 'a second round hides it nowhere');
      cluster.run(30_000);
      t.strictSame(log.take(), []);
      t.ok(cluster.isSeenByAll('add'));
    }
  });

t.test('who lies in turn, one after the other, hides nobody', async (t) => {
  const { cluster, subject, neighbors, log } = await settled(4);
  for (const liar of neighbors) {
    slander(cluster, [liar], subject);
    cluster.run(10);
  }
  cluster.run(10_000);
  t.equal(hiddenMs(log, cluster), 0);
  t.ok(isToAll(cluster, subject.registry.self, 'alive'));
});

t.test('three, and right after the answer three others: hidden at most for a moment', async (t) => {
  for (const randomSeed of [5, 6, 7]) {
    const { cluster, subject, neighbors, log } = await settled(randomSeed);
    for (let first = 0; first + 3 <= neighbors.length; first += 3) {
      slander(cluster, neighbors.slice(first, first + 3), subject);
      cluster.run(50);
    }
    cluster.run(10_000);
    t.ok(hiddenMs(log, cluster) <= 50, `hidden for ${hiddenMs(log, cluster)} ms`);
    t.ok(isToAll(cluster, subject.registry.self, 'alive'));
    t.ok(cluster.isConverged());
  }
});

t.test('many lies in one rumor are answered once', async (t) => {
  const { cluster, subject, neighbors, log } = await settled(11);
  const accusations = neighbors.slice(0, 6).map((liar) => lieOf(cluster, liar, subject));
  const rumor = { head: undefined, previous: 0, records: [], accusations };
  cluster.node(neighbors[0] as number).transport.publish(encodeRumor(rumor));
  cluster.run(5_000);
  t.equal(countOf(cluster, 'refutations'), 1);
  t.equal(hiddenMs(log, cluster), 0);
});

t.test('64 lies after each other are answered at once, then one a second', async (t) => {
  const { cluster, subject, neighbors } = await settled(12);
  const liar = cluster.node(neighbors[0] as number);
  // One relay is enough: what counts is who signed, and that the subject let it watch.
  for (let number = 1_000; number < 1_100; number++) {
    const sealed = lieOf(cluster, number, subject);
    liar.transport.send(subject.registry.self, encodeFrame({ kind: 'accusation', sealed }));
    cluster.run(2);
  }
  t.equal(countOf(cluster, 'refutations'), 64);
  cluster.run(5_000);
  t.strictSame(subject.engine.accusersOf(subject.registry.self), [], 'all is answered in the end');
  t.ok(isToAll(cluster, subject.registry.self, 'alive'));
});

t.test('confirmed lies of one liar come to nothing either', async (t) => {
  const { cluster, subject, neighbors, log } = await settled(8);
  slander(cluster, neighbors.slice(0, 1), subject, { confirmed: true });
  cluster.run(10_000);
  t.equal(hiddenMs(log, cluster), 0);
  t.ok(isToAll(cluster, subject.registry.self, 'alive'));
});

t.test('a lie that only some hear is handed to the accused, who answers to all', async (t) => {
  const { cluster, subject, neighbors, log } = await settled(9);
  const [liar] = neighbors as [number];
  cluster.network.rules.dropsRumor = (_, to) => to === subject.registry.self;
  slander(cluster, [liar], subject);
  cluster.run(200);
  t.equal(countOf(cluster, 'refutations'), 1);
  cluster.run(3_000);
  t.ok(isToAll(cluster, subject.registry.self, 'alive'));
  t.equal(hiddenMs(log, cluster), 0);
});

t.test('after the time of its silence a liar is heard again, and answered again', async (t) => {
  const { cluster, subject, neighbors, log } = await settled(10);
  const liars = neighbors.slice(0, 3);
  slander(cluster, liars, subject);
  cluster.run(70_000);
  log.take();
  slander(cluster, liars, subject);
  cluster.run(5_000);
  t.equal(countOf(cluster, 'refutations'), 2);
  t.equal(hiddenMs(log, cluster), 0);
  t.ok(isToAll(cluster, subject.registry.self, 'alive'));
});
