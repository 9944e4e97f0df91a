/**
 * DueList: at what time something is to be looked at, one time for each key.
 *
 *   entries, latest first   … ── 900 c ── 700 a (put off) ── 120 b ── 40 a ──▶ taken from here
 *
 * Most times are near, so most entries are put in and taken out close to the end. An entry whose
 * key has another time by now is skipped; once there are more of those than of others they go.
 */

interface Entry<Key> {
  readonly key: Key;
  readonly atMs: number;
}

export class DueList<Key> {
  readonly #times = new Map<Key, number>();
  #entries: Entry<Key>[] = [];

  get size(): number {
    return this.#times.size;
  }

  /** The earliest time; Infinity when there is none. */
  get firstMs(): number {
    for (;;) {
      const last = this.#entries.at(-1);
      if (last === undefined) return Infinity;
      if (this.#times.get(last.key) === last.atMs) return last.atMs;
      this.#entries.pop();
    }
  }

  /** Replaces the key's time; Infinity is never. */
  set(key: Key, atMs: number): void {
    if (this.#times.get(key) === atMs) return;
    if (atMs === Infinity) return this.delete(key);
    this.#times.set(key, atMs);
    this.#entries.splice(placeOf(this.#entries, atMs), 0, { key, atMs });
    this.#sweep();
  }

  delete(key: Key): void {
    this.#times.delete(key);
  }

  /** Takes out those whose time has come, the earliest first. */
  take(nowMs: number): Key[] {
    const keys: Key[] = [];
    while (this.firstMs <= nowMs) {
      const { key } = this.#entries.pop() as Entry<Key>;
      this.#times.delete(key);
      keys.push(key);
    }
    return keys;
  }

  #sweep(): void {
    if (this.#entries.length <= 2 * this.#times.size + 16) return;
    this.#entries = [...this.#times].map(([key, atMs]) => ({ key, atMs }));
    this.#entries.sort((a, b) => b.atMs - a.atMs);
  }
}

/** Before the first entry that is earlier or equal, so that of equals the one put in first is taken. */
function placeOf(entries: readonly Entry<unknown>[], atMs: number): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle] as Entry<unknown>).atMs > atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
