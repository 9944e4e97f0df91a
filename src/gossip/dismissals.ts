/**
 * Dismissals: what operators said of lives that are over, on its way from node to node.
 *
 *   an operator, here ─┐
 *   a peer's frame ────┴▶ held ─▶ told to all peers, once ─▶ told to each new peer
 *                          └▶ the subject is dead here, in that life ─▶ it left
 *
 * A dismissal harms nobody who lives: where the subject is not dead it only waits, a higher
 * incarnation voids it, and the subject itself answers with one as soon as it hears of it. It is
 * held for as long as heads of the dismissed life go round (reapAfter), so that nodes which were
 * away, or come new, learn both. What is not on disk: a cluster that restarts as a whole forgets
 * its dismissals, and is told again.
 */
import type { Sealed } from '../record/head.ts';
import type { OwnerId } from '../record/owner.ts';
import type { RefusalReason } from '../record/verdict.ts';
import { isSignedByDismisser, readDismissal, sealDismissal } from '../membership/dismissal.ts';
import type { Dismissal, DismissalRules, SealedDismissal } from '../membership/dismissal.ts';
import type { GossipContext } from './context.ts';
import { encodeFrame } from './message.ts';

/** Held at once, and taken within an hour: nobody gets dismissals to go round for ever. */
export const dismissalsMax = 1_000;
/** Of one signer within an hour. */
export const dismissalsOfOneMax = 250;
const hourMs = 3_600_000;

interface Held {
  readonly sealed: SealedDismissal;
  /** Who sent it; undefined: an operator, here. */
  readonly source: OwnerId | undefined;
  isTold: boolean;
}

export interface DismissalHooks {
  /** Peers to talk to. */
  peers(): readonly OwnerId[];
  /** Something that a peer sent was refused, and is counted. */
  refused(peer: OwnerId, reason: RefusalReason): void;
  /** This node itself was dismissed, and lives. */
  refute(): void;
}

export class Dismissals {
  readonly #context: GossipContext;
  readonly #hooks: DismissalHooks;
  /** By subject and incarnation: who says the same again says nothing new. */
  readonly #held = new Map<string, Held>();
  /** Taken in this hour, by signer. */
  readonly #taken = new Map<OwnerId, number>();
  #takenInAll = 0;
  #hourEndsMs = -Infinity;
  /** Of the members, up to which nothing is left to be done. */
  #revision = -1;

  constructor(context: GossipContext, hooks: DismissalHooks) {
    this.#context = context;
    this.#hooks = hooks;
  }

  /** Dismissals that are held. */
  get size(): number {
    return this.#held.size;
  }

  /** An operator says it here. Nothing happens to a member that is not dead, or over the bounds. */
  dismiss(subject: OwnerId): void {
    const { registry, identity, now } = this.#context;
    const member = registry.member(subject);
    if (member?.state !== 'dead') return;
    const { signer, cluster } = identity;
    if (!this.#hasRoom(signer.owner)) return registry.refusals.add('TOO_MANY_DISMISSALS');
    const { incarnation } = member;
    const sealed = sealDismissal({ subject, incarnation, at: now.wallMicros }, cluster, signer);
    this.#hold({ sealed, source: undefined, isTold: false });
  }

  /** What a peer sent. */
  take(peer: OwnerId, sealed: Sealed): void {
    const { registry, identity, verifier, counters } = this.#context;
    const read = readDismissal(sealed, this.#rules());
    if (read.kind === 'refused') return this.#refuse(peer, read.reason);
    const { dismissal } = read.value;
    if (this.#held.has(keyOf(dismissal))) return counters.add('dismissals_known');
    if (this.#isVoid(dismissal)) return counters.add('dismissals_void');
    if (!isSignedByDismisser(read.value, identity.cluster, verifier))
      return this.#refuse(peer, 'BAD_SIGNATURE');
    if (dismissal.subject === registry.self) return this.#answer(dismissal);
    if (!this.#hasRoom(dismissal.by)) return this.#refuse(peer, 'TOO_MANY_DISMISSALS');
    this.#hold({ sealed: read.value, source: peer, isTold: false });
  }

  /** Tells a peer that was just greeted what it may have missed. */
  tell(peer: OwnerId): void {
    this.#sweep();
    for (const held of this.#held.values())
      if (held.source !== peer && !this.#isVoid(held.sealed.dismissal)) this.#send(peer, held);
  }

  /** Looks again at what is held, whenever members came, went, died or returned. */
  follow(): void {
    const { membersRevision } = this.#context.registry;
    if (this.#held.size === 0 || this.#revision === membersRevision) return;
    this.#revision = membersRevision;
    for (const [key, held] of this.#held)
      if (this.#isVoid(held.sealed.dismissal)) this.#held.delete(key);
      else this.#consider(held);
  }

  #hold(held: Held): void {
    const { dismissal } = held.sealed;
    const { by } = dismissal;
    this.#held.set(keyOf(dismissal), held);
    this.#taken.set(by, (this.#taken.get(by) ?? 0) + 1);
    this.#takenInAll += 1;
    this.#context.counters.add('dismissals_taken');
    this.#consider(held);
  }

  /** Whoever signed it must be a member: until it is known here, its word waits. */
  #consider(held: Held): void {
    const { registry, now } = this.#context;
    const { subject, incarnation, by } = held.sealed.dismissal;
    if (registry.member(by) === undefined) return;
    if (!held.isTold) this.#tellAll(held);
    const before = registry.member(subject)?.state;
    if (before !== 'dead') return;
    registry.observe(subject, { kind: 'dismissed', incarnation }, now);
    if (registry.member(subject)?.state !== 'left') return;
    this.#context.counters.add('members_dismissed');
    this.#context.emit({ kind: 'event', event: { kind: 'dismissed', subject, by } });
  }

  #tellAll(held: Held): void {
    held.isTold = true;
    for (const peer of this.#hooks.peers()) if (peer !== held.source) this.#send(peer, held);
  }

  #send(peer: OwnerId, { sealed }: Held): void {
    const { body, signature } = sealed;
    const bytes = encodeFrame({ kind: 'dismissal', sealed: { body, signature } });
    this.#context.emit({ kind: 'send', peer, bytes });
  }

  /** This node lives; of a life that it has not begun it need not speak. */
  #answer({ subject, incarnation }: Dismissal): void {
    if (this.#context.registry.member(subject)?.incarnation === incarnation) this.#hooks.refute();
  }

  /** The subject has begun another life since. */
  #isVoid({ subject, incarnation }: Dismissal): boolean {
    return (this.#context.registry.member(subject)?.incarnation ?? 0) > incarnation;
  }

  #hasRoom(by: OwnerId): boolean {
    const { monoMs } = this.#context.now;
    if (monoMs >= this.#hourEndsMs) {
      this.#hourEndsMs = monoMs + hourMs;
      this.#taken.clear();
      this.#takenInAll = 0;
    }
    if (this.#held.size >= dismissalsMax) this.#sweep();
    const isFull = this.#held.size >= dismissalsMax || this.#takenInAll >= dismissalsMax;
    return !isFull && (this.#taken.get(by) ?? 0) < dismissalsOfOneMax;
  }

  /** Forgets what is over: nobody holds a head of that life any more. */
  #sweep(): void {
    const { earliest } = this.#rules();
    for (const [key, { sealed }] of this.#held)
      if (sealed.dismissal.at < earliest) this.#held.delete(key);
  }

  #rules(): DismissalRules {
    const { now, config } = this.#context;
    const latest = now.wallMicros + config.clockAheadMs * 1000;
    return { latest, earliest: now.wallMicros - config.reapAfterMs * 1000 };
  }

  #refuse(peer: OwnerId, reason: RefusalReason): void {
    this.#context.registry.refusals.add(reason);
    this.#hooks.refused(peer, reason);
  }
}

function keyOf({ subject, incarnation }: Dismissal): string {
  return `${subject} ${incarnation}`;
}
