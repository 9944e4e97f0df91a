/**
 * LostMembers: members that do not live as far as this node knows, to be dialed now and then, so
 * that the halves of a healed network find each other again.
 *
 * Kept as members come and go, so that choosing one costs the same however many there are.
 */
import { assert } from '../base/assert.ts';
import type { Random } from '../base/random.ts';
import type { OwnerId } from '../record/owner.ts';

/** Any of so many leads to the other half; more are not remembered. */
const lostMax = 1_000;

export interface LostMember {
  readonly peer: OwnerId;
  /** Multiaddrs, as last heard. */
  readonly addresses: readonly string[];
}

export class LostMembers {
  readonly #random: Random;
  readonly #members: LostMember[] = [];
  readonly #places = new Map<OwnerId, number>();

  constructor(random: Random) {
    this.#random = random;
  }

  get size(): number {
    return this.#members.length;
  }

  /** Over the bound it takes the place of another. */
  add(peer: OwnerId, addresses: readonly string[]): void {
    let place = this.#places.get(peer) ?? this.#members.length;
    if (place === lostMax) {
      place = this.#random.int(lostMax);
      this.#places.delete(this.at(place).peer);
    }
    this.#put({ peer, addresses }, place);
  }

  /** @returns whether it was lost */
  delete(peer: OwnerId): boolean {
    const place = this.#places.get(peer);
    if (place === undefined) return false;
    this.#places.delete(peer);
    const last = this.#members.pop() as LostMember;
    if (place < this.#members.length) this.#put(last, place);
    return true;
  }

  /** @param index less than `size`; the order means nothing and changes */
  at(index: number): LostMember {
    const member = this.#members[index];
    assert(member !== undefined, 'there are as many lost members as size says');
    return member;
  }

  #put(member: LostMember, place: number): void {
    this.#members[place] = member;
    this.#places.set(member.peer, place);
  }
}
