import t from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import { fullMeshMax, neighborsOf } from '../../src/membership/neighbors.ts';
import { sha256 } from '../../src/record/hash.ts';
import { ownerFromKey } from '../../src/record/owner.ts';
import type { OwnerId } from '../../src/record/owner.ts';

const neighborsK = 8;
const everyone = Array.from({ length: 501 }, (_, i) => ownerFromKey(sha256(`node ${i}`)));
const first = (count: number): OwnerId[] => everyone.slice(0, count);

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

t.test('every K that the config allows gives a connected graph of that many links', (t) => {
  for (const k of [2, 4, 6, 8, 10]) {
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

t.test('a node alone has no neighbors', (t) => {
  t.strictSame(neighborsOf(everyone[0] as OwnerId, [], neighborsK), []);
  t.strictSame(neighborsOf(everyone[0] as OwnerId, first(1), neighborsK), []);
  t.end();
});
