/**
 * How soon a flood over a graph of links is everywhere: the limit that no broadcast over the same
 * links can beat.
 */
import { VirtualClock } from '../src/base/virtual-clock.ts';

/**
 * Ms until each node is reached when all pass on at once what they hear first.
 *
 * @param graph for each node the indexes of its neighbors
 * @param drawMs one-way delay of one hop
 */
export function floodTimes(graph: readonly number[][], origin: number, drawMs: () => number) {
  const clock = new VirtualClock();
  const times = graph.map(() => Infinity);
  /** When the first of the copies under way is there: the others need no turn. */
  const dueMs = graph.map(() => Infinity);
  const reach = (node: number): void => {
    if (times[node] !== Infinity) return;
    const { monoMs } = clock.now();
    times[node] = monoMs;
    for (const next of graph[node] ?? []) {
      if (times[next] !== Infinity) continue;
      const delayMs = drawMs();
      if (monoMs + delayMs >= (dueMs[next] ?? Infinity)) continue;
      dueMs[next] = monoMs + delayMs;
      clock.schedule(delayMs, () => reach(next));
    }
  };
  reach(origin);
  const stepMs = 1_000;
  while (clock.advance(stepMs) > 0);
  return times;
}
