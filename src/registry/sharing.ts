/**
 * Sharing: equal values as one object among the many registries of one process.
 *
 * A simulator holds what thousands of nodes know, and each of them knows the same. Every registry
 * still checks all that it is given by its own rules; it only keeps another's equal object instead
 * of its own. The daemon, alone in its process, shares nothing.
 */
import type { Sealed, SealedHead } from '../record/head.ts';
import type { OwnerState } from '../record/merge.ts';
import type { SealedRecord } from '../record/record.ts';
import type { Passage } from './visibility.ts';

export interface Sharing {
  /** A head with the same body and the same signature that was decoded before. */
  head(sealed: Sealed): SealedHead | undefined;
  /** A record with the same bytes that was opened before. */
  record(bytes: Uint8Array): SealedRecord | undefined;
  /** Asked only after all checks: an equal state (one with an equal head), or `next` itself. */
  state(next: OwnerState): OwnerState;
}

export const sharingNothing: Sharing = {
  head: () => undefined,
  record: () => undefined,
  state: (next) => next,
};

/** The same passage, in terms of the shared state. */
export function sharePassage<P extends Passage>(passage: P, sharing: Sharing): P {
  const next = sharing.state(passage.next);
  if (next === passage.next) return passage;
  // Equal heads commit to equal sets, so each record is there.
  const puts = passage.puts.map((put) => next.set.get(put.key, put.bucket) ?? put);
  return { ...passage, next, puts };
}
