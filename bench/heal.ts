/**
 * How long a partition outlives its end, in the simulator with the real engine.
 *
 *   node bench/heal.ts [--nodes 100] [--changes 1000] [--runs 10] [--shapes halves,thirds]
 *
 * The network is cut for 20 s, in which so many changes are made on each side (of halves); then it
 * is whole again. What is measured is the time until all nodes have agreed on every owner. Exits 1
 * when p99 is above two rounds of digests and 0.3 s.
 */
import { parseArgs } from 'node:util';
import { commandOf } from '../src/sim/command.ts';
import type { SimOptions } from '../src/sim/run.ts';
import { simulate } from '../src/sim/simulate.ts';
import { loadAverage, machineFacts } from './propagation-cluster.ts';
import { quantiles, quantileText } from './quantiles.ts';

const cutMs = 20_000;
const [fromMs, healedMs, endMs] = [5_000, 5_000 + cutMs, 40_000];
/** Two rounds of 1 s and 0.3 s. */
const boundMs = 2_300;

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '100' },
    changes: { type: 'string', default: '1000' },
    runs: { type: 'string', default: '10' },
    shapes: { type: 'string', default: 'halves,thirds' },
  },
});
const nodes = Number(values.nodes);

console.log(machineFacts());
for (const shape of values.shapes.split(',')) {
  const times: number[] = [];
  for (let randomSeed = 1; randomSeed <= Number(values.runs); randomSeed++) {
    const options = optionsOf(shape, randomSeed);
    const { convergedMs, violations } = await simulate(options);
    times.push(convergedMs ?? Infinity);
    if (violations.length === 0 && convergedMs !== undefined) continue;
    console.log(`${violations[0]?.sentence ?? 'no convergence'}: ${commandOf(options)}`);
    process.exitCode = 1;
  }
  const { p99: p99Ms } = quantiles(times);
  const verdict = p99Ms <= boundMs ? 'PASS' : 'FAIL';
  if (verdict === 'FAIL') process.exitCode = 1;
  console.log(`${nodes} nodes, ${shape}: whole after ${quantileText(quantiles(times))}`);
  console.log(`${verdict}: p99 ${Math.round(p99Ms)} ms, bound ${boundMs} ms; ${loadAverage()}`);
}

function optionsOf(shape: string, randomSeed: number): SimOptions {
  const partition = { kind: 'partition', atMs: fromMs, untilMs: healedMs, nodes: [], count: 0 };
  const changesPerMinute = ((2 * Number(values.changes)) / nodes) * (60_000 / cutMs);
  return {
    nodes,
    durationMs: endMs,
    randomSeed,
    latencyMs: 25,
    latencyJitter: 0.2,
    loss: 0,
    duplicate: 0,
    reorder: 0,
    faults: [{ ...partition, detail: shape }],
    changesPerMinute,
    timeScale: 1,
    realSignatures: false,
    isWarm: true,
  };
}
