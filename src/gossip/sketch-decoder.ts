/**
 * Sketch decoder: from the symbols of two sets to the ids that only one of them holds.
 *
 *   mine − theirs ──▶ a cell with count ±1 and the right checksum is one id ──▶ take it out of all
 *                     its cells ──▶ other cells are down to one ──▶ … ──▶ all zero: decoded
 *
 * Each id that honest symbols give up empties a cell for good, so there are at most as many ids as
 * symbols. Made-up symbols can hand an id to and fro without end, and are cut off at that number.
 */
import { checksum } from './element.ts';
import type { Id } from './element.ts';
import { cellWords, symbolBytes, SymbolIndexes, toggleCell } from './sketch.ts';
import type { Sketch } from './sketch.ts';

export type SketchDifference =
  | {
      readonly kind: 'decoded';
      /** Ids that only this side has. */
      readonly mine: readonly Id[];
      /** Ids that only the other side has. */
      readonly theirs: readonly Id[];
    }
  /** Too few symbols for this difference. */
  | { readonly kind: 'undecided' }
  /** No set has these symbols, or they are more than this side keeps. */
  | { readonly kind: 'malformed' };

/**
 * The difference of two sets.
 *
 * What it says of honest symbols is right but for a chance of 2^-32 an id. Made-up symbols can name
 * any ids, also as `mine` some that this side does not have: look each one up.
 *
 * @param theirs the first symbols of the other side, `symbolBytes` each
 */
export function decodeDifference(mine: Sketch, theirs: Uint8Array): SketchDifference {
  const symbols = theirs.length / symbolBytes;
  if (!Number.isInteger(symbols) || symbols > mine.symbolsMax) return { kind: 'malformed' };
  const cells = mine.copyCells(symbols);
  subtract(cells, theirs);
  const peeling = new Peeling(cells);
  const recovered = peeling.run();
  if (recovered === undefined) return { kind: 'malformed' };
  if (symbols === 0 || cells.some((word) => word !== 0)) return { kind: 'undecided' };
  return { kind: 'decoded', mine: recovered.mine, theirs: recovered.theirs };
}

function subtract(cells: Int32Array, theirs: Uint8Array): void {
  const view = new DataView(theirs.buffer, theirs.byteOffset);
  for (let at = 0; at < cells.length; at++) {
    const word = view.getInt32(at * 4, true);
    const own = cells[at] as number;
    cells[at] = at % cellWords === cellWords - 1 ? own - word : own ^ word;
  }
}

interface Recovered {
  readonly mine: Id[];
  readonly theirs: Id[];
}

class Peeling {
  readonly #cells: Int32Array;
  readonly #symbols: number;
  readonly #indexes = new SymbolIndexes();
  /** Cells with count ±1 that are still to be looked at, each at most once. */
  readonly #stack: Int32Array;
  readonly #isStacked: Uint8Array;
  #stacked = 0;

  constructor(cells: Int32Array) {
    this.#cells = cells;
    this.#symbols = cells.length / cellWords;
    this.#stack = new Int32Array(this.#symbols);
    this.#isStacked = new Uint8Array(this.#symbols);
  }

  /** Peels until no cell is down to one id; undefined when more ids than symbols come out. */
  run(): Recovered | undefined {
    const recovered: Recovered = { mine: [], theirs: [] };
    let left = this.#symbols;
    for (let index = this.#symbols - 1; index >= 0; index--) this.#push(index);
    while (this.#stacked > 0) {
      this.#stacked -= 1;
      const index = this.#stack[this.#stacked] as number;
      this.#isStacked[index] = 0;
      if (!this.#isPure(index)) continue;
      if (left === 0) return undefined;
      left -= 1;
      const at = index * cellWords;
      const id = { lo: this.#cells[at] as number, hi: this.#cells[at + 1] as number };
      const sign = this.#cells[at + 3] as number;
      (sign > 0 ? recovered.mine : recovered.theirs).push(id);
      this.#take(id, sign);
    }
    return recovered;
  }

  #push(index: number): void {
    const count = this.#cells[index * cellWords + 3] as number;
    if ((count !== 1 && count !== -1) || this.#isStacked[index] === 1) return;
    this.#isStacked[index] = 1;
    this.#stack[this.#stacked] = index;
    this.#stacked += 1;
  }

  /** Whether the cell holds exactly one id, and one that belongs there. */
  #isPure(index: number): boolean {
    const at = index * cellWords;
    const count = this.#cells[at + 3] as number;
    if (count !== 1 && count !== -1) return false;
    const lo = this.#cells[at] as number;
    const hi = this.#cells[at + 1] as number;
    if (this.#cells[at + 2] !== checksum(lo, hi)) return false;
    const indexes = this.#indexes;
    indexes.start(lo, hi);
    let own = 0;
    while (own < index) own = indexes.next();
    return own === index;
  }

  #take({ lo, hi }: Id, sign: number): void {
    const sum = checksum(lo, hi);
    const indexes = this.#indexes;
    indexes.start(lo, hi);
    for (let index = 0; index < this.#symbols; index = indexes.next()) {
      toggleCell(this.#cells, index, lo, hi, sum, -sign);
      this.#push(index);
    }
  }
}
