/**
 * What must hold in the end, when all faults are over and time to settle has passed: all nodes
 * hold the same, nothing acknowledged is lost, nothing that was taken back is there.
 */
import { equalBytes } from '../record/hash.ts';
import type { OwnerState } from '../record/merge.ts';
import type { OwnerId } from '../record/owner.ts';
import type { Registry } from '../registry/registry.ts';
import { isShown } from '../membership/member.ts';
import type { Checkers } from './checkers.ts';
import type { Ledger } from './ledger.ts';
import type { SimNode } from './sim-node.ts';
import type { World } from './world.ts';

/** Nodes whose every instance and bound is looked at; beyond, all that is N x N is sampled. */
const lookedAtMax = 64;

/** Nodes that are asked about every owner; beyond, what most of the time of a run would go into. */
const askedMax = 1_000;

/** About so many of the nodes, spread evenly. */
function sampleOf(nodes: readonly SimNode[], most = lookedAtMax): readonly SimNode[] {
  const step = Math.max(1, Math.floor(nodes.length / most));
  return nodes.filter((_, index) => index % step === 0);
}

/** Owners about whom the nodes that are up have not agreed yet, each until they once did. */
export class Settling {
  readonly #world: World;
  readonly #open = new Set<OwnerId>();
  readonly #live: ReadonlySet<OwnerId>;

  constructor(world: World) {
    this.#world = world;
    this.#live = new Set(world.up().map(({ owner }) => owner));
    for (const node of sampleOf(world.up()))
      for (const [owner] of node.registry.owners()) this.#open.add(owner);
    for (const owner of this.#live) this.#open.add(owner);
  }

  /** Owners that are still open. */
  get open(): ReadonlySet<OwnerId> {
    return this.#open;
  }

  /** Looks once more. @returns whether all are settled */
  look(): boolean {
    const nodes = sampleOf(this.#world.up(), askedMax);
    const settled = new Map<OwnerId, OwnerState | undefined>();
    for (const owner of this.#open) settled.set(owner, nodes[0]?.registry.state(owner));
    // Node by node: to come back to each of them for every owner takes twice as long.
    for (const { registry } of nodes)
      for (const [owner, first] of settled) {
        const isLive = this.#live.has(owner);
        if (!(isLive ? isAgreed(registry, owner, first) : isHidden(registry, owner)))
          settled.delete(owner);
      }
    for (const owner of settled.keys()) this.#open.delete(owner);
    return this.#open.size === 0;
  }
}

/** A node holds the same head of this owner as the first one does, and does not doubt its life. */
function isAgreed(registry: Registry, owner: OwnerId, first: OwnerState | undefined): boolean {
  const held = registry.state(owner);
  if (held === undefined || first === undefined) return false;
  // Mostly one object: many nodes share it.
  const isEqual = held === first || equalBytes(held.head.hash, first.head.hash);
  return isEqual && registry.member(owner)?.state === 'alive';
}

/** It does not show what an owner registered that is gone for good; its heads go when they expire. */
function isHidden(registry: Registry, owner: OwnerId): boolean {
  return !isShown(registry.member(owner)?.state ?? 'dead');
}

/** @param settling looked at for as long as there was time */
export function checkEnd(
  world: World,
  ledger: Ledger,
  settling: Settling,
  checkers: Checkers,
): void {
  // Equal heads are equal sets, which is checked at every node; what is shown, at these.
  const nodes = sampleOf(world.up());
  if (settling.open.size > 0) {
    const numbers = [...settling.open].map((owner) => world.numberOf(owner)).slice(0, 8);
    const sentence = `the nodes do not agree on ${settling.open.size} owners, of nodes ${numbers.join(', ')}`;
    checkers.report('converged', undefined, sentence);
  }
  for (const { owner, number } of world.up())
    for (const entry of ledger.of(owner)) {
      const wrong = nodes.filter((node) => {
        const shown = node.registry.index.get(entry.group, entry.name, owner, entry.instanceId);
        return entry.isGone ? shown !== undefined : shown?.record.version !== entry.version;
      });
      if (wrong.length === 0) continue;
      const at = wrong.map((node) => node.number).slice(0, 8);
      const where = `at ${wrong.length} of ${nodes.length} nodes (${at.join(', ')})`;
      if (entry.isGone)
        checkers.report('no zombie', at[0], `${entry.key} of node ${number} is there ${where}`);
      else
        checkers.report(
          'nothing lost',
          at[0],
          `${entry.key} ${entry.version} of node ${number}, acknowledged at ${Math.round(entry.atMs)} ms, is not there ${where}`,
        );
    }
  for (const node of nodes) checkBounds(world, node, checkers);
}

/** What is held stays within its bounds. */
export function checkBounds(world: World, node: SimNode, checkers: Checkers): void {
  const { number, registry, engine } = node;
  const { tombstonesMax, headsMax, recordsPerOwnerMax, bytesPerOwnerMax } = world.config;
  const { reapAfterMs, clockAheadMs } = world.config;
  // Who hears of it last keeps it for as long once more.
  const goneMs = 2 * reapAfterMs + 2 * clockAheadMs;
  const wallMs = world.clock.now().wallMicros / 1_000;
  let [heads, accusations] = [0, 0];
  for (const [owner, { head, set }] of registry.owners()) {
    heads += 1;
    accusations += engine.accusersOf(owner).length;
    if (wallMs - head.head.lastUpdate / 1_000 > goneMs)
      checkers.report('bounds', number, `${owner} has said nothing for too long to be held still`);
    if (set.count > recordsPerOwnerMax || set.bytes > bytesPerOwnerMax)
      checkers.report('bounds', number, `${owner} has ${set.count} records of ${set.bytes} bytes`);
    if (set.tombstones > tombstonesMax + 1)
      checkers.report('bounds', number, `${owner} has ${set.tombstones} tombstones`);
  }
  if (heads > headsMax) checkers.report('bounds', number, `${heads} heads`);
  const strays = engine.accusationsHeld - accusations;
  if (strays !== 0)
    checkers.report('bounds', number, `${strays} accusations of owners that are not held`);
}
