/**
 * Zombies: what a daemon acknowledged as deregistered comes up nowhere again.
 *
 *   deregistered ── until the network was whole for a while ──▶ from then on nobody shows it anew
 *
 * Until then a node that was cut off, frozen or down may not have heard of it. Once all have, no
 * later fault may bring it back, be it for a moment: that is why it is looked at as it happens.
 */
import { recordKey } from '../record/record.ts';
import type { Change } from '../registry/change-feed.ts';
import type { Checkers } from './checkers.ts';
import type { Ledger } from './ledger.ts';
import type { Observer, SimNode } from './sim-node.ts';
import type { World } from './world.ts';

/** As long as nodes may take to agree in the end. */
const calmMs = 30_000;

export class Zombies implements Partial<Observer> {
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #checkers: Checkers;
  /** In the order of their beginnings. */
  readonly #faults: readonly { readonly atMs: number; readonly untilMs: number }[];

  constructor(world: World, ledger: Ledger, checkers: Checkers) {
    this.#world = world;
    this.#ledger = ledger;
    this.#checkers = checkers;
    this.#faults = world.options.faults.toSorted((a, b) => a.atMs - b.atMs);
  }

  changed(node: SimNode, changes: readonly Change[]): void {
    for (const { owner, events } of changes)
      for (const { kind, instance } of events) {
        if (kind !== 'up') continue;
        const { group, name, instanceId } = instance.record;
        const entry = this.#ledger.get(owner, recordKey(group, name, instanceId));
        if (entry?.isGone !== true || this.#world.nowMs <= this.#heardByAllMs(entry.atMs)) continue;
        const of = `${entry.key} of node ${this.#world.numberOf(owner)}`;
        const sentence = `${of}, deregistered at ${Math.round(entry.atMs)} ms, came up again`;
        this.#checkers.report('no zombie', node.number, sentence);
      }
  }

  /** Virtual ms of the end of the first calm after that moment. */
  #heardByAllMs(atMs: number): number {
    let calmFromMs = atMs;
    for (const fault of this.#faults) {
      if (fault.atMs > calmFromMs + calmMs) break;
      calmFromMs = Math.max(calmFromMs, fault.untilMs);
    }
    return calmFromMs + calmMs;
  }
}
