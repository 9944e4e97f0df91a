/**
 * ForkableMap: a map that can be forked in O(1), so that many simulated nodes start from one
 * state and pay only for what they change of it.
 *
 *   base (shared, never changed again)  +  overlay (this map's own changes)
 *
 * A map that was never forked has no base and is a plain Map; the daemon never forks.
 */
const gone: unique symbol = Symbol('gone');

export class ForkableMap<Key, Value> {
  #base: ReadonlyMap<Key, Value> | undefined;
  #own = new Map<Key, Value | typeof gone>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: Key): Value | undefined {
    const own = this.#own.get(key);
    if (own !== undefined) return own === gone ? undefined : own;
    return this.#base?.get(key);
  }

  has(key: Key): boolean {
    const own = this.#own.get(key);
    return own === undefined ? this.#base?.has(key) === true : own !== gone;
  }

  /** A key that is new, or comes again after it was deleted, is the last in the order. */
  set(key: Key, value: Value): void {
    if (!this.has(key)) {
      this.#size += 1;
      this.#own.delete(key);
    }
    this.#own.set(key, value);
    this.#rebase();
  }

  delete(key: Key): boolean {
    if (!this.has(key)) return false;
    this.#size -= 1;
    if (this.#base?.has(key) === true) this.#own.set(key, gone);
    else this.#own.delete(key);
    this.#rebase();
    return true;
  }

  entries(): IterableIterator<[Key, Value]> {
    return this.#plain?.entries() ?? this.#merged();
  }

  keys(): IterableIterator<Key> {
    return this.#plain?.keys() ?? this.#mergedKeys();
  }

  values(): IterableIterator<Value> {
    return this.#plain?.values() ?? this.#mergedValues();
  }

  [Symbol.iterator](): IterableIterator<[Key, Value]> {
    return this.entries();
  }

  /** A map with the same content; from now on each goes its own way. */
  fork(): ForkableMap<Key, Value> {
    if (this.#own.size > 0) {
      this.#base = new Map(this.entries());
      this.#own = new Map();
    }
    const fork = new ForkableMap<Key, Value>();
    fork.#base = this.#base;
    fork.#size = this.#size;
    return fork;
  }

  /** The content as a plain map, as long as nothing is shared. */
  get #plain(): Map<Key, Value> | undefined {
    // Only what hides an entry of the base is marked as gone.
    return this.#base === undefined ? (this.#own as Map<Key, Value>) : undefined;
  }

  *#merged(): Generator<[Key, Value]> {
    for (const entry of this.#base ?? []) if (!this.#own.has(entry[0])) yield entry;
    for (const [key, value] of this.#own) if (value !== gone) yield [key, value];
  }

  *#mergedKeys(): Generator<Key> {
    for (const [key] of this.#merged()) yield key;
  }

  *#mergedValues(): Generator<Value> {
    for (const [, value] of this.#merged()) yield value;
  }

  /** An overlay that outgrew its base shares too little to be worth the second lookup. */
  #rebase(): void {
    if (this.#base === undefined || this.#own.size <= 64 + this.#base.size / 2) return;
    this.#own = new Map(this.entries());
    this.#base = undefined;
  }
}
