/**
 * Checkers: what must hold after each step, and what must hold in the end.
 *
 *   each step   the set of an owner is exactly what a head that it signed commits to; heads and
 *               revisions only rise; nothing expired becomes visible; no exception in the core
 *               and see deaths.ts, zombies.ts
 *   the end     see final-check.ts
 */
import { equalBytes } from '../record/hash.ts';
import { isSignedByOwner } from '../record/head.ts';
import type { OwnerState } from '../record/merge.ts';
import type { OwnerId } from '../record/owner.ts';
import { RecordSet } from '../record/record-set.ts';
import type { Verifier } from '../record/signature.ts';
import type { Change } from '../registry/change-feed.ts';
import type { Violation } from './run.ts';
import type { Observer, SimNode } from './sim-node.ts';
import type { World } from './world.ts';

/** Violations that are kept: the first ones tell the most. */
const violationsMax = 100;
/** Heads are watched for rising at so many nodes: to watch all costs N x N. */
const watchedMax = 32;

/** States that were found right already: many nodes hold the same ones. */
const rightHeads = new WeakSet<object>();
const rightSets = new WeakMap<RecordSet, Uint8Array>();

/** What is wrong with an owner's state, from scratch; undefined: nothing. */
export function stateFault(state: OwnerState, verifier: Verifier): string | undefined {
  const { head, set } = state;
  if (!rightHeads.has(head)) {
    if (!isSignedByOwner(head, verifier)) return 'the head is not signed by its owner';
    rightHeads.add(head);
  }
  let root = rightSets.get(set);
  if (root === undefined) {
    const records = [...set.records()];
    const stranger = records.find(({ record }) => record.owner !== head.head.owner);
    if (stranger !== undefined) return `${stranger.key} is another owner's record`;
    const rebuilt = RecordSet.empty.with(records, []);
    if (rebuilt.count !== set.count) return 'the set holds one key twice';
    root = rebuilt.root;
    rightSets.set(set, root);
  }
  if (set.count !== head.head.count)
    return `${set.count} records, the head says ${head.head.count}`;
  return equalBytes(root, head.head.root) ? undefined : 'the set has not the root of its head';
}

export class Checkers implements Partial<Observer> {
  readonly violations: Violation[] = [];
  readonly #world: World;
  /** Newest head of each owner at the watched nodes. */
  readonly #newest = new Map<SimNode, Map<OwnerId, number>>();
  readonly #revisions = new Map<SimNode, number>();

  constructor(world: World) {
    this.#world = world;
  }

  report(checker: string, node: number | undefined, sentence: string): void {
    if (this.violations.length >= violationsMax) return;
    this.violations.push({ checker, atMs: this.#world.nowMs, node, sentence });
  }

  ended(node: SimNode): void {
    this.#newest.delete(node);
    this.#revisions.delete(node);
  }

  failed(node: SimNode, what: string, error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.report('no exception', node.number, `${what}: ${text}`);
  }

  changed(node: SimNode, changes: readonly Change[]): void {
    for (const change of changes) {
      this.#checkRevision(node, change.revision);
      const state = node.registry.state(change.owner);
      if (state === undefined) {
        this.#newest.get(node)?.delete(change.owner);
        continue;
      }
      const fault = stateFault(state, this.#world.verifier);
      if (fault !== undefined)
        this.report('invariant', node.number, `${this.#name(change.owner)}: ${fault}`);
      this.#checkRising(node, change.owner, state.head.head.lastUpdate);
      this.#checkFresh(node, change, state);
    }
  }

  #checkRevision(node: SimNode, revision: number): void {
    const before = this.#revisions.get(node);
    if (before !== undefined && revision !== before + 1)
      this.report('revisions', node.number, `revision ${revision} came after ${before}`);
    this.#revisions.set(node, revision);
  }

  #checkRising(node: SimNode, owner: OwnerId, lastUpdate: number): void {
    let newest = this.#newest.get(node);
    if (newest === undefined) {
      if (this.#newest.size >= watchedMax) return;
      this.#newest.set(node, (newest = new Map()));
    }
    const before = newest.get(owner) ?? 0;
    newest.set(owner, lastUpdate);
    // Only a head of a time that has not come may be taken back: nobody with a right clock holds it.
    const latest = this.#world.clock.now().wallMicros + this.#world.config.clockAheadMs * 1_000;
    if (lastUpdate < before && before <= latest)
      this.report('heads rise', node.number, `${this.#name(owner)} fell back to an older head`);
  }

  /** What an owner said longer ago than anybody accepts must not come up again. */
  #checkFresh(node: SimNode, change: Change, { head }: OwnerState): void {
    if (change.origin !== 'peer' || node.host.offsetMicros !== 0) return;
    const { reapAfterMs, clockAheadMs } = this.#world.config;
    const ageMs = (this.#world.clock.now().wallMicros - head.head.lastUpdate) / 1_000;
    if (ageMs > reapAfterMs + clockAheadMs && change.events.some(({ kind }) => kind === 'up'))
      this.report('no zombie', node.number, `${this.#name(change.owner)} came back after its end`);
  }

  #name(owner: OwnerId): string {
    return `owner ${owner.slice(-6)} of node ${this.#world.numberOf(owner)}`;
  }
}
