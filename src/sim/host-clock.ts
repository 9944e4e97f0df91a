/** HostClock: the clocks of one simulated host, of which the wall clock may be wrong. */
import type { Cancel, Clock, Now } from '../base/clock.ts';

export class HostClock implements Clock {
  readonly #clock: Clock;
  #offsetMicros = 0;
  /** µs by which the wall clock gains on the true one in a ms. */
  #driftMicrosPerMs = 0;
  #driftSinceMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How far its wall clock is ahead of the true time, µs. */
  get offsetMicros(): number {
    return this.#offsetAt(this.#clock.now().monoMs);
  }

  now(): Now {
    const now = this.#clock.now();
    if (this.#offsetMicros === 0 && this.#driftMicrosPerMs === 0) return now;
    const { monoMs, wallMicros } = now;
    return { monoMs, wallMicros: Math.round(wallMicros + this.#offsetAt(monoMs)) };
  }

  schedule(delayMs: number, run: () => void): Cancel {
    return this.#clock.schedule(delayMs, run);
  }

  /** Sets the wall clock by so much, µs; negative is backwards. */
  jump(micros: number): void {
    this.#offsetMicros += micros;
  }

  /** From now on the wall clock gains that share of the true time; 0 stops that. */
  drift(share: number): void {
    const { monoMs } = this.#clock.now();
    this.#offsetMicros = this.#offsetAt(monoMs);
    this.#driftMicrosPerMs = share * 1_000;
    this.#driftSinceMs = monoMs;
  }

  #offsetAt(monoMs: number): number {
    return this.#offsetMicros + (monoMs - this.#driftSinceMs) * this.#driftMicrosPerMs;
  }
}
