/**
 * How to choose one of several: what every policy offers, and the three that need no more than a
 * list. All work is done when the candidates change; a pick allocates nothing.
 */
import type { Random } from '../base/random.ts';
import type { Target } from './target.ts';

export interface Policy {
  /** These are the candidates from now on. */
  take(candidates: readonly Target[]): void;
  /**
   * One of them, or undefined when there is none.
   *
   * @param key what consistent_hash goes by; the others do not look at it
   */
  pick(key: string | undefined): Target | undefined;
}

/** Each in turn, from a random first one, so that many clients do not all begin with the same. */
export class RoundRobin implements Policy {
  readonly #random: Random;
  #candidates: readonly Target[] = [];
  #index = -1;

  constructor(random: Random) {
    this.#random = random;
  }

  take(candidates: readonly Target[]): void {
    if (this.#candidates.length === 0) this.#index = this.#random.int(candidates.length);
    this.#candidates = candidates;
  }

  pick(): Target | undefined {
    const next = this.#index + 1;
    this.#index = next < this.#candidates.length ? next : 0;
    return this.#candidates[this.#index];
  }
}

/** Any, each as likely as the other. */
export class AtRandom implements Policy {
  readonly #random: Random;
  #candidates: readonly Target[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  take(candidates: readonly Target[]): void {
    this.#candidates = candidates;
  }

  pick(): Target | undefined {
    return this.#candidates[this.#random.int(this.#candidates.length)];
  }
}

/**
 * Of two at random, the one with fewer calls under way (Mitzenmacher, The Power of Two Choices):
 * nearly as even as the least of all, without a herd of clients on the same one.
 */
export class LeastLoad implements Policy {
  readonly #random: Random;
  #candidates: readonly Target[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  take(candidates: readonly Target[]): void {
    this.#candidates = candidates;
  }

  pick(): Target | undefined {
    const count = this.#candidates.length;
    if (count < 2) return this.#candidates[0];
    const i = this.#random.int(count);
    const j = this.#random.int(count - 1);
    const one = this.#candidates[i];
    const other = this.#candidates[j < i ? j : j + 1];
    if (one === undefined || other === undefined) return one ?? other;
    return one.outstanding <= other.outstanding ? one : other;
  }
}
