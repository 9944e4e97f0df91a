/** Accusations over time: of lives that are over, of nodes that were away, of who is forgotten. */
import t from 'tap';
import { encodeFrame } from '../../src/gossip/message.ts';
import { equalBytes } from '../../src/record/hash.ts';
import { TestCluster } from './cluster.ts';
import type { TestNode } from './cluster.ts';
import { hashedSignatures } from './hashed-signatures.ts';
import { lieOf, neighborsOf, slander } from './liars.ts';
import { countOf, isToAll, MemberLog, stateAt } from './member-log.ts';

const options = { signatures: hashedSignatures };
const setHashOf = ({ heads }: TestNode): Uint8Array => heads.sketch.setHash();

/** All compare the same set. */
function areInSync(cluster: TestCluster): boolean {
  const [first, ...others] = [...cluster.nodes.values()].map(setHashOf);
  return others.every((hash) => equalBytes(hash, first as Uint8Array));
}

t.test('an accusation of an older incarnation is void, confirmed or not', async (t) => {
  const cluster = await TestCluster.of(6, 1, options);
  const subject = cluster.node(2);
  const { self } = subject.registry;
  const incarnation = subject.registry.member(self)?.incarnation ?? 0;
  slander(cluster, [3], subject);
  cluster.run(1_000);
  t.equal(countOf(cluster, 'refutations'), 1);
  const log = new MemberLog(cluster);
  slander(cluster, [4, 5, 6], subject, { incarnation });
  slander(cluster, [1], subject, { incarnation, confirmed: true });
  cluster.run(10_000);
  t.strictSame(log.changes, []);
  t.equal(countOf(cluster, 'refutations'), 1, 'it is not worth an answer');
  t.strictSame(cluster.node(4).engine.accusersOf(self), []);
});

t.test('what was said of a life does not count against the next one', async (t) => {
  const cluster = await TestCluster.of(6, 2, options);
  const { self } = cluster.node(6).registry;
  const store = cluster.crash(6);
  cluster.run(30_000);
  t.ok(cluster.node(1).engine.accusersOf(self).length > 0);
  await cluster.start(6, { ...options, store });
  cluster.until(() => isToAll(cluster, self, 'alive'), 1_000);
  cluster.run(1_000);
  for (const { engine } of cluster.nodes.values()) t.strictSame(engine.accusersOf(self), []);
  const log = new MemberLog(cluster);
  cluster.run(30_000);
  t.strictSame(log.changes, []);
  cluster.until(() => areInSync(cluster), 5_000);
});

t.test('who was away comes to the same verdict by the accusations alone', async (t) => {
  const cluster = await TestCluster.of(6, 3, options);
  cluster.register(5, 'add');
  cluster.run(2_000);
  const { self } = cluster.node(5).registry;
  const away = cluster.crash(4);
  cluster.run(5_000);
  // Its host keeps the connections: whoever dials it waits for ever.
  cluster.freeze(5);
  cluster.run(60_000);
  await cluster.start(4, { ...options, store: away });
  const tookMs = cluster.until(() => stateAt(cluster, 4, self) === 'dead', 5_000);
  t.ok(tookMs <= 2_500, `${tookMs} ms, well before its own dials would tell`);
  t.notOk(cluster.seenBy(4).includes('add'));
  t.strictSame(
    cluster
      .node(4)
      .engine.accusersOf(self)
      .map(({ accuser }) => accuser)
      .sort(),
    cluster
      .node(1)
      .engine.accusersOf(self)
      .map(({ accuser }) => accuser)
      .sort(),
  );
});

t.test('where two are all who can accuse, their certificate is enough for the third', async (t) => {
  const cluster = await TestCluster.of(4, 4, options);
  const { self } = cluster.node(3).registry;
  const away = cluster.crash(2);
  cluster.run(5_000);
  cluster.freeze(3);
  const tookMs = cluster.until(() => stateAt(cluster, 1, self) === 'dead', 60_000);
  t.ok(tookMs > 4_000 && tookMs < 8_000, `${tookMs} ms: a suspicion time`);
  cluster.run(60_000);
  await cluster.start(2, { ...options, store: away });
  const toldMs = cluster.until(() => stateAt(cluster, 2, self) === 'dead', 30_000);
  t.ok(toldMs <= 2_500, `${toldMs} ms`);
});

t.test('nodes with the same accusations are in sync, and stay so', async (t) => {
  const cluster = await TestCluster.of(25, 5, options);
  cluster.run(10_000);
  cluster.crash(9);
  cluster.freeze(14);
  cluster.run(15_000);
  cluster.crash(14);
  cluster.run(5_000);
  t.ok(areInSync(cluster));
  const before = countOf(cluster, 'exchanges_unequal');
  cluster.run(30_000);
  t.equal(countOf(cluster, 'exchanges_unequal'), before);
});

t.test('an accusation that a node lacks comes with the next exchange', async (t) => {
  const cluster = await TestCluster.of(5, 6, options);
  const { self } = cluster.node(5).registry;
  cluster.run(5_000);
  // Nothing is broadcast any more, and node 2 hears no accusation from anybody either.
  cluster.network.rules.dropsRumor = () => true;
  cluster.crash(5);
  cluster.run(10_000);
  const accusers = [...cluster.nodes.values()].map(({ engine }) => engine.accusersOf(self).length);
  t.ok(new Set(accusers).size === 1 && (accusers[0] as number) > 0, String(accusers));
  t.ok(areInSync(cluster));
});

t.test('accusations of a node that is forgotten are gone, from the digest too', async (t) => {
  const config = { reapAfterMs: 400_000, headRefreshMs: 60_000 };
  const cluster = await TestCluster.of(4, 7, { ...options, config });
  cluster.run(5_000);
  const { self } = cluster.node(4).registry;
  cluster.crash(4);
  cluster.run(10_000);
  for (const { engine, heads } of cluster.nodes.values()) {
    t.ok(engine.accusersOf(self).length > 0);
    t.ok(heads.sketch.count > 4, `${heads.sketch.count} elements`);
  }
  cluster.run(1_000_000);
  for (const { engine, heads, registry } of cluster.nodes.values()) {
    t.equal(registry.state(self), undefined);
    t.strictSame(engine.accusersOf(self), []);
    t.equal(heads.sketch.count, 3);
  }
  t.ok(areInSync(cluster));
  slander(cluster, [2], cluster.node(3));
  cluster.run(2_000);
  t.ok(areInSync(cluster), 'and all goes on');
});

t.test('who was away and comes with an old lie is answered as anybody', async (t) => {
  const cluster = await TestCluster.of(6, 8, options);
  const subject = cluster.node(2);
  const [liar] = neighborsOf(cluster, subject) as [number];
  const sealed = lieOf(cluster, liar, subject);
  cluster.run(500_000);
  const { transport } = cluster.node(liar);
  const log = new MemberLog(cluster);

  transport.send(cluster.node(3).registry.self, encodeFrame({ kind: 'accusation', sealed }));
  cluster.run(5_000);
  t.ok(isToAll(cluster, subject.registry.self, 'alive'));
  t.notOk(log.changes.some(({ state }) => state === 'dead'));
  t.equal(countOf(cluster, 'refutations'), 1);
});
