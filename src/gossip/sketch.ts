/**
 * Sketch: a set of elements, summed up so that two nodes find their difference at the cost of the
 * difference: a Rateless IBLT (Yang, Gilad, Alizadeh: "Practical Rateless Set Reconciliation",
 * SIGCOMM 2024, arXiv 2402.02668).
 *
 *   symbol    0   1   2   3   4   5   6   7 …      each: XOR of ids, XOR of checksums, count
 *   element a ■       ■   ■           ■            all in symbol 0, in symbol i with a chance of
 *   element b ■   ■           ■       ■            about 1 / (1 + i/2), drawn from the id alone
 *
 * What is in both sets cancels out when symbols are subtracted. Any prefix of the same endless row
 * serves any peer, so one sketch is kept up to date for all; a prefix of 1.35 to 1.8 symbols a
 * difference decodes (sketch-decoder.ts). Beside it, of other bits of the elements: a set hash, and
 * an estimator of how large the difference is.
 *
 * Invariant: content depends on the set alone, not on the order or on what came and went. To add an
 * element twice, or to remove one that is not in, is the caller's error and is not noticed.
 */
import { assert } from '../base/assert.ts';
import { checksum } from './element.ts';
import type { Element } from './element.ts';

/** 8 of ids' XOR, 4 of checksums' XOR, 4 of count (int32); all little-endian. */
export const symbolBytes = 16;
export const setHashBytes = 16;
/** 32 counters as int16, little-endian, clamped. */
export const estimatorBytes = 64;

/** Words of a cell, the symbol in memory: id lo, id hi, checksum, count. */
export const cellWords = symbolBytes / 4;
const counters = estimatorBytes / 2;
const counterMax = 0x7fff;
/** No sketch is longer: 20 MiB. */
const symbolsBound = 0x10_0000;
/** Where a row of symbols ends for all ids. */
const indexMax = 0x4000_0000;

/**
 * The symbols that hold an id, in rising order: 0 first, then `next()` again and again.
 *
 * From symbol i the next one is i + ceil((i + 1.5) * (1 / sqrt(u) - 1)), the inverse of the paper's
 * distribution (section 4.2), with u = (x + 0.5) / 2^32 and x from xoroshiro64* (Blackman, Vigna)
 * that begins with the id as its state. Only operations that IEEE 754 rounds exactly, so that all
 * machines agree.
 */
export class SymbolIndexes {
  #a = 0;
  #b = 0;
  #index = 0;

  start(lo: number, hi: number): void {
    this.#a = lo;
    this.#b = hi;
    this.#index = 0;
  }

  /** The next symbol, at least one further; 2^30 stands for none. */
  next(): number {
    const a = this.#a;
    const b = this.#b ^ a;
    const x = Math.imul(a, 0x9e37_79bb) >>> 0;
    this.#a = ((a << 26) | (a >>> 6)) ^ b ^ (b << 9);
    this.#b = (b << 13) | (b >>> 19);
    const gap = Math.ceil((this.#index + 1.5) * (0x1_0000 / Math.sqrt(x + 0.5) - 1));
    this.#index = Math.min(this.#index + gap, indexMax);
    return this.#index;
  }
}

export class Sketch {
  readonly symbolsMax: number;
  readonly #cells: Int32Array;
  readonly #setHash = new Int32Array(setHashBytes / 4);
  readonly #counters = new Int32Array(counters);
  readonly #indexes = new SymbolIndexes();
  #revision = 0;

  /**
   * @param symbolsMax coded symbols that are kept, 1 to 2^20, 16 bytes each; to add or remove an
   *   element touches about 2 ln(symbolsMax / 2) + 1 of them
   */
  constructor(symbolsMax: number) {
    const isInBounds = Number.isInteger(symbolsMax) && symbolsMax > 0 && symbolsMax <= symbolsBound;
    assert(isInBounds, `a sketch of ${symbolsMax} symbols`);
    this.symbolsMax = symbolsMax;
    this.#cells = new Int32Array(symbolsMax * cellWords);
  }

  /** Elements in the set. */
  get count(): number {
    return this.#cells[cellWords - 1] as number;
  }

  /** Rises with every change. */
  get revision(): number {
    return this.#revision;
  }

  add(element: Element): void {
    this.#change(element, 1);
  }

  remove(element: Element): void {
    this.#change(element, -1);
  }

  /** XOR of the elements' parts: 16 bytes. */
  setHash(): Uint8Array {
    return littleEndian(this.#setHash);
  }

  /** `count` coded symbols from number `first` on, all within symbolsMax. */
  symbols(first: number, count: number): Uint8Array {
    assert(
      first >= 0 && count >= 0 && first + count <= this.symbolsMax,
      `symbols ${first} to ${first + count} of ${this.symbolsMax}`,
    );
    return littleEndian(this.#cells.subarray(first * cellWords, (first + count) * cellWords));
  }

  /** The first `count` cells, to be changed at will. */
  copyCells(count: number): Int32Array {
    return this.#cells.slice(0, count * cellWords);
  }

  /** What `estimate` of the other side takes: 64 bytes. */
  estimator(): Uint8Array {
    const bytes = new Uint8Array(estimatorBytes);
    const view = new DataView(bytes.buffer);
    this.#counters.forEach((counter, index) => view.setInt16(index * 2, clamped(counter), true));
    return bytes;
  }

  /**
   * Estimated size of the symmetric difference with the set whose estimator this is: the mean
   * square of the counters' differences (Alon, Matias, Szegedy: tug-of-war). Its standard deviation
   * is a quarter of the truth. Infinity for what is no estimator.
   */
  estimate(theirs: Uint8Array): number {
    if (theirs.length !== estimatorBytes) return Infinity;
    const view = new DataView(theirs.buffer, theirs.byteOffset);
    let squares = 0;
    this.#counters.forEach((counter, index) => {
      squares += (clamped(counter) - view.getInt16(index * 2, true)) ** 2;
    });
    return squares / counters;
  }

  /** An independent copy. */
  fork(): Sketch {
    const fork = new Sketch(this.symbolsMax);
    fork.#cells.set(this.#cells);
    fork.#setHash.set(this.#setHash);
    fork.#counters.set(this.#counters);
    return fork;
  }

  #change({ lo, hi, s0, s1, s2, s3 }: Element, sign: 1 | -1): void {
    this.#revision += 1;
    const hash = this.#setHash;
    hash[0] = (hash[0] as number) ^ s0;
    hash[1] = (hash[1] as number) ^ s1;
    hash[2] = (hash[2] as number) ^ s2;
    hash[3] = (hash[3] as number) ^ s3;
    const all = this.#counters;
    // Without a branch, which would be guessed wrong half the time.
    for (let bit = 0; bit < counters; bit++)
      all[bit] = (all[bit] as number) + sign * (((s0 >>> bit) & 1) * 2 - 1);
    const sum = checksum(lo, hi);
    const indexes = this.#indexes;
    indexes.start(lo, hi);
    for (let index = 0; index < this.symbolsMax; index = indexes.next())
      toggleCell(this.#cells, index, lo, hi, sum, sign);
  }
}

/** Adds an id to one cell, or takes it out: XOR does both, only the count tells. */
export function toggleCell(
  cells: Int32Array,
  index: number,
  lo: number,
  hi: number,
  sum: number,
  sign: number,
): void {
  const at = index * cellWords;
  cells[at] = (cells[at] as number) ^ lo;
  cells[at + 1] = (cells[at + 1] as number) ^ hi;
  cells[at + 2] = (cells[at + 2] as number) ^ sum;
  cells[at + 3] = (cells[at + 3] as number) + sign;
}

function clamped(counter: number): number {
  return Math.max(-counterMax, Math.min(counterMax, counter));
}

const isBigEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 0;

function littleEndian(words: Int32Array): Uint8Array {
  const bytes = Buffer.from(Buffer.from(words.buffer, words.byteOffset, words.byteLength));
  return isBigEndian ? bytes.swap32() : bytes;
}
