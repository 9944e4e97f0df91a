/**
 * LocalHealth: how far this node may trust its own ears (Lifeguard: Dadgar, Phillips and Currey,
 * DSN 2018, section IV.A).
 *
 *   woken late ─────────────────┐ up to what the lag asks for        8  timeouts x 9
 *   many probes failed at once ─┤ by one a round                     :
 *                               ▼                                    2  timeouts x 3
 *                             score ──────────────────────────▶      1  timeouts x 2
 *                               ▲                                    0  timeouts x 1
 *   a round of answers in time ─┘ down by one
 *
 * Lifeguard adds one for whatever goes wrong, so a node that is always a little late ends at the
 * top. Here a lag asks for a score of its own size, and who is always 150 ms late stays at 1. One
 * failed probe, or two, speak of others, not of us; three at once do not.
 */
import type { OwnerId } from '../record/owner.ts';

/** The score lies in 0..8, as Lifeguard's. */
export const healthScoreMax = 8;

/** A wake that comes later than this shows a node that is starved of its processor. */
const lagMsMax = 100;
/** So many rounds late is no lag any more: the process was stopped, or its host slept. */
const frozenRounds = 2;
/** With rounds of less than half of it, at least so late. */
const frozenMsMin = 1_000;
/** Peers whose probes fail within one round: so many make us doubt ourselves. */
const failuresMin = 3;

export type Waking = 'prompt' | 'late' | 'frozen';

export class LocalHealth {
  readonly #roundMs: number;
  #score = 0;
  /** When the score last moved, or was last asked to stay. */
  #notedAtMs = -Infinity;
  #raisedAtMs = -Infinity;
  /** When probes failed, by peer: those of the last round. */
  readonly #failures = new Map<OwnerId, number>();

  /** @param roundMs in which every peer is probed once */
  constructor(roundMs: number) {
    this.#roundMs = roundMs;
  }

  /** 0 is healthy, `healthScoreMax` hardly alive. */
  get score(): number {
    return this.#score;
  }

  /** What this node multiplies its timeouts with, 1..9. */
  get factor(): number {
    return this.#score + 1;
  }

  get isDoubtful(): boolean {
    return this.#score > 0;
  }

  /**
   * This node was woken, or read something.
   *
   * @param lateMs after the time that it was to be woken at; up to 0 when that was still to come
   */
  woken(lateMs: number, nowMs: number): Waking {
    if (lateMs <= lagMsMax) return 'prompt';
    const asked = scoreOfLag(lateMs);
    if (asked >= this.#score) {
      this.#score = asked;
      this.#notedAtMs = nowMs;
    }
    const frozenMs = Math.max(frozenRounds * this.#roundMs, frozenMsMin);
    return lateMs >= frozenMs ? 'frozen' : 'late';
  }

  /** A peer did not answer in time. */
  failed(peer: OwnerId, nowMs: number): void {
    for (const [other, failedAtMs] of this.#failures)
      if (nowMs - failedAtMs >= this.#roundMs) this.#failures.delete(other);
    this.#failures.set(peer, nowMs);
    if (this.#failures.size < failuresMin || nowMs - this.#raisedAtMs < this.#roundMs) return;
    this.#score = Math.min(this.#score + 1, healthScoreMax);
    this.#raisedAtMs = nowMs;
    this.#notedAtMs = nowMs;
  }

  /** A peer answered in time. */
  succeeded(nowMs: number): void {
    if (this.#score === 0 || nowMs - this.#notedAtMs < this.#roundMs) return;
    this.#score -= 1;
    this.#notedAtMs = nowMs;
  }
}

/** 1 from 100 ms on, 2 from 316 ms, 3 from 1 s, 4 from 3.16 s, and so on. */
function scoreOfLag(lateMs: number): number {
  return Math.min(1 + Math.floor(2 * Math.log10(lateMs / lagMsMax)), healthScoreMax);
}
