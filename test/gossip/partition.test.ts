/** Networks that break in two, or between two nodes only, and heal. */
import t from 'tap';
import type { OwnerId } from '../../src/record/owner.ts';
import { TestCluster } from './cluster.ts';
import { hashedSignatures } from './hashed-signatures.ts';
import { countOf, isToAll, MemberLog, stateAt } from './member-log.ts';

const options = { signatures: hashedSignatures };
const all = Array.from({ length: 25 }, (_, index) => index + 1);
const left = all.slice(0, 12);
const right = all.slice(12);

const namesOf = (numbers: readonly number[]): string[] =>
  numbers.map((number) => `service-${number}`).sort();

/** Every node has a service of its own. */
async function settled(randomSeed: number): Promise<TestCluster> {
  const cluster = await TestCluster.of(all.length, randomSeed, options);
  for (const number of all) cluster.register(number, `service-${number}`);
  cluster.run(20_000);
  return cluster;
}

function see(cluster: TestCluster, at: readonly number[], services: readonly number[]): boolean {
  const names = String(namesOf(services));
  return at.every((number) => String(cluster.seenBy(number)) === names);
}

/**
 * Packets between the two sets are lost until what is returned is called: connections stay, what
 * was sent comes when TCP sends it again, and nobody answers a dial.
 *
 * @param isSentAgain false: so late that everybody has dialed anew before
 */
function lose(
  cluster: TestCluster,
  isBetween: (a: OwnerId, b: OwnerId) => boolean,
  isSentAgain = true,
): () => void {
  const { rules, clock } = cluster.network;
  const { isCut, dropsRumor } = rules;
  const held: (() => void)[] = [];
  let isHolding = true;
  for (const { transport } of cluster.nodes.values()) {
    const send = transport.send.bind(transport);
    transport.send = (peer, bytes) => {
      if (!isHolding || !isBetween(transport.self, peer)) return send(peer, bytes);
      held.push(() => void send(peer, bytes));
      return true;
    };
  }
  rules.dropsRumor = (a, b) => isBetween(a, b) || dropsRumor(a, b);
  rules.isCut = (a, b) => isBetween(a, b) || isBetween(b, a) || isCut(a, b);
  return () => {
    isHolding = false;
    Object.assign(rules, { isCut, dropsRumor });
    if (!isSentAgain) return;
    clock.schedule(0, () => {
      for (const run of held.splice(0)) run();
    });
  };
}

function sidesOf(cluster: TestCluster): (a: OwnerId, b: OwnerId) => boolean {
  const isLeft = new Set(left.map((number) => cluster.node(number).registry.self));
  return (a, b) => isLeft.has(a) !== isLeft.has(b);
}

const partitions: [string, (cluster: TestCluster) => () => void][] = [
  [
    'whose connections break',
    (cluster) => {
      cluster.cut(left, right);
      return () => cluster.cut();
    },
  ],
  ['in which packets are lost', (cluster) => lose(cluster, sidesOf(cluster))],
];

for (const [which, begin] of partitions)
  t.test(`a partition of 12 and 13 for a minute ${which}`, async (t) => {
    for (const randomSeed of [1, 2]) {
      const cluster = await settled(randomSeed);
      const heal = begin(cluster);
      const tookMs = cluster.until(
        () => see(cluster, left, left) && see(cluster, right, right),
        30_000,
      );
      // Who had one link across is accused by one alone; who had none is looked for by dials.
      t.ok(tookMs <= 25_000, `each side serves what it can reach after ${tookMs} ms`);
      const apart = new MemberLog(cluster);
      cluster.run(60_000 - tookMs);
      t.strictSame(apart.take(), [], 'and goes on with that');
      heal();
      const agreedMs = cluster.until(() => see(cluster, all, all), 30_000);
      t.ok(agreedMs <= 3_000, `all agree ${agreedMs} ms after it healed`);
      const isWhole = (): boolean =>
        all.every((number) => isToAll(cluster, cluster.node(number).registry.self, 'alive'));
      const wholeMs = agreedMs + cluster.until(isWhole, 30_000);
      t.ok(wholeMs <= 3_000, `nobody suspects anybody ${wholeMs} ms after`);
      const log = new MemberLog(cluster);
      cluster.run(30_000);
      t.strictSame(log.changes, [], 'nothing flaps');
      t.ok(cluster.isConverged());
    }
  });

t.test(
  'who gave up a connection that the other end still has is greeted over a new one',
  async (t) => {
    for (const randomSeed of [10, 11, 12]) {
      const cluster = await TestCluster.of(5, randomSeed, options);
      cluster.register(2, 'add');
      cluster.run(20_000);
      const { self } = cluster.node(2).registry;
      const heal = lose(cluster, (a, b) => (a === self) !== (b === self), false);
      // The others hang up; node 2 hears nobody, and concludes nothing from it.
      cluster.until(() => [1, 3, 4, 5].every((at) => !cluster.seenBy(at).includes('add')), 10_000);
      cluster.run(2_000);
      const before = countUnexpected(cluster);
      heal();
      const agreedMs = cluster.until(() => isToAll(cluster, self, 'alive'), 10_000);
      t.ok(agreedMs <= 1_500, `all agree ${agreedMs} ms after`);
      cluster.run(5_000);
      t.equal(countUnexpected(cluster) - before, 0, 'and nobody is spoken to without a greeting');
      const exchanges = countOf(cluster, 'exchanges_failed');
      const log = new MemberLog(cluster);
      cluster.run(30_000);
      t.strictSame(log.changes, []);
      t.equal(countOf(cluster, 'exchanges_failed'), exchanges, 'everybody is answered');
    }
  },
);

t.test('a partition that ends before all are found: all agree again within 3 s', async (t) => {
  for (const [randomSeed, lastsMs] of [
    [13, 3_000],
    [14, 5_000],
    [15, 9_000],
  ] as const) {
    const cluster = await settled(randomSeed);
    const heal = lose(cluster, sidesOf(cluster), false);
    cluster.run(lastsMs);
    heal();
    const isWhole = (): boolean =>
      see(cluster, all, all) &&
      all.every((number) => isToAll(cluster, cluster.node(number).registry.self, 'alive'));
    const wholeMs = cluster.until(isWhole, 30_000);
    t.ok(wholeMs <= 3_000, `${wholeMs} ms after ${lastsMs} ms`);
    cluster.run(5_000);
    const log = new MemberLog(cluster);
    cluster.run(30_000);
    t.strictSame(log.changes, [], 'nothing flaps');
  }
});

t.test(
  'who leaves during a partition has left for the other side too, once it heals',
  async (t) => {
    const cluster = await settled(4);
    const { self } = cluster.node(20).registry;
    cluster.cut(left, right);
    cluster.run(15_000);
    t.equal(stateAt(cluster, 1, self), 'dead');
    leave(cluster, 20);
    cluster.run(200);
    cluster.crash(20);
    t.ok(right.every((number) => number === 20 || stateAt(cluster, number, self) === 'left'));
    cluster.run(30_000);
    cluster.cut();
    const tookMs = cluster.until(() => isToAll(cluster, self, 'left'), 10_000);
    t.ok(tookMs <= 3_000, `${tookMs} ms`);
    const log = new MemberLog(cluster);
    cluster.run(60_000);
    t.strictSame(
      log.changes.filter(({ of }) => of === 0 || of === 20),
      [],
    );
  },
);

t.test('who leaves is gone everywhere within 100 ms, and nobody accuses it', async (t) => {
  const cluster = await settled(5);
  const { self } = cluster.node(7).registry;
  leave(cluster, 7);
  const tookMs = cluster.until(
    () => isToAll(cluster, self, 'left') && cluster.isSeenByNone('service-7'),
    1_000,
  );
  t.ok(tookMs <= 100, `${tookMs} ms`);
  cluster.crash(7);
  cluster.run(30_000);
  t.ok(isToAll(cluster, self, 'left'));
  t.equal(countOf(cluster, 'accusations_made'), 0);
});

t.test('between one pair one way is blocked: nobody dies, and nobody is hidden', async (t) => {
  for (const randomSeed of [6, 7, 8]) {
    const cluster = await settled(randomSeed);
    const from = cluster.node(3);
    const to = [...cluster.nodes.values()].find(({ registry }) =>
      from.engine.isLinked(registry.self),
    );
    const [a, b] = [from.registry.self, to?.registry.self];
    const log = new MemberLog(cluster);
    const heal = lose(cluster, (x, y) => x === a && y === b);
    cluster.run(120_000);
    heal();
    cluster.run(30_000);
    t.notOk(log.changes.some(({ state }) => state === 'dead'));
    t.ok(see(cluster, all, all));
  }
});

t.test(
  'a pair that cannot reach each other at all: both live to all, themselves too',
  async (t) => {
    const cluster = await settled(9);
    const from = cluster.node(3);
    const to = [...cluster.nodes.values()].find(({ registry }) =>
      from.engine.isLinked(registry.self),
    );
    const [a, b] = [from.registry.self, to?.registry.self];
    const log = new MemberLog(cluster);
    const heal = lose(cluster, (x, y) => (x === a && y === b) || (x === b && y === a));
    cluster.run(120_000);
    t.notOk(log.changes.some(({ state }) => state === 'dead'));
    heal();
    cluster.run(5_000);
    t.ok(see(cluster, all, all));
  },
);

function leave(cluster: TestCluster, number: number): void {
  const { registry, clock } = cluster.node(number);
  registry.commit([{ kind: 'facts', facts: { left: true } }], clock.now());
}

/** Frames over links that were not greeted. */
function countUnexpected(cluster: TestCluster): number {
  const counts = [...cluster.nodes.values()].map(({ registry }) =>
    registry.refusals.get('UNEXPECTED'),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
