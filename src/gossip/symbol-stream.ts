/**
 * SymbolStream: the coded symbols of one exchange beyond those of its digest, as many as are asked
 * for, all of one moment.
 */
import { digestSymbols } from './digest.ts';
import type { Sketch } from './sketch.ts';

/** Symbols at once for each difference that the estimator tells of, and some for small ones. */
const symbolsPerDifference = 1.6;
const symbolsMin = 6;
/** When they do not decode: so many more, as a share of those that came, and symbolsMin at least. */
const symbolsGrowth = 0.4;

export class SymbolStream {
  readonly #sketch: Sketch;
  #sent: number;
  #isBegun = false;

  /** @param revision of the sketch when the digest was made; its symbols count unless it changed */
  constructor(sketch: Sketch, revision: number) {
    this.#sent = sketch.revision === revision ? digestSymbols : 0;
    this.#sketch = sketch.fork();
  }

  /**
   * The symbols that come next.
   *
   * @param estimator of the other side; looked at for the first ones
   * @returns undefined when more would be needed than are kept
   */
  next(estimator: Uint8Array): { first: number; symbols: Uint8Array } | undefined {
    const first = this.#sent;
    const { symbolsMax } = this.#sketch;
    const wanted = this.#isBegun
      ? Math.max(symbolsMin, Math.ceil(first * symbolsGrowth))
      : symbolsMin + Math.ceil(symbolsPerDifference * this.#sketch.estimate(estimator)) - first;
    const count = Math.max(1, wanted);
    if (!(first + count <= symbolsMax)) return undefined;
    this.#isBegun = true;
    this.#sent += count;
    return { first, symbols: this.#sketch.symbols(first, count) };
  }
}
