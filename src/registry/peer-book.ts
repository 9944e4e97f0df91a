/**
 * PeerBook: the nodes of this and earlier lives, those thought dead too.
 *
 * The second way into the cluster when no seed node answers, and whom to dial again so that halves
 * find each other. Bounded: dead ones are forgotten first, and of those the oldest news.
 */
import type { Now } from '../base/clock.ts';
import { isShown } from '../membership/member.ts';
import type { Member } from '../membership/member.ts';
import type { OwnerId } from '../record/owner.ts';
import type { RememberedPeer } from '../store/store.ts';

const rememberedPeersMax = 1_000;

export class PeerBook {
  readonly #peers = new Map<OwnerId, RememberedPeer>();

  constructor(stored: readonly RememberedPeer[]) {
    for (const peer of stored) this.#peers.set(peer.owner, peer);
  }

  get(owner: OwnerId): RememberedPeer | undefined {
    return this.#peers.get(owner);
  }

  values(): IterableIterator<RememberedPeer> {
    return this.#peers.values();
  }

  /** @returns the entry to be written, or undefined when nothing worth writing changed */
  note(member: Member, addresses: readonly string[], now: Now): RememberedPeer | undefined {
    const isDead = !isShown(member.state);
    const before = this.#peers.get(member.owner);
    if (before?.isDead === isDead && String(before.addresses) === String(addresses))
      return undefined;
    const peer = { owner: member.owner, addresses, isDead, seenAt: now.wallMicros };
    this.#peers.set(member.owner, peer);
    return peer;
  }

  /** Drops what is over the bound; answers whom. */
  trim(): OwnerId[] {
    const surplus = this.#peers.size - rememberedPeersMax;
    if (surplus <= 0) return [];
    const byWorth = [...this.#peers.values()].sort(
      (a, b) => Number(b.isDead) - Number(a.isDead) || a.seenAt - b.seenAt,
    );
    const dropped = byWorth.slice(0, surplus).map(({ owner }) => owner);
    for (const owner of dropped) this.#peers.delete(owner);
    return dropped;
  }
}
