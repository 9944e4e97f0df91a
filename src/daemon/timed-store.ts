/** The store contract around another store, telling how long each commit took, and which failed. */
import type { Batch, Store, Stored } from '../store/store.ts';

/** Told of each commit that was tried: seconds until it was on disk, or until it failed. */
export type CommitObserver = (seconds: number, isDone: boolean) => void;

export class TimedStore implements Store {
  readonly #store: Store;
  readonly #observe: CommitObserver;

  constructor(store: Store, observe: CommitObserver) {
    this.#store = store;
    this.#observe = observe;
  }

  get databaseId(): string {
    return this.#store.databaseId;
  }

  load(): Stored {
    return this.#store.load();
  }

  commit(batch: Batch): void {
    const startedMs = performance.now();
    let isDone = false;
    try {
      this.#store.commit(batch);
      isDone = true;
    } finally {
      this.#observe((performance.now() - startedMs) / 1_000, isDone);
    }
  }

  close(): void {
    this.#store.close();
  }
}
