/**
 * ChangeFeed: what became true here, in the order of this node's revisions.
 *
 * A log with cursors, not a list of callbacks: followers read from where they are, as fast as they
 * can, and are woken when there is more. What is older than the bound is gone; a follower that was
 * slower than that is told so and lists again. Nothing queues without a bound.
 */
import { assert } from '../base/assert.ts';
import type { OwnerId } from '../record/owner.ts';
import type { InstanceEvent } from './instance.ts';

/** Everything that one passage through the registry's door changed. */
export interface Change {
  readonly revision: number;
  /** Whose state changed. */
  readonly owner: OwnerId;
  /** Through which door: this node's own API, a peer's gossip, or the member list. */
  readonly origin: 'own' | 'peer' | 'member';
  /** May be empty: a new head that changed no visible instance. */
  readonly events: readonly InstanceEvent[];
}

export type FeedAnswer =
  | { readonly kind: 'changes'; readonly changes: readonly Change[]; readonly revision: number }
  /** The cursor is older than what is kept, or newer than what was written: list again. */
  | { readonly kind: 'lost' };

const none: readonly InstanceEvent[] = [];

export class ChangeFeed {
  readonly #eventsMax: number;
  #changes: Change[] = [];
  /** Changes before this index are dropped already; the array is cut now and then. */
  #start = 0;
  #events = 0;
  /** Revision after which everything is still here. */
  #since: number;
  #revision: number;
  readonly #followers = new Set<() => void>();

  /**
   * @param revision the last one that was given out in an earlier life
   * @param eventsMax instance events kept; each change counts for at least one
   */
  constructor(revision: number, eventsMax: number) {
    this.#revision = revision;
    this.#since = revision;
    this.#eventsMax = eventsMax;
  }

  /** The newest revision; 0 before the first change. */
  get revision(): number {
    return this.#revision;
  }

  /** Appends what a passage changed and gives it the next revision. */
  append({ owner, origin, events }: Omit<Change, 'revision'>): Change {
    const revision = this.#revision + 1;
    // What is kept for long takes no more room than it needs: arrays grow ahead of their content.
    const next = { revision, owner, origin, events: events.length === 0 ? none : [...events] };
    this.#revision = revision;
    this.#changes.push(next);
    this.#events += weight(next);
    this.#trim();
    for (const wake of this.#followers) wake();
    return next;
  }

  /** What came after `cursor`, at most about `eventsMax` instance events. */
  read(cursor: number, eventsMax = 1_000): FeedAnswer {
    const isHere = cursor >= this.#since && cursor <= this.#revision;
    if (!isHere || !Number.isInteger(cursor)) return { kind: 'lost' };
    const changes: Change[] = [];
    let events = 0;
    let index = this.#start + (cursor - this.#since);
    while (index < this.#changes.length && events < eventsMax) {
      const change = this.#changes[index++] as Change;
      changes.push(change);
      events += weight(change);
    }
    return { kind: 'changes', changes, revision: changes.at(-1)?.revision ?? cursor };
  }

  /** `wake` is called after each append and must only note that there is more to read. */
  follow(wake: () => void): () => void {
    this.#followers.add(wake);
    return () => this.#followers.delete(wake);
  }

  #trim(): void {
    while (this.#events > this.#eventsMax && this.#start < this.#changes.length) {
      const dropped = this.#changes[this.#start++] as Change;
      this.#events -= weight(dropped);
      this.#since = dropped.revision;
    }
    if (this.#start > 1_000 && this.#start * 2 > this.#changes.length) {
      this.#changes = this.#changes.slice(this.#start);
      this.#start = 0;
    }
    assert(
      this.#revision - this.#since === this.#changes.length - this.#start,
      'the feed has no gaps',
    );
  }
}

function weight(change: Change): number {
  return Math.max(1, change.events.length);
}
