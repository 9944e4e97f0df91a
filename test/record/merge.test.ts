import t from 'tap';
import { AssertionError } from '../../src/base/assert.ts';
import { compareHeads } from '../../src/record/head.ts';
import { assertInvariant, compareWithHeld, merge } from '../../src/record/merge.ts';
import type { OwnerState } from '../../src/record/merge.ts';
import { RecordSet } from '../../src/record/record-set.ts';
import { appliedOf, contentOf, makeHead, makeSealed, makeState } from './fixtures.ts';
import { makeTombstone, signerOf, wideBounds } from './fixtures.ts';

const a1 = makeSealed({ instanceId: 'a', lastUpdate: 1 });
const a3 = makeSealed({ instanceId: 'a', lastUpdate: 3, port: 81 });
const b2 = makeSealed({ instanceId: 'b', lastUpdate: 2 });
const bGone = makeTombstone({ instanceId: 'b', lastUpdate: 4 });
const held = makeState([a1, b2], { lastUpdate: 2 });

const mergeWhole = (before: OwnerState | undefined, next: OwnerState) =>
  merge(before, next.head, [...next.set.records()], true, wideBounds);

t.test('an unknown owner is held once all of its records are there', (t) => {
  const verdict = appliedOf(merge(undefined, held.head, [a1, b2], false, wideBounds));
  t.equal(verdict.next.head, held.head);
  t.strictSame(contentOf(verdict.next.set), contentOf(held.set));
  t.strictSame(verdict.puts, [a1, b2]);
  t.strictSame(verdict.removes, []);
  t.equal(verdict.isEquivocation, false);
  t.strictSame(merge(undefined, held.head, [a1], false, wideBounds), { kind: 'gap' });
  t.end();
});

t.test('the held head is a duplicate and an older one stale, with whatever records', (t) => {
  t.strictSame(merge(held, held.head, [], false, wideBounds), { kind: 'duplicate' });
  const older = makeHead(undefined, { lastUpdate: 1 });
  const stale = { kind: 'stale', isEquivocation: false };
  t.strictSame(merge(held, older, [a1], true, wideBounds), stale);
  t.equal(compareWithHeld(undefined, older), 'newer');
  t.equal(compareWithHeld(held, held.head), 'duplicate');
  t.equal(compareWithHeld(held, older), 'stale');
  t.end();
});

t.test('what changed since the held head leads to the next one', (t) => {
  const next = makeState([a3, b2], { lastUpdate: 3 });
  const verdict = appliedOf(merge(held, next.head, [a3], false, wideBounds));
  t.strictSame(contentOf(verdict.next.set), contentOf(next.set));
  t.strictSame(verdict.puts, [a3]);
  t.strictSame(verdict.removes, []);
  t.end();
});

t.test('a missing change is a gap, and the held state is left as it was', (t) => {
  const next = makeState([a3, bGone], { lastUpdate: 4 });
  const before = contentOf(held.set);
  t.strictSame(merge(held, next.head, [bGone], false, wideBounds), { kind: 'gap' });
  t.strictSame(merge(held, next.head, [], false, wideBounds), { kind: 'gap' });
  t.strictSame(contentOf(held.set), before);
  t.end();
});

t.test('a tombstone wins over an older registration, and not over a newer one', (t) => {
  const gone = makeState([a1, bGone], { lastUpdate: 4 });
  const verdict = appliedOf(merge(held, gone.head, [bGone], false, wideBounds));
  t.equal(verdict.next.set.tombstones, 1);
  const back = makeSealed({ instanceId: 'b', lastUpdate: 5 });
  const again = makeState([a1, back], { lastUpdate: 5 });
  const returned = appliedOf(merge(verdict.next, again.head, [bGone, back], false, wideBounds));
  t.equal(returned.next.set.tombstones, 0);
  t.strictSame(returned.puts, [back]);
  t.end();
});

t.test('a raised floor takes the tombstones below it out, and nothing else', (t) => {
  const gone = makeState([a1, bGone], { lastUpdate: 4 });
  const collected = makeState([a1], { lastUpdate: 5, floor: 4 });
  const verdict = appliedOf(merge(gone, collected.head, [], false, wideBounds));
  t.strictSame(contentOf(verdict.next.set), contentOf(collected.set));
  t.strictSame(verdict.removes, [bGone]);
  t.strictSame(verdict.puts, []);
  t.end();
});

t.test('a tombstone below the floor that still comes along is let go of', (t) => {
  const collected = makeState([a1], { lastUpdate: 5, floor: 4 });
  const verdict = appliedOf(merge(undefined, collected.head, [a1, bGone], true, wideBounds));
  t.strictSame(verdict.puts, [a1]);
  t.strictSame(contentOf(verdict.next.set), contentOf(collected.set));
  t.end();
});

t.test('who is below the floor needs the whole, and is told so by a gap', (t) => {
  const collected = makeState([a1], { lastUpdate: 5, floor: 4 });
  t.strictSame(merge(held, collected.head, [], false, wideBounds), { kind: 'gap' });
  const verdict = appliedOf(mergeWhole(held, collected));
  t.strictSame(verdict.removes, [b2]);
  t.strictSame(verdict.puts, [], 'what is held already is not written again');
  t.end();
});

t.test('a whole that is not the one that the head commits to is rejected', (t) => {
  const next = makeState([a3, b2], { lastUpdate: 3 });
  const mismatch = { kind: 'rejected', reason: 'ROOT_MISMATCH' };
  t.strictSame(merge(held, next.head, [a3], true, wideBounds), mismatch);
  t.strictSame(merge(held, next.head, [a1, b2], true, wideBounds), mismatch);
  const miscounted = makeHead(next.set, { lastUpdate: 3, count: 3 });
  t.strictSame(merge(held, miscounted, [a3, b2], true, wideBounds), mismatch);
  t.end();
});

t.test('a forged record of a key that comes twice reaches neither disk nor readers', (t) => {
  const forged = makeSealed({ instanceId: 'a', lastUpdate: 1, ip: '6.6.6.6' });
  const next = makeState([a1, b2], { lastUpdate: 3 });
  const whole = appliedOf(merge(held, next.head, [forged, a1, b2], true, wideBounds));
  t.strictSame(whole.puts, []);
  const changed = makeState([a3, b2], { lastUpdate: 3 });
  const late = makeSealed({ instanceId: 'a', lastUpdate: 2, ip: '6.6.6.6' });
  const delta = appliedOf(merge(held, changed.head, [late, a3], false, wideBounds));
  t.strictSame(delta.puts, [a3]);
  t.end();
});

t.test('a record of another owner or from after the head is rejected by name', (t) => {
  const next = makeHead(held.set, { lastUpdate: 3 });
  const foreign = makeSealed({ owner: signerOf(2).owner, lastUpdate: 1 });
  const later = makeSealed({ lastUpdate: 4 });
  const reject = (reason: string) => ({ kind: 'rejected', reason });
  t.strictSame(merge(held, next, [foreign], false, wideBounds), reject('OWNER_MISMATCH'));
  t.strictSame(merge(held, next, [later], false, wideBounds), reject('OUT_OF_RANGE'));
  t.end();
});

t.test('an owner may have as many records and bytes as the bounds say, and no more', (t) => {
  const bytes = held.set.bytes;
  const merged = (recordsPerOwnerMax: number, bytesPerOwnerMax: number) =>
    merge(undefined, held.head, [a1, b2], true, { recordsPerOwnerMax, bytesPerOwnerMax });
  const tooMany = { kind: 'rejected', reason: 'TOO_MANY_RECORDS' };
  t.equal(merged(2, bytes).kind, 'applied');
  t.strictSame(merged(1, bytes), tooMany);
  t.strictSame(merged(2, bytes - 1), tooMany);
  const flood = merge(undefined, makeHead(), [a1, b2], true, {
    ...wideBounds,
    recordsPerOwnerMax: 1,
  });
  t.strictSame(flood, tooMany, 'more records than the bound under a head that counts none');
  t.end();
});

t.test('of two heads with one lastUpdate all nodes end at the same one', (t) => {
  const one = makeState([a1], { lastUpdate: 9 });
  const other = makeState([b2], { lastUpdate: 9 });
  const [loser, winner] = compareHeads(one.head, other.head) < 0 ? [one, other] : [other, one];
  const forward = appliedOf(mergeWhole(loser, winner));
  t.equal(forward.isEquivocation, true);
  t.strictSame(contentOf(forward.next.set), contentOf(winner.set));
  t.strictSame(mergeWhole(winner, loser), { kind: 'stale', isEquivocation: true });
  t.end();
});

t.test('a set under a head that does not commit to it is a bug, and says so', (t) => {
  const wrongRoot = { head: makeHead(held.set), set: RecordSet.empty.with([a1, bGone], []) };
  const message = 'the set has the root that its head commits to';
  t.throws(() => assertInvariant(wrongRoot), new AssertionError(message));
  const wrongCount = { head: makeHead(held.set), set: RecordSet.empty };
  const counted = 'the set holds as many records as its head says';
  t.throws(() => assertInvariant(wrongCount), new AssertionError(counted));
  t.doesNotThrow(() => assertInvariant(held));
  t.end();
});
