/** Salts: when a digest is made under a fresh key, so that crafted elements hide nothing for long. */
import type { Random } from '../base/random.ts';
import { saltBytes } from './digest.ts';

/** So often, what seems equal is compared under a fresh key. */
export const saltIntervalMs = 600_000;

export class Salts {
  readonly #random: Random;
  #dueAtMs: number | undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  /**
   * A fresh key when one is due. The first comes at a random moment, so that a cluster's do not
   * fall together.
   *
   * @returns 16 bytes, or undefined
   */
  draw(nowMs: number): Uint8Array | undefined {
    this.#dueAtMs ??= nowMs + this.#random.next() * saltIntervalMs;
    if (nowMs < this.#dueAtMs) return undefined;
    this.#dueAtMs = nowMs + this.#random.jitter(saltIntervalMs, 0.2);
    return Uint8Array.from({ length: saltBytes }, () => this.#random.int(256));
  }
}
