/** Nodes that stand still, as after SIGSTOP: their connections stay, and nothing comes of them. */
import t from 'tap';
import { TestCluster } from './cluster.ts';
import { hashedSignatures } from './hashed-signatures.ts';
import { countOf, isToAll, MemberLog } from './member-log.ts';

const many = 25;
const options = { signatures: hashedSignatures };

async function settled(randomSeed: number): Promise<TestCluster> {
  const cluster = await TestCluster.of(many, randomSeed, options);
  cluster.register(9, 'add');
  cluster.run(20_000);
  return cluster;
}

t.test('a frozen node is dead to all others within 3.5 s, and back within 1 s', async (t) => {
  for (const randomSeed of [1, 2, 3, 4, 5]) {
    const cluster = await settled(randomSeed);
    const { self } = cluster.node(9).registry;
    const isHidden = (): boolean =>
      [...cluster.nodes.keys()].every((at) => at === 9 || !cluster.seenBy(at).includes('add'));
    cluster.freeze(9);
    const tookMs = cluster.until(isHidden, 10_000);
    t.ok(tookMs <= 3_500, `hidden after ${tookMs} ms`);
    t.ok(isToAll(cluster, self, 'dead'));
    cluster.run(10_000);
    cluster.thaw(9);
    const backMs = cluster.until(() => cluster.isSeenByAll('add'), 10_000);
    t.ok(backMs <= 1_000, `back after ${backMs} ms`);
    t.ok(isToAll(cluster, self, 'alive'));
    const log = new MemberLog(cluster);
    cluster.run(30_000);
    t.strictSame(log.changes, [], 'and stays');
  }
});

t.test('a node that comes back just when it is found out is back within 1 s', async (t) => {
  for (const randomSeed of [11, 12, 13]) {
    const cluster = await settled(randomSeed);
    const { self } = cluster.node(9).registry;
    const log = new MemberLog(cluster);
    cluster.freeze(9);
    cluster.until(() => log.changes.some(({ of, state }) => of === 9 && state === 'dead'), 10_000);
    cluster.thaw(9);
    const backMs = cluster.until(
      () => isToAll(cluster, self, 'alive') && cluster.isSeenByAll('add'),
      10_000,
    );
    t.ok(backMs <= 1_000, `back after ${backMs} ms`);
    log.take();
    cluster.run(30_000);
    t.strictSame(log.changes, [], 'and stays');
  }
});

t.test(
  'who was frozen for a minute accuses nobody, and hides nobody, when it goes on',
  async (t) => {
    const cluster = await settled(6);
    cluster.freeze(9);
    cluster.run(60_000);
    const log = new MemberLog(cluster);
    const { engine } = cluster.node(9);
    const made = engine.counters.get('accusations_made');
    cluster.thaw(9);
    cluster.run(30_000);
    t.strictSame(
      log.changes.filter(({ of }) => of !== 9),
      [],
    );
    t.equal(engine.counters.get('accusations_made'), made);
  },
);

t.test('a node that stands still for 1 s is neither suspect nor dead to anybody', async (t) => {
  for (const randomSeed of [1, 2, 3]) {
    const cluster = await settled(randomSeed);
    const log = new MemberLog(cluster);
    for (const victim of [3, 9, 14, 20]) {
      cluster.freeze(victim);
      cluster.run(1_000);
      cluster.thaw(victim);
      cluster.run(5_000);
    }
    t.strictSame(log.changes, []);
    t.equal(countOf(cluster, 'accusations_made'), 0);
  }
});

t.test('three that are frozen at once are dead to all others, each of them', async (t) => {
  const cluster = await settled(7);
  const victims = [3, 9, 14];
  const owners = victims.map((number) => cluster.node(number).registry.self);
  for (const victim of victims) cluster.freeze(victim);
  const isFound = (): boolean =>
    [...cluster.nodes.values()].every(
      ({ number, registry }) =>
        victims.includes(number) ||
        owners.every((owner) => registry.member(owner)?.state === 'dead'),
    );
  const tookMs = cluster.until(isFound, 10_000);
  t.ok(tookMs <= 5_000, `${tookMs} ms`);
  for (const victim of victims) cluster.thaw(victim);
  const backMs = cluster.until(
    () => owners.every((owner) => isToAll(cluster, owner, 'alive')),
    10_000,
  );
  t.ok(backMs <= 1_000, `back after ${backMs} ms`);
});

t.test('most of a service freezes: its last good answer is held, and then not', async (t) => {
  const cluster = await TestCluster.of(many, 8, options);
  const providers = [3, 6, 9, 12, 15];
  for (const number of providers) cluster.register(number, 'add');
  cluster.run(20_000);
  const frozen = providers.slice(0, 4);
  for (const number of frozen) cluster.freeze(number);
  cluster.run(15_000);
  const living = [...cluster.nodes.keys()].filter((number) => !frozen.includes(number));
  for (const number of living) {
    t.equal(cluster.seenBy(number).length, providers.length);
    t.equal(cluster.node(number).registry.brake.hold('test', 'add')?.instances, frozen.length);
  }
  cluster.run(30_000);
  for (const number of living) t.equal(cluster.seenBy(number).length, 1);
  for (const number of frozen) cluster.thaw(number);
  const backMs = cluster.until(
    () => [...cluster.nodes.keys()].every((number) => cluster.seenBy(number).length === 5),
    10_000,
  );
  t.ok(backMs <= 1_000, `${backMs} ms`);
});
