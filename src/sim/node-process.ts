/**
 * NodeProcess: what a simulated operating system does to one daemon: it runs, is stopped for a
 * while (SIGSTOP), or is gone.
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

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  now(): Now {
    return this.#clock.now();
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
}
