/** More than anybody can take: delayed, never refused for good, and nothing grows with it. */
import t from 'tap';
import { TestCluster } from '../gossip/cluster.ts';
import type { TestNode } from '../gossip/cluster.ts';
import { delta, HostilePeer, refusedSince } from './hostile-peer.ts';

/** All that an attacker could fill at a node, counted. */
function heldAt({ registry, store }: TestNode): Record<string, number> {
  const sets = [...registry.owners()].map(([, { set }]) => set);
  return {
    owners: sets.length,
    records: sets.reduce((sum, { count }) => sum + count, 0),
    shown: registry.index.list().length,
    peers: [...registry.rememberedPeers()].length,
    stored: store.load().owners.length,
  };
}

t.test(
  'ten thousand valid heads a second of one owner end as the last one, and in no more memory',
  async (t) => {
    const cluster = await TestCluster.of(3);
    const nodes = [...cluster.nodes.values()];
    const owner = HostilePeer.greeted(cluster, 66, cluster.node(1));
    let port = 0;
    const burst = (heads: number): void => {
      for (let count = 0; count < heads; count++) {
        port = 1 + (port % 60_000);
        const record = owner.record({ name: 'busy', port });
        const head = owner.head([record], { lastUpdate: cluster.clock.now().wallMicros + count });
        owner.publish({ head, previous: 0, records: [record.bytes] });
      }
    };
    // Two seconds of it, 100 every 10 ms.
    const applied = (): number => cluster.node(1).engine.counters.get('rumors_applied');
    const before = applied();
    let full: Record<string, number> | undefined;
    for (let step = 0; step < 200; step++) {
      burst(100);
      cluster.run(10);
      if (step === 20) full = heldAt(cluster.node(1));
    }
    t.same(heldAt(cluster.node(1)), full, 'what is held does not grow with what is told');
    t.ok(
      applied() - before < 200 + 100 * 3,
      `${applied() - before} of 20,000 were merged one by one`,
    );
    t.ok(cluster.node(1).registry.refusals.get('PEER_THROTTLED') > 15_000);
    const record = owner.record({ name: 'busy', port: 60_001 });
    const head = owner.head([record]);
    owner.publish({ head, previous: 0, records: [record.bytes] });
    // The owner has an engine behind it in life: it answers for what it told.
    owner.answer = (peer, frame) => {
      if (frame.kind !== 'want') return;
      owner.send(peer, delta(head, [record.bytes]));
    };
    const isLast = ({ registry }: TestNode): boolean =>
      registry.index.list('test').every((shown) => shown.record.port === 60_001);
    const lateMs = cluster.until(() => nodes.every(isLast), 5_000);
    t.ok(lateMs <= 2_500, `${lateMs} ms after the last`);
    t.equal(
      nodes.reduce((sum, node) => sum + node.registry.refusals.get('BANNED'), 0),
      0,
    );
    t.ok(owner.isLinked(cluster.node(1)), 'haste is no offence');
  },
);

t.test('deltas and hellos that nobody asked for are no way around that', async (t) => {
  const cluster = await TestCluster.of(3);
  const node = cluster.node(1);
  const owner = HostilePeer.greeted(cluster, 66, node);
  const record = owner.record({ name: 'busy' });
  const { self } = node.registry;
  const before = node.registry.feed.revision;
  const stamp = cluster.clock.now().wallMicros;
  for (let count = 0; count < 1_000; count++) {
    const told = owner.head([record], { lastUpdate: stamp + 2 * count });
    owner.send(self, delta(told, [record.bytes]));
    owner.greet(self, { head: owner.head([record], { lastUpdate: stamp + 2 * count + 1 }) });
  }
  cluster.run(5);
  const merged = node.registry.feed.revision - before;
  t.ok(merged >= 200 && merged < 250, `${merged} of 2,000 were merged one by one`);
  t.ok(node.registry.refusals.get('PEER_THROTTLED') > 1_700);
  t.equal(node.registry.refusals.get('ROOT_MISMATCH'), 0);
  cluster.run(300);
  const [want] = owner.received('want').slice(-1);
  t.equal(want?.exchange, 0, 'the newest is asked for');
  const last = owner.head([record]);
  owner.send(self, delta(last, [record.bytes]));
  cluster.run(5);
  t.same(node.registry.state(owner.id)?.head.body, last.body, 'and taken');
  t.ok(owner.isLinked(node), 'haste is no offence');
});

t.test('another owner is heard at once, however many heads that one tells', async (t) => {
  const cluster = await TestCluster.of(3);
  const busy = HostilePeer.greeted(cluster, 66, cluster.node(1));
  for (let step = 0; step < 100; step++) {
    for (let count = 0; count < 50; count++) {
      const head = busy.head([], { lastUpdate: cluster.clock.now().wallMicros + count });
      busy.publish({ head, previous: 0, records: [] });
    }
    if (step === 50) cluster.register(1, 'add');
    cluster.run(5);
    if (step === 51) t.ok(cluster.isSeenByAll('add'));
  }
});

t.test('a head that cannot be signed does not stand in for one that is waited for', async (t) => {
  const cluster = await TestCluster.of(3);
  const node = cluster.node(1);
  const owner = HostilePeer.greeted(cluster, 66, node);
  for (let count = 0; count < 300; count++) {
    const head = owner.head([], { lastUpdate: cluster.clock.now().wallMicros + count });
    owner.publish({ head, previous: 0, records: [] });
  }
  cluster.run(5);
  t.ok(node.registry.refusals.get('PEER_THROTTLED') > 0, 'it is paused');
  const wants = (): number => owner.received('want').length;
  const before = wants();
  const last = owner.head([], { lastUpdate: cluster.clock.now().wallMicros + 400 });
  owner.publish({ head: last, previous: 0, records: [] });
  // Unsigned, with a number that is none: what anybody may send in its name.
  for (const lastUpdate of [2 ** 63, NaN, 0]) {
    const relay = new HostilePeer(cluster, 67);
    relay.link(node);
    const head = { ...owner.head([], { lastUpdate }), signature: new Uint8Array(64) };
    relay.send(node.registry.self, { kind: 'rumor', rumor: { head, previous: 0, records: [] } });
  }
  cluster.run(600);
  t.ok(wants() > before, 'the newest is still asked for');
});

t.test('bad signatures at a high rate, from many keys, cost three checks a key', async (t) => {
  const cluster = await TestCluster.of(2);
  const node = cluster.node(1);
  const counted = refusedSince(node);
  const peers = Array.from({ length: 20 }, (_, index) =>
    HostilePeer.greeted(cluster, 600 + index, node),
  );
  const held = heldAt(node);
  for (let time = 0; time < 500; time++)
    for (const peer of peers) {
      const head = { ...peer.head([], { incarnation: 2 + time }), signature: new Uint8Array(64) };
      peer.send(node.registry.self, { kind: 'rumor', rumor: { head, previous: 0, records: [] } });
    }
  cluster.run(100);
  const { BAD_SIGNATURE, ...others } = refusedSince(node, counted);
  t.equal(BAD_SIGNATURE, 3 * peers.length);
  t.strictSame(others, {});
  t.strictSame(heldAt(node), held);
});
