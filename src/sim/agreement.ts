/**
 * Agreement: the share of (node up, owner up) pairs where the node holds the owner's newest head.
 *
 * Kept change by change, since walking all pairs costs N x N.
 */
import type { OwnerId } from '../record/owner.ts';

/** The newest head of an owner that any node holds. */
interface Newest {
  lastUpdate: number;
  holders: number;
  isUp: boolean;
}

export class Agreement {
  readonly #owners = new Map<OwnerId, Newest>();
  /** Over the owners that are up. */
  #holders = 0;
  #up = 0;

  /** The node of an owner is up. */
  up(owner: OwnerId): void {
    const newest = this.#newestOf(owner);
    if (newest.isUp) return;
    newest.isUp = true;
    this.#up += 1;
    this.#holders += newest.holders;
  }

  /** The owner is down: nobody has to agree about it. */
  down(owner: OwnerId): void {
    const newest = this.#newestOf(owner);
    if (!newest.isUp) return;
    newest.isUp = false;
    this.#up -= 1;
    this.#holders -= newest.holders;
  }

  /** So many nodes came to hold a head, its owner maybe among them. */
  held(owner: OwnerId, lastUpdate: number, nodes = 1): void {
    const newest = this.#newestOf(owner);
    if (lastUpdate < newest.lastUpdate) return;
    const before = newest.holders;
    newest.holders = nodes + (lastUpdate > newest.lastUpdate ? 0 : before);
    newest.lastUpdate = lastUpdate;
    if (newest.isUp) this.#holders += newest.holders - before;
  }

  /** A node that held it is down or has forgotten it. */
  lost(owner: OwnerId, lastUpdate: number): void {
    const newest = this.#newestOf(owner);
    if (lastUpdate !== newest.lastUpdate || newest.holders === 0) return;
    newest.holders -= 1;
    if (newest.isUp) this.#holders -= 1;
  }

  /** 1 when there is nobody to disagree. */
  share(nodesUp: number): number {
    const pairs = nodesUp * this.#up;
    return pairs === 0 ? 1 : Math.min(1, this.#holders / pairs);
  }

  #newestOf(owner: OwnerId): Newest {
    let newest = this.#owners.get(owner);
    if (newest === undefined) {
      newest = { lastUpdate: 0, holders: 0, isUp: false };
      this.#owners.set(owner, newest);
    }
    return newest;
  }
}
