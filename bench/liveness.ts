/**
 * Who notices that a node is gone, how soon, and who is wrong about it: disco beside Serf and
 * Moleculer, one after the other, each as real processes on this machine.
 *
 *   node bench/liveness.ts [--case kill,drop,…] [--system disco,serf,moleculer] [--nodes 25]
 *                          [--runs 40] [--minutes 30|disco=30,serf=5,…] [--warmup 30]
 *                          [--random-seed 1] [--output table|json] [--plot FILE]
 *
 * A node knows that another one is gone when it hides what that one registered: for disco in the
 * Watch at its own daemon, for Serf in its agent's member table, for Moleculer in its broker's
 * registry. Each pair of observer and victim counts. Exits 1 when a promise to disco is broken.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { errorText } from '../src/base/error.ts';
import { seededRandom } from '../src/base/random.ts';
import { table } from '../src/cli/output.ts';
import { amount, minutesOf } from './liveness-amounts.ts';
import { caseNames, cases, failed, play } from './liveness-cases.ts';
import type { Amounts, CaseName, Outcome, Stage } from './liveness-cases.ts';
import { Cluster, pause, systemNames, type System, type SystemName } from './liveness-cluster.ts';
import { disco } from './liveness-disco.ts';
import { Ledger } from './liveness-ledger.ts';
import { moleculer } from './liveness-moleculer.ts';
import { isRunning, loopbackPlaces, Network } from './liveness-network.ts';
import { inOrder, plotOf, type Panel } from './liveness-plot.ts';
import { serf } from './liveness-serf.ts';
import { figureText, judge, type Judged } from './liveness-targets.ts';
import { loadAverage, machineFacts } from './propagation-cluster.ts';

const nodesMin = 4;
const systems: Readonly<Record<SystemName, System>> = { disco, serf, moleculer };
const titles: Readonly<Partial<Record<CaseName, string>>> = {
  kill: 'kill -9 of one node',
  drop: 'all packets of one node dropped',
  freeze: 'SIGSTOP of one node',
  'freeze-busy': 'SIGSTOP of one node while all cores are busy',
  leave: 'one node leaves on purpose',
  partition: 'two sides that cannot reach each other',
};

const { values } = parseArgs({
  options: {
    case: { type: 'string', default: 'kill' },
    system: { type: 'string', default: systemNames.join() },
    nodes: { type: 'string', default: '25' },
    runs: { type: 'string' },
    minutes: { type: 'string' },
    warmup: { type: 'string', default: '30' },
    'random-seed': { type: 'string', default: '1' },
    output: { type: 'string', default: 'table' },
    plot: { type: 'string' },
  },
});
const wantedCases = choices('case', values.case, caseNames);
const wantedSystems = choices('system', values.system, systemNames);
const nodes = amount('nodes', values.nodes, nodesMin);
const warmupMs = 1_000 * amount('warmup', values.warmup, 0);
const randomSeed = amount('random-seed', values['random-seed'], 0);
const minutesGiven = values.minutes === undefined ? {} : minutesOf(values.minutes);
const [output] = choices('output', values.output, ['table', 'json']);

sweepFolders();
const directory = mkdtempSync(join(tmpdir(), `disco-liveness-${process.pid}-`));
/** What has to be stopped now, innermost first. */
const open: (() => Promise<void>)[] = [];
let isInterrupted = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => {
    isInterrupted = true;
    void cleanUp().finally(() => process.exit(130));
  });

const outcomes: Outcome[] = [];
try {
  for (const name of wantedSystems) await systems[name].prepare(folder(`${name}-program`));
  say(`${nodes} nodes; ${machineFacts()}`);
  for (const name of wantedCases) {
    for (const system of wantedSystems) outcomes.push(await playOne(name, system));
  }
  report();
} catch (error) {
  complain(error);
  process.exitCode = 1;
} finally {
  await cleanUp();
}

/** What goes wrong with one system in one case does not take the others' figures away. */
async function playOne(name: CaseName, system: SystemName): Promise<Outcome> {
  say(`${name}, ${system}: load average ${loadAverage()}`);
  const { runs, minutes } = cases[name].amounts;
  const amounts: Amounts = {
    runs: values.runs === undefined ? runs : amount('runs', values.runs, 1),
    minutes: minutesGiven[system] ?? minutes,
  };
  const home = folder(`${name}-${system}`);
  try {
    const stage = await stageOf(name, system, home, amounts);
    return await play(name, system, stage);
  } catch (error) {
    // Whatever it is then: the end of the processes is no finding.
    if (isInterrupted) return await new Promise(() => undefined);
    complain(error);
    return failed(name, system, amounts, errorText(error));
  } finally {
    if (!isInterrupted) {
      await closeAll();
      removeFolder(home);
    }
  }
}

async function stageOf(
  name: CaseName,
  system: SystemName,
  home: string,
  amounts: Amounts,
): Promise<Stage> {
  const network = cases[name].needsNetwork ? new Network(nodes) : undefined;
  if (network !== undefined) {
    open.unshift(() => network.destroy());
    await network.build();
  }
  const places = network?.places ?? (await loopbackPlaces(nodes));
  const site = { places, ledger: new Ledger(nodes), directory: home };
  const cluster = new Cluster(systems[system].crew(site), site);
  open.unshift(() => cluster.stop());
  await cluster.start();
  await pause(warmupMs);
  const progress = (text: string): void => say(`${name}, ${system}: ${text}`);
  // The same victims for each system.
  const random = seededRandom(randomSeed);
  return { cluster, network, random, victims: [], directory: home, amounts, say: progress };
}

function report(): void {
  const judged = wantedCases.flatMap((name) => {
    const [own, serfs, moleculers] = systemNames.map((system) => outcomeOf(name, system));
    return judge(name, own, { serf: serfs, moleculer: moleculers });
  });
  if (output === 'json') {
    const facts = { machine: machineFacts(), loadAverage: loadAverage(), nodes, randomSeed };
    const verdicts = judged.map(({ case: name, figure, bound, isMet }) => {
      const value = figure.of(outcomeOf(name, 'disco') as Outcome);
      return { case: name, figure: figure.name, unit: figure.unit, value, bound, isMet };
    });
    const shown = wantedSystems.includes('disco') ? verdicts : [];
    console.log(JSON.stringify({ ...facts, verdicts: shown, outcomes }, undefined, 2));
  } else {
    console.log(table(['CASE', 'FIGURE', ...columns()], judged.map(rowOf)));
    for (const { case: name, system, note } of outcomes)
      if (note !== '') console.log(`${name}, ${system}: ${note}`);
  }
  if (values.plot !== undefined) plot(values.plot, judged);
  if (judged.some(({ isMet }) => isMet === false)) process.exitCode = 1;
}

function columns(): string[] {
  const others = wantedSystems.filter((name) => name !== 'disco');
  return ['DISCO', 'TARGET', 'VERDICT', ...others.map((name) => name.toUpperCase())];
}

function rowOf({ case: name, figure, bound, isMet }: Judged): string[] {
  const others = wantedSystems.filter((system) => system !== 'disco');
  const texts = others.map((system) => figureText(figure, outcomeOf(name, system)));
  const verdict = isMet === undefined ? '-' : isMet ? 'PASS' : 'FAIL';
  const own = figureText(figure, outcomeOf(name, 'disco'));
  return [name, figure.name, own, bound?.text ?? '-', verdict, ...texts];
}

function plot(file: string, judged: readonly Judged[]): void {
  const panels = wantedCases.flatMap((name): Panel[] => {
    const all = inOrder(outcomes.filter((outcome) => outcome.case === name));
    if (titles[name] === undefined || all.every(({ pairsMs }) => pairsMs.length === 0)) return [];
    const marks = judged.flatMap(({ case: of, figure, bound }) => {
      const isMark = of === name && figure.name.startsWith('hidden') && bound !== undefined;
      if (!isMark) return [];
      return [{ ms: bound.most, text: `${figure.name.split(', ')[1]} ${bound.text}` }];
    });
    return [{ case: name, title: titles[name], outcomes: all, marks }];
  });
  writeFileSync(file, plotOf(panels, `${nodes} nodes; ${machineFacts()}`));
  say(`wrote ${file}`);
}

function outcomeOf(name: CaseName, system: SystemName): Outcome | undefined {
  return outcomes.find((outcome) => outcome.case === name && outcome.system === system);
}

function folder(name: string): string {
  const path = join(directory, name);
  mkdirSync(path, { mode: 0o700 });
  return path;
}

async function cleanUp(): Promise<void> {
  await closeAll();
  removeFolder(directory);
}

/** Ends all processes, then takes away the network that they lived in. */
async function closeAll(): Promise<void> {
  for (let stop = open.shift(); stop !== undefined; stop = open.shift()) await stop();
}

function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 3 });
}

function choices<T extends string>(flag: string, given: string, all: readonly T[]): T[] {
  return given.split(',').map((name) => {
    const found = all.find((each) => each === name);
    if (found === undefined) throw new Error(`--${flag} ${name}: one of ${all.join(', ')}`);
    return found;
  });
}

/** Takes away what a run left that was killed in a way that it could not clean up. */
function sweepFolders(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = /^disco-liveness-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) removeFolder(join(tmpdir(), name));
  }
}

function complain(error: unknown): void {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : undefined;
  const because = cause === undefined ? '' : `: ${errorText(cause)}`;
  say(`bench: ${errorText(error)}${because}`);
}

/** Beside the table, which goes to stdout. */
function say(progress: string): void {
  process.stderr.write(`${progress}\n`);
}
