/**
 * The Lifeguard paper's experiments with SWIM, memberlist with Lifeguard, and disco, side by side.
 *
 *   node bench/lifeguard-experiment.ts [--nodes 128] [--cells 24 | --cells all] [--repeats 1]
 *     [--seconds 120] [--systems swim,lifeguard,memberlist,disco] [--anomaly blocked] [--delay 0.2]
 *     [--jitter 0.2] [--loss 0] [--from 1] [--output table | json] [--write FILE]
 *
 * Some of the nodes are slow again and again, all others are well: how often is a node that is well
 * held for dead, and what does it cost? Every system is run on the same random seeds, with the same
 * nodes slow at the same moments. The cells are combinations of the paper's C, D and I, drawn from
 * its grid by the random seed; the detection times are of one long anomaly each. Exits 1 when
 * disco's false positives at healthy nodes, messages or bytes are above their bounds of SWIM's, or
 * it does not find all who are slow for long.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { seededRandom } from '../src/base/random.ts';
import { anomalyKinds, paperGrid, planOf } from './models/anomalies.ts';
import type { Cell } from './models/anomalies.ts';
import { runDisco } from './models/disco-run.ts';
import { sum } from './models/figures.ts';
import type { Figures } from './models/figures.ts';
import { latencyText, paperTable, share, tableOf } from './models/report.ts';
import { runSwim } from './models/swim-run.ts';
import type { RunOptions } from './models/swim-run.ts';
import { configurations } from './models/swim-timing.ts';
import type { Configuration } from './models/swim-timing.ts';
import { loadAverage, machineFacts } from './propagation-cluster.ts';

/** Shares of SWIM's. */
const bounds = { atHealthy: 0.005, messages: 1.1, bytes: 1 };
/** The paper's longest anomaly, once: long enough for every system to call the slow ones dead. */
const onceMs = 32_768;
const onceConcurrent = 4;

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '128' },
    cells: { type: 'string', default: '24' },
    repeats: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '120' },
    systems: { type: 'string', default: 'swim,lifeguard,memberlist,disco' },
    anomaly: { type: 'string', default: 'blocked' },
    delay: { type: 'string', default: '0.2' },
    jitter: { type: 'string', default: '0.2' },
    loss: { type: 'string', default: '0' },
    from: { type: 'string', default: '1' },
    output: { type: 'string', default: 'table' },
    write: { type: 'string', default: '' },
  },
});
const nodes = Number(values.nodes);
const kind = anomalyKinds.find((name) => name === values.anomaly);
if (kind === undefined) throw new RangeError(`there is no anomaly called ${values.anomaly}`);
const isJson = values.output === 'json';
const systems = values.systems.split(',');
const cells = chosenCells();

const interval = new Map<string, Figures>();
const once = new Map<string, Figures>();
for (const system of systems) {
  const runs = repeated((randomSeed, place) => {
    say(`${system}: cell ${place + 1} of ${cells.length}, random seed ${randomSeed}`);
    return play(system, cells[place] as Cell, randomSeed);
  });
  interval.set(system, sum(runs));
  say(`${system}: one anomaly`);
  const cell = { concurrent: onceConcurrent, durationMs: onceMs, intervalMs: 1, forMs: 0 };
  once.set(system, sum([1, 2, 3].map((more) => play(system, cell, Number(values.from) + more))));
}
const verdicts = judged();
const result = {
  nodes,
  anomaly: kind,
  network: { latencyMs: Number(values.delay), jitter: Number(values.jitter), loss: lossOf() },
  cells,
  repeats: Number(values.repeats),
  from: Number(values.from),
  paper: paperTable,
  interval: Object.fromEntries(interval),
  once: Object.fromEntries(once),
  verdicts,
};
if (values.write !== '') writeFileSync(values.write, `${JSON.stringify(result, null, 2)}\n`);
if (isJson) console.log(JSON.stringify(result));
else print();
if (verdicts.some(({ isGood }) => !isGood)) process.exitCode = 1;

/** Cells of the paper's grid: all of them, or some that the random seed draws. */
function chosenCells(): Cell[] {
  const forMs = Number(values.seconds) * 1_000;
  const all = paperGrid.concurrent.flatMap((concurrent) =>
    paperGrid.durationMs.flatMap((durationMs) =>
      paperGrid.intervalMs.map((intervalMs) => {
        return { concurrent, durationMs, intervalMs, forMs };
      }),
    ),
  );
  if (values.cells === 'all') return all;
  return seededRandom(Number(values.from)).sample(all, Number(values.cells));
}

function repeated(run: (randomSeed: number, place: number) => Figures): Figures[] {
  const runs: Figures[] = [];
  for (let repeat = 0; repeat < Number(values.repeats); repeat++)
    for (const place of cells.keys())
      runs.push(run(Number(values.from) + repeat * cells.length + place, place));
  return runs;
}

function play(system: string, cell: Cell, randomSeed: number): Figures {
  const plan = planOf(kind ?? 'blocked', nodes, cell, randomSeed);
  const latency = { latencyMs: Number(values.delay), latencyJitter: Number(values.jitter) };
  const run: RunOptions = { nodes, randomSeed, ...latency, loss: lossOf() };
  if (system === 'disco') return runDisco(plan, run);
  const options = configurations[system as Configuration];
  if (options === undefined) throw new RangeError(`there is no system called ${system}`);
  return runSwim(options, plan, run);
}

function lossOf(): number {
  return Number(values.loss);
}

/** What disco is held to, when it and SWIM were run. */
function judged() {
  const [swim, disco] = [interval.get('swim'), interval.get('disco')];
  if (swim === undefined || disco === undefined) return [];
  const shares = (['atHealthy', 'messages', 'bytes'] as const).map((what) => {
    const [measured, bound] = [share(disco[what], swim[what]), bounds[what]];
    const text = `${what} ${percentText(measured)} of SWIM's ${swim[what]}`;
    return { text: `${text}, bound ${percentText(bound)}`, isGood: measured <= bound };
  });
  // Or one that accuses nobody would be the best of all.
  const missed = once.get('disco')?.undetected ?? NaN;
  return [...shares, { text: `${missed} slow nodes never found, bound 0`, isGood: missed === 0 }];
}

function print(): void {
  console.log(machineFacts());
  const runs = cells.length * Number(values.repeats);
  console.log(`${nodes} nodes, ${runs} runs of ${values.seconds} s, slow ones ${kind}`);
  console.log(tableOf(interval, paperTable));
  console.log(`one anomaly of ${onceMs / 1_000} s at ${onceConcurrent} nodes, three times`);
  for (const [system, figures] of once) console.log(`${system.padEnd(15)}${latencyText(figures)}`);
  for (const { text, isGood } of verdicts) console.log(`${isGood ? 'PASS' : 'FAIL'}: ${text}`);
  console.log(`load average ${loadAverage()}`);
}

function percentText(value: number): string {
  return `${(value * 100).toFixed(2)} %`;
}

function say(progress: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${progress}\r`);
}
