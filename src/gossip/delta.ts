/**
 * Delta: one owner's records above a version, or all of them, under one named head.
 *
 * Cut into chunks that fit a frame; merged when the last chunk is there, so an owner still moves
 * from head to head at once.
 */
import type { OwnerState } from '../record/merge.ts';
import { detached } from '../record/hash.ts';
import type { OwnerId } from '../record/owner.ts';
import { bare } from './message.ts';
import type { Delta } from './frame.ts';

/** Record bytes in one delta frame. */
export const chunkBytesMax = 512 * 1024;
/** No record is shorter. */
const recordBytesMin = 54;

/**
 * What leads from `held` to the state's head; nothing when that is as new.
 *
 * @param held lastUpdate that the other side holds; 0: send the whole
 */
export function deltasOf(state: OwnerState, held: number): Delta[] {
  const { floor, lastUpdate } = state.head.head;
  if (held >= lastUpdate) return [];
  // Below the floor tombstones are missing, so only the whole leads there.
  const whole = held < floor || held === 0;
  const from = whole ? 0 : held;
  const base = { kind: 'delta', head: bare(state.head), whole } as const;
  const deltas: Delta[] = [];
  let chunk: Uint8Array[] = [];
  let bytes = 0;
  for (const { record, bytes: encoded } of state.set.records()) {
    if (record.lastUpdate <= from) continue;
    if (bytes + encoded.length > chunkBytesMax) {
      deltas.push({ ...base, records: chunk, more: true });
      [chunk, bytes] = [[], 0];
    }
    chunk.push(encoded);
    bytes += encoded.length;
  }
  deltas.push({ ...base, records: chunk, more: false });
  return deltas;
}

/** Bytes of heads and records in deltas, which is most of what they take. */
export function bytesOf(deltas: readonly Delta[]): number {
  let bytes = 0;
  for (const { head, records } of deltas) {
    bytes += head.body.length + head.signature.length;
    for (const record of records) bytes += record.length;
  }
  return bytes;
}

interface Staged {
  readonly head: string;
  /** Undefined once they were too many: the rest of the chunks is let pass. */
  records: Uint8Array[] | undefined;
  bytes: number;
}

/** Chunks of one owner's delta from each peer, invisible until the last has come. */
export class Staging {
  readonly #staged = new Map<OwnerId, Staged>();
  readonly #bytesMax: number;

  /** @param bytesMax record bytes of one owner */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** All records once the last chunk is there; else to wait, or, once for a delta, to give it up. */
  take(peer: OwnerId, delta: Delta): readonly Uint8Array[] | 'wait' | 'too_many' {
    const head = Buffer.from(delta.head.signature).toString('latin1');
    let staged = this.#staged.get(peer);
    if (staged?.head !== head) staged = { head, records: [], bytes: 0 };
    if (delta.more) this.#staged.set(peer, staged);
    else this.#staged.delete(peer);
    const { records } = staged;
    if (records === undefined) return 'wait';
    // What waits for more must not keep the frames alive in which it came.
    const isKept = delta.more || records.length > 0;
    for (const record of delta.records) {
      records.push(isKept ? detached(record) : record);
      // Made-up ones may be empty, and yet take their place.
      staged.bytes += Math.max(record.length, recordBytesMin);
    }
    if (staged.bytes > this.#bytesMax) {
      staged.records = undefined;
      return 'too_many';
    }
    return delta.more ? 'wait' : records;
  }

  forget(peer: OwnerId): void {
    this.#staged.delete(peer);
  }
}
