/**
 * The views that resolve() keeps: one a service, opened on first use, the least recently used
 * closed when there are too many. A view that somebody waits for is never closed under him.
 */
import { DiscoError } from '../base/error.ts';
import type { ServiceView } from './service-view.ts';

interface Entry {
  readonly view: ServiceView;
  users: number;
}

export class ViewCache {
  readonly #viewsMax: number;
  readonly #open: (group: string, name: string) => ServiceView;
  /** In order of last use, the oldest first. */
  readonly #entries = new Map<string, Entry>();

  constructor(viewsMax: number, open: (group: string, name: string) => ServiceView) {
    this.#viewsMax = viewsMax;
    this.#open = open;
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * Calls `run` with the view of a service; a view that has no answer by then, or has
   * ended, is closed and forgotten.
   *
   * @throws DiscoError RESOURCE_EXHAUSTED/TOO_MANY_WATCHERS when every cached view is in use;
   *   whatever `run` throws
   */
  async use<T>(group: string, name: string, run: (view: ServiceView) => Promise<T>): Promise<T> {
    const key = `${group}/${name}`;
    const entry = this.#entries.get(key) ?? this.#add(group, name);
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    entry.users += 1;
    try {
      return await run(entry.view);
    } finally {
      entry.users -= 1;
      const worthless = entry.view.ended || !entry.view.loaded;
      if (entry.users === 0 && worthless) this.#remove(key, entry);
    }
  }

  close(): void {
    for (const [key, entry] of this.#entries) this.#remove(key, entry);
  }

  #add(group: string, name: string): Entry {
    if (this.#entries.size >= this.#viewsMax) {
      const idle = [...this.#entries].find(([, entry]) => entry.users === 0);
      if (idle === undefined) {
        throw new DiscoError(
          'RESOURCE_EXHAUSTED',
          'TOO_MANY_WATCHERS',
          `${this.#viewsMax} services are being resolved at once; wait for some of them`,
        );
      }
      this.#remove(...idle);
    }
    return { view: this.#open(group, name), users: 0 };
  }

  #remove(key: string, entry: Entry): void {
    entry.view.close();
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
  }
}
