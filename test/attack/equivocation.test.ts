/** Two truths with one lastUpdate, and two processes with one key: one winner, the same everywhere. */
import t from 'tap';
import { compareBytes, sha256 } from '../../src/record/hash.ts';
import { isSignedByOwner } from '../../src/record/head.ts';
import type { Sealed } from '../../src/record/head.ts';
import { ed25519Verifier } from '../../src/record/signature.ts';
import { TestCluster } from '../gossip/cluster.ts';
import type { TestNode } from '../gossip/cluster.ts';
import { delta, HostilePeer } from './hostile-peer.ts';

const counted = (nodes: readonly TestNode[], reason: string): number =>
  nodes.reduce((sum, { registry }) => sum + registry.refusals.get(reason), 0);

/** Five honest nodes, and one hostile owner that is linked with them all. */
async function surrounded(): Promise<{
  cluster: TestCluster;
  nodes: TestNode[];
  liar: HostilePeer;
}> {
  const cluster = await TestCluster.of(5);
  const nodes = [...cluster.nodes.values()];
  const liar = new HostilePeer(cluster, 66);
  for (const node of nodes) liar.link(node);
  return { cluster, nodes, liar };
}

t.test('told another truth each, all nodes end at the one with the largest hash', async (t) => {
  const { cluster, nodes, liar } = await surrounded();
  const lastUpdate = cluster.clock.now().wallMicros;
  const heads: Sealed[] = [];
  for (const [index, { registry }] of nodes.entries()) {
    const record = liar.record({ name: 'two-faced', port: 9_000 + index });
    const head = liar.head([record], { lastUpdate: lastUpdate + 1 });
    heads.push(head);
    liar.send(registry.self, delta(head, [record.bytes]));
  }
  cluster.run(2);
  t.not(cluster.fingerprint(1), cluster.fingerprint(2), 'at first they were told apart');
  cluster.run(10_000);
  t.ok(cluster.isConverged());
  const [largest] = heads.map(({ body }) => sha256(body)).sort((a, b) => compareBytes(b, a));
  for (const { registry } of nodes) {
    t.same(registry.state(liar.id)?.head.hash, largest);
    t.equal(registry.index.list('test').length, 1, 'and one instance is shown');
  }
  t.ok(counted(nodes, 'EQUIVOCATION') > 0);
  const evidence = nodes.flatMap(({ registry }) => registry.evidence(liar.id) ?? []);
  t.ok(evidence.length >= 2, 'proof is kept');
  for (const head of evidence) {
    t.equal(head.head.lastUpdate, lastUpdate + 1);
    t.ok(isSignedByOwner(head, ed25519Verifier));
  }
  t.equal(counted(nodes, 'BANNED'), 0, 'nobody who passed one of them on is to blame');
});

t.test('an owner that never stops contradicting itself costs nobody else anything', async (t) => {
  const { cluster, nodes, liar } = await surrounded();
  for (let round = 0; round < 40; round++) {
    const lastUpdate = cluster.clock.now().wallMicros;
    for (const [index, { registry }] of nodes.entries()) {
      const head = liar.head([], { lastUpdate, incarnation: 10 + index });
      liar.send(registry.self, { kind: 'rumor', rumor: { head, previous: 0, records: [] } });
    }
    cluster.run(50);
  }
  cluster.register(2, 'add');
  t.ok(cluster.until(() => cluster.isSeenByAll('add'), 1_000) <= 10);
  cluster.run(5_000);
  t.ok(cluster.isConverged());
  for (const { engine } of nodes) t.ok(engine.linkCount >= 4);
  t.equal(counted(nodes, 'BANNED'), 0);
});

t.test(
  'two boot ids that take turns are pinned to the same one everywhere, without flapping',
  async (t) => {
    const { cluster, nodes, liar } = await surrounded();
    const bootIds = ['aa'.repeat(8), 'bb'.repeat(8)] as const;
    const say = (turn: number): void => {
      const record = liar.record({ name: 'clone', port: 9_000 + (turn % 2) });
      const bootId = turn % 2 === 0 ? bootIds[0] : bootIds[1];
      const fields = { bootId, incarnation: 100 + turn };
      const rumor = { head: liar.head([record], fields), previous: 0, records: [record.bytes] };
      liar.publish(rumor);
      // Who holds an earlier head of it needs the whole.
      for (const { registry } of nodes)
        liar.send(registry.self, { kind: 'delta', ...rumor, whole: true, more: false });
      cluster.run(200);
    };
    for (let turn = 0; turn < 20; turn++) say(turn);
    cluster.run(3_000);
    const held = nodes.map(({ number }) => cluster.bootIdAt(number, liar.id));
    const [stays] = [...bootIds].sort((a, b) =>
      compareBytes(sha256(Buffer.from(a, 'hex')), sha256(Buffer.from(b, 'hex'))),
    );
    t.strictSame([...new Set(held)], [stays], 'the smaller hash of a boot id stays');
    t.ok(counted(nodes, 'DUPLICATE_OWNER') > 0);
    const ports = (): Set<number> =>
      new Set(
        nodes.flatMap(({ registry }) =>
          registry.index.list('test').map(({ record }) => record.port),
        ),
      );
    const shown = [...ports()];
    t.equal(shown.length, 1);
    for (let turn = 20; turn < 40; turn++) {
      say(turn);
      t.strictSame([...ports()], shown, 'it does not flap');
    }
    t.equal(counted(nodes, 'BANNED'), 0);
  },
);
