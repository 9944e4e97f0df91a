import fc from 'fast-check';
import t from 'tap';
import { cutRange, difference, digestHeadsMax, isInRange } from '../../src/gossip/digest.ts';
import { openDigest, sealDigest } from '../../src/gossip/digest.ts';
import type { HeadSummary } from '../../src/gossip/message.ts';
import { ed25519Verifier } from '../../src/record/signature.ts';
import { signerOf } from './cluster.ts';

const summaries = fc
  .uniqueArray(
    fc.record({
      owner: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
      lastUpdate: fc.integer({ min: 1, max: 3 }),
      hash: fc.constantFrom('00', '11'),
    }),
    { selector: ({ owner }) => owner },
  )
  .map((list) => list.sort((a, b) => (a.owner < b.owner ? -1 : 1)));

t.test(
  'what one gives is what the other wants: the difference is the same from both sides',
  (t) => {
    fc.assert(
      fc.property(summaries, summaries, (mine, theirs) => {
        const here = difference(mine, theirs);
        const there = difference(theirs, mine);
        const owners = (list: readonly { owner: string }[]): string =>
          list
            .map(({ owner }) => owner)
            .sort()
            .join();
        t.equal(owners(here.give), owners(there.want));
        t.equal(owners(here.want), owners(there.give));
      }),
      { numRuns: 200, seed: 1 },
    );
    t.end();
  },
);

t.test('after giving and wanting both hold the larger of each pair', (t) => {
  fc.assert(
    fc.property(summaries, summaries, (mine, theirs) => {
      const { give, want } = difference(mine, theirs);
      const apply = (to: readonly HeadSummary[], from: readonly HeadSummary[], of: typeof give) => {
        const held = new Map(to.map((summary) => [summary.owner, summary]));
        for (const { owner } of of)
          held.set(owner, from.find((summary) => summary.owner === owner) as HeadSummary);
        return [...held.values()].sort((a, b) => (a.owner < b.owner ? -1 : 1));
      };
      t.same(apply(mine, theirs, want), apply(theirs, mine, give));
    }),
    { numRuns: 200, seed: 2 },
  );
  t.end();
});

t.test('ranges take turns and together cover every owner, known and unknown', (t) => {
  const count = 2 * digestHeadsMax + 10;
  const all = Array.from({ length: count }, (_, index) => ({
    owner: `owner-${String(index).padStart(6, '0')}`,
    lastUpdate: 1,
    hash: '00',
  }));
  const ranges = [];
  let start = '';
  do {
    const cut = cutRange(all, start);
    ranges.push(cut);
    start = cut.range.end;
  } while (start !== '');
  t.strictSame(
    ranges.map(({ heads }) => heads.length),
    [digestHeadsMax, digestHeadsMax, 10],
  );
  for (const owner of ['', 'a', 'owner-004096', 'owner-004096x', 'zzz', all[5]?.owner ?? '']) {
    const covering = ranges.filter(({ range }) => isInRange(owner, range));
    t.equal(covering.length, 1, `${owner} lies in one range`);
  }
  t.end();
});

t.test('a range that begins beyond the last owner begins anew', (t) => {
  const all = [{ owner: 'b', lastUpdate: 1, hash: '00' }];
  t.strictSame(cutRange(all, 'c').range, { first: '', end: '' });
  t.strictSame(cutRange([], '').range, { first: '', end: '' });
  t.end();
});

t.test('a sealed digest opens for its cluster and sender, and for no other', (t) => {
  const [signer, other] = [signerOf(1), signerOf(2)];
  const head = { owner: other.owner, lastUpdate: 7, hash: '0011223344556677' };
  const range = { first: other.owner, end: '' };
  const parts = { cluster: 'c', time: 5, exchange: 3, range, heads: [head] };
  const digest = { ...parts, owner: signer.owner };
  const sealed = sealDigest(digest, signer);
  const open = (peer: string, cluster: string, of = sealed): unknown =>
    openDigest(of, peer, cluster, ed25519Verifier);
  t.strictSame(open(signer.owner, 'c'), { kind: 'opened', value: digest });
  t.match(open(signer.owner, 'd'), { kind: 'refused', reason: 'WRONG_CLUSTER' });
  t.match(open(other.owner, 'c'), { kind: 'refused', reason: 'OWNER_MISMATCH' });
  const forged = sealDigest(digest, other);
  t.match(open(signer.owner, 'c', forged), { kind: 'refused', reason: 'BAD_SIGNATURE' });
  const garbage = { body: Buffer.from('garbage'), signature: sealed.signature };
  t.match(open(signer.owner, 'c', garbage), { kind: 'refused', reason: 'MALFORMED' });
  t.end();
});
