/**
 * Court: who is accused, by whom, and what this node makes of it.
 *
 *   links, prober ─ accuse ─▶ charges ─ told, confirmed ─┐
 *   rumor, frame  ── hear ───────────────────────────────┴▶ docket ─▶ verdict ─▶ member suspect,
 *                                                             │          dead, alive again
 *                      every node comes to hold the same ◀─ digest set
 *
 * - In a small cluster who hears that a host refused somebody dials it too: what it finds out itself
 *   holds for itself at once.
 * - Whoever hears the accused itself does not believe it, and hands it what it is accused of.
 * - The accused answers with a higher incarnation, which voids all of it.
 * - A node that hears nobody accuses nobody.
 */
import { CellRate } from '../base/cell-rate.ts';
import type { Accusation, AccusationReason } from '../membership/accusation.ts';
import { Docket } from '../membership/docket.ts';
import { allLook, quorum, refutationMs } from '../membership/jury.ts';
import { isShown } from '../membership/member.ts';
import type { Sealed } from '../record/head.ts';
import type { OwnerId } from '../record/owner.ts';
import type { RefusalReason } from '../record/verdict.ts';
import { Charges } from './charges.ts';
import type { ChargesHooks } from './charges.ts';
import type { GossipContext, RumorVerdict } from './context.ts';
import { encodeFrame } from './message.ts';
import type { SettledHeads } from './settled-heads.ts';
import type { Tokens } from './tokens.ts';

/** Heads that a peer makes us ask it for, by accusing lives that are not held here. */
const asksAtOnceMax = 16;
const asksPerSecond = 4;
const askedPeersMax = 1_000;
/** Old accusations are looked for once in so long. */
const expireIntervalMs = 600_000;

export interface CourtHooks extends ChargesHooks {
  /** It is heard, and yet late with an answer. */
  isLate(peer: OwnerId): boolean;
  /** Others do not hear whom this node hears: is it so for us? */
  doubt(peer: OwnerId): void;
  /** This node is accused. */
  accused(): void;
  /** Somebody was refused by its host: is it so for us? */
  look(subject: OwnerId, incarnation: number): void;
  /** It is dead for this node now, by what others say. */
  convicted(subject: OwnerId): void;
  /** A head is missing here. */
  ask(peer: OwnerId, owner: OwnerId): void;
  /** What a peer sent was refused. */
  refused(peer: OwnerId, reason: RefusalReason): void;
}

/** What becomes of an accusation; `contested`: it is new, and this node hears whom it accuses. */
type Taken = RumorVerdict | 'contested';

export class Court {
  readonly #context: GossipContext;
  readonly #heads: SettledHeads;
  readonly #hooks: CourtHooks;
  readonly #docket: Docket;
  readonly #charges: Charges;
  readonly #asks = new CellRate<OwnerId>({
    burst: asksAtOnceMax,
    perSecond: asksPerSecond,
    keysMax: askedPeersMax,
  });
  /** Of the feed, up to which heads are known here. */
  #cursor: number;
  #expireAtMs = -Infinity;

  constructor(context: GossipContext, tokens: Tokens, heads: SettledHeads, hooks: CourtHooks) {
    const { registry, identity, verifier, config } = context;
    this.#context = context;
    this.#heads = heads;
    this.#hooks = hooks;
    this.#cursor = registry.feed.revision;
    this.#docket = new Docket({
      self: registry.self,
      cluster: identity.cluster,
      verifier,
      clockAheadMs: config.clockAheadMs,
      reapAfterMs: config.reapAfterMs,
      lifeOf: (subject) => registry.state(subject)?.head.head,
      windows: () => {
        const { recentMs, leastMs } = hooks.roundTrip();
        return { anyMs: refutationMs(recentMs), refusedMs: refutationMs(leastMs) };
      },
    });
    this.#charges = new Charges(context, tokens, this.#docket, hooks);
  }

  /** When there is something to do, monotonic ms. */
  get wakeAtMs(): number {
    return Math.min(this.#docket.nextVerdictMs, this.#charges.wakeAtMs);
  }

  accusersOf(subject: OwnerId): readonly Accusation[] {
    return this.#docket.accusersOf(subject);
  }

  /** Accusations that are held. */
  get size(): number {
    return this.#docket.size;
  }

  /** The accusation with that hash, to be passed on; undefined: it is not held any more. */
  get(hash: Uint8Array): Sealed | undefined {
    return this.#docket.get(hash);
  }

  /** This node cannot reach another. @returns whether others will hear of it, from whomever */
  accuse(subject: OwnerId, reason: AccusationReason): boolean {
    return this.#charges.bring(subject, reason);
  }

  /**
   * Accusations that came over a link, by repair or to be answered. Against whom this node hears
   * they are not spread: the answer is on its way, and digests bring them to whoever needs them.
   */
  hear(peer: OwnerId, sealed: Sealed): void {
    if (this.#take(peer, sealed) !== 'accept') return;
    const bytes = accusationFrame(sealed);
    for (const other of this.#hooks.greeted())
      if (other !== peer) this.#context.emit({ kind: 'send', peer: other, bytes });
  }

  /** Accusations in a rumor. @returns what becomes of it */
  hearRumor(peer: OwnerId, accusations: readonly Sealed[]): RumorVerdict {
    const taken = accusations.map((sealed) => this.#take(peer, sealed));
    if (taken.includes('reject')) return 'reject';
    return taken.includes('accept') || taken.includes('contested') ? 'accept' : 'ignore';
  }

  /** A peer is heard, for the first time or again: it has to know what it is accused of. */
  heard(peer: OwnerId): void {
    this.#charges.drop(peer);
    this.#show(peer);
    this.#handOver(peer);
  }

  /** A peer is heard no more: now it is for the others to say how it is. */
  lost(peer: OwnerId): void {
    this.#show(peer);
  }

  /** Does what the time brings, and tells what became of it. */
  wake(): void {
    this.#charges.wake();
    this.#judge();
  }

  /** Once an interval. */
  tick(): void {
    const { registry, now, config } = this.#context;
    if (this.#docket.accusersOf(registry.self).length > 0) this.#hooks.accused();
    if (this.#hooks.isDoubtful()) this.#charges.putOff();
    if (now.monoMs < this.#expireAtMs) return;
    this.#expireAtMs = now.monoMs + expireIntervalMs;
    this.#docket.expire(now.wallMicros - config.reapAfterMs * 1000, now.monoMs);
    this.#noteElements();
  }

  /** Hears what the step before changed: a higher incarnation voids what was said of the lower. */
  follow(): void {
    const { registry } = this.#context;
    const { feed } = registry;
    while (this.#cursor !== feed.revision) {
      const answer = this.#docket.size === 0 ? undefined : feed.read(this.#cursor);
      const isLost = answer?.kind === 'lost';
      this.#cursor = answer === undefined || isLost ? feed.revision : answer.revision;
      if (isLost) for (const subject of this.#docket.subjects) this.#noteHead(subject);
      else for (const { owner } of answer?.changes ?? []) this.#noteHead(owner);
    }
    this.#judge();
  }

  #noteHead(owner: OwnerId): void {
    const { registry, now, counters } = this.#context;
    const head = registry.state(owner)?.head.head;
    if (head === undefined) this.#docket.forget(owner);
    else {
      const muted = this.#docket.noteHead(head, now.monoMs);
      if (muted > 0) counters.add('accusers_muted', muted);
    }
    this.#charges.noteLife(owner, head?.incarnation);
  }

  #take(peer: OwnerId, sealed: Sealed): Taken {
    const { registry, now, counters } = this.#context;
    const accepted = this.#docket.accept(sealed, now);
    counters.add(`accusations_${accepted.kind}`);
    switch (accepted.kind) {
      case 'new': {
        const { subject, incarnation, reason } = accepted.accusation.accusation;
        // Our answer goes farther than what it answers.
        if (subject === registry.self) {
          this.#hooks.accused();
          return 'ignore';
        }
        if (this.#hooks.isHeard(subject)) {
          this.#send(subject, sealed);
          this.#hooks.doubt(subject);
          return 'contested';
        }
        if (allLook(reason === 'refused', registry.ownersHeld))
          this.#hooks.look(subject, incarnation);
        return 'accept';
      }
      case 'early':
        this.#askFor(peer, accepted.subject);
        return 'ignore';
      case 'refused':
        registry.refusals.add(accepted.reason);
        this.#hooks.refused(peer, accepted.reason);
        return isBlame(accepted.reason) ? 'reject' : 'ignore';
      case 'known':
      case 'spare':
      case 'void':
        return 'ignore';
    }
  }

  /** Its lives need no signature to be made up, so it sets no pace; what is true, digests bring. */
  #askFor(peer: OwnerId, subject: OwnerId): void {
    const { monoMs } = this.#context.now;
    if (!this.#asks.has(peer, monoMs)) return;
    this.#asks.take(peer, monoMs);
    this.#hooks.ask(peer, subject);
  }

  #judge(): void {
    const { now, registry } = this.#context;
    this.#noteElements();
    if (this.#docket.nextVerdictMs > now.monoMs) return;
    for (const { subject } of this.#docket.takeVerdicts(now.monoMs))
      if (subject !== registry.self) this.#show(subject);
  }

  /** Brings the member list up to date with what is known of one accused. */
  #show(subject: OwnerId): void {
    const { registry, now, counters } = this.#context;
    const before = registry.member(subject)?.state;
    if (before === undefined) return;
    const found = this.#docket.verdictOf(subject, now.monoMs);
    // Who hears it knows better than all others, unless it owes an answer here as well.
    const isKnownBetter =
      this.#hooks.isHeard(subject) && !(found === 'dead' && this.#hooks.isLate(subject));
    const verdict = isKnownBetter ? 'none' : found;
    if (verdict === 'none' && before === 'suspect')
      return registry.observe(subject, { kind: 'absolved' }, now);
    if (verdict === 'suspect') return registry.observe(subject, { kind: 'accused' }, now);
    if (verdict !== 'dead' || !isShown(before)) return;
    const accusers = this.#docket.accusersOf(subject);
    const why = accusers.some(({ reason }) => reason === 'refused') ? 'refused' : 'silent';
    registry.observe(subject, { kind: 'convicted', why }, now);
    const by = accusers.length < quorum ? 'confirmation' : 'quorum';
    counters.add(`members_convicted_by_${by}`);
    this.#hooks.convicted(subject);
  }

  #handOver(peer: OwnerId): void {
    for (const accusation of this.#docket.against(peer)) this.#send(peer, accusation);
  }

  /** The digest set follows the docket. */
  #noteElements(): void {
    for (const { kind, accusation } of this.#docket.takeChanges()) {
      this.#heads.noteAccusation(accusation.accusation.subject, accusation.hash, kind === 'added');
      this.#charges.noteOthers();
    }
  }

  #send(peer: OwnerId, { body, signature }: Sealed): void {
    this.#context.emit({ kind: 'send', peer, bytes: accusationFrame({ body, signature }) });
  }
}

function accusationFrame({ body, signature }: Sealed): Uint8Array {
  return encodeFrame({ kind: 'accusation', sealed: { body, signature } });
}

/** What no honest relay passes on. */
function isBlame(reason: RefusalReason): boolean {
  return reason === 'MALFORMED' || reason === 'BAD_SIGNATURE';
}
