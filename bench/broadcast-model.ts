/**
 * The simulator's model of the broadcast beside real daemons: the same number of nodes, the same
 * rings, the same delays.
 *
 *   node bench/broadcast-real.ts --output json > real.json
 *   node bench/broadcast-model.ts [--real real.json] [--nodes 25] [--delay 25] [--jitter 0.2]
 *                                 [--registrations 300] [--gap 250] [--runs 5]
 *
 * Each run has other keys, and so another graph. With --real what was asked there is asked here,
 * and it exits 1 when p50 or p99 over the links differ by more than 20 %.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { BroadcastReport } from './broadcast-real.ts';
import { quantileText } from './quantiles.ts';
import { simulateBroadcasts, type SimBroadcastResult } from './sim-broadcast.ts';

const toleratedShare = 0.2;

const { values } = parseArgs({
  options: {
    real: { type: 'string' },
    nodes: { type: 'string', default: '25' },
    delay: { type: 'string', default: '25' },
    jitter: { type: 'string', default: '0.2' },
    registrations: { type: 'string', default: '300' },
    gap: { type: 'string', default: '250' },
    runs: { type: 'string', default: '5' },
  },
});
const real =
  values.real === undefined
    ? undefined
    : (JSON.parse(readFileSync(values.real, 'utf8')) as BroadcastReport);
const asked = real ?? {
  nodes: Number(values.nodes),
  delayMs: Number(values.delay),
  jitter: Number(values.jitter),
  registrations: Number(values.registrations),
  gapMs: Number(values.gap),
};

const results: SimBroadcastResult[] = [];
for (let randomSeed = 1; randomSeed <= Number(values.runs); randomSeed++) {
  const { nodes, delayMs, jitter, gapMs, registrations: broadcasts } = asked;
  const rest = { loss: 0, churn: 0, churnedMax: 0, origins: nodes, randomSeed };
  const result = simulateBroadcasts({ nodes, delayMs, jitter, gapMs, broadcasts, ...rest });
  results.push(result);
  console.log(`random seed ${randomSeed}: ${quantileText(result.times)}`);
  console.log(`  a flood:       ${quantileText(result.limit)}`);
  const copies = result.copiesPerNode.toFixed(2);
  const [links, mesh] = [result.linksPerNode, result.meshPerNode].map((count) => count.toFixed(2));
  console.log(`  ${copies} copies a node, ${links} links, ${mesh} of them in the mesh`);
}

const measured = real?.runs.find(({ delayMs }) => delayMs === asked.delayMs);
if (measured !== undefined) {
  const hostP50 = real?.runs.find(({ delayMs }) => delayMs === 0)?.links.p50;
  console.log(`real daemons:  ${quantileText(measured.links)}`);
  console.log(`  ${measured.copiesPerNode.toFixed(2)} copies a node`);
  if (hostP50 !== undefined)
    console.log(`  without delays: p50 ${hostP50.toFixed(1)} ms, which is the host's`);
  for (const name of ['p50', 'p99'] as const) {
    const modelMs = results.reduce((sum, { times }) => sum + times[name], 0) / results.length;
    const ratio = measured.links[name] / modelMs;
    const isNear = Math.abs(ratio - 1) <= toleratedShare;
    const said = `${measured.links[name].toFixed(1)} ms real, ${modelMs.toFixed(1)} ms modelled`;
    console.log(`${isNear ? 'PASS' : 'FAIL'}: ${name} ${said}, ratio ${ratio.toFixed(2)}`);
    if (!isNear) process.exitCode = 1;
  }
}
