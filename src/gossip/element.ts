/**
 * Element: what a sketch holds in place of a head, three numbers made of the SHA-256 of its body
 * under a key.
 *
 *   hash, 32 bytes ──▶ Chaskey, 128-bit key ──▶ part, 128 bits: its share of the set hash
 *                              └─ 8 rounds on ──▶ id, 64 bits: what coded symbols add up
 *
 * Chaskey (Mouha et al., SAC 2014; ISO/IEC 29192-6) with 8 rounds is a MAC of 32-bit additions,
 * rotations and XORs, about 0.1 µs a hash. What is asked of it is little. The hash is uniform
 * already, and comparison uses a key that the whole cluster knows, so that one sketch serves all
 * peers: whoever knows the key can craft heads whose parts or ids cancel out, whatever the function
 * (128 elements are enough to solve for a set whose parts XOR to zero). They do not hide a
 * difference for long: now and then peers compare under a fresh random key, drawn after the
 * elements are fixed. For that the function only has to be far from linear, so that what cancels
 * out under one key does not under another.
 *
 * All words are int32, which V8 holds without a box. Bytes are little-endian.
 */
import { assert } from '../base/assert.ts';
import { hashBytes } from '../record/hash.ts';

export const elementKeyBytes = 16;
export const idBytes = 8;

/** The 64-bit name of an element in coded symbols; both halves are int32. */
export interface Id {
  readonly lo: number;
  readonly hi: number;
}

export interface Element extends Id {
  /** The 128 bits for the set hash, independent of the id; int32 each. */
  readonly s0: number;
  readonly s1: number;
  readonly s2: number;
  readonly s3: number;
}

/** A key made ready: its four words, and those of the subkey that closes a message of whole blocks. */
export interface ElementKey {
  readonly k0: number;
  readonly k1: number;
  readonly k2: number;
  readonly k3: number;
  readonly l0: number;
  readonly l1: number;
  readonly l2: number;
  readonly l3: number;
}

/** @param bytes16 exactly 16 bytes */
export function elementKey(bytes16: Uint8Array): ElementKey {
  assert(bytes16.length === elementKeyBytes, `an element key of ${bytes16.length} bytes`);
  const k0 = wordAt(bytes16, 0);
  const k1 = wordAt(bytes16, 4);
  const k2 = wordAt(bytes16, 8);
  const k3 = wordAt(bytes16, 12);
  // The subkey is the key times two in GF(2^128).
  const l0 = (k0 << 1) ^ (k3 < 0 ? 0x87 : 0);
  const l1 = (k1 << 1) | (k0 >>> 31);
  const l2 = (k2 << 1) | (k1 >>> 31);
  const l3 = (k3 << 1) | (k2 >>> 31);
  return { k0, k1, k2, k3, l0, l1, l2, l3 };
}

/**
 * The element of a hash.
 *
 * @param hash exactly 32 bytes
 */
export function elementOf(hash: Uint8Array, key: ElementKey): Element {
  assert(hash.length === hashBytes, `a hash of ${hash.length} bytes`);
  const { l0, l1, l2, l3 } = key;
  let v0 = key.k0 ^ wordAt(hash, 0);
  let v1 = key.k1 ^ wordAt(hash, 4);
  let v2 = key.k2 ^ wordAt(hash, 8);
  let v3 = key.k3 ^ wordAt(hash, 12);
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let round = 1; round <= 24; round++) {
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 13) | (v3 >>> 19)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 7) | (v1 >>> 25)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    if (round === 8) {
      v0 ^= l0 ^ wordAt(hash, 16);
      v1 ^= l1 ^ wordAt(hash, 20);
      v2 ^= l2 ^ wordAt(hash, 24);
      v3 ^= l3 ^ wordAt(hash, 28);
    } else if (round === 16) {
      // The tag of Chaskey; the rounds that follow go on from it, so that they are keyed too.
      s0 = v0 ^= l0;
      s1 = v1 ^= l1;
      s2 = v2 ^= l2;
      s3 = v3 ^= l3;
    }
  }
  return { lo: v0 ^ l0, hi: v1 ^ l1, s0, s1, s2, s3 };
}

/**
 * An id as the key of a Map: 53 of its bits, so a whole number that a double holds exactly. Two of
 * 100,000 ids share one with a chance of 6e-7.
 */
export function idKey(lo: number, hi: number): number {
  return (hi & 0x1f_ffff) * 0x1_0000_0000 + (lo >>> 0);
}

/**
 * An id's checksum, int32. Half the paper's: what passes for a single id must also lie in one of
 * that id's own symbols, and all symbols must come to zero in the end.
 */
export function checksum(lo: number, hi: number): number {
  return mix(mix(lo ^ 0x243f_6a88) ^ hi);
}

/** A bijection of 32 bits that avalanches; constants by the search of hash-prospector (C. Wellons). */
function mix(word: number): number {
  let x = word ^ (word >>> 16);
  x = Math.imul(x, 0x21f0_aaad);
  x ^= x >>> 15;
  x = Math.imul(x, 0x735a_2d97);
  return x ^ (x >>> 15);
}

/** Writes an id as 8 bytes at `offset`. */
export function writeId({ lo, hi }: Id, bytes: Uint8Array, offset: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setInt32(offset, lo, true);
  view.setInt32(offset + 4, hi, true);
}

/** Reads the id whose 8 bytes begin at `offset`. */
export function readId(bytes: Uint8Array, offset: number): Id {
  return { lo: wordAt(bytes, offset), hi: wordAt(bytes, offset + 4) };
}

/** The little-endian word at `at`; a DataView would be one more object for each hash. */
function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}
