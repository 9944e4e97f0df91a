/**
 * Reachability: what speaks against links to members that live.
 *
 *   link broken, or found dead by others ─▶ doubted: dialed with little patience, till it answers
 *   dial failed ─▶ held back for a while (full jitter, doubling)
 *                  refused: dead │ the third without an answer: others are asked
 *   dial takes long ─▶ not waited for
 *   told to go elsewhere ─▶ held back, and that says nothing about its life
 *
 * Everything here is about one incarnation: a newer life is not judged by the older one. There is
 * an entry only for members that live and have given trouble.
 */
import type { Random } from '../base/random.ts';
import type { OwnerId } from '../record/owner.ts';
import type { DialFailure } from './context.ts';

const backoffBaseMs = 500;
const backoffMaxMs = 30_000;
/** Failed dials after which others are asked for a member. */
const failuresToMissing = 3;

interface Trouble {
  readonly incarnation: number;
  isDoubted: boolean;
  /** Only since others asked for a look at it. */
  isAsked: boolean;
  /** A dial is under way for long. */
  isLate: boolean;
  /** Dials that failed, since it was linked last. */
  failures: number;
  /** Times that it was held back in a row. */
  holds: number;
  notBeforeMs: number;
}

export class Reachability {
  readonly #random: Random;
  readonly #incarnationOf: (peer: OwnerId) => number;
  readonly #troubles = new Map<OwnerId, Trouble>();

  /** @param incarnationOf of a member as it is known now */
  constructor(random: Random, incarnationOf: (peer: OwnerId) => number) {
    this.#random = random;
    this.#incarnationOf = incarnationOf;
  }

  /** Members with an entry. */
  get size(): number {
    return this.#troubles.size;
  }

  /** False: whoever would be linked instead of it is to be linked too. */
  isReachable(peer: OwnerId): boolean {
    const trouble = this.#at(peer);
    return trouble === undefined || (trouble.holds === 0 && !trouble.isLate);
  }

  /** Whether it is time to dial it. */
  isDue(peer: OwnerId, monoMs: number): boolean {
    return (this.#at(peer)?.notBeforeMs ?? -Infinity) <= monoMs;
  }

  isDoubted(peer: OwnerId): boolean {
    return this.#at(peer)?.isDoubted === true;
  }

  /** Whether it is doubted only because others asked for a look at it. */
  isAsked(peer: OwnerId): boolean {
    return this.#at(peer)?.isAsked === true;
  }

  doubted(): OwnerId[] {
    return [...this.#troubles.keys()].filter((peer) => this.isDoubted(peer));
  }

  /** @param isAsked others asked for a look at it: this node has nothing against it itself */
  doubt(peer: OwnerId, isAsked = false): void {
    const trouble = this.#entry(peer);
    trouble.isAsked = isAsked && (trouble.isAsked || !trouble.isDoubted);
    trouble.isDoubted = true;
  }

  /**
   * A dial to its present addresses failed.
   *
   * @returns `dead` when nobody listens there, `missing` when nothing was heard of it so often,
   *   `first` when it is the first that found no way, or no end of one
   */
  fail(peer: OwnerId, how: DialFailure, monoMs: number): 'dead' | 'missing' | 'held' | 'first' {
    const trouble = this.#entry(peer);
    trouble.failures += 1;
    trouble.isLate = false;
    this.#holdBack(trouble, monoMs);
    // Nobody listens there, or somebody else does; a mere timeout may be a busy host, or the path.
    const isClear = how === 'refused' || how === 'other_peer' || how === 'self';
    if (isClear) return 'dead';
    if (trouble.failures >= failuresToMissing) return 'missing';
    return trouble.failures === 1 && how === 'unreachable' ? 'first' : 'held';
  }

  /** A dial to it takes long, which is no failure yet: others are to be linked meanwhile. */
  late(peer: OwnerId): void {
    this.#entry(peer).isLate = true;
  }

  /** It said that it has no room, or wants no link: others are asked first. */
  decline(peer: OwnerId, monoMs: number): void {
    this.#holdBack(this.#entry(peer), monoMs);
  }

  /** No link with it before then. */
  shun(peer: OwnerId, untilMs: number): void {
    const trouble = this.#entry(peer);
    trouble.holds += 1;
    trouble.notBeforeMs = untilMs;
  }

  /** It is linked: it lives. How often it was held back counts until the link has lasted. */
  linked(peer: OwnerId): void {
    const trouble = this.#at(peer);
    if (trouble === undefined) return;
    trouble.isDoubted = false;
    trouble.isLate = false;
    trouble.failures = 0;
    if (trouble.holds === 0) this.clear(peer);
  }

  /** Nothing speaks against it any more, or it does not live. */
  clear(peer: OwnerId): void {
    this.#troubles.delete(peer);
  }

  #holdBack(trouble: Trouble, monoMs: number): void {
    trouble.holds += 1;
    const ceilingMs = Math.min(backoffMaxMs, backoffBaseMs * 2 ** trouble.holds);
    trouble.notBeforeMs = monoMs + this.#random.next() * ceilingMs;
  }

  #at(peer: OwnerId): Trouble | undefined {
    const trouble = this.#troubles.get(peer);
    if (trouble === undefined || trouble.incarnation >= this.#incarnationOf(peer)) return trouble;
    this.clear(peer);
    return undefined;
  }

  #entry(peer: OwnerId): Trouble {
    const known = this.#at(peer);
    if (known !== undefined) return known;
    const incarnation = this.#incarnationOf(peer);
    const fresh = { isDoubted: false, isAsked: false, isLate: false, failures: 0, holds: 0 };
    const trouble: Trouble = { incarnation, ...fresh, notBeforeMs: -Infinity };
    this.#troubles.set(peer, trouble);
    return trouble;
  }
}
