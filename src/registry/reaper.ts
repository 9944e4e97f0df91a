/**
 * Reaper: when to look for owners that nobody needs any more, and which those are.
 *
 *   expired   signed nothing for reapAfter, and nothing new was heard of them for as long
 *   ahead     signed in a future that only a clock which was wrong could take for now
 *
 * Looking walks all owners, so it is rare: when the first of them can have expired, or when this
 * node's wall clock was set back; and never twice within clockAhead.
 */
import type { Now } from '../base/clock.ts';
import type { OwnerId } from '../record/owner.ts';
import type { HeldOwner } from './owner-table.ts';

export interface ReaperConfig {
  readonly reapAfterMs: number;
  readonly clockAheadMs: number;
}

export class Reaper {
  readonly #config: ReaperConfig;
  /** Monotonic ms. */
  #expiryDueMs: number;
  #restUntilMs = -Infinity;
  /** By how many ms the wall clock was ahead of the monotonic one, at most, since the last look. */
  #aheadMs: number;

  constructor(config: ReaperConfig, now: Now) {
    this.#config = config;
    this.#expiryDueMs = now.monoMs + config.reapAfterMs;
    this.#aheadMs = aheadMs(now);
  }

  /** To be asked at every tick; O(1). */
  isDue(now: Now): boolean {
    this.#aheadMs = Math.max(this.#aheadMs, aheadMs(now));
    if (now.monoMs < this.#restUntilMs) return false;
    const isSetBack = this.#aheadMs - aheadMs(now) > this.#config.clockAheadMs;
    return isSetBack || now.monoMs > this.#expiryDueMs;
  }

  /** Whom to forget: never `self`. */
  look(owners: Iterable<[OwnerId, HeldOwner]>, self: OwnerId, now: Now): OwnerId[] {
    const { reapAfterMs, clockAheadMs } = this.#config;
    const earliest = now.wallMicros - reapAfterMs * 1000;
    const latest = now.wallMicros + 2 * clockAheadMs * 1000;
    const found: OwnerId[] = [];
    let firstHeardMs = now.monoMs;
    for (const [owner, { state, heardAtMs }] of owners) {
      if (owner === self) continue;
      const { lastUpdate } = state.head.head;
      const isExpired = lastUpdate < earliest && heardAtMs < now.monoMs - reapAfterMs;
      if (isExpired || lastUpdate > latest) found.push(owner);
      else firstHeardMs = Math.min(firstHeardMs, heardAtMs);
    }
    this.#expiryDueMs = firstHeardMs + reapAfterMs;
    this.#restUntilMs = now.monoMs + clockAheadMs;
    this.#aheadMs = aheadMs(now);
    return found;
  }
}

function aheadMs({ monoMs, wallMicros }: Now): number {
  return wallMicros / 1000 - monoMs;
}
