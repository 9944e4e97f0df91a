/**
 * Tokens: what lets this node accuse its peers, and its peers accuse it.
 *
 *   greeted ─▶ each end gives the other a token ─▶ another one every 5 minutes, as long as both
 *              are linked ─▶ kept when the link is gone: that is when it is needed
 */
import type { Sealed } from '../record/head.ts';
import type { OwnerId } from '../record/owner.ts';
import type { RefusalReason } from '../record/verdict.ts';
import { openToken, sealToken, tokenLifeMs } from '../membership/accusation.ts';
import type { SealedToken } from '../membership/accusation.ts';
import type { GossipContext } from './context.ts';
import { encodeFrame } from './message.ts';

/** So that what is held at any time is good for five minutes more. */
const renewAfterMs = tokenLifeMs / 2;
/** More than a node has links; over it the oldest go. */
const heldMax = 1_000;

export class Tokens {
  readonly #context: GossipContext;
  /** By subject, the oldest first. */
  readonly #held = new Map<OwnerId, SealedToken>();
  /** When peers with a link were given theirs, monotonic ms. */
  readonly #givenAtMs = new Map<OwnerId, number>();

  constructor(context: GossipContext) {
    this.#context = context;
  }

  /** Lets these peers, who are linked, accuse this node for ten minutes, unless they can anyway. */
  give(peers: Iterable<OwnerId>): void {
    const { identity, now, registry } = this.#context;
    for (const peer of peers) {
      if (now.monoMs < (this.#givenAtMs.get(peer) ?? -Infinity) + renewAfterMs) continue;
      this.#givenAtMs.set(peer, now.monoMs);
      const token = { subject: registry.self, observer: peer, issuedAt: now.wallMicros };
      const { body, signature } = sealToken(token, identity.cluster, identity.signer);
      const bytes = encodeFrame({ kind: 'token', sealed: { body, signature } });
      this.#context.emit({ kind: 'send', peer, bytes });
    }
  }

  /** A peer lets this node accuse it. @returns why that is refused, if it is */
  take(peer: OwnerId, sealed: Sealed): RefusalReason | undefined {
    const { identity, now, registry, config, verifier } = this.#context;
    const latest = now.wallMicros + config.clockAheadMs * 1000;
    const names = { subject: peer, observer: registry.self };
    const token = openToken(sealed, names, latest, identity.cluster, verifier);
    if (token.kind === 'refused') return token.reason;
    this.#held.delete(peer);
    this.#held.set(peer, token.value);
    const [oldest] = this.#held.keys();
    if (this.#held.size > heldMax) this.#held.delete(oldest as OwnerId);
    return undefined;
  }

  /** What a node let us accuse it with last; it may be too old. */
  of(subject: OwnerId): SealedToken | undefined {
    return this.#held.get(subject);
  }

  /** The link is gone: the next one begins with a token. */
  unlinked(peer: OwnerId): void {
    this.#givenAtMs.delete(peer);
  }
}
