/**
 * Most of a cluster goes in one moment, in the simulator with the real engine on every node: are
 * those that are left still told of every change, and do they find each other again?
 *
 *   warm ──▶ 0: so many die ── changes at the others ──▶ links made anew, the dead off all lists
 */
import { seededRandom } from '../src/base/random.ts';
import { isShown } from '../src/membership/member.ts';
import { wantedPairs } from '../src/membership/neighbors.ts';
import type { OwnerId } from '../src/record/owner.ts';
import type { SimNode } from '../src/sim/sim-node.ts';
import type { World } from '../src/sim/world.ts';
import { Broadcasts, warmUp, worldOf } from './sim-broadcast.ts';
import type { Quantiles } from './quantiles.ts';

/** Killed: its links close, its address refuses. Vanished: nothing of it is heard any more. */
export const endings = ['killed', 'vanished'] as const;
export type Ending = (typeof endings)[number];

export interface MassDeathOptions {
  readonly nodes: number;
  /** Of the nodes, 0 to 1. */
  readonly share: number;
  readonly ending: Ending;
  /** Registrations at random survivors, the first right after the deaths. */
  readonly changes: number;
  /** Mean time between two of them. */
  readonly gapMs: number;
  readonly delayMs: number;
  readonly jitter: number;
  readonly randomSeed: number;
  /** After so long it ends, whatever there is left to do. */
  readonly patienceMs: number;
}

export interface MassDeathResult {
  readonly survivors: number;
  /** Pairs of change and other survivor, and those that were too late. */
  readonly pairs: number;
  readonly unseen: number;
  readonly times: Quantiles;
  /** Of each change, until the last survivor has it. */
  readonly last: Quantiles;
  /** From the deaths until all links are there that survivors want; undefined: not in time. */
  readonly linkedMs: number | undefined;
  /** Until no survivor that was asked shows any of the dead; undefined: not in time. */
  readonly hiddenMs: number | undefined;
  /** How often a survivor held another one for dead. */
  readonly falseDeaths: number;
  readonly events: number;
}

const lookMs = 100;
/** Survivors that are asked whether they show the dead. */
const askedMax = 64;

/** Runs it in virtual time. */
export function simulateMassDeath(options: MassDeathOptions): MassDeathResult {
  const { nodes, share, ending, randomSeed } = options;
  const world = worldOf({ ...options, loss: 0 });
  const random = seededRandom(randomSeed);
  warmUp(world);
  const numbers = Array.from({ length: nodes }, (_, index) => index + 1);
  const victims = new Set(random.sample(numbers, Math.round(share * nodes)));
  const isLeft = ({ number }: SimNode): boolean => !victims.has(number);
  const dead = world.up().filter((node) => !isLeft(node));
  const survivors = world.up().filter(isLeft);
  const broadcasts = new Broadcasts(
    world,
    { ...options, origins: options.changes },
    random,
    () => survivors,
  );
  for (const { number, process } of dead)
    if (ending === 'killed') world.crash(number);
    else process.pause();
  const deadOwners = dead.map(({ owner }) => owner);
  const repair = new Repair(world, survivors, deadOwners, options.patienceMs);
  broadcasts.broadcastMany(options.changes);
  while (!repair.isOver) world.clock.advance(lookMs);
  const { pairs, unseen, times, last } = broadcasts.result();
  const { linkedMs, hiddenMs, falseDeaths } = repair;
  const found = { linkedMs, hiddenMs, falseDeaths, events: world.trace.events };
  return { survivors: survivors.length, pairs, unseen, times, last, ...found };
}

/** Looks now and then how far the survivors are. */
class Repair {
  linkedMs: number | undefined;
  hiddenMs: number | undefined;
  falseDeaths = 0;
  isOver = false;
  readonly #world: World;
  readonly #asked: readonly SimNode[];
  readonly #diedAtMs: number;
  readonly #patienceMs: number;
  /** Links that are still missing when they were looked for last. */
  readonly #pairs: readonly (readonly [SimNode, SimNode])[];
  /** Dead ones that were still shown. */
  readonly #shown: Set<OwnerId>;

  constructor(
    world: World,
    survivors: readonly SimNode[],
    dead: readonly OwnerId[],
    patienceMs: number,
  ) {
    this.#world = world;
    const step = Math.max(1, Math.floor(survivors.length / askedMax));
    this.#asked = survivors.filter((_, index) => index % step === 0);
    this.#diedAtMs = world.nowMs;
    this.#patienceMs = patienceMs;
    this.#shown = new Set(dead);
    const living = new Map(survivors.map((node) => [node.owner, node]));
    const pairs = wantedPairs([...living.keys()], world.config.neighborsK);
    this.#pairs = [...pairs].map(([a, b]) => [living.get(a), living.get(b)] as [SimNode, SimNode]);
    world.observers.push({
      changed: ({ registry }, changes) => {
        for (const { owner } of changes)
          if (living.has(owner) && registry.member(owner)?.state === 'dead') this.falseDeaths += 1;
      },
    });
    this.#look();
  }

  #look(): void {
    const sinceMs = this.#world.nowMs - this.#diedAtMs;
    const isLinked = this.#pairs.every(([a, b]) => a.engine.isLinked(b.owner));
    if (isLinked) this.linkedMs ??= sinceMs;
    for (const owner of this.#shown) {
      if (this.#asked.some(({ registry }) => isShown(registry.member(owner)?.state ?? 'dead')))
        break;
      this.#shown.delete(owner);
    }
    if (this.#shown.size === 0) this.hiddenMs ??= sinceMs;
    const isDone = this.linkedMs !== undefined && this.hiddenMs !== undefined;
    this.isOver = isDone || sinceMs >= this.#patienceMs;
    if (!this.isOver) this.#world.clock.schedule(lookMs, () => this.#look());
  }
}
