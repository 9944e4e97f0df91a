/**
 * The graph of links that the rings give, and how soon a flood over it could be everywhere: the
 * limit that no broadcast over the same links can beat.
 */
import { VirtualClock } from '../src/base/virtual-clock.ts';
import { wantedPairs } from '../src/membership/neighbors.ts';

/** For each owner the indexes of its neighbors: links go both ways. */
export function ringGraph(owners: readonly string[], neighborsK: number): number[][] {
  const indexOf = new Map(owners.map((owner, index) => [owner, index]));
  const links = owners.map((): number[] => []);
  for (const pair of wantedPairs(owners, neighborsK)) {
    const [left, right] = pair.map((owner) => indexOf.get(owner) as number) as [number, number];
    links[left]?.push(right);
    links[right]?.push(left);
  }
  return links;
}

/**
 * Ms until each node is reached when all pass on at once what they hear first.
 *
 * @param drawMs one-way delay of one hop
 */
export function floodTimes(graph: readonly number[][], origin: number, drawMs: () => number) {
  const clock = new VirtualClock();
  const times = graph.map(() => Infinity);
  const reach = (node: number): void => {
    if (times[node] !== Infinity) return;
    times[node] = clock.now().monoMs;
    for (const next of graph[node] ?? [])
      if (times[next] === Infinity) clock.schedule(drawMs(), () => reach(next));
  };
  reach(origin);
  const stepMs = 1_000;
  while (clock.advance(stepMs) > 0);
  return times;
}
