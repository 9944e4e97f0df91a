/** Spreads: how far and how fast changes got, and the path of one of them as a picture needs it. */
import type { OwnerId } from '../record/owner.ts';
import type { Arrival, Spread } from './run.ts';

/** Changes that are followed at once, and those that are kept. */
const followedMax = 2_000;
const keptMax = 20_000;
/** What has not got everywhere by then never will, for these figures. */
const followedMs = 120_000;

interface Followed {
  readonly owner: OwnerId;
  readonly lastUpdate: number;
  readonly atMs: number;
  /** Nodes that were up, the origin among them. */
  readonly total: number;
  /** By number of the node. */
  readonly reached: Uint8Array;
  count: number;
  p50Ms: number | undefined;
  p99Ms: number | undefined;
  allMs: number | undefined;
  isDrawn: boolean;
}

/** A change that was just acknowledged. */
export interface FollowedChange {
  /** Of the node where it was made. */
  readonly number: number;
  readonly owner: OwnerId;
  readonly lastUpdate: number;
  readonly atMs: number;
  /** Nodes that are up, that one among them. */
  readonly total: number;
  /** Nodes in all. */
  readonly nodes: number;
  /** The picture follows this one from now on. */
  readonly isDrawn: boolean;
}

export class Spreads {
  readonly #followed = new Map<OwnerId, Followed[]>();
  readonly #kept: Followed[] = [];
  #arrivals: Arrival[] = [];
  #count = 0;

  begin(change: FollowedChange): void {
    const { number, owner, lastUpdate, atMs, total, nodes, isDrawn } = change;
    if (this.#count >= followedMax) this.#drop(atMs);
    if (this.#count >= followedMax || this.#kept.length >= keptMax) return;
    const reached = new Uint8Array(nodes + 1);
    const undecided = { p50Ms: undefined, p99Ms: undefined, allMs: undefined };
    const followed = { owner, lastUpdate, atMs, total, reached, count: 0, ...undecided, isDrawn };
    if (isDrawn) {
      for (const other of this.#kept) other.isDrawn = false;
      this.#arrivals = [];
    }
    this.#kept.push(followed);
    this.#followed.set(owner, [...(this.#followed.get(owner) ?? []), followed]);
    this.#count += 1;
    this.#reach(followed, { node: number, from: 0, atMs, way: 'origin' });
  }

  /** A node holds the owner's head of `lastUpdate` now. */
  arrived(owner: OwnerId, lastUpdate: number, arrival: Arrival): void {
    const list = this.#followed.get(owner);
    if (list === undefined) return;
    for (const followed of list)
      if (followed.lastUpdate <= lastUpdate) this.#reach(followed, arrival);
    const rest = list.filter(({ allMs }) => allMs === undefined);
    this.#count -= list.length - rest.length;
    if (rest.length === 0) this.#followed.delete(owner);
    else if (rest.length < list.length) this.#followed.set(owner, rest);
  }

  spreads(): Spread[] {
    return this.#kept.map(({ atMs, p50Ms, p99Ms, allMs }) => ({ atMs, p50Ms, p99Ms, allMs }));
  }

  /** The picture: in the order of time. */
  arrivals(): readonly Arrival[] {
    return this.#arrivals;
  }

  #reach(followed: Followed, arrival: Arrival): void {
    if (followed.reached[arrival.node] !== 0) return;
    followed.reached[arrival.node] = 1;
    followed.count += 1;
    if (followed.isDrawn) this.#arrivals.push(arrival);
    const afterMs = arrival.atMs - followed.atMs;
    const share = followed.count / followed.total;
    if (share >= 0.5) followed.p50Ms ??= afterMs;
    if (share >= 0.99) followed.p99Ms ??= afterMs;
    if (share >= 1) followed.allMs ??= afterMs;
  }

  #drop(atMs: number): void {
    for (const [owner, list] of this.#followed) {
      const rest = list.filter((followed) => atMs - followed.atMs < followedMs);
      this.#count -= list.length - rest.length;
      if (rest.length === 0) this.#followed.delete(owner);
      else this.#followed.set(owner, rest);
    }
  }
}
