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

  set(key: Key, value: Value): void {
    if (!this.has(key)) this.#size += 1;
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

  *entries(): Generator<[Key, Value]> {
    for (const [key, value] of this.#base ?? []) if (!this.#own.has(key)) yield [key, value];
    for (const [key, value] of this.#own) if (value !== gone) yield [key, value];
  }

  *keys(): Generator<Key> {
    for (const [key] of this.entries()) yield key;
  }

  *values(): Generator<Value> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): Generator<[Key, Value]> {
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

  /** An overlay that outgrew its base shares too little to be worth the second lookup. */
  #rebase(): void {
    if (this.#base === undefined || this.#own.size <= 64 + this.#base.size / 2) return;
    this.#own = new Map(this.entries());
    this.#base = undefined;
  }
}
