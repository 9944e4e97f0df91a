/**
 * Who heard a record from whom, laid out for a picture: a bounded part of the tree, and for each
 * node a place beside the one that it heard from, so that few lines cross.
 */
import type { Arrival } from './run.ts';

export interface Hop {
  readonly arrival: Arrival;
  /** Who told it; undefined at the origin and when that is not known. */
  readonly from: Hop | undefined;
  /** 0 to 1. */
  readonly place: number;
}

interface Branch {
  readonly arrival: Arrival;
  from: Branch | undefined;
  readonly to: Branch[];
}

/** Prime, so that steps of it visit every element of a list that is no multiple of it. */
const stride = 7_919;

/**
 * The first arrival at each node, those of at most `hopsMax` nodes: the last one, those of a way
 * that few took, and others evenly out of all; together with the path that the record took to them.
 */
export function layOut(arrivals: readonly Arrival[], hopsMax: number): Hop[] {
  const branches = grow(arrivals);
  const kept = pick(branches, hopsMax);
  return inOrder(kept);
}

/** In the order of arrival; each knows the branch that it came from, when that one is earlier. */
function grow(arrivals: readonly Arrival[]): Branch[] {
  const byNode = new Map<number, Branch>();
  for (const arrival of arrivals.toSorted((a, b) => a.atMs - b.atMs)) {
    if (byNode.has(arrival.node)) continue;
    const from = arrival.way === 'origin' ? undefined : byNode.get(arrival.from);
    byNode.set(arrival.node, { arrival, from, to: [] });
  }
  return [...byNode.values()];
}

function pick(branches: readonly Branch[], hopsMax: number): Set<Branch> {
  if (branches.length <= hopsMax) return new Set(branches);
  const kept = new Set<Branch>();
  const keepWay = (end: Branch | undefined): void => {
    const way: Branch[] = [];
    for (let each = end; each !== undefined && !kept.has(each); each = each.from) way.push(each);
    for (const each of way.toReversed()) if (kept.size < hopsMax) kept.add(each);
  };
  keepWay(branches.at(-1));
  // What is rare is what one looks for.
  const byCount = Object.values(Object.groupBy(branches, ({ arrival }) => arrival.way));
  const rare = byCount.filter((group) => group.length <= hopsMax / 8).flat();
  for (const branch of rare) keepWay(branch);
  const step = branches.length % stride === 0 ? 1 : stride;
  for (let i = 0; i < branches.length && kept.size < hopsMax; i++)
    keepWay(branches[(i * step) % branches.length]);
  return kept;
}

/**
 * Left to right: half of those whom a node told, the node itself, the other half. Those told first
 * stand outermost, so that the lines to them pass over what the later ones told.
 */
function inOrder(kept: ReadonlySet<Branch>): Hop[] {
  const roots: Branch[] = [];
  const ordered = [...kept].toSorted((a, b) => a.arrival.atMs - b.arrival.atMs);
  for (const branch of ordered) {
    if (branch.from !== undefined && kept.has(branch.from)) branch.from.to.push(branch);
    else roots.push(branch);
  }
  const line: Branch[] = [];
  // A stack of its own: a record may have gone through thousands of nodes one after the other.
  const stack: (Branch | { readonly self: Branch })[] = roots.toReversed();
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if ('self' in next) {
      line.push(next.self);
      continue;
    }
    const left = next.to.filter((_, index) => index % 2 === 0);
    const right = next.to.filter((_, index) => index % 2 === 1);
    // What is pushed last comes first: the left ones outermost first, the right ones last.
    stack.push(...right, { self: next }, ...left.toReversed());
  }
  return withPlaces(line, ordered);
}

function withPlaces(line: readonly Branch[], ordered: readonly Branch[]): Hop[] {
  const places = new Map(line.map((branch, index) => [branch, (index + 0.5) / line.length]));
  const hops = new Map<Branch, Hop>();
  for (const branch of ordered) {
    const from = branch.from === undefined ? undefined : hops.get(branch.from);
    hops.set(branch, { arrival: branch.arrival, from, place: places.get(branch) ?? 0 });
  }
  return [...hops.values()];
}
