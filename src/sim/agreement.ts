/**
 * Agreement: the share of (node up, owner up) pairs where the node holds the owner's newest head.
 *
 * Kept change by change, since walking all pairs costs N x N.
 */
import type { OwnerId } from '../record/owner.ts';

interface Newest {
  lastUpdate: number;
  holders: number;
}

export class Agreement {
  readonly #owners = new Map<OwnerId, Newest>();
  #holders = 0;

  /** An owner that is up signed a head; it alone holds it. */
  signed(owner: OwnerId, lastUpdate: number): void {
    const newest = this.#owners.get(owner);
    if (newest === undefined) this.#owners.set(owner, { lastUpdate, holders: 1 });
    else if (lastUpdate > newest.lastUpdate) {
      this.#holders -= newest.holders;
      newest.lastUpdate = lastUpdate;
      newest.holders = 1;
    } else return;
    this.#holders += 1;
  }

  /** A node came to hold a head, whosesoever. */
  held(owner: OwnerId, lastUpdate: number): void {
    this.#count(owner, lastUpdate, 1);
  }

  /** A node that held it is down or has forgotten it. */
  lost(owner: OwnerId, lastUpdate: number): void {
    this.#count(owner, lastUpdate, -1);
  }

  /** The owner is down: nobody has to agree about it. */
  down(owner: OwnerId): void {
    this.#holders -= this.#owners.get(owner)?.holders ?? 0;
    this.#owners.delete(owner);
  }

  /** 1 when there is nobody to disagree. */
  share(nodesUp: number): number {
    const pairs = nodesUp * this.#owners.size;
    return pairs === 0 ? 1 : Math.min(1, this.#holders / pairs);
  }

  #count(owner: OwnerId, lastUpdate: number, by: 1 | -1): void {
    const newest = this.#owners.get(owner);
    if (newest?.lastUpdate !== lastUpdate) return;
    newest.holders += by;
    this.#holders += by;
  }
}
