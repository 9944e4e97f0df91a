/**
 * Merge: what becomes of one owner's state when a head and records arrive.
 *
 *   held (head, set)  +  head', records'  ->  applied | duplicate | stale | gap | rejected
 *
 * The invariant: the set that is held is exactly the set that the held head commits to. An owner
 * moves from head to head, never in between: what does not add up to the root of head' changes
 * nothing at all. Over whole states this is the maximum in the order of heads, so it is
 * commutative, associative and idempotent.
 */
import { assert } from '../base/assert.ts';
import { equalBytes } from './hash.ts';
import { compareHeads, isEquivocation } from './head.ts';
import type { SealedHead } from './head.ts';
import type { SealedRecord } from './record.ts';
import { RecordSet } from './record-set.ts';
import type { RefusalReason } from './verdict.ts';

/** All that is held of one owner. */
export interface OwnerState {
  readonly head: SealedHead;
  readonly set: RecordSet;
}

export interface MergeBounds {
  readonly recordsPerOwnerMax: number;
  readonly bytesPerOwnerMax: number;
}

export type MergeVerdict =
  | {
      readonly kind: 'applied';
      readonly next: OwnerState;
      /** What the store has to write, and which keys are there no more. */
      readonly puts: readonly SealedRecord[];
      readonly removes: readonly SealedRecord[];
      /** The replaced head bore the same lastUpdate. */
      readonly isEquivocation: boolean;
    }
  | { readonly kind: 'duplicate' }
  /** A newer head is held already. */
  | { readonly kind: 'stale'; readonly isEquivocation: boolean }
  /** The records do not lead from what is held to the head: ask for more of them. */
  | { readonly kind: 'gap' }
  | { readonly kind: 'rejected'; readonly reason: RefusalReason };

/** Whether a head would change anything, before its signature is checked. */
export function compareWithHeld(
  held: OwnerState | undefined,
  head: SealedHead,
): 'newer' | 'duplicate' | 'stale' {
  if (held === undefined) return 'newer';
  const order = compareHeads(head, held.head);
  if (order === 0) return 'duplicate';
  return order > 0 ? 'newer' : 'stale';
}

/**
 * @param head signature already checked
 * @param records all that changed since what is held or, with `whole`, all there are
 */
export function merge(
  held: OwnerState | undefined,
  head: SealedHead,
  records: readonly SealedRecord[],
  whole: boolean,
  bounds: MergeBounds,
): MergeVerdict {
  const order = compareWithHeld(held, head);
  const equivocates = held !== undefined && isEquivocation(held.head, head);
  if (order === 'duplicate') return { kind: 'duplicate' };
  if (order === 'stale') return { kind: 'stale', isEquivocation: equivocates };
  const fault = faultOf(head, records, bounds);
  if (fault !== undefined) return { kind: 'rejected', reason: fault };

  const before = held?.set ?? RecordSet.empty;
  const puts = records.filter((sealed) => isWanted(sealed, head, whole ? undefined : before));
  const leaving = whole ? [...before.records()] : forgotten(held, head);
  const set = whole ? RecordSet.empty.with(puts, []) : before.with(puts, leaving);
  if (set.count !== head.head.count || !equalBytes(set.root, head.head.root))
    return whole ? { kind: 'rejected', reason: 'ROOT_MISMATCH' } : { kind: 'gap' };
  if (set.bytes > bounds.bytesPerOwnerMax) return { kind: 'rejected', reason: 'TOO_MANY_RECORDS' };
  const next = { head, set };
  assertInvariant(next);
  // Of two records with one key only that in the set is vouched for by the root.
  const isNew = (put: SealedRecord): boolean => {
    if (set.get(put.key, put.bucket) !== put) return false;
    const old = before.get(put.key, put.bucket);
    return old === undefined || !equalBytes(old.hash, put.hash);
  };
  return {
    kind: 'applied',
    next,
    puts: puts.filter(isNew),
    removes: leaving.filter((old) => set.get(old.key, old.bucket) === undefined),
    isEquivocation: equivocates,
  };
}

/** Asserted around every change: the set is the one that its head commits to. */
export function assertInvariant(state: OwnerState): void {
  const { head } = state.head;
  assert(state.set.count === head.count, 'the set holds as many records as its head says');
  assert(equalBytes(state.set.root, head.root), 'the set has the root that its head commits to');
}

function faultOf(
  head: SealedHead,
  records: readonly SealedRecord[],
  bounds: MergeBounds,
): RefusalReason | undefined {
  if (head.head.count > bounds.recordsPerOwnerMax) return 'TOO_MANY_RECORDS';
  if (records.length > bounds.recordsPerOwnerMax) return 'TOO_MANY_RECORDS';
  for (const { record } of records) {
    if (record.owner !== head.head.owner) return 'OWNER_MISMATCH';
    if (record.lastUpdate > head.head.lastUpdate) return 'OUT_OF_RANGE';
  }
  return undefined;
}

function isWanted(sealed: SealedRecord, head: SealedHead, before: RecordSet | undefined): boolean {
  const { record, key, bucket } = sealed;
  if (record.deleted && record.lastUpdate <= head.head.floor) return false;
  const old = before?.get(key, bucket);
  return old === undefined || old.record.lastUpdate < record.lastUpdate;
}

/** Tombstones that the new head's floor has passed. */
function forgotten(held: OwnerState | undefined, head: SealedHead): SealedRecord[] {
  const { floor } = head.head;
  if (held === undefined || floor <= held.head.head.floor) return [];
  const isForgotten = ({ record }: SealedRecord): boolean =>
    record.deleted && record.lastUpdate <= floor;
  return [...held.set.records()].filter(isForgotten);
}
