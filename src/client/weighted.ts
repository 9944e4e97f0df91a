/**
 * By weight: an instance of weight 3 is chosen three times as often as one of weight 1.
 *
 * Walker's alias method (Vose 1991): candidate i keeps `share[i]` of its place and gives the rest
 * to `alias[i]`, so that a pick is one random number and one comparison, however many there are.
 */
import type { Random } from '../base/random.ts';
import type { Policy } from './policy.ts';
import type { Target } from './target.ts';

export class Weighted implements Policy {
  readonly #random: Random;
  #candidates: readonly Target[] = [];
  #share = new Float64Array(0);
  #alias = new Uint32Array(0);

  constructor(random: Random) {
    this.#random = random;
  }

  take(candidates: readonly Target[]): void {
    this.#candidates = candidates;
    const weights = candidates.map(({ instance }) => instance.weight);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const count = candidates.length;
    // In units of the average.
    this.#share = Float64Array.from(weights, (weight) => (weight * count) / total);
    this.#alias = Uint32Array.from(weights, (_, index) => index);
    const small: number[] = [];
    const large: number[] = [];
    for (const [index, share] of this.#share.entries()) (share < 1 ? small : large).push(index);
    this.#fill(small, large);
  }

  pick(): Target | undefined {
    const x = this.#random.next() * this.#candidates.length;
    const index = Math.floor(x);
    const own = this.#share[index];
    if (own === undefined || x - index < own) return this.#candidates[index];
    return this.#candidates[this.#alias[index] ?? index];
  }

  /** What each small one leaves free, a large one takes. */
  #fill(small: number[], large: number[]): void {
    for (let low = small.pop(); low !== undefined; low = small.pop()) {
      const high = large.pop();
      if (high === undefined) {
        // Only rounding leaves a small one over when there is no large one: it is full.
        this.#share[low] = 1;
        continue;
      }
      this.#alias[low] = high;
      const left = (this.#share[high] ?? 1) - (1 - (this.#share[low] ?? 1));
      this.#share[high] = left;
      (left < 1 ? small : large).push(high);
    }
    for (const index of large) this.#share[index] = 1;
  }
}
