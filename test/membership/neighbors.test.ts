import fc from 'fast-check';
import t from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import { fullMeshMax, Neighbors, wantedPairs } from '../../src/membership/neighbors.ts';
import { sha256 } from '../../src/record/hash.ts';
import { ownerFromKey } from '../../src/record/owner.ts';
import type { OwnerId } from '../../src/record/owner.ts';

const neighborsK = 8;
const everyone = Array.from({ length: 501 }, (_, i) => ownerFromKey(sha256(`node ${i}`)));
const first = (count: number): OwnerId[] => everyone.slice(0, count);

/** Whether each living member can be reached. */
type World = Map<OwnerId, boolean>;

function neighborsIn(self: OwnerId, world: World, k = neighborsK): Neighbors {
  const living = (visit: (owner: OwnerId) => void): void => {
    for (const owner of world.keys()) visit(owner);
  };
  return new Neighbors(self, k, living, (owner) => world.get(owner) === true);
}

function neighborsOf(self: OwnerId, members: readonly OwnerId[], k = neighborsK): OwnerId[] {
  const world = new Map(members.map((owner) => [owner, true]));
  return [...neighborsIn(self, world, k).wanted].sort();
}

/** The same by sorting everyone on every ring: what the quick way has to come out at. */
function dumbNeighborsOf(self: OwnerId, world: World, k = neighborsK): OwnerId[] {
  const others = [...world.keys()].filter((owner) => owner !== self);
  if (others.length + 1 <= fullMeshMax(k)) return others.sort();
  const wanted = new Set<OwnerId>();
  for (let ring = 0; ring < k / 2; ring++) {
    const place = (owner: OwnerId): string =>
      Buffer.from(sha256('disco/v1/ring', owner)).toString('hex', ring * 6, ring * 6 + 6);
    const circle = [...others, self].sort((a, b) => (place(a) < place(b) ? -1 : 1));
    const at = circle.indexOf(self);
    const ahead = [...circle.slice(at + 1), ...circle.slice(0, at)];
    for (const side of [ahead, ahead.toReversed()]) {
      const reachable = side.findIndex((owner) => world.get(owner));
      for (const owner of side.slice(0, reachable === -1 ? 8 : Math.min(8, reachable + 1)))
        wanted.add(owner);
    }
  }
  return [...wanted].sort();
}

type Graph = ReadonlyMap<OwnerId, ReadonlySet<OwnerId>>;

function graphOf(members: readonly OwnerId[], k = neighborsK): Graph {
  return new Map(members.map((self) => [self, new Set(neighborsOf(self, members, k))]));
}

function linksOf(graph: Graph): Set<string> {
  const links = new Set<string>();
  for (const [a, neighbors] of graph) for (const b of neighbors) links.add([a, b].sort().join(' '));
  return links;
}

function reachable(graph: Graph): number {
  const [start] = graph.keys();
  const seen = new Set([start as OwnerId]);
  for (const owner of seen) for (const next of graph.get(owner) ?? []) seen.add(next);
  return seen.size;
}

function oneSided(graph: Graph): string[] {
  const found: string[] = [];
  for (const [a, neighbors] of graph)
    for (const b of neighbors) if (graph.get(b)?.has(a) !== true) found.push(`${a} ${b}`);
  return found;
}

const sizes = [18, 19, 20, 25, 33, 50, 99, 200, 500];

t.test(`up to ${fullMeshMax(neighborsK)} members everyone is everyone's neighbor`, (t) => {
  t.equal(fullMeshMax(neighborsK), 17);
  for (let count = 1; count <= 17; count++)
    for (const [self, neighbors] of graphOf(first(count)))
      t.strictSame(
        [...neighbors],
        first(count)
          .filter((o) => o !== self)
          .sort(),
      );
  t.end();
});

t.test(
  `beyond, every member has at most ${neighborsK} neighbors, and nearly always so many`,
  (t) => {
    for (const count of sizes) {
      const degrees = [...graphOf(first(count)).values()].map(({ size }) => size);
      t.equal(Math.max(...degrees), neighborsK, `${count} members`);
      // Fewer only where two rings put the same member beside it.
      t.ok(Math.min(...degrees) >= neighborsK / 2, `${count} members`);
      const mean = degrees.reduce((sum, degree) => sum + degree) / count;
      t.ok(mean > neighborsK * (1 - neighborsK / count), `${mean} links of ${count} members`);
    }
    t.end();
  },
);

t.test('a is a neighbor of b exactly when b is a neighbor of a, and nobody of itself', (t) => {
  for (const count of [2, 17, ...sizes]) {
    const graph = graphOf(first(count));
    t.strictSame(oneSided(graph), [], `${count} members`);
    t.strictSame(
      [...graph].filter(([owner, neighbors]) => neighbors.has(owner)),
      [],
    );
  }
  t.end();
});

t.test('from 2 to 500 members the neighbors hang together as one graph', (t) => {
  for (let count = 2; count <= 120; count++) t.equal(reachable(graphOf(first(count))), count);
  for (const count of [200, 350, 500]) t.equal(reachable(graphOf(first(count))), count);
  t.end();
});

t.test('a join or a leave moves O(K) links, whatever the number of members', (t) => {
  for (const count of [18, 19, 50, 200, 500]) {
    const before = linksOf(graphOf(first(count)));
    const after = linksOf(graphOf(first(count + 1)));
    const made = [...after].filter((link) => !before.has(link));
    const dropped = [...before].filter((link) => !after.has(link));
    const moved = made.length + dropped.length;
    // On each ring one link gives way to two.
    t.ok(moved <= (neighborsK / 2) * 3, `${moved} links moved at ${count} members`);
  }
  t.end();
});

t.test('neighbors do not depend on the order of the list, nor on being in it', (t) => {
  const members = first(100);
  const self = members[42] as OwnerId;
  const expected = neighborsOf(self, members, neighborsK);
  const shuffled = seededRandom(1).sample(members, 100);
  t.strictSame(neighborsOf(self, shuffled, neighborsK), expected);
  const others = members.filter((owner) => owner !== self);
  t.strictSame(neighborsOf(self, others, neighborsK), expected);
  t.strictSame(members, first(100), 'the list is left alone');
  t.end();
});

t.test('what is kept step by step is what everyone sorted on every ring gives', (t) => {
  const self = everyone[0] as OwnerId;
  const step = fc.tuple(
    fc.constantFrom('joins', 'leaves', 'is unreachable', 'is reachable'),
    fc.integer({ min: 1, max: 60 }),
  );
  let modes = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), fc.integer({ min: 0, max: 60 }), (steps, n) => {
      const world: World = new Map(first(n).map((owner) => [owner, true]));
      const neighbors = neighborsIn(self, world);
      const unreachable = new Set<OwnerId>();
      const seen = new Set<boolean>();
      for (const [what, who] of steps) {
        const owner = everyone[who] as OwnerId;
        if (what === 'is unreachable') unreachable.add(owner);
        if (what === 'is reachable') unreachable.delete(owner);
        if (what === 'leaves') world.delete(owner);
        // That someone absent can be reached is no news of its being there.
        if (what !== 'joins' && what !== 'leaves' && !world.has(owner)) continue;
        const isReachable = !unreachable.has(owner);
        if (what !== 'leaves') world.set(owner, isReachable);
        neighbors.note(owner, { isAlive: what !== 'leaves', isReachable });
        if (String([...neighbors.wanted].sort()) !== String(dumbNeighborsOf(self, world)))
          return false;
        seen.add(neighbors.isFullMesh);
      }
      modes = Math.max(modes, seen.size);
      return true;
    }),
    { numRuns: 300, seed: 3 },
  );
  t.equal(modes, 2, 'in the full mesh, beyond it, and from one to the other');
  t.end();
});

t.test('over random joins and leaves each change moves O(K) links of all members', (t) => {
  const random = seededRandom(5);
  const world: World = new Map(first(100).map((owner) => [owner, true]));
  const graph = new Map([...world.keys()].map((self) => [self, neighborsIn(self, world)]));
  const links = (): Set<string> =>
    linksOf(new Map([...graph].map(([self, { wanted }]) => [self, wanted])));
  const moved: number[] = [];
  for (let change = 0; change < 150; change++) {
    const before = links();
    const owner = random.pick(first(200)) as OwnerId;
    const isAlive = !world.has(owner);
    if (isAlive) world.set(owner, true);
    else world.delete(owner);
    graph.delete(owner);
    for (const neighbors of graph.values()) neighbors.note(owner, { isAlive, isReachable: true });
    if (isAlive) graph.set(owner, neighborsIn(owner, world));
    const after = links();
    moved.push(
      [...after].filter((link) => !before.has(link)).length +
        [...before].filter((link) => !after.has(link)).length,
    );
  }
  // On each ring one link gives way to two, or two to one.
  t.ok(Math.max(...moved) <= (neighborsK / 2) * 3, `at most ${Math.max(...moved)} links moved`);
  t.ok(world.size > fullMeshMax(neighborsK));
  t.end();
});

t.test('only the loss of a member beside us costs a look at all members', (t) => {
  const self = everyone[0] as OwnerId;
  const world: World = new Map(first(500).map((owner) => [owner, true]));
  let looks = 0;
  const living = (visit: (owner: OwnerId) => void): void => {
    looks += 1;
    for (const owner of world.keys()) visit(owner);
  };
  const neighbors = new Neighbors(self, neighborsK, living, (owner) => world.get(owner) === true);
  looks = 0;
  const far = first(400).filter((owner) => owner !== self && !neighbors.wanted.has(owner));
  for (const owner of far) {
    world.delete(owner);
    neighbors.note(owner, { isAlive: false, isReachable: true });
  }
  for (const owner of far) {
    world.set(owner, true);
    neighbors.note(owner, { isAlive: true, isReachable: true });
  }
  t.ok(far.length > 380);
  t.equal(looks, 0);
  const [beside] = neighbors.wanted;
  world.delete(beside as OwnerId);
  neighbors.note(beside as OwnerId, { isAlive: false, isReachable: true });
  t.equal(looks, 1);
  t.strictSame([...neighbors.wanted].sort(), dumbNeighborsOf(self, world));
  t.end();
});

t.test('an unreachable neighbor stays wanted, beside the next one that stands in for it', (t) => {
  const self = everyone[0] as OwnerId;
  const world: World = new Map(first(60).map((owner) => [owner, true]));
  const neighbors = neighborsIn(self, world);
  const before = [...neighbors.wanted];
  const lost = before[0] as OwnerId;
  world.set(lost, false);
  neighbors.note(lost, { isAlive: true, isReachable: false });
  t.ok(before.every((owner) => neighbors.wanted.has(owner)));
  t.equal(neighbors.wanted.size, before.length + 1, 'one more, in its place');
  world.set(lost, true);
  neighbors.note(lost, { isAlive: true, isReachable: true });
  t.strictSame([...neighbors.wanted].sort(), before.sort());
  for (const owner of world.keys()) {
    world.set(owner, false);
    neighbors.note(owner, { isAlive: true, isReachable: false });
  }
  t.ok(neighbors.wanted.size <= 8 * neighborsK, 'when nobody can be reached, a bounded number');
  t.strictSame([...neighbors.wanted].sort(), dumbNeighborsOf(self, world));
  t.end();
});

t.test('every K that the config allows gives a connected graph of that many links', (t) => {
  for (const k of [2, 4, 6, 8, 10, 16]) {
    const graph = graphOf(first(60), k);
    t.equal(reachable(graph), 60);
    t.equal(Math.max(...[...graph.values()].map(({ size }) => size)), k);
  }
  t.end();
});

t.test('with a fifth of 100 members dead and nobody told, the rest still hang together', (t) => {
  const graph = graphOf(first(100));
  const random = seededRandom(7);
  for (let round = 0; round < 20; round++) {
    const living = new Set(random.sample(first(100), 80));
    const links = (owner: OwnerId) => [...graph.get(owner)!].filter((other) => living.has(other));
    const rest = [...living].map((owner) => [owner, new Set(links(owner))] as const);
    t.equal(reachable(new Map(rest)), 80);
  }
  t.end();
});

t.test('all links at once are those that each member wants', (t) => {
  for (const count of [0, 1, 2, 17, 18, 100]) {
    const pairs = [...wantedPairs(first(count), neighborsK)];
    const links = pairs.map((pair) => pair.join(' '));
    t.strictSame(links.toSorted(), [...linksOf(graphOf(first(count)))].sort(), `${count} members`);
  }
  t.end();
});

t.test('a node alone has no neighbors', (t) => {
  t.strictSame(neighborsOf(everyone[0] as OwnerId, [], neighborsK), []);
  t.strictSame(neighborsOf(everyone[0] as OwnerId, first(1), neighborsK), []);
  t.end();
});
