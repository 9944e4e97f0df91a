import t from 'tap';
import { decodeFrame, encodeFrame } from '../../src/gossip/message.ts';
import { Rebirth } from '../../src/gossip/rebirth.ts';
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

const endpoints = [{ name: 'metrics', port: 9_100, ip: '' }];
const said = { version: '2', tags: ['blue'], weight: 7, zone: 'eu-1', endpoints };

/** Nodes 1 to 4, of which the last had registered add, mul and sub before it was lost. */
async function lost(options: StartOptions): Promise<TestCluster> {
  const cluster = await TestCluster.of(4);
  for (const name of ['add', 'mul', 'sub']) cluster.register(4, name, { ...said, ttlMs: 10_000 });
  cluster.deregister(4, 'mul');
  cluster.run(1_000);
  cluster.crash(4);
  cluster.run(2_000);
  await cluster.start(4, options);
  return cluster;
}

t.test(
  'a lost database comes back from the others, without any service doing anything',
  async (t) => {
    const cluster = await lost({ isReborn: true });
    const waitedMs = sees(cluster, ['add', 'sub']);
    t.ok(waitedMs <= 4_500, `${waitedMs} ms`);
    const { registry, store, engine } = cluster.node(4);
    t.equal(registry.isReborn, false);
    t.equal(engine.counters.get('reclaims'), 1);
    const kept = store.load().registrations.toSorted((a, b) => a.name.localeCompare(b.name));
    t.equal(kept.length, 2);
    t.match(kept, [
      { ...said, name: 'add', ttlMs: 10_000 },
      { ...said, name: 'sub', ttlMs: 10_000 },
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

t.test(
  'what was in the zone of its node is in it again, and follows it from then on',
  async (t) => {
    const cluster = await TestCluster.of(3);
    await cluster.start(4, { zone: 'eu-1' });
    cluster.register(4, 'own');
    cluster.register(4, 'far', { zone: 'us-1' });
    cluster.run(1_000);
    cluster.crash(4);
    cluster.run(2_000);
    const zones = (): string[] =>
      cluster
        .node(1)
        .registry.index.list('test')
        .map(({ record: { name, zone } }) => `${name} ${zone}`)
        .toSorted();
    const { store } = await cluster.start(4, { isReborn: true, zone: 'eu-1' });
    sees(cluster, ['far', 'own']);
    t.strictSame(zones(), ['far us-1', 'own eu-1']);
    cluster.crash(4);
    await cluster.start(4, { store, zone: 'eu-2' });
    cluster.until(() => zones().includes('own eu-2'), 5_000);
    t.strictSame(zones(), ['far us-1', 'own eu-2']);
  },
);

t.test('what was in maintenance comes back as such, and is ended as ever', async (t) => {
  const none = { group: '', name: '', instanceId: '' };
  const one = { group: 'test', name: 'add', instanceId: 'add' };
  for (const target of [none, one]) {
    const cluster = await TestCluster.of(4);
    for (const name of ['add', 'sub']) cluster.register(4, name, { instanceId: name });
    const now = () => cluster.clock.now();
    const rule = { ...target, reason: 'kernel update', since: now().wallMicros };
    cluster.node(4).registry.commit([{ kind: 'maintenance', rule }], now());
    cluster.run(1_000);
    cluster.crash(4);
    cluster.run(2_000);
    await cluster.start(4, { isReborn: true });
    sees(cluster, ['add', 'sub']);
    const { registry } = cluster.node(4);
    t.match(registry.maintenance.list(), [{ ...target, reason: 'kernel update' }]);
    const healths = () =>
      cluster
        .node(1)
        .registry.index.list('test')
        .map(({ record }) => record.health);
    const rest = target === none ? 'maintenance' : 'passing';
    t.strictSame(healths(), ['maintenance', rest]);
    t.equal(
      registry.state(registry.self)?.head.head.facts.maintenance,
      target === none ? 'kernel update' : undefined,
    );
    registry.commit([{ kind: 'maintenance', rule: { ...rule, reason: '' } }], now());
    cluster.run(1_000);
    t.strictSame(healths(), ['passing', 'passing']);
  }
});

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

t.test('a reborn node alone goes on listening until somebody is there to ask', async (t) => {
  const cluster = await TestCluster.of(2);
  cluster.register(2, 'add');
  cluster.run(1_000);
  cluster.crash(2);
  const store = cluster.crash(1);
  await cluster.start(2, { isReborn: true, seeds: ['mem/1'] });
  cluster.register(2, 'sub');
  cluster.run(1_800_000);
  const { registry } = cluster.node(2);
  t.equal(registry.isReborn, true);
  t.strictSame(cluster.seenBy(2), ['sub'], 'what it has is served all the same');
  await cluster.start(1, { store });
  sees(cluster, ['add', 'sub'], 10_000);
  t.equal(registry.isReborn, false);
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

t.test('what was registered last is adopted, though an older head is met first', async (t) => {
  for (const randomSeed of [1, 2, 3, 4]) {
    const cluster = await TestCluster.of(6, randomSeed);
    cluster.register(6, 'add');
    cluster.run(1_000);
    cluster.cut([1, 2, 3], [4, 5, 6]);
    cluster.register(6, 'sub');
    cluster.deregister(6, 'add');
    cluster.run(1_000);
    cluster.crash(6);
    const { self } = cluster.node(1).registry;
    await cluster.start(6, { isReborn: true });
    const { registry } = cluster.node(6);
    // The cut holds for the side of node 6 as before: at first it meets the side of its seed node.
    cluster.cut([1, 2, 3, 6], [4, 5]);
    cluster.until(() => registry.member(self)?.state === 'alive', 5_000);
    cluster.run(1_000);
    t.equal(registry.isReborn, true, 'one side is not all');
    cluster.cut();
    sees(cluster, ['sub'], 10_000);
    cluster.run(5_000);
    t.strictSame(seen(cluster), ['sub']);
  }
});

t.test(
  'records of an older head are better than none, if the newest ones never come',
  async (t) => {
    const cluster = await TestCluster.of(1);
    cluster.register(1, 'add');
    const { registry } = cluster.node(1);
    const own = registry.state(registry.self);
    if (own === undefined) throw new Error('a node holds its own head');
    const { head } = own.head;
    const newer = { ...head, lastUpdate: head.lastUpdate + 1 };
    const rebirth = new Rebirth();
    t.equal(rebirth.heard(head, undefined, 0), true, 'the first peer is asked');
    t.equal(rebirth.heard(head, [...own.set.records()], 100), false);
    t.equal(rebirth.heard(newer, undefined, 999), false, 'at most once a second');
    t.equal(rebirth.heard(newer, undefined, 1_000), true);
    t.equal(rebirth.heard(head, undefined, 2_000), false, 'nothing older is asked for');
    const ends = [3_000, 4_000, 5_000, 9_999, 10_000].map((monoMs) => rebirth.isOver(monoMs));
    t.strictSame(ends, [false, false, false, false, true]);
    t.equal(rebirth.past?.head, newer, 'everything goes above the newest');
    t.strictSame(
      rebirth.past?.records.map(({ record }) => record.name),
      ['add'],
    );
  },
);
