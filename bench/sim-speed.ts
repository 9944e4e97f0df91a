/**
 * How fast the simulator is: warm clusters in which one node in a hundred changes something each
 * minute, and digests go at their normal pace.
 *
 *   npm run bench:sim-speed -- [--nodes 30,1000,2000,10000] [--duration 60]
 *
 * The script gives V8 the heap that 10,000 nodes need, and four times its usual young generation,
 * so that what lives for a virtual second is not moved among what stays.
 *
 * An event is one step of a node's real engine: a frame, a rumor, a link or a timer that came to
 * it, with all that it does about it. Not counted: copies of rumors that gossipsub's model drops,
 * its heartbeats, and ticks of registries. Exits 1 when a size takes longer than its bound.
 */
import { parseArgs } from 'node:util';
import { defaultOptions } from '../src/sim/command.ts';
import { simulate } from '../src/sim/simulate.ts';
import { loadAverage, machineFacts } from './propagation-cluster.ts';

/** Seconds for 60 virtual ones, and GiB of memory, by the number of nodes. */
const bounds = new Map([
  [1_000, { seconds: 20, gib: 4 }],
  [2_000, { seconds: 60, gib: 4 }],
  [10_000, { seconds: 1_200, gib: 14 }],
]);
const bytesPerGib = 1024 ** 3;

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '30,1000,2000,10000' },
    duration: { type: 'string', default: '60' },
  },
});
const seconds = Number(values.duration);

console.log(machineFacts());
for (const nodes of values.nodes.split(',').map(Number)) await measure(nodes);

async function measure(nodes: number): Promise<void> {
  const options = { ...defaultOptions, nodes, durationMs: seconds * 1_000, changesPerMinute: 0.01 };
  const cpuBefore = process.cpuUsage();
  let first: { readonly events: number; readonly atMs: number } | undefined;
  const result = await simulate(options, ({ events }) => {
    first ??= { events, atMs: performance.now() };
  });
  const cpu = process.cpuUsage(cpuBefore);
  const cpuSeconds = (cpu.user + cpu.system) / 1e6;
  const wallSeconds = result.wallMs / 1_000;
  const steady =
    first === undefined
      ? 0
      : (result.events - first.events) / ((performance.now() - first.atMs) / 1_000);
  const gib = (process.resourceUsage().maxRSS * 1024) / bytesPerGib;
  console.log(
    `${nodes} nodes x ${seconds} s: ${wallSeconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s of CPU, ` +
      `at most ${gib.toFixed(1)} GiB; ${result.events} events, ${Math.round(steady)} a second once they run`,
  );
  const bound = bounds.get(nodes);
  const isSound = result.violations.length === 0 && result.isConverged;
  const isFast =
    bound === undefined || (wallSeconds <= (bound.seconds * seconds) / 60 && gib <= bound.gib);
  if (!isSound || !isFast) process.exitCode = 1;
  const target = bound === undefined ? '' : `, bound ${bound.seconds} s and ${bound.gib} GiB`;
  console.log(`${isSound && isFast ? 'PASS' : 'FAIL'}${target}; ${loadAverage()}`);
}
