/**
 * SharedHost: the processors that all nodes of a simulation share, as real daemons on one machine
 * do. Each call waits for a free one, in the order of arrival, and takes its time on it.
 */
import type { Clock } from '../src/base/clock.ts';

export interface HostOptions {
  readonly cores: number;
  /** Processor time for each copy of a rumor that comes in, with all that follows from it. */
  readonly msPerCopy: number;
}

export class SharedHost {
  readonly #clock: Clock;
  readonly #options: HostOptions;
  /** Monotonic ms at which each processor is done with what it has. */
  readonly #freeAtMs: number[];

  constructor(clock: Clock, options: HostOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#freeAtMs = Array.from({ length: options.cores }, () => 0);
  }

  /** Calls `done` once a processor has worked on one copy. */
  work(done: () => void): void {
    const { monoMs } = this.#clock.now();
    const first = this.#freeAtMs.indexOf(Math.min(...this.#freeAtMs));
    const freeAtMs = Math.max(monoMs, this.#freeAtMs[first] ?? 0) + this.#options.msPerCopy;
    this.#freeAtMs[first] = freeAtMs;
    this.#clock.schedule(freeAtMs - monoMs, done);
  }
}
