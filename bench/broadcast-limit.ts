/**
 * How near the broadcast comes to what its links allow, in the simulator with the real engine.
 *
 *   node bench/broadcast-limit.ts [--nodes 100,1000,10000] [--delay 25] [--jitter 0.2] [--loss 0]
 *                                 [--broadcasts 1000] [--gap 10] [--origins 100]
 *                                 [--churn 0.1] [--churned-max 50] [--sweep]
 *
 * From random nodes that take turns, others in each half; before the second half a share of the
 * nodes crashes, and comes back as it was or is replaced, and the engines make their links anew.
 * Both are as many as that tells, and no more: every node keeps what it heard of each origin, and
 * hears of each node that comes and goes, which among 10,000 is all the memory and most of the
 * time. Broadcasts overlap, since between them 10,000 nodes are not idle. Beside it is a flood
 * over the very same links: nothing that uses them can be faster. --sweep goes through gossipsub's
 * D, to find the smallest that keeps p99. Exits 1 when a p99 is above its bound or anything is not
 * seen; with --loss the bound is twice as much.
 */
import { parseArgs } from 'node:util';
import type { MeshOptions } from '../src/sim/mesh.ts';
import { loadAverage, machineFacts } from './propagation-cluster.ts';
import { quantileText } from './quantiles.ts';
import { simulateBroadcasts, type SimBroadcastResult } from './sim-broadcast.ts';

/** Ms, by the number of nodes, for links of 25 ms. */
const p99MsBounds = new Map([
  [100, 130],
  [1_000, 160],
  [10_000, 190],
]);
const sweptD = [2, 3, 4, 5, 6, 8];
/** A p99 within this share of the best one is as good. */
const nearShare = 0.02;

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '100,1000,10000' },
    delay: { type: 'string', default: '25' },
    jitter: { type: 'string', default: '0.2' },
    loss: { type: 'string', default: '0' },
    broadcasts: { type: 'string', default: '1000' },
    gap: { type: 'string', default: '10' },
    origins: { type: 'string', default: '100' },
    churn: { type: 'string', default: '0.1' },
    'churned-max': { type: 'string', default: '50' },
    sweep: { type: 'boolean', default: false },
  },
});
const { delayMs, jitter, loss, broadcasts, ...rest } = {
  delayMs: Number(values.delay),
  jitter: Number(values.jitter),
  loss: Number(values.loss),
  broadcasts: Number(values.broadcasts),
  gapMs: Number(values.gap),
  origins: Number(values.origins),
  churn: Number(values.churn),
  churnedMax: Number(values['churned-max']),
};

console.log(machineFacts());
for (const nodes of values.nodes.split(',').map(Number))
  if (values.sweep) sweep(nodes);
  else judge(nodes, run(nodes));

function run(nodes: number, mesh?: MeshOptions): SimBroadcastResult {
  const links = { delayMs, jitter, loss };
  const options = { nodes, ...links, broadcasts, ...rest, randomSeed: 1 };
  const startedMs = performance.now();
  return simulateBroadcasts(mesh === undefined ? options : { ...options, mesh }, (progress) => {
    if (!process.stderr.isTTY) return;
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(0);
    process.stderr.write(`\r\x1b[K${nodes} nodes: ${progress}, ${seconds} s, ${gibText()}\r`);
  });
}

function judge(nodes: number, result: SimBroadcastResult): void {
  const { times, last, limit, limitLast, pairs, unseen } = result;
  console.log(`\n${nodes} nodes, ${delayMs} ms +-${jitter * 100} %, ${broadcasts} broadcasts`);
  console.log(`to each live node:  ${quantileText(times)}`);
  console.log(`  a flood:          ${quantileText(limit)}`);
  console.log(`to the last one:    ${quantileText(last)}`);
  console.log(`  a flood:          ${quantileText(limitLast)}`);
  console.log(`${pairs - unseen} of ${pairs} pairs of broadcast and node; ${costText(result)}`);
  const bound = p99MsBounds.get(nodes);
  if (bound === undefined || delayMs !== 25) return;
  const boundMs = loss > 0 ? 2 * bound : bound;
  const isGood = times.p99 <= boundMs && unseen === 0;
  console.log(`${isGood ? 'PASS' : 'FAIL'}: p99 ${times.p99.toFixed(1)} ms, bound ${boundMs} ms`);
  if (!isGood) process.exitCode = 1;
}

/** The mesh is held at D, give or take one, whatever the links. */
function sweep(nodes: number): void {
  console.log(`\n${nodes} nodes, by gossipsub's D`);
  const found: { readonly name: string; readonly result: SimBroadcastResult }[] = [];
  const note = (name: string, result: SimBroadcastResult): void => {
    found.push({ name, result });
    console.log(`D ${name}: ${quantileText(result.times)}; ${costText(result)}`);
  };
  for (const d of sweptD)
    note(String(d), run(nodes, { d, dLow: Math.max(1, d - 1), dHigh: d + 1 }));
  note('as the daemon has it', run(nodes));
  const best = Math.min(...found.map(({ result }) => result.times.p99));
  const smallest = found.find(({ result }) => result.times.p99 <= best * (1 + nearShare));
  console.log(`the smallest within ${nearShare * 100} % of the best p99: D ${smallest?.name}`);
}

function costText(result: SimBroadcastResult): string {
  const { copiesPerNode, linksPerNode, meshPerNode, events, wallMs } = result;
  const [copies, links, mesh] = [copiesPerNode, linksPerNode, meshPerNode].map((count) =>
    count.toFixed(2),
  );
  const speed = `${events} engine events in ${(wallMs / 1_000).toFixed(0)} s`;
  const where = `${links} links, ${mesh} of them in the mesh`;
  return `${copies} copies a node; ${where}; ${speed}, ${gibText()}, load average ${loadAverage()}`;
}

/** The most memory that this process had so far. */
function gibText(): string {
  return `${(process.resourceUsage().maxRSS / 1024 ** 2).toFixed(1)} GiB`;
}
