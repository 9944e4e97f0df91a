/**
 * VirtualClock: time that only moves when it is told to, for tests and the simulator.
 *
 * Calls come in the order of their time, and in the order of their scheduling within one moment,
 * so that a run is the same every time.
 */
import type { Cancel, Clock, Now } from './clock.ts';

interface Entry {
  readonly atMs: number;
  readonly order: number;
  /** Undefined once it is cancelled: what it would have called need not be kept until then. */
  run: (() => void) | undefined;
}

export class VirtualClock implements Clock {
  readonly #startMicros: number;
  /** Binary heap, earliest first. */
  readonly #heap: Entry[] = [];
  #nowMs = 0;
  #order = 0;

  /** @param startMicros what the wall clock says at the beginning, µs since the epoch */
  constructor(startMicros = 1_750_000_000_000_000) {
    this.#startMicros = startMicros;
  }

  now(): Now {
    const wallMicros = this.#startMicros + Math.round(this.#nowMs * 1000);
    return { monoMs: this.#nowMs, wallMicros };
  }

  schedule(delayMs: number, run: () => void): Cancel {
    const atMs = this.#nowMs + Math.max(0, delayMs);
    const entry: Entry = { atMs, order: this.#order++, run };
    this.#push(entry);
    return () => {
      entry.run = undefined;
    };
  }

  /** Runs everything that is due within the next `durationMs`; answers how many calls it made. */
  advance(durationMs: number): number {
    const endMs = this.#nowMs + durationMs;
    let calls = 0;
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= endMs; next = this.#heap[0]) {
      this.#pop();
      const { run } = next;
      if (run === undefined) continue;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      run();
      calls += 1;
    }
    // A call may have advanced the clock itself, and further.
    this.#nowMs = Math.max(this.#nowMs, endMs);
    return calls;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(entry, heap[parent] as Entry)) break;
      heap[index] = heap[parent] as Entry;
      index = parent;
    }
    heap[index] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Entry;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry, heap[child] as Entry))
        child += 1;
      if (!isBefore(heap[child] as Entry, last)) break;
      heap[index] = heap[child] as Entry;
      index = child;
    }
    heap[index] = last;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
