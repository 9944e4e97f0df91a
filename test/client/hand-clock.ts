/** A clock that moves only by hand: timers run inside advance(), in the order of their time. */
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../src/base/clock.ts';

interface Timer {
  readonly atMs: number;
  readonly run: () => void;
}

export class HandClock implements Clock {
  #monoMs = 0;
  #timers: Timer[] = [];

  now(): { monoMs: number; wallMicros: number } {
    return { monoMs: this.#monoMs, wallMicros: this.#monoMs * 1_000 };
  }

  schedule(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.#monoMs + delayMs, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** How long until the next timer, in milliseconds; undefined without one. */
  get nextInMs(): number | undefined {
    const first = this.#first();
    return first === undefined ? undefined : first.atMs - this.#monoMs;
  }

  advance(byMs: number): void {
    const untilMs = this.#monoMs + byMs;
    for (let first = this.#first(); first && first.atMs <= untilMs; first = this.#first()) {
      const due = first;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#monoMs = due.atMs;
      due.run();
    }
    this.#monoMs = untilMs;
  }

  /** Advances by as much again and again, for what is scheduled at a moment that no event tells. */
  async advanceUntil(ended: Promise<unknown>, byMs: number): Promise<void> {
    let hasEnded = false;
    const noteEnd = (): void => void (hasEnded = true);
    void ended.then(noteEnd, noteEnd);
    while (!hasEnded) {
      this.advance(byMs);
      await turn();
    }
  }

  #first(): Timer | undefined {
    return this.#timers.toSorted((a, b) => a.atMs - b.atMs)[0];
  }
}
