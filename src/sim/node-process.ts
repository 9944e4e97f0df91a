/**
 * NodeProcess: what a simulated operating system does to one daemon: it runs, is stopped for a
 * while (SIGSTOP), is blocked wherever it sends or receives, or is gone.
 *
 * While stopped nothing of it runs; what came meanwhile runs afterwards, in order. While blocked
 * its timers run, so that it sees its own questions time out, but nothing is heard by it or of it
 * until the end. The monotonic clock goes on, as CLOCK_MONOTONIC does.
 */
import type { Cancel, Clock, Now } from '../base/clock.ts';

export class NodeProcess implements Clock {
  readonly #clock: Clock;
  readonly #backlog: (() => void)[] = [];
  /** What was to be sent or received while blocked. */
  readonly #held: (() => void)[] = [];
  #isPaused = false;
  #isBlocked = false;
  #isGone = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  now(): Now {
    return this.#clock.now();
  }

  schedule(delayMs: number, run: () => void): Cancel {
    let isCancelled = false;
    const call = (): void => {
      if (isCancelled || this.#isGone) return;
      // It is due; until the process goes on it can still be cancelled.
      if (this.#isPaused) this.#backlog.push(call);
      else run();
    };
    const cancel = this.#clock.schedule(delayMs, call);
    return () => {
      isCancelled = true;
      cancel();
    };
  }

  /** Sends or receives now, or once the process goes on; never when it is gone. */
  run(run: () => void): void {
    if (this.#isBlocked && !this.#isGone) this.#held.push(run);
    else this.#go(run);
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

  /** From now on whatever sends or receives waits. */
  block(): void {
    this.#isBlocked = true;
  }

  /** All that waited happens now, in order. */
  unblock(): void {
    this.#isBlocked = false;
    while (!this.#isBlocked && !this.#isGone) {
      const next = this.#held.shift();
      if (next === undefined) return;
      this.#go(next);
    }
  }

  end(): void {
    this.#isGone = true;
    this.#backlog.length = 0;
    this.#held.length = 0;
  }

  #go(run: () => void): void {
    if (this.#isGone) return;
    if (this.#isPaused) this.#backlog.push(run);
    else run();
  }
}
