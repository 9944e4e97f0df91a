/**
 * PeerBoots: which life of a peer each link is with.
 *
 * A transport knows a peer by its key alone. When a hello of another boot id comes over a link that
 * was greeted, its other end is no more (it was started again, and nobody told us that the old
 * connection is dead) or two processes run with one key. Either way it has not been greeted yet.
 */
import { readHead } from '../record/head.ts';
import type { Sealed } from '../record/head.ts';
import type { OwnerId } from '../record/owner.ts';

export class PeerBoots {
  readonly #boots = new Map<OwnerId, string>();

  /** Takes note of a hello. @returns whether its boot id is another than that of the one before */
  isAnother(peer: OwnerId, sealed: Sealed, cluster: string): boolean {
    const times = { earliest: 0, latest: Number.MAX_SAFE_INTEGER };
    const read = readHead(sealed, { cluster, headBytesMax: sealed.body.length, ...times });
    if (read.kind === 'refused' || read.value.head.owner !== peer) return false;
    const { bootId } = read.value.head;
    const known = this.#boots.get(peer);
    this.#boots.set(peer, bootId);
    return known !== undefined && known !== bootId;
  }

  /** The link begins or ends. */
  forget(peer: OwnerId): void {
    this.#boots.delete(peer);
  }
}
