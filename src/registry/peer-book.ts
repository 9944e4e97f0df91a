/**
 * PeerBook: the nodes of this and earlier lives, those thought dead too.
 *
 * The second way into the cluster when no seed node answers, and whom to dial again so that halves
 * find each other. Bounded, and made for both: a full book takes a new peer in place of its oldest
 * dead one while more than half of it is dead, and keeps what it has otherwise. So a large cluster
 * does not turn over the book, and the disk, with every head.
 */
import type { Now } from '../base/clock.ts';
import { ForkableMap } from '../base/forkable-map.ts';
import { isShown } from '../membership/member.ts';
import type { Member } from '../membership/member.ts';
import type { OwnerId } from '../record/owner.ts';
import type { RememberedPeer } from '../store/store.ts';

export const rememberedPeersMax = 1_000;

/** What is to be written of one change. */
export interface PeerChange {
  readonly remembered: RememberedPeer;
  readonly forgotten: OwnerId | undefined;
}

export class PeerBook {
  #peers = new ForkableMap<OwnerId, RememberedPeer>();
  /** In the order in which they died. */
  #dead = new ForkableMap<OwnerId, true>();

  constructor(stored: readonly RememberedPeer[] = []) {
    for (const peer of stored.toSorted((a, b) => a.seenAt - b.seenAt)) this.#put(peer);
  }

  get(owner: OwnerId): RememberedPeer | undefined {
    return this.#peers.get(owner);
  }

  values(): IterableIterator<RememberedPeer> {
    return this.#peers.values();
  }

  /** @returns what is to be written, or undefined when nothing worth writing changed */
  note(member: Member, addresses: readonly string[], now: Now): PeerChange | undefined {
    const { owner } = member;
    const isDead = !isShown(member.state);
    const before = this.#peers.get(owner);
    if (before?.isDead === isDead && isSame(before.addresses, addresses)) return undefined;
    const isFull = before === undefined && this.#peers.size >= rememberedPeersMax;
    if (isFull && this.#dead.size <= rememberedPeersMax / 2) return undefined;
    const [forgotten] = isFull ? this.#dead.keys() : [];
    if (forgotten !== undefined) this.forget(forgotten);
    const remembered = { owner, addresses, isDead, seenAt: now.wallMicros };
    this.#put(remembered);
    return { remembered, forgotten };
  }

  forget(owner: OwnerId): void {
    this.#peers.delete(owner);
    this.#dead.delete(owner);
  }

  /** A book with the same content; from now on each goes its own way. */
  fork(): PeerBook {
    const fork = new PeerBook();
    fork.#peers = this.#peers.fork();
    fork.#dead = this.#dead.fork();
    return fork;
  }

  #put(peer: RememberedPeer): void {
    this.#peers.set(peer.owner, peer);
    if (!peer.isDead) this.#dead.delete(peer.owner);
    else if (!this.#dead.has(peer.owner)) this.#dead.set(peer.owner, true);
  }
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((address, i) => address === b[i]));
}
