/**
 * OwnerRate: how many rumors of each owner are taken, as a bucket of tokens.
 *
 * A bucket is one number, the time at which it will be full again (the generic cell rate
 * algorithm): what has been full for a while need not be remembered at all.
 */
import type { OwnerId } from '../record/owner.ts';

/** Rumors of one owner that are taken at once, and a second in the long run. */
const burst = 200;
const perSecond = 100;
const spacingMs = 1_000 / perSecond;
/** Owners that are remembered; over it the one that came first begins anew with a full bucket. */
const ownersMax = 10_000;

export class OwnerRate {
  readonly #fullAtMs = new Map<OwnerId, number>();

  /** Owners that are remembered. */
  get size(): number {
    return this.#fullAtMs.size;
  }

  /** Takes a token. @returns whether there is one more for the next */
  take(owner: OwnerId, monoMs: number): boolean {
    const fullAtMs = Math.max(monoMs, this.#fullAtMs.get(owner) ?? -Infinity) + spacingMs;
    this.#fullAtMs.delete(owner);
    this.#fullAtMs.set(owner, fullAtMs);
    this.#forget(monoMs);
    return fullAtMs - monoMs <= (burst - 1) * spacingMs;
  }

  /** Two at a time, those longest untouched: full ones go, and those over the bound. */
  #forget(monoMs: number): void {
    let looked = 0;
    for (const [owner, fullAtMs] of this.#fullAtMs) {
      const isOver = this.#fullAtMs.size > ownersMax;
      if (looked++ === 2 || (fullAtMs > monoMs && !isOver)) return;
      this.#fullAtMs.delete(owner);
    }
  }
}
