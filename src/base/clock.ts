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
