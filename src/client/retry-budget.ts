/**
 * How many retries the calls of the last ten seconds allow: a fifth of them, and 100 besides, so
 * that clients of few calls may retry too. When a whole service is ill, retries add 20 % to its
 * load and not a multiple of it (Finagle's RetryBudget).
 */
import type { Clock } from '../base/clock.ts';

const slots = 10;
const slotMs = 1_000;
const retriesPerCall = 0.2;
const reserve = 100;

export class RetryBudget {
  readonly #clock: Clock;
  /** A ring of seconds: what happened in second `s` stands at `s % slots`. */
  readonly #calls = new Uint32Array(slots);
  readonly #retries = new Uint32Array(slots);
  #second: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#second = this.#now();
  }

  /** A call has begun that is no retry. */
  called(): void {
    this.#turn();
    this.#add(this.#calls);
  }

  /** Takes one retry out of the budget; false when there is none. */
  tryRetry(): boolean {
    this.#turn();
    const allowed = reserve + retriesPerCall * sum(this.#calls);
    if (sum(this.#retries) + 1 > allowed) return false;
    this.#add(this.#retries);
    return true;
  }

  #add(ring: Uint32Array): void {
    const slot = this.#second % slots;
    ring[slot] = (ring[slot] ?? 0) + 1;
  }

  /** Empties the seconds that have passed since the last time. */
  #turn(): void {
    const now = this.#now();
    const passed = Math.min(now - this.#second, slots);
    for (let back = 0; back < passed; back++) {
      const slot = (now - back) % slots;
      this.#calls[slot] = 0;
      this.#retries[slot] = 0;
    }
    this.#second = now;
  }

  #now(): number {
    return Math.floor(this.#clock.now().monoMs / slotMs);
  }
}

function sum(ring: Uint32Array): number {
  let total = 0;
  for (const count of ring) total += count;
  return total;
}
