/**
 * Patrol: a walk past everything in a large collection, a few at a time and round and round, so
 * that what is looked for rarely costs no look at all of it at once.
 *
 * It begins at a random place: many nodes that start together must not all come to the same ones.
 */
import type { Random } from '../base/random.ts';

export class Patrol<Item> {
  readonly #all: () => Iterator<Item>;
  readonly #count: () => number;
  readonly #random: Random;
  #walk: Iterator<Item> | undefined;

  /**
   * @param all everything anew, in an order that lasts; it may change while it is walked
   * @param count how many that are
   */
  constructor(all: () => Iterator<Item>, count: () => number, random: Random) {
    this.#all = all;
    this.#count = count;
    this.#random = random;
  }

  /** The next `count` at most, none of them twice; only of nothing there is nothing. */
  next(count: number): Item[] {
    this.#walk ??= this.#begin();
    const items = take(this.#walk, count);
    if (items.length === count) return items;
    this.#walk = this.#all();
    return items.length > 0 ? items : take(this.#walk, count);
  }

  #begin(): Iterator<Item> {
    const walk = this.#all();
    for (let skipped = this.#random.int(this.#count()); skipped > 0; skipped--) walk.next();
    return walk;
  }
}

function take<Item>(walk: Iterator<Item>, count: number): Item[] {
  const items: Item[] = [];
  while (items.length < count) {
    const step = walk.next();
    if (step.done === true) break;
    items.push(step.value);
  }
  return items;
}
