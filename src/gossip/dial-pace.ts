/**
 * DialPace: how many links a node goes for, so that what is to be told goes first.
 *
 * A link costs far more to make than it takes to tell a piece of news over one. When the halves of a
 * network find each other again, each node wants half of its neighbors anew, and one link between
 * the halves carries all they have to tell: hundreds that are made at once would hold it up.
 *
 *   fewer links than K ──▶ as many as are missing, at once
 *   K links or more ─────▶ one in two intervals, and none while many come back
 *   somebody is lost ────▶ `lostPerInterval` dials an interval by all the living together
 */
import type { Random } from '../base/random.ts';

/** Of all nodes together, whatever their number: one that answers is enough. */
const lostPerInterval = 4;

export class DialPace {
  readonly #neighborsK: number;
  readonly #random: Random;
  /** Links to neighbors that were gone for in this interval, and those that may be beyond K. */
  #begun = 0;
  #spare = 0;
  /** Members that came back in this interval. */
  #returns = 0;

  /** @param neighborsK links that a node wants beyond the full mesh */
  constructor(neighborsK: number, random: Random) {
    this.#neighborsK = neighborsK;
    this.#random = random;
  }

  /** An interval begins. */
  begin(): void {
    const isBusy = this.#returns > this.#neighborsK;
    this.#returns = 0;
    this.#begun = 0;
    this.#spare = isBusy ? 0 : this.#random.int(2);
  }

  /** A member that was lost is back. */
  noteReturn(): void {
    this.#returns += 1;
  }

  /** @param links that are there. @returns whether another neighbor may be dialed in this interval */
  hasRoom(links: number): boolean {
    return this.#begun < Math.max(this.#neighborsK - links, this.#spare);
  }

  /** A neighbor is dialed. */
  note(): void {
    this.#begun += 1;
  }
}

/** @param living members, this node among them. @returns whether it is to dial one of the lost */
export function isLostDue(living: number, random: Random): boolean {
  return random.next() * living < lostPerInterval;
}
