/**
 * Neighbors: the members to whom this node keeps links.
 *
 * Up to 2K + 1 nodes everyone is everyone's neighbor. Beyond, the members stand on K/2
 * pseudo-random rings, each ring an order of its own, and a node's neighbors are those beside it
 * on every ring: a random K-regular graph that every node computes alike from the member list,
 * and in which a change of membership moves O(K) links.
 */
import { sha256 } from '../record/hash.ts';
import type { OwnerId } from '../record/owner.ts';

/** Members up to which the mesh is full. */
export function fullMeshMax(neighborsK: number): number {
  return 2 * neighborsK + 1;
}

/**
 * The neighbors of `self` among `members` (alive; self may be among them or not), sorted.
 *
 * @param neighborsK links a node wants: 2, 4, 6, 8 or 10
 */
export function neighborsOf(
  self: OwnerId,
  members: readonly OwnerId[],
  neighborsK: number,
): OwnerId[] {
  const others = members.filter((owner) => owner !== self);
  if (others.length + 1 <= fullMeshMax(neighborsK)) return others.sort();
  const chosen = new Set<OwnerId>();
  for (let ring = 0; ring < neighborsK / 2; ring++) {
    const [before, after] = besideOnRing(self, others, ring);
    chosen.add(before).add(after);
  }
  return [...chosen].sort();
}

/** 48 bits of the owner's hash; at most 5 rings fit in one hash, K/2 of them are used. */
function placeOnRing(owner: OwnerId, ring: number): number {
  return placesOf(owner).readUIntBE(ring * 6, 6);
}

const places = new Map<OwnerId, Buffer>();
const placesMax = 50_000;

function placesOf(owner: OwnerId): Buffer {
  const known = places.get(owner);
  if (known !== undefined) return known;
  if (places.size >= placesMax) places.clear();
  const hash = Buffer.from(sha256('disco/v1/ring', owner));
  places.set(owner, hash);
  return hash;
}

/** Predecessor and successor of self on a ring, found in one pass. */
function besideOnRing(self: OwnerId, others: readonly OwnerId[], ring: number): [OwnerId, OwnerId] {
  const own = placeOnRing(self, ring);
  const circle = 2 ** 48;
  let after = others[0] as OwnerId;
  let before = after;
  let stepsAfter = Infinity;
  let stepsBefore = Infinity;
  for (const other of others) {
    const ahead = (placeOnRing(other, ring) - own + circle) % circle;
    const behind = circle - ahead;
    if (ahead < stepsAfter) [after, stepsAfter] = [other, ahead];
    if (behind < stepsBefore) [before, stepsBefore] = [other, behind];
  }
  return [before, after];
}
