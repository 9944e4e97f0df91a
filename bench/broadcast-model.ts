/**
 * The simulator's model of the broadcast beside real daemons: the same number of nodes, the same
 * rings, the same delays.
 *
 *   node bench/broadcast-real.ts --output json > real.json
 *   node bench/broadcast-model.ts [--real real.json] [--nodes 25] [--delay 25] [--jitter 0.2]
 *                                 [--registrations 300] [--gap 250] [--runs 5]
 *
 * Each run has other keys, and so another graph. With --real what was asked there is asked here,
 * once as if nodes took no time, which is what the links alone give, and once with the processors
 * that all real daemons shared: each copy takes as much of one as was measured there, which is no
 * latency and fitted to none. It exits 1 when p50 or p99 of links and host together differ by more
 * than 20 % from the real ones.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { BroadcastReport } from './broadcast-real.ts';
import { quantileText, type Quantiles } from './quantiles.ts';
import type { HostOptions } from './shared-host.ts';
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

const measured = real?.runs.find(({ delayMs }) => delayMs === asked.delayMs);
const bare = runMany('no time on a processor');
if (real !== undefined && measured !== undefined) {
  const host = { cores: real.cores, msPerCopy: measured.processorMsPerCopy };
  const shared = runMany(`${host.msPerCopy.toFixed(2)} ms on ${host.cores} cores a copy`, host);
  const hostP50 = real.runs.find(({ delayMs }) => delayMs === 0)?.links.p50;
  console.log(`real daemons:  ${quantileText(measured.links)}`);
  console.log(`  ${measured.copiesPerNode.toFixed(2)} copies a node`);
  if (hostP50 !== undefined)
    console.log(`  without delays: p50 ${hostP50.toFixed(1)} ms, which is the host's`);
  compare('links alone', bare, measured.links);
  if (!compare('links and host', shared, measured.links)) process.exitCode = 1;
}

/** @returns the quantiles, each the mean over the runs */
function runMany(title: string, host?: HostOptions): Quantiles {
  console.log(`${title}:`);
  const results: SimBroadcastResult[] = [];
  for (let randomSeed = 1; randomSeed <= Number(values.runs); randomSeed++) {
    const { nodes, delayMs, jitter, gapMs, registrations: broadcasts } = asked;
    const rest = { loss: 0, churn: 0, churnedMax: 0, origins: nodes, randomSeed };
    const options = { nodes, delayMs, jitter, gapMs, broadcasts, ...rest };
    const result = simulateBroadcasts(host === undefined ? options : { ...options, host });
    results.push(result);
    console.log(`random seed ${randomSeed}: ${quantileText(result.times)}`);
    console.log(`  a flood:       ${quantileText(result.limit)}`);
    const { copiesPerNode, linksPerNode, meshPerNode } = result;
    const [copies, links, mesh] = [copiesPerNode, linksPerNode, meshPerNode].map((count) =>
      count.toFixed(2),
    );
    console.log(`  ${copies} copies a node, ${links} links, ${mesh} of them in the mesh`);
  }
  const mean = (name: keyof Quantiles): number =>
    results.reduce((sum, { times }) => sum + times[name], 0) / results.length;
  return { p50: mean('p50'), p90: mean('p90'), p99: mean('p99'), max: mean('max') };
}

/** @returns whether p50 and p99 are near each other */
function compare(title: string, modelled: Quantiles, links: Quantiles): boolean {
  const names = ['p50', 'p99'] as const;
  const areNear = names.map((name) => {
    const ratio = links[name] / modelled[name];
    const isNear = Math.abs(ratio - 1) <= toleratedShare;
    const said = `${links[name].toFixed(1)} ms real, ${modelled[name].toFixed(1)} ms modelled`;
    const verdict = isNear ? 'PASS' : 'FAIL';
    console.log(`${verdict}: ${title}: ${name} ${said}, ratio ${ratio.toFixed(2)}`);
    return isNear;
  });
  return areNear.every(Boolean);
}
