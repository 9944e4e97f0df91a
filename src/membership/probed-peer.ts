/**
 * ProbedPeer: what a Prober knows of one peer, and how long each phase of its probe may last.
 *
 *   question           askVouch   a voucher's answer            silent
 *    ├────── timeout ─────┼──────────────┼───────── 700 ms ───────┤
 *    │     >= 500 ms      ├────── 700 ms + round trip ──────┤     │
 *    0                                                   >= 1.2 s + round trip
 *                         │
 *                         └ at who is asked ─ timeout - 150 ms ─ 700 ms ─ silent
 *                           ping               >= 350 ms      >= 1.05 s + round trip
 *
 * The answer of a voucher to what was sent after the request shows that the request was read: from
 * then on the voucher has its time. Until one such answer is there, silence may be our own fault.
 */
import type { OwnerId } from '../record/owner.ts';
import { RoundTrip } from './round-trip.ts';

/** At least so long is waited for a pong, and so long while nothing is known of the link. */
const timeoutBounds = { leastMs: 500, mostMs: 2_000, initialMs: 1_000 };
/** Who is asked to vouch waits for so much less: the asker has waited already. */
const hurryMs = 150;
/** A voucher listens for the subject for so long. */
export const vouchMs = 700;
/** From a question to the verdict of silence it takes so long at least, ms. */
export const silenceMs = timeoutBounds.leastMs + vouchMs;
/** Of rests in which a peer is heard anyway, one in so many ends with a question all the same. */
const heardRestsMax = 5;
/** Questions on their way to one peer: a frozen one finds no more pings when it goes on. */
const questionsMax = 4;

/** The picture is at the Prober. */
export type Phase = 'resting' | 'waiting' | 'vouching' | 'unheard' | 'silent';

interface Question {
  /** Of a ping; undefined: something else that is answered at once. */
  readonly nonce: number | undefined;
  readonly sentMs: number;
}

export class ProbedPeer {
  /** When its last frame came, whatever that was. */
  heardAtMs = -Infinity;
  #probedAtMs = -Infinity;
  readonly roundTrip = new RoundTrip(timeoutBounds);
  /** Those without an answer yet, oldest first. */
  readonly #questions: Question[] = [];
  #phase: Phase = 'resting';
  /** When the phase began, had this node listened all the time since. */
  #sinceMs = 0;
  /** Names the probe under way. */
  #nonce: number | undefined;
  #isHurried = false;
  /** Who was asked to vouch in this probe, and when. */
  #vouchers: readonly OwnerId[] = [];
  #askedMs = 0;
  /** When the first of them was heard to have read it, had this node listened all the time since. */
  #attestedMs: number | undefined;

  get phase(): Phase {
    return this.#phase;
  }

  /** The nonce of the probe under way, or of the last one. */
  get nonce(): number | undefined {
    return this.#nonce;
  }

  /** So many questions are on their way that one more would tell it nothing. */
  get isAskedEnough(): boolean {
    return this.#questions.length >= questionsMax;
  }

  /** Whether a ping of this probe is on its way. */
  get isPinged(): boolean {
    return this.#questions.some(
      ({ nonce, sentMs }) => nonce !== undefined && sentMs >= this.#probedAtMs,
    );
  }

  /**
   * Since when a rest in which nothing has to be asked counts, monotonic ms: who was heard is as
   * good as pinged. Only to know the round trip it is asked now and then.
   */
  restsSinceMs(restMs: number): number {
    return Math.min(this.heardAtMs, this.#probedAtMs + (heardRestsMax - 1) * restMs);
  }

  hasAsked(voucher: OwnerId): boolean {
    return this.#vouchers.includes(voucher);
  }

  /** The link with a voucher went, and with it what was asked. */
  forgetVoucher(voucher: OwnerId): void {
    if (this.hasAsked(voucher)) this.#vouchers = this.#vouchers.filter((peer) => peer !== voucher);
  }

  enter(phase: Phase, nowMs: number): void {
    this.#phase = phase;
    this.#sinceMs = nowMs;
  }

  /**
   * A question goes out, besides any probe; of too many on their way the oldest is forgotten.
   *
   * @param nonce of a ping; undefined: something else that is answered at once, one at a time
   */
  noteQuestion(nonce: number | undefined, nowMs: number): void {
    const older = this.#questions.findIndex((question) => question.nonce === nonce);
    if (older >= 0) this.#questions.splice(older, 1);
    if (this.isAskedEnough) this.#questions.shift();
    this.#questions.push({ nonce, sentMs: nowMs });
  }

  /** A probe begins, with a question that was just noted; hurried: since another one asked for it. */
  begin(nonce: number, nowMs: number, isHurried = false): void {
    this.#probedAtMs = nowMs;
    this.#isHurried = isHurried;
    this.#nonce = nonce;
    this.#vouchers = [];
    this.enter('waiting', nowMs);
  }

  /** Others are asked to vouch. */
  ask(vouchers: readonly OwnerId[], nowMs: number): void {
    this.#vouchers = vouchers;
    this.#askedMs = nowMs;
    this.#attestedMs = undefined;
    this.enter('vouching', nowMs);
  }

  /**
   * An answer came.
   *
   * @param nonce of a pong; undefined: to what was asked without one
   * @param punctualMs answers to what was sent up to then may have waited here before they were read
   * @returns when that was asked, or undefined for what is not known any more
   */
  answered(nonce: number | undefined, nowMs: number, punctualMs: number): number | undefined {
    const question = this.#questions.find((each) => each.nonce === nonce);
    if (question === undefined) return undefined;
    // Those before it were read before it, and passed over.
    while (this.#questions.shift() !== question);
    if (question.sentMs > punctualMs) this.roundTrip.note(nowMs - question.sentMs);
    return question.sentMs;
  }

  /**
   * Another peer answered what was sent to it at `sentMs`.
   *
   * @returns whether that is the first proof that what was asked about this peer was read
   */
  attest(voucher: OwnerId, sentMs: number, nowMs: number): boolean {
    if (this.#phase !== 'vouching' && this.#phase !== 'unheard') return false;
    const isAttested = this.#attestedMs !== undefined;
    if (isAttested || sentMs < this.#askedMs || !this.hasAsked(voucher)) return false;
    this.#attestedMs = nowMs;
    return true;
  }

  get isAttested(): boolean {
    return this.#attestedMs !== undefined;
  }

  /** This node did not listen for so long: that time does not count. */
  defer(lateMs: number): void {
    this.#sinceMs += lateMs;
    if (this.#attestedMs !== undefined) this.#attestedMs += lateMs;
  }

  /**
   * When the phase has lasted for too long, monotonic ms; Infinity for one that may last.
   *
   * @param factor by which this node stretches its timeouts
   */
  dueMs(factor: number): number {
    // Before anything else is looked at: nearly always all peers are asked, and most of them rest.
    if (this.#phase !== 'waiting' && this.#phase !== 'vouching') return Infinity;
    const { timeoutMs, smoothedMs = timeoutBounds.initialMs } = this.roundTrip;
    if (this.#phase === 'waiting')
      return this.#sinceMs + factor * (timeoutMs - (this.#isHurried ? hurryMs : 0));
    const answeredMs = this.#sinceMs + factor * (vouchMs + smoothedMs);
    return Math.max(answeredMs, (this.#attestedMs ?? -Infinity) + factor * vouchMs);
  }
}
