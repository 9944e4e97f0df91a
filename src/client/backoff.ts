/**
 * Ever longer pauses between attempts: doubled up to a bound, and spread, so that the clients of
 * a daemon that comes back do not all arrive at once.
 */
import type { Random } from '../base/random.ts';

export class Backoff {
  readonly #random: Random;
  readonly #firstMs: number;
  #nextMs: number;

  constructor(random: Random, firstMs: number) {
    this.#random = random;
    this.#firstMs = firstMs;
    this.#nextMs = firstMs;
  }

  /** How long to wait before the next attempt: about `maxMs` at most, +-10 %. */
  nextMs(maxMs: number): number {
    const delayMs = Math.min(this.#nextMs, maxMs);
    this.#nextMs = delayMs * 2;
    return this.#random.jitter(delayMs, 0.1);
  }

  /** An attempt has succeeded. */
  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}
