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
export type LivingMembers = (visit: (owner: OwnerId) => void) => void;

interface Beside {
  readonly owner: OwnerId;
  /** How far along the ring, in the direction of its side. */
  readonly steps: number;
  readonly isReachable: boolean;
}

/** One direction on one ring. */
interface Side {
  readonly ring: number;
  readonly isAhead: boolean;
  /** Where self stands. */
  readonly place: number;
  /** Nearest first; only the last can be reached. */
  members: readonly Beside[];
  /** Whoever is as far away or farther is not wanted here. */
  endSteps: number;
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
  readonly #isReachable: (owner: OwnerId) => boolean;
  readonly #sides: readonly Side[];
  /** In the full mesh everyone alive but self. */
  #wanted = new Set<OwnerId>();
  #isFullMesh = true;
  #revision = 0;
  /** Others alive, at least. */
  #othersMin = 0;

  /**
   * @param neighborsK links that a node wants beyond the full mesh; even
   * @param isReachable nothing speaks against a link to it
   */
  constructor(
    self: OwnerId,
    neighborsK: number,
    living: LivingMembers,
    isReachable: (owner: OwnerId) => boolean,
  ) {
    this.#self = self;
    this.#othersMax = fullMeshMax(neighborsK) - 1;
    this.#living = living;
    this.#isReachable = isReachable;
    const rings = Array.from({ length: Math.ceil(neighborsK / 2) }, (_, ring) => ring);
    const places = placesOf(self, rings.length);
    const sideOf = (ring: number, isAhead: boolean): Side => {
      return { ring, isAhead, place: places[ring] as number, members: [], endSteps: Infinity };
    };
    this.#sides = rings.flatMap((ring) => [sideOf(ring, true), sideOf(ring, false)]);
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
    const places = placesOf(owner, this.#sides.length / 2);
    const isBeside = this.#wanted.has(owner);
    const affected = this.#sides.filter(
      (side) => isBeside || (standing.isAlive && stepsTo(side, places) < side.endSteps),
    );
    if (affected.length === 0) return;
    const outcomes = affected.map((side) => settle(side, places, owner, standing));
    const broken = affected.filter((_, index) => outcomes[index] === 'broken');
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

  /** Finds anew who is on these sides. @returns how many others live */
  #search(sides: readonly Side[]): number {
    let others = 0;
    for (const side of sides) setMembers(side, []);
    const rings = this.#sides.length / 2;
    this.#living((owner) => {
      if (owner === this.#self) return;
      others += 1;
      const places = placesOf(owner, rings);
      for (const side of sides) {
        const steps = stepsTo(side, places);
        if (steps >= side.endSteps) continue;
        const isReachable = this.#isReachable(owner);
        setMembers(side, insert(side.members, { owner, steps, isReachable }));
      }
    });
    return others;
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
    const placeOf = (owner: OwnerId): number => placesOf(owner, ring + 1)[ring] as number;
    const order = owners.toSorted((a, b) => placeOf(a) - placeOf(b));
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

/** @returns `broken` when only a look at all members can tell who is on this side now */
function settle(
  side: Side,
  places: readonly number[],
  owner: OwnerId,
  { isAlive, isReachable }: Standing,
): Outcome {
  const known = side.members.find((member) => member.owner === owner);
  if (known?.isReachable === isReachable && isAlive) return 'same';
  const steps = stepsTo(side, places);
  if (known === undefined && steps >= side.endSteps) return 'same';
  const others = side.members.filter((member) => member !== known);
  setMembers(side, isAlive ? insert(others, { owner, steps, isReachable }) : others);
  return side.endSteps === Infinity ? 'broken' : 'changed';
}

/** In their order up to the first that can be reached, and not more than the bound. */
function insert(members: readonly Beside[], newcomer: Beside): readonly Beside[] {
  const sorted = [...members, newcomer].sort((a, b) => a.steps - b.steps);
  const reachable = sorted.findIndex(({ isReachable }) => isReachable);
  return sorted.slice(0, Math.min(reachable === -1 ? Infinity : reachable + 1, besideMax));
}

function setMembers(side: Side, members: readonly Beside[]): void {
  side.members = members;
  const last = members.at(-1);
  const isWhole = last?.isReachable === true || members.length === besideMax;
  side.endSteps = isWhole ? (last as Beside).steps : Infinity;
}

function stepsTo({ ring, isAhead, place }: Side, places: readonly number[]): number {
  const apart = (places[ring] as number) - place;
  // No `%`: on numbers as large as these it is most of the work of a look at all members.
  const ahead = apart < 0 ? apart + circle : apart;
  return isAhead ? ahead : circle - ahead;
}

/** By owner: making the places of one costs a hash. */
const knownPlaces = new Map<OwnerId, readonly number[]>();
const knownPlacesMax = 100_000;

/** An owner's places on at least so many rings. */
function placesOf(owner: OwnerId, rings: number): readonly number[] {
  const known = knownPlaces.get(owner);
  if (known !== undefined && known.length >= rings) return known;
  if (knownPlaces.size >= knownPlacesMax) knownPlaces.clear();
  const places: number[] = [];
  for (let part = 0; places.length < rings; part++) {
    const hash = Buffer.from(sha256('disco/v1/ring', owner, part === 0 ? '' : String(part)));
    for (let ring = 0; ring < ringsPerHash; ring++) places.push(hash.readUIntBE(ring * 6, 6));
  }
  knownPlaces.set(owner, places);
  return places;
}
