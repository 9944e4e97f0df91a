/**
 * Court: who is accused, by whom, and what this node makes of it.
 *
 *   links, prober ─ accuse ─▶ pause by chance ─▶ signed, published ─ suspicion time ─▶ confirmed
 *   rumor, frame  ── hear ──▶ docket ─▶ verdict ─▶ member suspect, dead, alive again
 *                               └─▶ digest set: every node comes to hold the same accusations
 *
 * - The pause spares most of them: three accusers are enough, and K neighbors notice at once.
 * - Whoever hears the accused itself does not believe it, and hands it what it is accused of.
 * - The accused answers with a higher incarnation, which voids all of it.
 * - A node that hears nobody accuses nobody.
 */
import { CellRate } from '../base/cell-rate.ts';
import { confirmedClaim, sealAccusation, sinceOf } from '../membership/accusation.ts';
import type { Accusation, AccusationReason, Claim } from '../membership/accusation.ts';
import { Docket } from '../membership/docket.ts';
import { quorum, refutationMs, suspicionMs } from '../membership/jury.ts';
import type { MeasuredRoundTrip } from '../membership/round-trip.ts';
import { isShown } from '../membership/member.ts';
import type { Sealed } from '../record/head.ts';
import type { OwnerId } from '../record/owner.ts';
import type { RefusalReason } from '../record/verdict.ts';
import type { GossipContext, RumorVerdict } from './context.ts';
import { encodeFrame, encodeRumor } from './message.ts';
import type { SettledHeads } from './settled-heads.ts';
import type { Tokens } from './tokens.ts';

/** The pause before an accusation is drawn from twice a round trip, within these bounds. */
const pauseMsMin = 5;
const pauseMsMax = 500;
/** Heads that a peer makes us ask it for, by accusing lives that are not held here. */
const asksAtOnceMax = 16;
const asksPerSecond = 4;
const askedPeersMax = 1_000;
/** Old accusations are looked for once in so long. */
const expireIntervalMs = 600_000;

export interface CourtHooks {
  /** A living link, over which it was heard lately. */
  isHeard(peer: OwnerId): boolean;
  /** All with whom there are links that were greeted. */
  greeted(): readonly OwnerId[];
  /** This node hears nobody, or has just woken. */
  isDoubtful(): boolean;
  /** What it usually takes to get an answer. */
  roundTrip(): MeasuredRoundTrip;
  /** This node is accused. */
  accused(): void;
  /** It is dead for this node now, by what others say. */
  convicted(subject: OwnerId): void;
  /** A head is missing here. */
  ask(peer: OwnerId, owner: OwnerId): void;
  /** What a peer sent was refused. */
  refused(peer: OwnerId, reason: RefusalReason): void;
}

/** What this node has against another. */
interface Charge {
  readonly incarnation: number;
  readonly reason: AccusationReason;
  /** When it began: µs for others, monotonic ms for ourselves. */
  since: number;
  sinceMs: number;
  tellAtMs: number;
  isConfirmed: boolean;
}

export class Court {
  readonly #context: GossipContext;
  readonly #tokens: Tokens;
  readonly #heads: SettledHeads;
  readonly #hooks: CourtHooks;
  readonly #docket: Docket;
  /** By subject: at most those whom this node had links with. */
  readonly #charges = new Map<OwnerId, Charge>();
  readonly #asks = new CellRate<OwnerId>({
    burst: asksAtOnceMax,
    perSecond: asksPerSecond,
    keysMax: askedPeersMax,
  });
  /** Of the feed, up to which heads are known here. */
  #cursor: number;
  #expireAtMs = -Infinity;
  /** Undefined when it has to be found anew. */
  #chargesDueMs: number | undefined;

  constructor(context: GossipContext, tokens: Tokens, heads: SettledHeads, hooks: CourtHooks) {
    const { registry, identity, verifier, config } = context;
    this.#context = context;
    this.#tokens = tokens;
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
        const { smoothedMs, leastMs } = hooks.roundTrip();
        return { anyMs: refutationMs(smoothedMs), refusedMs: refutationMs(leastMs) };
      },
    });
  }

  /** When there is something to do, monotonic ms. */
  get wakeAtMs(): number {
    // Who doubts itself does not pursue them, however long they have been due.
    const chargesDueMs = this.#hooks.isDoubtful() ? Infinity : this.#chargesDue();
    return Math.min(this.#docket.nextVerdictMs, chargesDueMs);
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

  /**
   * This node cannot reach another that had let it watch: others may have to know.
   *
   * @returns whether they will hear of it, from this node or because they did from enough others
   */
  accuse(subject: OwnerId, reason: AccusationReason): boolean {
    const { registry, now, random, counters } = this.#context;
    const incarnation = registry.member(subject)?.incarnation ?? 0;
    if (this.#charges.get(subject)?.incarnation === incarnation) return true;
    const token = this.#tokens.of(subject);
    const since = token && sinceOf(token.token, now.wallMicros);
    if (since === undefined || this.#hooks.isDoubtful()) {
      counters.add('accusations_withheld');
      return false;
    }
    const { smoothedMs = 0 } = this.#hooks.roundTrip();
    const pauseMs = Math.min(Math.max(2 * smoothedMs, pauseMsMin), pauseMsMax) * random.next();
    const tellAtMs = now.monoMs + pauseMs;
    const charge = { incarnation, reason, since, sinceMs: now.monoMs, tellAtMs };
    this.#charges.set(subject, { ...charge, isConfirmed: false });
    this.#chargesDueMs = undefined;
    return true;
  }

  /** Accusations that came over a link, by repair or to be answered. */
  hear(peer: OwnerId, sealed: Sealed): void {
    if (this.#take(peer, sealed) !== 'accept') return;
    const bytes = accusationFrame(sealed);
    for (const other of this.#hooks.greeted())
      if (other !== peer) this.#context.emit({ kind: 'send', peer: other, bytes });
  }

  /** Accusations in a rumor. @returns what becomes of it */
  hearRumor(peer: OwnerId, accusations: readonly Sealed[]): RumorVerdict {
    const verdicts = accusations.map((sealed) => this.#take(peer, sealed));
    if (verdicts.includes('reject')) return 'reject';
    return verdicts.includes('accept') ? 'accept' : 'ignore';
  }

  /** A peer is heard, for the first time or again: it has to know what it is accused of. */
  heard(peer: OwnerId): void {
    this.#charges.delete(peer);
    this.#chargesDueMs = undefined;
    this.#show(peer);
    this.#handOver(peer);
  }

  /** A peer is heard no more: now it is for the others to say how it is. */
  lost(peer: OwnerId): void {
    this.#show(peer);
  }

  /** Does what the time brings, and tells what became of it. */
  wake(): void {
    const { monoMs } = this.#context.now;
    if (this.#chargesDue() <= monoMs) {
      for (const [subject, charge] of this.#charges) this.#pursue(subject, charge);
      this.#chargesDueMs = undefined;
    }
    this.#judge();
  }

  /** Once an interval. */
  tick(): void {
    const { registry, now, config } = this.#context;
    if (this.#docket.accusersOf(registry.self).length > 0) this.#hooks.accused();
    if (this.#hooks.isDoubtful())
      for (const [subject, charge] of this.#charges) this.#putOff(subject, charge);
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
    const charge = this.#charges.get(owner);
    if (charge === undefined || head?.incarnation === charge.incarnation) return;
    this.#charges.delete(owner);
    this.#chargesDueMs = undefined;
  }

  #take(peer: OwnerId, sealed: Sealed): RumorVerdict {
    const { registry, now, counters } = this.#context;
    const accepted = this.#docket.accept(sealed, now);
    counters.add(`accusations_${accepted.kind}`);
    switch (accepted.kind) {
      case 'new': {
        const { subject } = accepted.accusation.accusation;
        // Our answer goes farther than what it answers.
        if (subject === registry.self) {
          this.#hooks.accused();
          return 'ignore';
        }
        if (this.#hooks.isHeard(subject)) this.#send(subject, sealed);
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

  /** Goes on with a charge of this node, or drops it. */
  #pursue(subject: OwnerId, charge: Charge): void {
    const { registry, now } = this.#context;
    const isOver = registry.member(subject)?.incarnation !== charge.incarnation;
    if (isOver || this.#hooks.isHeard(subject) || registry.member(subject)?.state === 'left')
      return void this.#charges.delete(subject);
    if (charge.isConfirmed) return;
    if (this.#hooks.isDoubtful()) return this.#putOff(subject, charge);
    const others = this.#docket
      .accusersOf(subject)
      .filter(({ accuser }) => accuser !== registry.self);
    const isTold = charge.tellAtMs === Infinity;
    if (!isTold && charge.tellAtMs <= now.monoMs) {
      charge.tellAtMs = Infinity;
      if (others.length < quorum) this.#tell(subject, charge, undefined);
    }
    if (!isTold || now.monoMs < this.#confirmAtMs(subject, charge)) return;
    charge.isConfirmed = true;
    if (others.length < quorum) this.#tell(subject, charge, now.monoMs - charge.sinceMs);
  }

  /**
   * Nobody is heard now. What nobody was told is dropped; what was told can be confirmed once a
   * suspicion time has passed in which this node heard others.
   */
  #putOff(subject: OwnerId, charge: Charge): void {
    if (charge.isConfirmed) return;
    if (charge.tellAtMs !== Infinity) return void this.#charges.delete(subject);
    const { wallMicros, monoMs } = this.#context.now;
    const token = this.#tokens.of(subject)?.token;
    charge.since = (token && sinceOf(token, wallMicros)) ?? charge.since;
    charge.sinceMs = monoMs;
    this.#chargesDueMs = undefined;
  }

  /** @param elapsedMs since the charge began, when it is confirmed */
  #tell(subject: OwnerId, charge: Charge, elapsedMs: number | undefined): void {
    const { identity, now, counters } = this.#context;
    const token = this.#tokens.of(subject);
    const { incarnation, since, reason } = charge;
    const first: Claim = { incarnation, since, at: since, confirmed: false, reason };
    const claim =
      token && elapsedMs !== undefined ? confirmedClaim(first, token.token, elapsedMs) : first;
    if (token === undefined || claim === undefined || token.token.issuedAt > since)
      return counters.add('accusations_withheld');
    const { body, signature } = sealAccusation(token, claim, identity.cluster, identity.signer);
    const sealed = { body, signature };
    counters.add(elapsedMs === undefined ? 'accusations_made' : 'accusations_confirmed');
    if (this.#docket.accept(sealed, now).kind !== 'new') return;
    const rumor = { head: undefined, previous: 0, records: [], accusations: [sealed] };
    this.#context.emit({ kind: 'publish', bytes: encodeRumor(rumor) });
  }

  /** When our suspicion time is over, monotonic ms: sooner when others accuse it too. */
  #confirmAtMs(subject: OwnerId, { sinceMs }: Charge): number {
    const { registry } = this.#context;
    const others = this.#docket
      .accusersOf(subject)
      .filter(({ accuser }) => accuser !== registry.self);
    return sinceMs + suspicionMs(registry.ownersHeld, others.length);
  }

  #chargesDue(): number {
    if (this.#chargesDueMs !== undefined) return this.#chargesDueMs;
    let dueMs = Infinity;
    for (const [subject, charge] of this.#charges) {
      const { tellAtMs, isConfirmed } = charge;
      if (isConfirmed) continue;
      dueMs = Math.min(
        dueMs,
        tellAtMs === Infinity ? this.#confirmAtMs(subject, charge) : tellAtMs,
      );
    }
    this.#chargesDueMs = dueMs;
    return dueMs;
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
    const verdict = this.#hooks.isHeard(subject)
      ? 'none'
      : this.#docket.verdictOf(subject, now.monoMs);
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
      this.#chargesDueMs = undefined;
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
