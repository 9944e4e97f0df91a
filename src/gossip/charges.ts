/**
 * Charges: what this node has against others, from the first trouble to a confirmed accusation.
 *
 *   brought ── pause by chance ──▶ told ── suspicion time ──▶ confirmed
 *      │                            │
 *      ├── enough others told ──────┴── heard again, a new life, left ──▶ dropped
 *      └── while nobody is heard: dropped if it was not told, else its time begins anew
 *
 * Three accusers are enough, and all observers notice a death at once: what three said has to come
 * round before most of the others speak, since an accusation costs every node and comes to it several
 * times. The subject has as many observers as this node has links, more or less. Where all look for
 * themselves, accusations are for those who cannot, and wait until the news has passed. A silence is
 * noticed by one after the other, so there nobody has to wait for long.
 */
import { confirmedClaim, sealAccusation, sinceOf } from '../membership/accusation.ts';
import type { AccusationReason, Claim } from '../membership/accusation.ts';
import type { Docket } from '../membership/docket.ts';
import { allLook, quorum, suspicionMs } from '../membership/jury.ts';
import type { CurrentRoundTrip } from '../membership/round-trip.ts';
import type { OwnerId } from '../record/owner.ts';
import type { GossipContext } from './context.ts';
import { encodeRumor } from './message.ts';
import type { Tokens } from './tokens.ts';

/** For each link the pause, from which a part is drawn, has so long or a round trip. */
const pausePerLinkMs = 30;
/** The same where all others have been asked to look. */
const latePausePerLinkMs = 120;
/** The same where each notices at a time of its own. */
const shortPausePerLinkMs = 5;
const pauseMsMax = 1_000;

export interface ChargesHooks {
  /** A living link, over which it was heard lately. */
  isHeard(peer: OwnerId): boolean;
  /** All with whom there are links that were greeted. */
  greeted(): readonly OwnerId[];
  /** This node hears nobody, or has just woken. */
  isDoubtful(): boolean;
  /** What it takes to get an answer now. */
  roundTrip(): CurrentRoundTrip;
}

interface Charge {
  readonly incarnation: number;
  readonly reason: AccusationReason;
  /** When it began: µs for others, monotonic ms for ourselves. */
  since: number;
  sinceMs: number;
  tellAtMs: number;
  isConfirmed: boolean;
}

export class Charges {
  readonly #context: GossipContext;
  readonly #tokens: Tokens;
  readonly #docket: Docket;
  readonly #hooks: ChargesHooks;
  /** By subject: at most those whom this node had links with. */
  readonly #charges = new Map<OwnerId, Charge>();
  /** Undefined when it has to be found anew. */
  #dueMs: number | undefined;

  constructor(context: GossipContext, tokens: Tokens, docket: Docket, hooks: ChargesHooks) {
    this.#context = context;
    this.#tokens = tokens;
    this.#docket = docket;
    this.#hooks = hooks;
  }

  /** When there is something to do, monotonic ms. */
  get wakeAtMs(): number {
    // Asked after every step, and there is hardly ever one.
    if (this.#charges.size === 0) return Infinity;
    // Who doubts itself does not pursue them, however long they have been due.
    if (this.#hooks.isDoubtful()) return Infinity;
    this.#dueMs ??= this.#findDue();
    return this.#dueMs;
  }

  /**
   * This node cannot reach another that had let it watch: others may have to know.
   *
   * @returns whether they will hear of it, from this node or from others
   */
  bring(subject: OwnerId, reason: AccusationReason): boolean {
    const { registry, now, counters } = this.#context;
    const incarnation = registry.member(subject)?.incarnation ?? 0;
    if (this.#charges.get(subject)?.incarnation === incarnation) return true;
    const token = this.#tokens.of(subject);
    const since = token && sinceOf(token.token, now.wallMicros);
    if (since === undefined || this.#hooks.isDoubtful()) {
      counters.add('accusations_withheld');
      return this.#docket.accusersOf(subject).length > 0;
    }
    const tellAtMs = now.monoMs + this.#pauseMs(reason);
    const charge = { incarnation, reason, since, sinceMs: now.monoMs, tellAtMs };
    this.#charges.set(subject, { ...charge, isConfirmed: false });
    this.#dueMs = undefined;
    return true;
  }

  drop(subject: OwnerId): void {
    this.#charges.delete(subject);
    this.#dueMs = undefined;
  }

  /** The head of a subject is of this incarnation now; undefined: none is held. */
  noteLife(subject: OwnerId, incarnation: number | undefined): void {
    const charge = this.#charges.get(subject);
    if (charge !== undefined && charge.incarnation !== incarnation) this.drop(subject);
  }

  /** Others say something else than before: each confirmation makes the suspicion time shorter. */
  noteOthers(): void {
    this.#dueMs = undefined;
  }

  /** Goes on with those that are due. */
  wake(): void {
    if (this.wakeAtMs > this.#context.now.monoMs) return;
    for (const [subject, charge] of this.#charges) this.#pursue(subject, charge);
    this.#dueMs = undefined;
  }

  /**
   * Nobody is heard now. What nobody was told is dropped; what was told can be confirmed once a
   * suspicion time has passed in which this node heard others.
   */
  putOff(): void {
    const { wallMicros, monoMs } = this.#context.now;
    for (const [subject, charge] of this.#charges) {
      if (charge.isConfirmed) continue;
      if (charge.tellAtMs !== Infinity) {
        this.#charges.delete(subject);
        continue;
      }
      const token = this.#tokens.of(subject)?.token;
      charge.since = (token && sinceOf(token, wallMicros)) ?? charge.since;
      charge.sinceMs = monoMs;
    }
    this.#dueMs = undefined;
  }

  #pursue(subject: OwnerId, charge: Charge): void {
    const { registry, now } = this.#context;
    const member = registry.member(subject);
    const isOver = member?.incarnation !== charge.incarnation || member.state === 'left';
    if (isOver || this.#hooks.isHeard(subject)) return void this.#charges.delete(subject);
    if (charge.isConfirmed) return;
    const isTold = charge.tellAtMs === Infinity;
    const isEnough = this.#othersAgainst(subject) >= quorum;
    if (!isTold && charge.tellAtMs <= now.monoMs) {
      charge.tellAtMs = Infinity;
      if (!isEnough) this.#tell(subject, charge, undefined);
    }
    if (!isTold || now.monoMs < this.#confirmAtMs(subject, charge)) return;
    charge.isConfirmed = true;
    if (!isEnough) this.#tell(subject, charge, now.monoMs - charge.sinceMs);
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

  #pauseMs(reason: AccusationReason): number {
    const { recentMs = 0, leastMs = 0 } = this.#hooks.roundTrip();
    const isLate = allLook(reason === 'refused', this.#context.registry.ownersHeld);
    const perLinkMs =
      reason === 'silent'
        ? Math.max(leastMs, shortPausePerLinkMs)
        : Math.max(recentMs, isLate ? latePausePerLinkMs : pausePerLinkMs);
    const mostMs = Math.min(this.#hooks.greeted().length * perLinkMs, pauseMsMax);
    return this.#context.random.next() * mostMs;
  }

  /** When our suspicion time is over, monotonic ms: sooner when others accuse it too. */
  #confirmAtMs(subject: OwnerId, { sinceMs }: Charge): number {
    const { ownersHeld } = this.#context.registry;
    return sinceMs + suspicionMs(ownersHeld, this.#othersAgainst(subject));
  }

  #othersAgainst(subject: OwnerId): number {
    const { self } = this.#context.registry;
    return this.#docket.accusersOf(subject).filter(({ accuser }) => accuser !== self).length;
  }

  #findDue(): number {
    let dueMs = Infinity;
    for (const [subject, charge] of this.#charges) {
      if (charge.isConfirmed) continue;
      const isTold = charge.tellAtMs === Infinity;
      dueMs = Math.min(dueMs, isTold ? this.#confirmAtMs(subject, charge) : charge.tellAtMs);
    }
    return dueMs;
  }
}
