/**
 * Docket: all accusations that this node holds, and what they come to.
 *
 *   accept ─▶ well-formed? ─▶ of the subject's present life? ─▶ better than what is held?
 *                                                     └─▶ signed by both? ─▶ held, an element
 *   noteHead ─▶ another incarnation: all are void ─▶ refuted in time: their accusers are mute
 *
 * What is held must not depend on the order in which it came, or nodes would never agree: of each
 * accuser one accusation (confirmed before not confirmed, then the newest, then the larger hash),
 * and of one subject those of the 16 accusers that rank lowest by a hash of both keys. All speak of
 * the incarnation in the head that is held. A higher one is not taken: only the subject raises it,
 * and an accuser that made one up could not be answered.
 *
 * What they come to (jury.ts) is this node's own view: it depends on when it heard them, and on who
 * is mute here. A time that was set never moves back, whoever is pushed out by whom.
 *
 * A node without accusations holds nothing at all.
 */
import { CellRate } from '../base/cell-rate.ts';
import type { Now } from '../base/clock.ts';
import { compareBytes, sha256 } from '../record/hash.ts';
import type { Hash } from '../record/hash.ts';
import type { Head, Sealed } from '../record/head.ts';
import { keyOfOwner } from '../record/owner.ts';
import type { OwnerId } from '../record/owner.ts';
import type { Verifier } from '../record/signature.ts';
import { refused } from '../record/verdict.ts';
import type { RefusalReason } from '../record/verdict.ts';
import { isSignedByBoth, readAccusation } from './accusation.ts';
import type { Accusation, SealedAccusation } from './accusation.ts';
import { DueList } from './due-list.ts';
import { deadAtMs, refutationMaxMs } from './jury.ts';
import type { RefutationWindows, Testimony } from './jury.ts';
import { Mutes } from './mutes.ts';

/** Accusers that are kept of one subject. */
export const accusersMax = 16;
/** Accusations in all; over it only those of subjects and accusers that are held already go on. */
export const accusationsMax = 100_000;
/** New ones of one accuser: so many at once, and so many a minute in the long run. */
export const accusationsPerMinuteMax = 60;
const ratedAccusersMax = 10_000;

/** Which life of a subject its head tells of. */
export type Life = Pick<Head, 'incarnation' | 'bootId'>;

export interface DocketContext {
  readonly self: OwnerId;
  readonly cluster: string;
  readonly verifier: Verifier;
  readonly clockAheadMs: number;
  readonly reapAfterMs: number;
  /** Of the head that is held; undefined: none is. */
  readonly lifeOf: (subject: OwnerId) => Life | undefined;
  /** How long a subject has to answer (jury.ts: refutationMs). */
  readonly windows: () => RefutationWindows;
  readonly accusationsMax?: number;
}

export type Accepted =
  /** Held from now on, and worth telling. */
  | { readonly kind: 'new'; readonly accusation: SealedAccusation }
  /** It, or a better one of the same accuser, is held. */
  | { readonly kind: 'known' }
  /** Held are those of as many other accusers as there is room for. */
  | { readonly kind: 'spare' }
  /** Of a life that the subject has left behind. */
  | { readonly kind: 'void' }
  /** Of a life of which no head is held: to be heard again once it is. */
  | { readonly kind: 'early'; readonly subject: OwnerId; readonly incarnation: number }
  | { readonly kind: 'refused'; readonly reason: RefusalReason };

export type DocketVerdict = 'none' | 'suspect' | 'dead';

export interface VerdictChange {
  readonly subject: OwnerId;
  readonly verdict: DocketVerdict;
}

/** What became of the set of elements. */
export interface DocketChange {
  readonly kind: 'added' | 'removed';
  readonly accusation: SealedAccusation;
}

/** One accuser of a subject. */
interface Seat extends Testimony {
  readonly accusation: SealedAccusation;
}

/** All that is said against one life of a subject. */
interface Case {
  readonly life: Life;
  seats: readonly Seat[];
  suspectAtMs: number;
  deadAtMs: number;
  /** What `takeVerdicts` gave out last. */
  told: DocketVerdict;
}

const nothing: readonly DocketChange[] = [];

export class Docket {
  readonly #context: DocketContext;
  readonly #accusationsMax: number;
  readonly #cases = new Map<OwnerId, Case>();
  readonly #byHash = new Map<string, SealedAccusation>();
  readonly #changes = new Map<string, DocketChange>();
  readonly #due = new DueList<OwnerId>();
  /** Their accusations came to something, went, and it was not told yet. */
  readonly #cleared = new Set<OwnerId>();
  readonly #mutes = new Mutes();
  readonly #rate = new CellRate<OwnerId>({
    burst: accusationsPerMinuteMax,
    perSecond: accusationsPerMinuteMax / 60,
    keysMax: ratedAccusersMax,
  });

  constructor(context: DocketContext) {
    this.#context = context;
    this.#accusationsMax = context.accusationsMax ?? accusationsMax;
  }

  /** Accusations that are held. */
  get size(): number {
    return this.#byHash.size;
  }

  /** Subjects that are accused. */
  get subjects(): IterableIterator<OwnerId> {
    return this.#cases.keys();
  }

  /** Monotonic ms at which the next verdict changes, in the past if it has; Infinity: none will. */
  get nextVerdictMs(): number {
    return this.#due.firstMs;
  }

  /** All that are held, in no order. */
  accusations(): IterableIterator<SealedAccusation> {
    return this.#byHash.values();
  }

  /** @param hash SHA-256 of its body */
  holds(hash: Hash): boolean {
    return this.#byHash.has(keyOf(hash));
  }

  get(hash: Hash): SealedAccusation | undefined {
    return this.#byHash.get(keyOf(hash));
  }

  /** Who accuses this node, for people. */
  accusersOf(subject: OwnerId): Accusation[] {
    const seats = this.#cases.get(subject)?.seats ?? [];
    return seats.map(({ accusation }) => accusation.accusation);
  }

  /** What is held against one subject. */
  against(subject: OwnerId): SealedAccusation[] {
    return (this.#cases.get(subject)?.seats ?? []).map(({ accusation }) => accusation);
  }

  verdictOf(subject: OwnerId, nowMs: number): DocketVerdict {
    const held = this.#cases.get(subject);
    if (held === undefined) return 'none';
    if (held.deadAtMs <= nowMs) return 'dead';
    return held.suspectAtMs <= nowMs ? 'suspect' : 'none';
  }

  /**
   * Subjects of whom the verdict is another one than was taken last; and those of whom it is the
   * same again, but speaks of another incarnation.
   */
  takeVerdicts(nowMs: number): VerdictChange[] {
    const changes: VerdictChange[] = [];
    for (const subject of this.#due.take(nowMs)) {
      const held = this.#cases.get(subject);
      const before = this.#cleared.delete(subject) ? undefined : (held?.told ?? 'none');
      const verdict = this.verdictOf(subject, nowMs);
      if (verdict !== before) changes.push({ subject, verdict });
      if (held === undefined) continue;
      held.told = verdict;
      this.#schedule(subject, held);
    }
    return changes;
  }

  /** What was added and removed since the last time, each element once; to be drained by one. */
  takeChanges(): readonly DocketChange[] {
    if (this.#changes.size === 0) return nothing;
    const changes = [...this.#changes.values()];
    this.#changes.clear();
    return changes;
  }

  /**
   * Hears an accusation, our own too.
   *
   * Refuses: MALFORMED, OUT_OF_RANGE, TOKEN_EXPIRED, CLOCK_AHEAD, EXPIRED, ACCUSATIONS_THROTTLED,
   * TOO_MANY_ACCUSATIONS, BAD_SIGNATURE.
   */
  accept(sealed: Sealed, now: Now): Accepted {
    const { clockAheadMs, reapAfterMs, cluster, verifier, lifeOf } = this.#context;
    const latest = now.wallMicros + clockAheadMs * 1000;
    const earliest = now.wallMicros - reapAfterMs * 1000;
    const read = readAccusation(sealed, { latest, earliest });
    if (read.kind === 'refused') return read;
    const accusation = read.value;
    if (this.holds(accusation.hash)) return { kind: 'known' };
    const { subject, accuser, incarnation } = accusation.accusation;
    const life = lifeOf(subject);
    if (life !== undefined) this.noteHead({ owner: subject, ...life }, now.monoMs);
    if (life === undefined || incarnation > life.incarnation)
      return { kind: 'early', subject, incarnation };
    if (incarnation < life.incarnation) return { kind: 'void' };

    const seats = this.#cases.get(subject)?.seats ?? [];
    const own = seats.find((seat) => seat.accusation.accusation.accuser === accuser);
    if (own !== undefined && compare(own.accusation, accusation) > 0) return { kind: 'known' };
    const last = own ?? (seats.length < accusersMax ? undefined : lastOf(subject, seats));
    if (last !== undefined && last !== own && !isBefore(subject, accuser, last))
      return { kind: 'spare' };
    // Only what both signed uses up the rate, so that nobody else can.
    if (!this.#rate.has(accuser, now.monoMs)) return refused('ACCUSATIONS_THROTTLED');
    if (last === undefined && this.size >= this.#accusationsMax)
      return refused('TOO_MANY_ACCUSATIONS');
    if (!isSignedByBoth(accusation, cluster, verifier)) return refused('BAD_SIGNATURE');
    this.#rate.take(accuser, now.monoMs);
    this.#seat(accusation, life, last, now.monoMs);
    return { kind: 'new', accusation };
  }

  /**
   * A head of this owner has become true here: what speaks of another incarnation is void.
   *
   * When it came from the same start, and not much later than the verdict, it is an answer to
   * accusations that were wrong all the time, and their accusers are mute. A node that was frozen or
   * cut off for longer answers as well, but they were right then.
   *
   * @returns how many accusers it made mute
   */
  noteHead({ owner, incarnation, bootId }: Life & Pick<Head, 'owner'>, nowMs: number): number {
    const held = this.#cases.get(owner);
    if (held === undefined || held.life.incarnation === incarnation) return 0;
    const isAnswer = incarnation > held.life.incarnation && bootId === held.life.bootId;
    const isInTime = nowMs <= held.deadAtMs + refutationMaxMs;
    const refuted = isAnswer && isInTime ? held.seats : [];
    const accusers = refuted.map(({ accusation }) => accusation.accusation.accuser);
    if (accusers.length > 0) this.#mutes.refuted(owner, accusers, nowMs);
    this.#close(owner, held, nowMs);
    return accusers.length;
  }

  /**
   * Drops what was signed before `earliest` (µs: now - reapAfter), since nobody takes it any more.
   * Looks at all of them, so only now and then.
   */
  expire(earliest: number, nowMs: number): void {
    for (const [subject, held] of this.#cases) {
      const isOld = ({ accusation }: Seat): boolean => accusation.accusation.at < earliest;
      const old = held.seats.filter(isOld);
      if (old.length === held.seats.length) this.#close(subject, held, nowMs);
      else if (old.length > 0) {
        for (const { accusation } of old) this.#remove(accusation);
        held.seats = held.seats.filter((seat) => !isOld(seat));
      }
    }
  }

  /** The subject is held no more; nothing is told of it. */
  forget(subject: OwnerId): void {
    for (const { accusation } of this.#cases.get(subject)?.seats ?? []) this.#remove(accusation);
    this.#cases.delete(subject);
    this.#cleared.delete(subject);
    this.#due.delete(subject);
    this.#mutes.forget(subject);
  }

  /** @param instead whose place it takes: its accuser's own, or that of whoever ranks last */
  #seat(sealed: SealedAccusation, life: Life, instead: Seat | undefined, nowMs: number): void {
    const { subject, accuser, confirmed, reason } = sealed.accusation;
    // We know that we do not lie, and what we know ourselves holds at least for us.
    const muteUntilMs =
      accuser === this.#context.self ? -Infinity : this.#mutes.untilMs(subject, accuser);
    const countsAtMs = Math.max(nowMs, muteUntilMs);
    const seat: Seat = {
      accusation: sealed,
      heardMs: countsAtMs,
      confirmedMs: confirmed ? countsAtMs : Infinity,
      isRefused: reason === 'refused',
    };
    const held = this.#cases.get(subject) ?? newCase(life);
    held.seats = [...held.seats.filter((each) => each !== instead), seat];
    held.suspectAtMs = Math.min(held.suspectAtMs, seat.heardMs);
    held.deadAtMs = Math.min(held.deadAtMs, deadAtMs(held.seats, this.#context.windows()));
    this.#cases.set(subject, held);
    if (instead !== undefined) this.#remove(instead.accusation);
    this.#add(sealed);
    this.#schedule(subject, held);
  }

  #close(subject: OwnerId, held: Case, nowMs: number): void {
    for (const { accusation } of held.seats) this.#remove(accusation);
    this.#cases.delete(subject);
    if (held.told !== 'none') this.#cleared.add(subject);
    this.#due.set(subject, this.#cleared.has(subject) ? nowMs : Infinity);
  }

  /** When its verdict changes from what was told, if nothing else is heard. */
  #schedule(subject: OwnerId, { told, suspectAtMs, deadAtMs: atMs }: Case): void {
    // It is due already.
    if (this.#cleared.has(subject)) return;
    const next = told === 'none' ? Math.min(suspectAtMs, atMs) : atMs;
    this.#due.set(subject, told === 'dead' ? Infinity : next);
  }

  #add(accusation: SealedAccusation): void {
    const key = keyOf(accusation.hash);
    this.#byHash.set(key, accusation);
    // What was removed, and not told, is there again.
    if (!this.#changes.delete(key)) this.#changes.set(key, { kind: 'added', accusation });
  }

  #remove(accusation: SealedAccusation): void {
    const key = keyOf(accusation.hash);
    this.#byHash.delete(key);
    if (!this.#changes.delete(key)) this.#changes.set(key, { kind: 'removed', accusation });
  }
}

function newCase(life: Life): Case {
  return { life, seats: [], suspectAtMs: Infinity, deadAtMs: Infinity, told: 'none' };
}

/** Which of one accuser's accusations is kept: positive when it is the first. */
function compare(one: SealedAccusation, other: SealedAccusation): number {
  const [a, b] = [one.accusation, other.accusation];
  const byConfirmed = Number(a.confirmed) - Number(b.confirmed);
  return byConfirmed || a.at - b.at || compareBytes(one.hash, other.hash);
}

/** Of both keys, so that nobody who makes keys for a low rank has it about more than one subject. */
function rankOf(subject: OwnerId, accuser: OwnerId): Hash {
  return sha256(keyOfOwner(subject) as Uint8Array, keyOfOwner(accuser) as Uint8Array);
}

function isBefore(subject: OwnerId, accuser: OwnerId, seat: Seat): boolean {
  const other = rankOf(subject, seat.accusation.accusation.accuser);
  return compareBytes(rankOf(subject, accuser), other) < 0;
}

/** @param seats at least one */
function lastOf(subject: OwnerId, seats: readonly Seat[]): Seat {
  return seats.reduce((last, seat) =>
    isBefore(subject, last.accusation.accusation.accuser, seat) ? seat : last,
  );
}

function keyOf(hash: Hash): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString('latin1');
}
