/**
 * CellRate: how much is taken of each of many keys, as a bucket of tokens.
 *
 * A bucket is one number, the time at which it will be full again (the generic cell rate
 * algorithm): what has been full for a while need not be remembered at all.
 */

export interface CellRateBounds {
  /** Tokens that are taken at once. */
  readonly burst: number;
  /** Tokens in the long run. */
  readonly perSecond: number;
  /** Keys that are remembered; over it the one longest untouched begins anew with a full bucket. */
  readonly keysMax: number;
}

export class CellRate<Key> {
  readonly #fullAtMs = new Map<Key, number>();
  readonly #spacingMs: number;
  readonly #roomMs: number;
  readonly #keysMax: number;

  constructor({ burst, perSecond, keysMax }: CellRateBounds) {
    this.#spacingMs = 1_000 / perSecond;
    this.#roomMs = (burst - 1) * this.#spacingMs;
    this.#keysMax = keysMax;
  }

  /** Keys that are remembered. */
  get size(): number {
    return this.#fullAtMs.size;
  }

  /** Whether there is a token. */
  has(key: Key, monoMs: number): boolean {
    return (this.#fullAtMs.get(key) ?? -Infinity) - monoMs <= this.#roomMs;
  }

  /** Takes a token, whether or not there is one. @returns whether there is one more for the next */
  take(key: Key, monoMs: number): boolean {
    const fullAtMs = Math.max(monoMs, this.#fullAtMs.get(key) ?? -Infinity) + this.#spacingMs;
    this.#fullAtMs.delete(key);
    this.#fullAtMs.set(key, fullAtMs);
    this.#forget(monoMs);
    return fullAtMs - monoMs <= this.#roomMs;
  }

  /** Two at a time, those longest untouched: full ones go, and those over the bound. */
  #forget(monoMs: number): void {
    let looked = 0;
    for (const [key, fullAtMs] of this.#fullAtMs) {
      const isOver = this.#fullAtMs.size > this.#keysMax;
      if (looked++ === 2 || (fullAtMs > monoMs && !isOver)) return;
      this.#fullAtMs.delete(key);
    }
  }
}
