import t from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { Agent } from '../../src/gossip/agent.ts';
import { settleMs } from '../../src/gossip/settled-heads.ts';
import { TestCluster } from './cluster.ts';

t.test('a round that is asked for answers with whom, and what changed', async (t) => {
  const cluster = await TestCluster.of(3);
  cluster.network.rules.dropsRumor = () => true;
  cluster.register(2, 'add');
  // News is compared once it has settled; until then it is a rumor's.
  cluster.run(settleMs);
  const round = cluster.node(1).agent.round();
  cluster.run(50);
  const reports = await round;
  t.equal(reports.length, 2, 'both neighbors');
  const changed = reports.find(({ outcome }) => outcome === 'changed');
  t.strictSame(changed?.changed, [cluster.node(2).registry.self]);
  t.ok(cluster.seenBy(1).includes('add'));
});

t.test('each exchange that ends is told, with the time that it took', async (t) => {
  const cluster = await TestCluster.of(2);
  const told: [string, number][] = [];
  for (const number of [1, 2])
    cluster.node(number).agent.onExchanged((...ended) => void told.push(ended));
  cluster.run(3_000);
  t.ok(told.length >= 3, 'one of them asks each second');
  for (const [outcome, seconds] of told) {
    t.equal(outcome, 'in_sync');
    t.ok(seconds > 0 && seconds < 0.1, `${seconds} s`);
  }
  told.length = 0;
  cluster.network.rules.alter = () => Buffer.from('noise');
  const round = cluster.node(1).agent.round();
  cluster.run(30_000);
  await round;
  t.ok(told.some(([outcome, seconds]) => outcome === 'failed' && seconds > 0.5));
});

t.test('a round without neighbors answers at once with nothing', async (t) => {
  const cluster = await TestCluster.of(1);
  t.strictSame(await cluster.node(1).agent.round(), []);
});

t.test('a round ends after five seconds when a neighbor does not answer', async (t) => {
  const cluster = await TestCluster.of(2);
  cluster.network.rules.alter = () => Buffer.from('noise');
  const round = cluster.node(1).agent.round();
  cluster.run(5_000);
  t.strictSame(await round, [
    { peer: cluster.node(2).registry.self, outcome: 'failed', changed: [] },
  ]);
});

t.test('whoever waits for a node to be ready is told, also when it is already', async (t) => {
  const cluster = new TestCluster();
  const { agent } = await cluster.start(1);
  const waiting = agent.ready();
  cluster.run(100);
  await waiting;
  await agent.ready();
  t.pass();
});

t.test('a stopped agent takes no more inputs', async (t) => {
  const cluster = await TestCluster.of(2);
  const { agent, engine } = cluster.node(2);
  await agent.stop();
  const before = engine.counters.entries();
  agent.message(cluster.node(1).registry.self, Buffer.from('late'));
  t.equal(agent.rumor(cluster.node(1).registry.self, Buffer.from('late')), 'ignore');
  cluster.run(3_000);
  t.strictSame(engine.counters.entries(), before);
});

t.test('trouble with the clock is an error in the log, and its end is told', async (t) => {
  const cluster = await TestCluster.of(3);
  const node = cluster.node(3);
  const lines: string[] = [];
  const note = (level: string) => (_: object, message: string) => {
    if (message.includes('clock')) lines.push(`${level}: ${message}`);
  };
  const log = { ...silentLog, error: note('error'), info: note('info') };
  const parts = [node.engine, node.transport, node.registry, node.clock] as const;
  await node.agent.stop();
  const agent = new Agent(...parts, log);
  await node.transport.start(agent);
  agent.start();
  cluster.run(3_000);
  node.hostClock.skewMs = 600_000;
  cluster.run(3_000);
  node.hostClock.skewMs = 0;
  cluster.run(3_000);
  t.strictSame(lines, ['error: the clock is wrong', 'info: the clock is right again']);
});

t.test('a round joins the exchanges that are under way', async (t) => {
  const cluster = await TestCluster.of(3);
  const { agent } = cluster.node(1);
  const first = agent.round();
  const second = agent.round();
  cluster.run(50);
  t.equal((await first).length, 2);
  t.equal((await second).length, 2, 'both neighbors, though both were being asked');
});

t.test(
  'whoever follows the links is woken for each that comes and goes, once it has',
  async (t) => {
    const cluster = await TestCluster.of(2);
    const { agent, engine } = cluster.node(1);
    const { self } = cluster.node(2).registry;
    const seen: [string, boolean][] = [];
    const unfollow = agent.followLinks((peer) => seen.push([peer, engine.isLinked(peer)]));
    const store = cluster.crash(2);
    cluster.run(100);
    await cluster.start(2, { store });
    cluster.run(1_000);
    t.strictSame(seen, [
      [self, false],
      [self, true],
    ]);
    unfollow();
    cluster.crash(2);
    cluster.run(100);
    t.equal(seen.length, 2);
  },
);

t.test('a dismissal is told in the log, with who said it', async (t) => {
  const cluster = await TestCluster.of(3);
  const node = cluster.node(1);
  const lines: [object, string][] = [];
  const log = { ...silentLog, info: (fields: object, text: string) => lines.push([fields, text]) };
  await node.agent.stop();
  const parts = [node.engine, node.transport, node.registry, node.clock] as const;
  const agent = new Agent(...parts, log);
  await node.transport.start(agent);
  agent.start();
  cluster.run(1_000);
  const peerId = cluster.node(3).registry.self;
  cluster.crash(3);
  cluster.run(3_000);
  const { agent: other, registry } = cluster.node(2);
  other.dismiss(peerId);
  cluster.run(1_000);
  const told = lines.filter(([, text]) => text === 'a dead member was dismissed');
  t.strictSame(told, [[{ peerId, by: registry.self }, 'a dead member was dismissed']]);
});

t.test(
  'peers are told what changed here when its turn comes, and nothing after a stop',
  async (t) => {
    const cluster = await TestCluster.of(2);
    const { agent: first, ...node } = cluster.node(1);
    await first.stop();
    const putOff: (() => void)[] = [];
    const parts = [node.engine, node.transport, node.registry, node.clock, silentLog] as const;
    const agent = new Agent(...parts, (run) => void putOff.push(run));
    await node.transport.start(agent);
    agent.start();
    cluster.run(3_000);
    for (const run of putOff.splice(0)) run();
    const toldBefore = node.engine.counters.get('rumors_published');
    cluster.register(1, 'add');
    cluster.register(1, 'mul');
    t.equal(putOff.length, 1, 'one turn for all that changed before it');
    t.equal(node.engine.counters.get('rumors_published'), toldBefore);
    for (const run of putOff.splice(0)) run();
    cluster.run(50);
    t.ok(node.engine.counters.get('rumors_published') > toldBefore);
    t.ok(cluster.isSeenByAll('add') && cluster.isSeenByAll('mul'));
    cluster.register(1, 'sub');
    await agent.stop();
    const toldAtStop = node.engine.counters.get('rumors_published');
    for (const run of putOff.splice(0)) run();
    t.equal(node.engine.counters.get('rumors_published'), toldAtStop);
  },
);
