/**
 * Time, as an argument.
 *
 * Two clocks, never mixed: the monotonic one measures how long (timeouts, ages), the wall clock
 * stamps what is told to others. Pure code takes a `Now`; only the hosts own a `Clock`.
 */

/** One reading of both clocks. */
export interface Now {
  /** Monotonic milliseconds since some fixed point; says nothing about the date. */
  readonly monoMs: number;
  /** Microseconds since the epoch, from the system's clock; may jump either way. */
  readonly wallMicros: number;
  /** How far `wallMicros` was shifted from what the system's clock says, µs; 0 when left out. */
  readonly correctionMicros?: number;
}

export type Cancel = () => void;

/** A source of time that can also call back. */
export interface Clock {
  now(): Now;
  /** Calls `run` once after `delayMs` unless cancelled. Never keeps the process alive by itself. */
  schedule(delayMs: number, run: () => void): Cancel;
}

export const systemClock: Clock = {
  // Date, not performance.timeOrigin: the latter does not follow an operator who sets the clock.
  now: () => ({ monoMs: performance.now(), wallMicros: Date.now() * 1000 }),
  schedule: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/**
 * A clock whose wall time can be corrected, and which does not jump by itself.
 *
 * When the wall clock underneath steps by more than `stepMs` between two readings (by the monotonic
 * clock), the correction swallows the step: time goes on evenly until somebody who knows more says
 * with `adjust` whom to believe. Smaller moves are followed.
 */
export class AdjustableClock implements Clock {
  readonly #clock: Clock;
  readonly #stepMicros: number;
  #correction = 0;
  /** What the wall clock underneath said at monotonic zero, by the last reading. */
  #origin: number;

  constructor(clock: Clock, stepMs: number) {
    this.#clock = clock;
    this.#stepMicros = stepMs * 1000;
    this.#origin = originOf(clock.now());
  }

  now(): Now {
    const now = this.#clock.now();
    const origin = originOf(now);
    const step = origin - this.#origin;
    this.#origin = origin;
    if (Math.abs(step) > this.#stepMicros) this.#correction -= step;
    const correctionMicros = this.#correction;
    return { monoMs: now.monoMs, wallMicros: now.wallMicros + correctionMicros, correctionMicros };
  }

  schedule(delayMs: number, run: () => void): Cancel {
    return this.#clock.schedule(delayMs, run);
  }

  /** Replaces the correction: what is added to the wall clock underneath, µs. */
  adjust(correctionMicros: number): void {
    this.#correction = correctionMicros;
  }

  /**
   * Time goes on from a moment that is known to have passed, µs since the epoch: when the clock
   * stands more than `stepMs` before it, it was set back, and the correction swallows that too.
   */
  resumeFrom(micros: number): void {
    const behind = micros - this.now().wallMicros;
    if (behind > this.#stepMicros) this.#correction += behind;
  }
}

/** What the wall clock said at monotonic zero, if it went evenly since then. Whole µs. */
export function originOf({ monoMs, wallMicros }: Now): number {
  return Math.round(wallMicros - monoMs * 1000);
}
