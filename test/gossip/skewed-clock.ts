import type { Cancel, Clock, Now } from '../../src/base/clock.ts';

/** The clock of a node whose host keeps another time than the clock underneath; it may be set. */
export class SkewedClock implements Clock {
  readonly #clock: Clock;
  readonly #uptimeMs: number;
  /** What its wall clock is ahead by, ms; set it and it jumps. */
  skewMs: number;

  /** @param uptimeMs how long its host had been up when the clock underneath began */
  constructor(clock: Clock, skewMs = 0, uptimeMs = 0) {
    this.#clock = clock;
    this.skewMs = skewMs;
    this.#uptimeMs = uptimeMs;
  }

  now(): Now {
    const { monoMs, wallMicros } = this.#clock.now();
    return { monoMs: monoMs + this.#uptimeMs, wallMicros: wallMicros + this.skewMs * 1000 };
  }

  schedule(delayMs: number, run: () => void): Cancel {
    return this.#clock.schedule(delayMs, run);
  }
}
