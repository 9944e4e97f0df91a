/**
 * Pump: writes events to one reader for as long as it takes more.
 *
 *   wake ── once the change is over ──▶ next ──▶ write ──┬─▶ next …  until there is none
 *                                                        └─▶ full ── resume ──▶ next
 */

/** Where events go: a gRPC call, or a test. */
export interface PumpSink<Event> {
  /** @returns false when it wants no more before `resume` is called */
  write(event: Event): boolean;
}

export class Pump<Event> {
  readonly #next: () => Event | undefined;
  readonly #sink: PumpSink<Event>;
  #isFull = false;
  #isWoken = false;
  #isClosed = false;

  /** @param next what comes next; undefined: nothing for now */
  constructor(sink: PumpSink<Event>, next: () => Event | undefined) {
    this.#sink = sink;
    this.#next = next;
  }

  /** The sink takes no more for now. */
  get isFull(): boolean {
    return this.#isFull;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Changes come in the midst of a step; what they bring is written once it is over. */
  wake(): void {
    if (this.#isWoken || this.#isFull || this.#isClosed) return;
    this.#isWoken = true;
    queueMicrotask(() => {
      this.#isWoken = false;
      this.run();
    });
  }

  /** The sink takes more again. */
  resume(): void {
    this.#isFull = false;
    this.run();
  }

  /** Writes what there is. */
  run(): void {
    while (!this.#isFull && !this.#isClosed) {
      const event = this.#next();
      if (event === undefined) return;
      this.#isFull = !this.#sink.write(event);
    }
  }

  /** Nothing is written any more. */
  close(): void {
    this.#isClosed = true;
  }
}
