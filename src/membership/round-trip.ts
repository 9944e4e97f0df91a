/**
 * RoundTrip: how long one peer takes to answer, and how long to wait for it (Jacobson and Karels,
 * Congestion Avoidance and Control, 1988; RFC 6298 section 2).
 *
 *   samples  ·  ·   · ·    ·  ·                 ·
 *   ├────────smoothed───────┤├─ 4 x deviation ─┤
 *   └──────────────── timeout ─────────────────┘   within [least, most]
 *
 * The timeout is for "it is late", not for "it is dead": with it a verdict only begins.
 */

/** RFC 6298: shares of a new sample, and what the timeout adds. */
const smoothedShare = 1 / 8;
const deviationShare = 1 / 4;
const deviations = 4;

/** Samples of which the median is taken: one that is out of the way counts for nothing. */
const recentSamples = 3;

export interface TimeoutBounds {
  /** ms */
  readonly leastMs: number;
  /** ms */
  readonly mostMs: number;
  /** ms, as long as nothing is known of the link. */
  readonly initialMs: number;
}

/** What an answer takes now, ms; undefined: nothing is known. */
export interface CurrentRoundTrip {
  /** The median of the last few: what was slow once, as when it started, is soon forgotten. */
  readonly recentMs: number | undefined;
  /** The shortest ever: what the way takes when nobody is busy. */
  readonly leastMs: number | undefined;
}

/** What is known of a way, ms; undefined: nothing. */
export interface MeasuredRoundTrip extends CurrentRoundTrip {
  /** As it usually is: a mean that forgets slowly. */
  readonly smoothedMs: number | undefined;
}

export class RoundTrip implements MeasuredRoundTrip {
  readonly #bounds: TimeoutBounds;
  #smoothedMs: number | undefined;
  #leastMs: number | undefined;
  #deviationMs = 0;
  /** The newest last. */
  readonly #recent: number[] = [];
  #recentMs: number | undefined;

  constructor(bounds: TimeoutBounds) {
    this.#bounds = bounds;
  }

  get smoothedMs(): number | undefined {
    return this.#smoothedMs;
  }

  get recentMs(): number | undefined {
    return this.#recentMs;
  }

  get leastMs(): number | undefined {
    return this.#leastMs;
  }

  /** How long to wait for an answer, ms, within the bounds. */
  get timeoutMs(): number {
    const { leastMs, mostMs, initialMs } = this.#bounds;
    if (this.#smoothedMs === undefined) return initialMs;
    const wishedMs = this.#smoothedMs + deviations * this.#deviationMs;
    return Math.min(Math.max(wishedMs, leastMs), mostMs);
  }

  /**
   * Takes one measurement, of an answer that names its question.
   *
   * @param sampleMs above the longest timeout it counts as that: the answer of a peer that had been
   *   frozen for an hour says nothing more of the link
   */
  note(sampleMs: number): void {
    const boundedMs = Math.min(Math.max(sampleMs, 0), this.#bounds.mostMs);
    this.#leastMs = Math.min(this.#leastMs ?? Infinity, boundedMs);
    if (this.#recent.push(boundedMs) > recentSamples) this.#recent.shift();
    this.#recentMs = median(this.#recent);
    if (this.#smoothedMs === undefined) {
      this.#smoothedMs = boundedMs;
      this.#deviationMs = boundedMs / 2;
      return;
    }
    const offMs = boundedMs - this.#smoothedMs;
    this.#deviationMs += deviationShare * (Math.abs(offMs) - this.#deviationMs);
    this.#smoothedMs += smoothedShare * offMs;
  }
}

/** The upper one of an even number; undefined of none. */
export function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
