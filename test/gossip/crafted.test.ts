/** Heads that were made so that two nodes seem to hold the same. */
import t from 'tap';
import { elementKey, elementOf } from '../../src/gossip/element.ts';
import { sha256 } from '../../src/record/hash.ts';
import { TestCluster } from './cluster.ts';
import { Ghost } from './ghosts.ts';
import { hashedSignatures } from './hashed-signatures.ts';

const startMicros = 1_750_000_000_000_000;
const key = elementKey(sha256('disco/v1/element', 'test').subarray(0, 16));

/** The 128 bits of an owner that its older and its newer head add to the set hash, as one number. */
function partOf(older: Ghost, newer: Ghost): bigint {
  const words = [older, newer].map(({ state }) => elementOf(state.head.hash, key));
  const parts = words.map(({ s0, s1, s2, s3 }) =>
    [s0, s1, s2, s3].reduce((sum, word) => (sum << 32n) | BigInt(word >>> 0), 0n),
  );
  return (parts[0] ?? 0n) ^ (parts[1] ?? 0n);
}

/** Which of the parts XOR to zero: among more than 128 there are always some. */
function cancelling(parts: readonly bigint[]): number[] {
  const basis: { part: bigint; of: bigint }[] = [];
  for (const [index, part] of parts.entries()) {
    let row = { part, of: 1n << BigInt(index) };
    for (const known of basis)
      if ((row.part ^ known.part) < row.part)
        row = { part: row.part ^ known.part, of: row.of ^ known.of };
    if (row.part === 0n) return parts.flatMap((_, at) => ((row.of >> BigInt(at)) & 1n ? [at] : []));
    basis.push(row);
  }
  return [];
}

t.test('sets that were made to cancel out seem equal, until a salt tells them apart', async (t) => {
  const signers = Array.from({ length: 140 }, (_, at) => hashedSignatures.signerOf(100 + at));
  const older = signers.map((signer) => new Ghost(signer, startMicros));
  const newer = signers.map((signer) => new Ghost(signer, startMicros + 1_000));
  const chosen = cancelling(older.map((ghost, at) => partOf(ghost, newer[at] as Ghost)));
  t.ok(chosen.length > 1, `${chosen.length} owners`);
  const cluster = await TestCluster.of(2, 1, { signatures: hashedSignatures });
  cluster.network.rules.dropsRumor = () => true;
  chosen.forEach((at) => {
    older[at]?.giveTo(cluster.node(1).registry, cluster.clock.now());
    newer[at]?.giveTo(cluster.node(2).registry, cluster.clock.now());
  });
  const count = (name: string): number =>
    cluster.node(1).engine.counters.get(name) + cluster.node(2).engine.counters.get(name);
  const [salted, unequal] = [count('exchanges_salted'), count('exchanges_unequal')];
  t.equal(salted, 0);
  cluster.run(20_000);
  t.ok(count('exchanges_in_sync') > 30);
  t.equal(count('exchanges_unequal'), unequal, 'every digest was answered: the same');
  t.equal(cluster.isConverged(), false, 'yet they are not');
  const waitedMs = cluster.until(() => cluster.isConverged(), 700_000);
  t.ok(waitedMs > 0);
  t.ok(count('exchanges_salted') > 0, `after ${Math.round(waitedMs / 1_000)} s`);
  t.equal(count('pages_taken'), 1, 'by versions');
});

t.test('what differs anyway costs no comparison by versions when a salt is due', async (t) => {
  const cluster = await TestCluster.of(2);
  cluster.network.rules.dropsRumor = () => true;
  const ghosts = Array.from({ length: 20 }, (_, at) => new Ghost(100 + at, startMicros));
  for (const ghost of ghosts)
    for (const { registry } of cluster.nodes.values()) ghost.giveTo(registry, cluster.clock.now());
  // Something differs at nearly every exchange, as in a busy cluster.
  for (let second = 0; second < 1_300; second++) {
    ghosts[second % 20]?.refresh(cluster.clock.now().wallMicros);
    ghosts[second % 20]?.giveTo(cluster.node(1).registry, cluster.clock.now());
    cluster.run(1_000);
  }
  const counters = [1, 2].map((number) => cluster.node(number).engine.counters);
  const sum = (name: string): number => counters.reduce((all, each) => all + each.get(name), 0);
  t.ok(sum('exchanges_salted') >= 3, `${sum('exchanges_salted')} salted`);
  t.ok(sum('exchanges_unequal') >= 400, `${sum('exchanges_unequal')} that differed`);
  t.equal(sum('pulls_started'), 0);
});
