/**
 * NodeProcess: what a simulated operating system does to one daemon: it runs, is stopped for a
 * while (SIGSTOP), or is gone; and it shows a wall clock that may be wrong.
 *
 * While stopped nothing of it runs; what came meanwhile runs afterwards, in order. The monotonic
 * clock goes on, as CLOCK_MONOTONIC does.
 */
import type { Cancel, Clock, Now } from '../base/clock.ts';

export class NodeProcess implements Clock {
  readonly #clock: Clock;
  readonly #backlog: (() => void)[] = [];
  #isPaused = false;
  #isGone = false;
  #offsetMicros = 0;
  /** µs by which the wall clock gains on the true one in a ms. */
  #driftMicrosPerMs = 0;
  #driftSinceMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** How far its wall clock is ahead of the true time, µs. */
  get offsetMicros(): number {
    return this.#offsetAt(this.#clock.now().monoMs);
  }

  now(): Now {
    const { monoMs, wallMicros } = this.#clock.now();
    if (this.#offsetMicros === 0 && this.#driftMicrosPerMs === 0) return { monoMs, wallMicros };
    return { monoMs, wallMicros: Math.round(wallMicros + this.#offsetAt(monoMs)) };
  }

  schedule(delayMs: number, run: () => void): Cancel {
    let isCancelled = false;
    const cancel = this.#clock.schedule(delayMs, () =>
      this.run(() => {
        if (!isCancelled) run();
      }),
    );
    return () => {
      isCancelled = true;
      cancel();
    };
  }

  /** Runs it now, or once the process goes on; never when it is gone. */
  run(run: () => void): void {
    if (this.#isGone) return;
    if (this.#isPaused) this.#backlog.push(run);
    else run();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    // A call may end the process, or stop it again.
    while (!this.#isPaused && !this.#isGone) {
      const next = this.#backlog.shift();
      if (next === undefined) return;
      next();
    }
  }

  end(): void {
    this.#isGone = true;
    this.#backlog.length = 0;
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
