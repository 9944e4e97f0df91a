/**
 * Vouchings: who asked this node whether others live, and is to hear it once they are heard.
 *
 *   asker ── askVouch ──▶ held ── subject is heard ──▶ vouch ──▶ asker
 *                          └──── 700 ms without it ──▶ forgotten: silence is the answer
 *
 * Few are ever held, and for less than a second, so they lie in a plain list.
 */
import type { OwnerId } from '../record/owner.ts';

/** All that are held; a frozen neighbor brings some twenty in a mesh of 25. */
export const vouchingsMax = 128;
/** Held for one asker; one that lost half of its 16 links at once asks for eight. */
export const vouchingsPerAskerMax = 16;

export interface Vouching {
  /** Who asked. */
  readonly to: OwnerId;
  readonly subject: OwnerId;
  readonly nonce: number;
  /** Monotonic ms: the asker does not listen for longer. */
  readonly untilMs: number;
}

const nobody: readonly Vouching[] = [];

export class Vouchings {
  #held: readonly Vouching[] = [];

  get size(): number {
    return this.#held.length;
  }

  /**
   * Holds a question until its subject is heard, in place of an older one of the same asker.
   *
   * @returns false when too many are held, of all or of this asker
   */
  hold(vouching: Vouching, nowMs: number): boolean {
    const { to, subject } = vouching;
    const rest = this.#held.filter(
      (other) => other.untilMs >= nowMs && (other.to !== to || other.subject !== subject),
    );
    const ofAsker = rest.filter((other) => other.to === to).length;
    const hasRoom = rest.length < vouchingsMax && ofAsker < vouchingsPerAskerMax;
    this.#held = hasRoom ? [...rest, vouching] : rest;
    return hasRoom;
  }

  /** Whether anybody still waits for a word of this subject. */
  isAwaited(subject: OwnerId, nowMs: number): boolean {
    return this.#held.some((held) => held.subject === subject && held.untilMs >= nowMs);
  }

  /** The subject was heard. @returns those to be told of it, who are forgotten here */
  take(subject: OwnerId, nowMs: number): readonly Vouching[] {
    if (this.#held.length === 0) return nobody;
    const taken = this.#held.filter((held) => held.subject === subject);
    if (taken.length > 0) this.#held = this.#held.filter((held) => held.subject !== subject);
    return taken.filter(({ untilMs }) => untilMs >= nowMs);
  }

  /** An asker cannot be told any more. */
  forgetAsker(to: OwnerId): void {
    this.#held = this.#held.filter((held) => held.to !== to);
  }
}
