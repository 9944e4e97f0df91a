/** Clusters with wrong clocks, on virtual time. */
import t, { type Test } from 'tap';
import { TestCluster } from './cluster.ts';
import type { StartOptions } from './cluster.ts';

const secondMs = 1_000;
const yearMs = 365 * 86_400_000;

/** Three right nodes, and node 4 that knows only node 1 of them. */
async function joinedBy(options: StartOptions): Promise<TestCluster> {
  const cluster = await TestCluster.of(3);
  await cluster.start(4, options);
  cluster.register(4, 'add');
  return cluster;
}

function errorOf(cluster: TestCluster, number: number): number {
  const { clock } = cluster.node(number);
  return Math.abs(clock.now().wallMicros - cluster.clock.now().wallMicros) / 1000;
}

function refusals(cluster: TestCluster, reason: string): number {
  return [1, 2, 3]
    .map((number) => cluster.node(number).registry.refusals.get(reason))
    .reduce((sum, count) => sum + count, 0);
}

/** Everybody sees everything, holds the same heads and stamps the present. */
function whole(t: Test, cluster: TestCluster, names: readonly string[], boundMs = 10_000): void {
  const isWhole = (): boolean =>
    cluster.isConverged() && names.every((name) => cluster.isSeenByAll(name));
  const waitedMs = cluster.until(isWhole, boundMs);
  t.ok(waitedMs <= boundMs, `whole after ${waitedMs} ms`);
  for (const number of cluster.nodes.keys()) cluster.register(number, `last-${number}`);
  cluster.until(() => cluster.isConverged(), 5_000);
  const now = cluster.clock.now().wallMicros;
  for (const { registry } of cluster.nodes.values())
    for (const [, { head }] of registry.owners())
      t.ok(Math.abs(head.head.lastUpdate - now) < 60_000_000, 'stamped within the bound');
}

t.test('a clock that is 59 s ahead is good enough', async (t) => {
  const cluster = await joinedBy({ skewMs: 59 * secondMs });
  whole(t, cluster, ['add']);
  t.equal(refusals(cluster, 'CLOCK_AHEAD'), 0);
  t.equal(cluster.node(4).engine.clockTrouble, undefined);
  t.equal(errorOf(cluster, 4), 59 * secondMs, 'and is left alone');
});

t.test(
  'a clock that is 61 s ahead is refused by name, then corrected, then accepted',
  async (t) => {
    const cluster = await joinedBy({ skewMs: 61 * secondMs });
    whole(t, cluster, ['add']);
    t.ok(refusals(cluster, 'CLOCK_AHEAD') > 0);
    t.ok(errorOf(cluster, 4) < 100, `${errorOf(cluster, 4)} ms off`);
    t.match(cluster.node(4).engine.clockTrouble, /61 seconds ahead of its peers'.*goes by theirs/);
  },
);

t.test('with only one peer nobody is judged: both say so, and the refusals go on', async (t) => {
  const cluster = await TestCluster.of(1);
  await cluster.start(2, { skewMs: 600 * secondMs });
  cluster.register(2, 'add');
  cluster.run(5_000);
  t.strictSame(cluster.seenBy(1), []);
  t.match(cluster.node(2).engine.clockTrouble, /10 minutes ahead of that of its only peer/);
  t.match(cluster.node(1).engine.clockTrouble, /10 minutes behind that of its only peer/);
  await cluster.start(3);
  whole(t, cluster, ['add']);
  t.equal(cluster.node(1).engine.clockTrouble, undefined);
});

t.test('a clock that is ten years ahead is corrected, through witnesses of the time', async (t) => {
  const cluster = await joinedBy({ skewMs: 10 * yearMs });
  whole(t, cluster, ['add']);
  t.ok(cluster.node(4).engine.counters.get('witnesses_dialed') > 0, 'one seed node is no median');
  t.match(cluster.node(4).engine.clockTrouble, /3650 days ahead/);
});

t.test('a fresh node ten years behind takes part when its operator trusts the peers', async (t) => {
  const cluster = await joinedBy({ skewMs: -10 * yearMs, config: { trustPeerClock: true } });
  whole(t, cluster, ['add']);
  t.match(cluster.node(4).engine.clockTrouble, /3650 days behind its peers': this node goes by/);
});

t.test('without that it is refused, says what to do, and is well once its clock is', async (t) => {
  const cluster = await joinedBy({ skewMs: -10 * yearMs });
  cluster.run(10_000);
  t.notOk(cluster.isSeenByAll('add'));
  t.ok(refusals(cluster, 'EXPIRED') > 0);
  t.equal(errorOf(cluster, 4), 10 * yearMs);
  t.match(cluster.node(4).engine.clockTrouble, /refuse each other's news.*--trust-peer-clock/);
  cluster.node(4).hostClock.skewMs = 0;
  whole(t, cluster, ['add']);
  t.equal(cluster.node(4).engine.clockTrouble, undefined);
});

t.test('a clock that goes back ten years under a running node changes nothing', async (t) => {
  const cluster = await TestCluster.of(4);
  cluster.node(4).hostClock.skewMs = -10 * yearMs;
  cluster.register(4, 'add');
  whole(t, cluster, ['add'], 1_000);
  t.equal(errorOf(cluster, 4), 0);
  t.match(cluster.node(4).engine.clockTrouble, /jumped and is 3650 days behind/);
  cluster.node(4).hostClock.skewMs = 0;
  cluster.register(4, 'sub');
  whole(t, cluster, ['add', 'sub'], 2_000);
  t.equal(cluster.node(4).engine.clockTrouble, undefined);
});

t.test('a clock that goes ahead ten years under a running node changes nothing', async (t) => {
  const cluster = await TestCluster.of(4);
  cluster.node(4).hostClock.skewMs = 10 * yearMs;
  cluster.register(4, 'add');
  whole(t, cluster, ['add'], 1_000);
  t.equal(refusals(cluster, 'CLOCK_AHEAD'), 0, 'no stamp of the jump got out');
});

t.test('a node alone follows its clock ahead, and back once it meets others', async (t) => {
  const cluster = new TestCluster();
  await cluster.start(1);
  cluster.register(1, 'add');
  cluster.run(1_000);
  cluster.node(1).hostClock.skewMs = 10 * yearMs;
  cluster.run(2_000);
  cluster.register(1, 'sub');
  t.equal(errorOf(cluster, 1), 10 * yearMs);
  await cluster.start(2);
  whole(t, cluster, ['add', 'sub'], 20_000);
  t.equal(errorOf(cluster, 1), 0, 'one peer is enough to choose between two times of our own');
});

t.test('a node alone whose clock goes back goes on with the time from before', async (t) => {
  const cluster = new TestCluster();
  await cluster.start(1);
  cluster.run(1_000);
  cluster.node(1).hostClock.skewMs = -10 * yearMs;
  cluster.run(2_000);
  cluster.register(1, 'add');
  await cluster.start(2);
  await cluster.start(3);
  whole(t, cluster, ['add']);
  t.equal(errorOf(cluster, 1), 0);
});

t.test('a restart with a clock ten years behind goes on from the last own stamp', async (t) => {
  const cluster = await TestCluster.of(4);
  cluster.register(4, 'add');
  cluster.run(1_000);
  const store = cluster.crash(4);
  cluster.run(600_000);
  await cluster.start(4, { store, skewMs: -10 * yearMs });
  cluster.register(4, 'sub');
  const waitedMs = cluster.until(() => cluster.isSeenByAll('sub'), 5_000);
  t.ok(waitedMs <= 3_000, `${waitedMs} ms`);
  t.ok(errorOf(cluster, 4) <= 700_000, 'as long behind as it was down: it cannot know better');
  t.equal(refusals(cluster, 'EXPIRED'), 0);
});

t.test('a node that lived in the future comes back to the present at once', async (t) => {
  const cluster = new TestCluster();
  await cluster.start(4, { seeds: ['mem/4'], skewMs: 10 * yearMs });
  cluster.register(4, 'add');
  cluster.run(1_000);
  const store = cluster.crash(4);
  for (const number of [1, 2, 3]) await cluster.start(number);
  cluster.run(2_000);
  await cluster.start(4, { store });
  whole(t, cluster, ['add']);
  t.equal(errorOf(cluster, 4), 0);
  t.equal(cluster.node(4).engine.clockTrouble, undefined);
});

t.test('three nodes that lived in the future together come back among more', async (t) => {
  const cluster = await TestCluster.of(3, 1, { skewMs: 10 * yearMs });
  for (const number of [1, 2, 3]) cluster.register(number, `of-${number}`);
  cluster.run(2_000);
  for (const { hostClock } of cluster.nodes.values()) hostClock.skewMs = 0;
  cluster.run(2_000);
  t.ok(cluster.isConverged());
  t.equal(errorOf(cluster, 1), 10 * yearMs, 'all the same, and nobody there who knows better');
  const stores = [1, 2, 3].map((number) => cluster.crash(number));
  for (const number of [5, 6, 7, 8]) await cluster.start(number, { seeds: ['mem/5'] });
  cluster.run(3_000);
  for (const [index, store] of stores.entries())
    await cluster.start(index + 1, { store, seeds: ['mem/5'] });
  whole(t, cluster, ['of-1', 'of-2', 'of-3'], 20_000);
});

t.test('three years of uptime are no trouble', async (t) => {
  const cluster = await joinedBy({ uptimeMs: 1e11 });
  whole(t, cluster, ['add']);
  cluster.node(4).hostClock.skewMs = 10 * yearMs;
  cluster.register(4, 'sub');
  whole(t, cluster, ['add', 'sub']);
  t.ok(errorOf(cluster, 4) < 1, `${errorOf(cluster, 4)} ms off`);
});

t.test('the trouble is told at once and then once a minute, until it is over', async (t) => {
  const cluster = await TestCluster.of(4);
  const told = cluster.node(4).engine;
  const steps: (string | undefined)[] = [];
  const step = told.step.bind(told);
  told.step = (input, now) => {
    const effects = step(input, now);
    for (const effect of effects)
      if (effect.kind === 'event' && effect.event.kind === 'clock')
        steps.push(effect.event.trouble);
    return effects;
  };
  cluster.node(4).hostClock.skewMs = 61 * secondMs;
  cluster.run(150_000);
  t.equal(steps.length, 3);
  cluster.node(4).hostClock.skewMs = 0;
  cluster.run(2_000);
  t.strictSame(steps.slice(3), [undefined]);
});
