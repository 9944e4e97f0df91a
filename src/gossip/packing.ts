/** Packing: deltas of many owners in one page, compressed (RFC 1951), and back within a bound. */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { refused } from '../record/verdict.ts';
import type { Opened } from '../record/verdict.ts';
import { decodeDeltas, encodeDeltas, frameBytesMax } from './message.ts';
import type { Delta } from './frame.ts';

/** What a page may unpack to: a little more than its sender puts in. */
export const unpackedBytesMax = frameBytesMax;

/** Level 1: a third of the time of the default for a tenth more bytes. */
export function packDeltas(deltas: readonly Delta[]): Uint8Array {
  return deflateRawSync(encodeDeltas(deltas), { level: 1 });
}

/** Refuses: DECOMPRESS_LIMIT, TOO_MANY_FIELDS, MALFORMED. */
export function unpackDeltas(packed: Uint8Array): Opened<readonly Delta[]> {
  let bytes: Uint8Array;
  try {
    bytes = inflateRawSync(packed, { maxOutputLength: unpackedBytesMax });
  } catch (error) {
    const isTooLong = error instanceof RangeError;
    return refused(isTooLong ? 'DECOMPRESS_LIMIT' : 'MALFORMED');
  }
  return decodeDeltas(bytes);
}
