/**
 * Rebirth: the listening of a node that kept its key and lost its database.
 *
 *   heads of the earlier life, the newest with its records ──▶ after a few intervals: the past
 *
 * It listens for several intervals though one peer would do: that one may have been cut off from
 * what was registered last, and what is adopted once goes above everything else.
 */
import type { Head } from '../record/head.ts';
import type { SealedRecord } from '../record/record.ts';

/** Intervals of gossip after joining in which the earlier life may still turn up. */
const intervalsMin = 3;
/** How long records are asked for before we go on without them. */
const recordsTimeoutMs = 10_000;
/** The same records are asked for no more often. */
const askPaceMs = 1_000;

/** What is known of the earlier life. */
export interface Past {
  readonly head: Head;
  /** All that was registered under the newest head of which it could be had. */
  readonly records: readonly SealedRecord[];
}

export class Rebirth {
  #newest: Head | undefined;
  #held: Past | undefined;
  #intervals = 0;
  #firstHeardMs: number | undefined;
  #askedAtMs = -Infinity;

  /**
   * A head of the earlier life came from a peer, with all of its records or without.
   *
   * @returns whether that peer is to be asked for all of them
   */
  heard(head: Head, records: readonly SealedRecord[] | undefined, monoMs: number): boolean {
    this.#firstHeardMs ??= monoMs;
    if (isAbove(head, this.#newest)) this.#newest = head;
    if (records !== undefined) {
      if (isAbove(head, this.#held?.head)) this.#held = { head, records };
      return false;
    }
    if (this.#isComplete || isAbove(this.#newest, head)) return false;
    if (monoMs - this.#askedAtMs < askPaceMs) return false;
    this.#askedAtMs = monoMs;
    return true;
  }

  /**
   * An interval of gossip among peers is over.
   *
   * @returns whether the listening is
   */
  isOver(monoMs: number): boolean {
    this.#intervals += 1;
    if (this.#intervals < intervalsMin) return false;
    const waitedMs = monoMs - (this.#firstHeardMs ?? -Infinity);
    return this.#isComplete || waitedMs >= recordsTimeoutMs;
  }

  /** What was heard; undefined when there was nothing. */
  get past(): Past | undefined {
    return this.#newest && { head: this.#newest, records: this.#held?.records ?? [] };
  }

  get #isComplete(): boolean {
    return this.#newest?.lastUpdate === this.#held?.head.lastUpdate;
  }
}

function isAbove(head: Head | undefined, other: Head | undefined): boolean {
  return (head?.lastUpdate ?? 0) > (other?.lastUpdate ?? 0);
}
