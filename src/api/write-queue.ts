/**
 * WriteQueue: own writes in groups.
 *
 * All that came in during one turn of the event loop becomes one transaction, one fsync and one
 * signed head; each caller is answered when that is on disk.
 */
import type { Clock } from '../base/clock.ts';
import { DiscoError } from '../base/error.ts';
import type { SealedRecord } from '../record/record.ts';
import type { Mutation } from '../registry/own-state.ts';
import type { Registry } from '../registry/registry.ts';

/** Writes that may wait for one transaction. */
const waitingMax = 50_000;

interface Waiting {
  readonly mutation: Mutation;
  readonly resolve: (sealed: SealedRecord | undefined) => void;
  readonly reject: (error: unknown) => void;
}

export class WriteQueue {
  readonly #registry: Registry;
  readonly #clock: Clock;
  #waiting: Waiting[] = [];
  #isClosed = false;

  constructor(registry: Registry, clock: Clock) {
    this.#registry = registry;
    this.#clock = clock;
  }

  /**
   * Resolves once the mutation is on disk, with the record that it made.
   *
   * Rejects with a DiscoError: that of the mutation, RESOURCE_EXHAUSTED, or UNAVAILABLE/STOPPING.
   */
  submit(mutation: Mutation): Promise<SealedRecord | undefined> {
    if (this.#isClosed) {
      const sentence = 'this daemon is stopping: try again once it is back';
      return Promise.reject(new DiscoError('UNAVAILABLE', 'STOPPING', sentence));
    }
    if (this.#waiting.length >= waitingMax) {
      const sentence = `${waitingMax} writes are waiting already: try again in a moment`;
      return Promise.reject(new DiscoError('RESOURCE_EXHAUSTED', 'TOO_MANY_RECORDS', sentence));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ mutation, resolve, reject });
      if (this.#waiting.length === 1) setImmediate(() => this.#flush());
    });
  }

  /** Writes what is waiting and takes no more. */
  close(): void {
    this.#isClosed = true;
    this.#flush();
  }

  #flush(): void {
    const group = this.#waiting;
    this.#waiting = [];
    if (group.length === 0) return;
    try {
      const mutations = group.map(({ mutation }) => mutation);
      const results = this.#registry.commit(mutations, this.#clock.now());
      results.forEach((result, index) => {
        const { resolve, reject } = group[index] as Waiting;
        if (result.kind === 'done') resolve(result.sealed);
        else reject(result.error);
      });
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
}
