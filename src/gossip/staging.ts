/**
 * Staging: chunks of owners' deltas, invisible until the last one of a delta has come.
 *
 * Nothing of it is checked yet, so it is bounded twice: one delta by what an owner may have, and all
 * of them together. Over that the one that was touched longest ago is given up: whoever still sends
 * is not held up by those who let their chunks lie, and digests bring what was lost.
 */
import type { Counters } from '../base/counters.ts';
import { detached } from '../record/hash.ts';
import type { OwnerId } from '../record/owner.ts';
import { signatureBytes } from '../record/signature.ts';
import type { Delta } from './frame.ts';

/** Record bytes of the deltas of all peers: four of the largest owners. */
export const stagedBytesMax = 64 * 1024 * 1024;
/** No record is shorter. */
const recordBytesMin = 54;

interface Staged {
  readonly head: string;
  /** Undefined once they were too many: the rest of the chunks is let pass. */
  records: Uint8Array[] | undefined;
  bytes: number;
}

export class Staging {
  /** By peer, the longest untouched first. */
  readonly #staged = new Map<OwnerId, Staged>();
  readonly #bytesMax: number;
  readonly #counters: Counters;
  readonly #totalMax: number;
  #total = 0;

  /**
   * @param bytesMax record bytes of one owner
   * @param counters counts `deltas_given_up`
   * @param totalMax record bytes of all deltas, at least `bytesMax`
   */
  constructor(bytesMax: number, counters: Counters, totalMax = stagedBytesMax) {
    this.#bytesMax = bytesMax;
    this.#counters = counters;
    this.#totalMax = Math.max(totalMax, bytesMax);
  }

  /** Bytes that wait for more. */
  get bytes(): number {
    return this.#total;
  }

  /** All records once the last chunk is there; else to wait, or, once for a delta, to give it up. */
  take(peer: OwnerId, delta: Delta): readonly Uint8Array[] | 'wait' | 'too_many' {
    const head = nameOf(delta);
    let staged = this.#staged.get(peer);
    this.forget(peer);
    if (staged?.head !== head) staged = { head, records: [], bytes: 0 };
    const { records } = staged;
    if (records !== undefined) add(staged, delta);
    const isOver = staged.bytes > this.#bytesMax;
    if (isOver) empty(staged);
    if (delta.more) this.#keep(peer, staged);
    if (records === undefined) return 'wait';
    if (isOver) return 'too_many';
    return delta.more ? 'wait' : records;
  }

  forget(peer: OwnerId): void {
    this.#total -= this.#staged.get(peer)?.bytes ?? 0;
    this.#staged.delete(peer);
  }

  #keep(peer: OwnerId, staged: Staged): void {
    this.#staged.set(peer, staged);
    this.#total += staged.bytes;
    for (const old of this.#staged.values()) {
      if (this.#total <= this.#totalMax) return;
      if (old.records === undefined) continue;
      this.#total -= old.bytes;
      empty(old);
      this.#counters.add('deltas_given_up');
    }
  }
}

/** Chunks belong together when their heads have one signature; what is longer than one is none. */
function nameOf({ head }: Delta): string {
  return Buffer.from(head.signature.subarray(0, signatureBytes)).toString('latin1');
}

function add(staged: Staged, { records, more }: Delta): void {
  // What waits for more must not keep the frames alive in which it came.
  const isKept = more || staged.records?.length !== 0;
  for (const record of records) {
    staged.records?.push(isKept ? detached(record) : record);
    // Made-up ones may be empty, and yet take their place.
    staged.bytes += Math.max(record.length, recordBytesMin);
  }
}

/** Its place stays, so that its last chunk is not taken for all there is. */
function empty(staged: Staged): void {
  staged.records = undefined;
  staged.bytes = 0;
}
