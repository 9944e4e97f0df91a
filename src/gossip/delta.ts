/**
 * Delta: one owner's records above a version, or all of them, under one named head.
 *
 * Cut into chunks that fit a frame; merged when the last chunk is there (staging.ts), so an owner
 * still moves from head to head at once.
 */
import type { OwnerState } from '../record/merge.ts';
import { bare } from './message.ts';
import type { Delta } from './frame.ts';

/** Record bytes in one delta frame. */
export const chunkBytesMax = 512 * 1024;

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
