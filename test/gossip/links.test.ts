import t from 'tap';
import type { MemberState } from '../../src/membership/member.ts';
import type { DialOutcome } from '../../src/gossip/transport.ts';
import { TestCluster } from './cluster.ts';
import type { TestNode } from './cluster.ts';

/** 8 neighbors, and strangers: each node asks one in ten seconds, and its link lasts for ten. */
const linksMax = 16;

/** Beyond the full mesh of 17. */
const many = 30;

t.test(
  'beyond the full mesh every node keeps about K links, and all is still reached',
  async (t) => {
    const cluster = await TestCluster.of(many, 5);
    cluster.run(20_000);
    const counts = [...cluster.nodes.values()].map(({ engine }) => engine.linkCount);
    t.ok(Math.max(...counts) <= linksMax, `at most ${Math.max(...counts)} links`);
    t.ok(Math.min(...counts) >= 4, `at least ${Math.min(...counts)} links`);
    t.ok(cluster.isConverged());
    cluster.register(7, 'add');
    t.ok(cluster.until(() => cluster.isSeenByAll('add'), 1_000) <= 10);
  },
);

t.test('a crash is seen by those who held no link to it: each had a look itself', async (t) => {
  const cluster = await TestCluster.of(many, 6);
  cluster.register(9, 'add');
  cluster.run(20_000);
  const { self } = cluster.node(9).registry;
  const linked = [...cluster.nodes.values()].filter(({ engine }) => engine.isLinked(self)).length;
  t.ok(linked < many - 1, `${linked} had a link`);
  cluster.crash(9);
  const goneMs = cluster.until(() => cluster.isSeenByNone('add'), 2_000);
  t.ok(goneMs <= 200, `${goneMs} ms`);
});

t.test('a living node that is accused is only looked at', async (t) => {
  const cluster = await TestCluster.of(many, 7);
  cluster.run(20_000);
  const [a, b] = unlinkedPair(cluster);
  cluster.network.rules.isCut = (x, y) => (x === a && y === b) || (x === b && y === a);
  cluster.run(5_000);
  const states = [...cluster.nodes.values()]
    .filter(({ registry }) => registry.self !== a && registry.self !== b)
    .map(({ registry }) => registry.member(b)?.state);
  t.strictSame(new Set(states), new Set<MemberState>(['alive']));
});

t.test('dials that fail are spread out, and never more than the bound at once', async (t) => {
  const cluster = new TestCluster(8);
  let pending = 0;
  let most = 0;
  const seeds = Array.from({ length: 40 }, (_, index) => `mem/nobody-${index}`);
  const join = cluster.network.join.bind(cluster.network);
  cluster.network.join = (self, address) => {
    const transport = join(self, address);
    const dial = transport.dial.bind(transport);
    transport.dial = (target, timeoutMs, done) => {
      most = Math.max(most, ++pending);
      // Nobody says no for four seconds.
      const end = (outcome: DialOutcome): void => {
        pending -= 1;
        done(outcome);
      };
      dial(target, timeoutMs, (outcome) => {
        cluster.clock.schedule(4_000, () => end(outcome));
      });
    };
    return transport;
  };
  const second = await cluster.start(2, { seeds });
  cluster.run(40);
  t.equal(most, 4, 'a few ways in at first');
  cluster.run(60_000);
  t.equal(most, 16, 'then as many as may be at once, and no more');
  const dials = second.engine.counters.get('dials');
  t.ok(dials >= 40 && dials <= 40 + 62, `${dials} dials: each seed once, then one an interval`);
});

t.test('who cannot be dialed is not buried as long as others vouch for it', async (t) => {
  const cluster = await TestCluster.of(3);
  const store = cluster.crash(3);
  cluster.run(1_000);
  const slow = cluster.node(1).registry.self;
  cluster.network.rules.isCut = (x, y) => x === slow || y === slow;
  await cluster.start(3, { store, seeds: ['mem/2'] });
  const { engine, registry } = cluster.node(3);
  cluster.until(() => engine.counters.get('dials_timeout') >= 6, 60_000);
  t.equal(registry.member(slow)?.state, 'alive', 'node 2 has a link with it');
  cluster.network.applyCuts();
  cluster.until(() => registry.member(slow)?.state === 'dead', 30_000);
  cluster.network.rules.isCut = () => false;
  cluster.until(() => registry.member(slow)?.state === 'alive', 10_000);
});

t.test(
  'of two that cannot reach each other nobody dies, as long as others reach both',
  async (t) => {
    for (const count of [3, 4, 25]) {
      const cluster = await TestCluster.of(count);
      cluster.run(15_000);
      const selves = [1, 3].map((number) => cluster.node(number).registry.self);
      cluster.cut([1], [3]);
      const seen = new Set<MemberState | undefined>();
      for (let second = 0; second < 60; second++) {
        cluster.run(1_000);
        for (const { registry } of cluster.nodes.values())
          for (const self of selves) seen.add(registry.member(self)?.state);
      }
      t.notOk(seen.has('dead'), `${count} nodes: ${[...seen].join(', ')}`);
    }
  },
);

t.test('a dial to where a member was says nothing about its next life elsewhere', async (t) => {
  const cluster = await TestCluster.of(3);
  cluster.register(2, 'add');
  cluster.run(1_000);
  const observer = cluster.node(1);
  const { self } = cluster.node(2).registry;
  // The link breaks and the old address is dialed; before it refuses, node 3 tells of the new life.
  const store = cluster.crash(2);
  cluster.run(1);
  cluster.network.rules.delayMs = (from, to) =>
    [from, to].includes(self) && [from, to].includes(observer.registry.self) ? 100 : 0.1;
  const dials = observer.engine.counters.get('dials');
  await cluster.start(2, { store, address: 'mem/elsewhere', seeds: ['mem/3'] });
  cluster.run(1);
  t.equal(addressOf(observer, self), 'mem/elsewhere');
  t.equal(observer.engine.counters.get('dials_refused'), 0, 'the old dial is still pending');
  cluster.run(5);
  t.equal(observer.engine.counters.get('dials_refused'), 1);
  t.equal(observer.registry.member(self)?.state, 'alive');
  t.equal(observer.engine.counters.get('dials'), dials + 1, 'the new address is dialed');
  t.strictSame(cluster.seenBy(1), ['add'], 'and what it registered was never hidden');
  t.ok(cluster.until(() => observer.engine.isLinked(self), 2_000) <= 500);
  t.equal(observer.engine.counters.get('members_found_dead'), 0);
});

t.test(
  'a node that comes back dials a few of those it remembers, and then its neighbors',
  async (t) => {
    const cluster = await TestCluster.of(40, 9);
    const store = cluster.crash(5);
    cluster.run(2_000);
    const { engine, registry } = await cluster.start(5, { store, seeds: [] });
    t.equal([...registry.rememberedPeers()].length, 39);
    cluster.run(5_000);
    t.match(engine.readiness, /reconciled/);
    const dials = engine.counters.get('dials');
    t.ok(dials <= 16 + 8 + 5, `${dials} dials: ways in, neighbors, one an interval`);
    t.ok(cluster.isConverged());
  },
);

t.test('when every node restarts at once and there are no seeds, they come together', async (t) => {
  const cluster = await TestCluster.of(many, 10);
  cluster.register(3, 'add');
  cluster.run(15_000);
  const stores = [...cluster.nodes.keys()].map(
    (number) => [number, cluster.crash(number)] as const,
  );
  cluster.run(10_000);
  for (const [number, store] of stores) await cluster.start(number, { store, seeds: [] });
  const wholeMs = cluster.until(() => cluster.isConverged() && cluster.isSeenByAll('add'), 10_000);
  t.ok(wholeMs <= 3_000, `${wholeMs} ms`);
  cluster.run(20_000);
  const counts = [...cluster.nodes.values()].map(({ engine }) => engine.linkCount);
  t.ok(Math.max(...counts) <= linksMax, `at most ${Math.max(...counts)} links`);
  for (const { engine, registry } of cluster.nodes.values()) {
    t.match(engine.readiness, /reconciled/);
    t.ok([...registry.members()].every(({ state }) => state === 'alive'));
  }
});

t.test('forty nodes that join by one seed node at once all get in', async (t) => {
  const cluster = new TestCluster(12);
  for (let number = 1; number <= 40; number++) await cluster.start(number);
  const { engine } = cluster.node(1);
  let most = 0;
  const isWhole = (): boolean => {
    most = Math.max(most, engine.linkCount);
    return [...cluster.nodes.values()].every(
      ({ registry }) => [...registry.members()].length === 40,
    );
  };
  const wholeMs = cluster.until(isWhole, 60_000);
  t.ok(wholeMs <= 20_000, `${wholeMs} ms; the seed node held up to ${most} links`);
  cluster.run(20_000);
  const counts = [...cluster.nodes.values()].map((node) => node.engine.linkCount);
  t.ok(Math.max(...counts) <= linksMax, `at most ${Math.max(...counts)} links`);
});

/** Where a node believes another to be. */
function addressOf({ registry }: TestNode, owner: string): string | undefined {
  return registry.state(owner)?.head.head.facts.addresses[0];
}

/** Two nodes without a link between them. */
function unlinkedPair(cluster: TestCluster): [string, string] {
  for (const { engine, registry } of cluster.nodes.values())
    for (const { owner } of registry.members())
      if (owner !== registry.self && !engine.isLinked(owner)) return [registry.self, owner];
  throw new Error('all nodes are linked');
}

t.test('a member that is no neighbor is asked now and then, and its link ends again', async (t) => {
  const cluster = await TestCluster.of(30);
  cluster.run(30_000);
  const { engine, registry } = cluster.node(1);
  const others = [...registry.members()].map(({ owner }) => owner);
  const met = new Map<string, number>();
  for (let second = 0; second < 120; second++) {
    cluster.run(1_000);
    for (const peer of others.filter((other) => engine.isLinked(other)))
      met.set(peer, (met.get(peer) ?? 0) + 1);
  }
  const times = [...met.values()];
  const lasting = times.filter((seconds) => seconds === 120).length;
  const passing = times.filter((seconds) => seconds < 60).length;
  t.ok(lasting >= 6 && lasting <= 8, `${lasting} neighbors`);
  t.ok(passing >= 8, `${passing} others, in its own rounds and in theirs`);
});

t.test('a death that passed a node by comes to it with the accusations', async (t) => {
  const config = { headRefreshMs: 10_000 };
  const cluster = await TestCluster.of(30, 1, { config });
  cluster.register(29, 'add');
  cluster.run(2_000);
  const store = cluster.crash(3);
  cluster.run(2_000);
  cluster.crash(29);
  cluster.run(1_000);
  t.notOk(cluster.seenBy(1).includes('add'));
  await cluster.start(3, { config, store });
  cluster.until(() => cluster.isSeenByNone('add'), 5_000);
});
