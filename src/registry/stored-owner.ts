/** Opens what the store kept of one owner: signature and root are checked again at every start. */
import { openRecord } from '../record/encoding.ts';
import { isSignedByOwner, readHead } from '../record/head.ts';
import type { HeadRules } from '../record/head.ts';
import { merge } from '../record/merge.ts';
import type { MergeBounds, OwnerState } from '../record/merge.ts';
import type { SealedRecord } from '../record/record.ts';
import type { Verifier } from '../record/signature.ts';
import { opened, refused } from '../record/verdict.ts';
import type { Opened } from '../record/verdict.ts';
import type { StoredOwner } from '../store/store.ts';

export interface StoredOwnerRules extends MergeBounds {
  readonly recordBytesMax: number;
}

/** Refuses as `readHead` does, and BAD_SIGNATURE, ROOT_MISMATCH, TOO_MANY_RECORDS. */
export function openStoredOwner(
  stored: StoredOwner,
  headRules: HeadRules,
  rules: StoredOwnerRules,
  verifier: Verifier,
): Opened<OwnerState> {
  const read = readHead(stored.head, headRules);
  if (read.kind === 'refused') return read;
  if (!isSignedByOwner(read.value, verifier)) return refused('BAD_SIGNATURE');
  const records: SealedRecord[] = [];
  for (const bytes of stored.records) {
    const record = openRecord(bytes, rules.recordBytesMax);
    if (record.kind === 'opened') records.push(record.value);
  }
  const verdict = merge(undefined, read.value, records, true, rules);
  if (verdict.kind === 'applied') return opened(verdict.next);
  return refused(verdict.kind === 'rejected' ? verdict.reason : 'ROOT_MISMATCH');
}
