/**
 * PendingWrites: what came from peers and is not on disk yet.
 *
 * Remote merges need no acknowledgement (a crash loses what gossip brings back), so they are
 * gathered and written many in one transaction. Keyed by owner and record: as large as the state
 * at most, however often it changes.
 */
import type { SealedHead } from '../record/head.ts';
import type { OwnerId } from '../record/owner.ts';
import type { RecordKey, SealedRecord } from '../record/record.ts';
import type { Batch, OwnerWrite, RememberedPeer } from '../store/store.ts';

interface PendingOwner {
  head: SealedHead;
  readonly puts: Map<RecordKey, SealedRecord>;
  readonly removes: Map<RecordKey, SealedRecord>;
}

export class PendingWrites {
  readonly #owners = new Map<OwnerId, PendingOwner>();
  readonly #forgotten = new Set<OwnerId>();
  readonly #peers = new Map<OwnerId, RememberedPeer>();
  readonly #forgottenPeers = new Set<OwnerId>();

  get isEmpty(): boolean {
    const parts = [this.#owners, this.#forgotten, this.#peers, this.#forgottenPeers];
    return parts.every((part) => part.size === 0);
  }

  write({ owner, head, puts, removes }: OwnerWrite): void {
    const pending = this.#owners.get(owner) ?? { head, puts: new Map(), removes: new Map() };
    this.#owners.set(owner, pending);
    pending.head = head;
    for (const removed of removes) {
      pending.puts.delete(removed.key);
      pending.removes.set(removed.key, removed);
    }
    for (const put of puts) {
      pending.removes.delete(put.key);
      pending.puts.set(put.key, put);
    }
  }

  forget(owner: OwnerId): void {
    this.#owners.delete(owner);
    this.#forgotten.add(owner);
  }

  rememberPeer(peer: RememberedPeer): void {
    this.#forgottenPeers.delete(peer.owner);
    this.#peers.set(peer.owner, peer);
  }

  forgetPeer(owner: OwnerId): void {
    this.#peers.delete(owner);
    this.#forgottenPeers.add(owner);
  }

  /** All of it as one batch; call `clear` once the batch is on disk. */
  batch(revision: number): Batch {
    const owners = [...this.#owners].map(([owner, { head, puts, removes }]) => ({
      owner,
      head,
      puts: [...puts.values()],
      removes: [...removes.values()],
    }));
    return {
      revision,
      // Forgetting comes first in a batch: of an owner that came back no old record stays.
      forgottenOwners: [...this.#forgotten],
      owners,
      peers: [...this.#peers.values()],
      forgottenPeers: [...this.#forgottenPeers],
    };
  }

  clear(): void {
    this.#owners.clear();
    this.#forgotten.clear();
    this.#peers.clear();
    this.#forgottenPeers.clear();
  }
}
