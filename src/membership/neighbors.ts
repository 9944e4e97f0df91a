/**
 * Neighbors: the members to whom this node keeps links.
 *
 * Up to 2K + 1 nodes everyone is everyone's neighbor. Beyond, the members stand on K/2
 * pseudo-random rings, each ring an order of its own, and a node's neighbors are those beside it
 * on every ring: a random K-regular graph that every node computes alike from the member list,
 * and in which a change of membership moves O(K) links.
 *
 *   ring 2   … ── other ── behind ── SELF ── ahead (unreachable) ── ahead ── other ── …
 *                          └────── wanted: up to the first that can be reached ──┘
 *
 * The plan is kept incrementally. Who comes is compared with those beside us; only who goes from
 * beside us costs a look at all members. No list of members is kept here: beyond the full mesh
 * the plan is as large as the number of neighbors, however many members there are.
 */
import { sha256 } from '../record/hash.ts';
import type { OwnerId } from '../record/owner.ts';

/** What the plan has to know of a member. */
export interface Standing {
  /** The member list says that it lives. */
  readonly isAlive: boolean;
  /** Nothing speaks against a link to it. */
  readonly isReachable: boolean;
}

/** Shows all members that live, each once; self may be among them. */
export type LivingMembers = (visit: (owner: OwnerId, isReachable: boolean) => void) => void;

interface Beside {
  readonly owner: OwnerId;
  /** How far along the ring, in the direction of its side. */
  readonly steps: number;
  readonly isReachable: boolean;
}

/** One direction on one ring: nearest first; only the last can be reached. */
interface Side {
  readonly ring: number;
  readonly isAhead: boolean;
  members: readonly Beside[];
}

/** Most members beside self on one side, those that are skipped included. */
const besideMax = 8;
/** Places on a ring: 48 bits of a hash, of which each hash has five. */
const circle = 2 ** 48;
const ringsPerHash = 5;

/** Members up to which the mesh is full, self included. */
export function fullMeshMax(neighborsK: number): number {
  return 2 * neighborsK + 1;
}

export class Neighbors {
  readonly #self: OwnerId;
  readonly #othersMax: number;
  readonly #living: LivingMembers;
  readonly #sides: readonly Side[];
  /** In the full mesh everyone alive but self. */
  #wanted = new Set<OwnerId>();
  #isFullMesh = true;
  #revision = 0;
  /** Others alive, at least. */
  #othersMin = 0;

  /** @param neighborsK links that a node wants beyond the full mesh; even */
  constructor(self: OwnerId, neighborsK: number, living: LivingMembers) {
    this.#self = self;
    this.#othersMax = fullMeshMax(neighborsK) - 1;
    this.#living = living;
    const rings = Array.from({ length: Math.ceil(neighborsK / 2) }, (_, ring) => ring);
    this.#sides = rings.flatMap((ring): Side[] => [
      { ring, isAhead: true, members: [] },
      { ring, isAhead: false, members: [] },
    ]);
    this.recompute();
  }

  /** To whom links are wanted: on each side of each ring up to the first that can be reached. */
  get wanted(): ReadonlySet<OwnerId> {
    return this.#wanted;
  }

  /** Rises whenever `wanted` may have changed. */
  get revision(): number {
    return this.#revision;
  }

  get isFullMesh(): boolean {
    return this.#isFullMesh;
  }

  /** A member came, went, or can be reached or not any more; to say it twice does no harm. */
  note(owner: OwnerId, standing: Standing): void {
    if (owner === this.#self) return;
    if (this.#isFullMesh) return this.#noteInFullMesh(owner, standing);
    if (!standing.isAlive) this.#othersMin -= 1;
    // A loss may have been counted twice; how many there really are shows a look at all.
    if (this.#othersMin <= this.#othersMax) return this.recompute();
    const outcomes = this.#sides.map((side) => this.#settle(side, owner, standing));
    const broken = this.#sides.filter((_, index) => outcomes[index] === 'broken');
    if (broken.length > 0) this.#search(broken);
    if (outcomes.some((outcome) => outcome !== 'same')) this.#collect();
  }

  /** From nothing, by one look at all members. */
  recompute(): void {
    this.#othersMin = this.#search(this.#sides);
    this.#isFullMesh = this.#othersMin <= this.#othersMax;
    this.#revision += 1;
    if (!this.#isFullMesh) return this.#collect();
    this.#wanted = new Set();
    this.#living((owner) => void this.#wanted.add(owner));
    this.#wanted.delete(this.#self);
  }

  #noteInFullMesh(owner: OwnerId, { isAlive }: Standing): void {
    if (isAlive === this.#wanted.has(owner)) return;
    this.#revision += 1;
    if (isAlive) this.#wanted.add(owner);
    else this.#wanted.delete(owner);
    if (this.#wanted.size > this.#othersMax) this.recompute();
  }

  /** @returns `broken` when only a look at all members can tell who is beside self now */
  #settle(side: Side, owner: OwnerId, { isAlive, isReachable }: Standing): Outcome {
    const known = side.members.find((member) => member.owner === owner);
    if (known === undefined && !isAlive) return 'same';
    if (known !== undefined && isAlive && known.isReachable === isReachable) return 'same';
    const others = side.members.filter((member) => member !== known);
    const steps = known?.steps ?? this.#stepsTo(owner, side);
    const members = isAlive ? insert(others, { owner, steps, isReachable }) : others;
    if (known === undefined && members === others) return 'same';
    side.members = members;
    return isWhole(members) ? 'changed' : 'broken';
  }

  /** Finds anew who is on these sides. @returns how many others live */
  #search(sides: readonly Side[]): number {
    let others = 0;
    for (const side of sides) side.members = [];
    this.#living((owner, isReachable) => {
      if (owner === this.#self) return;
      others += 1;
      for (const side of sides) {
        const steps = this.#stepsTo(owner, side);
        const last = side.members.at(-1);
        // Nearly all are too far away: not worth a call.
        if (last?.isReachable === true && steps >= last.steps) continue;
        side.members = insert(side.members, { owner, steps, isReachable });
      }
    });
    return others;
  }

  #stepsTo(owner: OwnerId, { ring, isAhead }: Side): number {
    const ahead = (placeOnRing(owner, ring) - placeOnRing(this.#self, ring) + circle) % circle;
    return isAhead ? ahead : circle - ahead;
  }

  #collect(): void {
    this.#revision += 1;
    this.#wanted = new Set(this.#sides.flatMap(({ members }) => members.map(({ owner }) => owner)));
  }
}

/**
 * The links that all members want when all of them live and can be reached: each pair once.
 *
 * @param neighborsK as for `Neighbors`
 */
export function* wantedPairs(
  owners: readonly OwnerId[],
  neighborsK: number,
): Generator<readonly [OwnerId, OwnerId]> {
  const isFullMesh = owners.length <= fullMeshMax(neighborsK);
  const seen = new Set<string>();
  for (let ring = 0; ring < (isFullMesh ? 1 : neighborsK / 2); ring++) {
    const order = owners.toSorted((a, b) => placeOnRing(a, ring) - placeOnRing(b, ring));
    for (const [index, owner] of order.entries()) {
      const ahead = [order[(index + 1) % order.length] as OwnerId];
      for (const other of isFullMesh ? order.slice(index + 1) : ahead) {
        const pair = owner < other ? ([owner, other] as const) : ([other, owner] as const);
        if (owner === other || seen.has(pair.join())) continue;
        seen.add(pair.join());
        yield pair;
      }
    }
  }
}

type Outcome = 'same' | 'changed' | 'broken';

/** The same array when the newcomer is farther away than all that are wanted. */
function insert(members: readonly Beside[], newcomer: Beside): readonly Beside[] {
  const last = members.at(-1);
  if (last !== undefined && isWhole(members) && newcomer.steps >= last.steps) return members;
  const sorted = [...members, newcomer].sort((a, b) => a.steps - b.steps);
  const reachable = sorted.findIndex(({ isReachable }) => isReachable);
  return sorted.slice(0, Math.min(reachable === -1 ? Infinity : reachable + 1, besideMax));
}

/** Nobody farther away is wanted. */
function isWhole(members: readonly Beside[]): boolean {
  return members.at(-1)?.isReachable === true || members.length >= besideMax;
}

const places = new Map<OwnerId, number[]>();
const placesMax = 100_000;

function placeOnRing(owner: OwnerId, ring: number): number {
  const known = places.get(owner);
  if (known !== undefined && ring < known.length) return known[ring] as number;
  if (known === undefined && places.size >= placesMax) places.clear();
  const found = [...(known ?? []), ...morePlaces(owner, (known?.length ?? 0) / ringsPerHash)];
  places.set(owner, found);
  return ring < found.length ? (found[ring] as number) : placeOnRing(owner, ring);
}

function morePlaces(owner: OwnerId, part: number): number[] {
  const hash = Buffer.from(sha256('disco/v1/ring', owner, part === 0 ? '' : String(part)));
  return Array.from({ length: ringsPerHash }, (_, index) => hash.readUIntBE(index * 6, 6));
}
