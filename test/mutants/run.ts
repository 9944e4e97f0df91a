/**
 * The sensitivity campaign: `npm run mutants [-- NAME...]`.
 *
 * Each mutant is shown to its tests, then to the simulator's campaign, seed by seed, until one of
 * them notices; a state that the campaign reaches without the mutant, and never with it, counts too.
 * A killer that fails without a mutant says nothing: it is left out, and named in the end.
 */
import { parseArgs } from 'node:util';
import { nameOf, tryKiller } from './killers.ts';
import type { Killer, Trial } from './killers.ts';
import { mutantNamed, mutants } from './mutant.ts';
import type { Mutant } from './mutant.ts';

/** For the code as it is. */
const soundLimitSeconds = 600;
/** A mutant that takes so many times as long as the code as it is, and this on top, hangs. */
const patience = 10;
const patienceSeconds = 30;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string', default: '60' },
    jobs: { type: 'string', default: '2' },
  },
});
const seeds = Number(values.seeds);

interface Outcome {
  readonly mutant: Mutant;
  readonly killedBy: string | undefined;
  readonly seconds: number;
}

/** By name: how the code as it is does, tried once each. */
const sound = new Map<string, Promise<Trial>>();

function soundTrial(killer: Killer): Promise<Trial> {
  const name = nameOf(killer);
  let trial = sound.get(name);
  if (trial === undefined) {
    trial = tryKiller(killer, undefined, soundLimitSeconds);
    sound.set(name, trial);
  }
  return trial;
}

function* killersOf({ tests }: Mutant): Generator<Killer> {
  for (const file of tests) yield { kind: 'test', file };
  for (let randomSeed = 1; randomSeed <= seeds; randomSeed++) yield { kind: 'seed', randomSeed };
}

async function outcomeOf(mutant: Mutant): Promise<Outcome> {
  const soundCells = new Set<string>();
  const cells = new Set<string>();
  let seconds = 0;
  for (const killer of killersOf(mutant)) {
    const before = await soundTrial(killer);
    if (before.fault !== undefined) continue;
    const trial = await tryKiller(killer, mutant, patience * before.seconds + patienceSeconds);
    seconds += trial.seconds;
    if (trial.fault !== undefined)
      return { mutant, killedBy: `${nameOf(killer)}: ${trial.fault}`, seconds };
    for (const [cell, count] of before.cells) if (count > 0) soundCells.add(cell);
    for (const [cell, count] of trial.cells) if (count > 0) cells.add(cell);
  }
  const missed = [...soundCells].filter((cell) => !cells.has(cell));
  const isNoticed = missed.length > 0;
  const killedBy = isNoticed ? `simulation, ${seeds} seeds: never ${missed.join(', ')}` : undefined;
  return { mutant, killedBy, seconds };
}

async function runAll(wanted: readonly Mutant[], jobs: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const waiting = [...wanted];
  const work = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const outcome = await outcomeOf(mutant);
      outcomes.push(outcome);
      process.stderr.write(
        `${outcome.killedBy === undefined ? 'SURVIVES' : 'killed'} ${line(outcome)}\n`,
      );
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return wanted.flatMap((mutant) => outcomes.filter((outcome) => outcome.mutant === mutant));
}

function line({ mutant, killedBy = 'SURVIVES', seconds }: Outcome): string {
  return `${mutant.name.padEnd(30)} ${seconds.toFixed(1).padStart(6)} s  ${killedBy}`;
}

const wanted = positionals.length === 0 ? mutants : positionals.map(mutantNamed);
const outcomes = await runAll(wanted, Number(values.jobs));
const survivors = outcomes.filter(({ killedBy }) => killedBy === undefined);
process.stdout.write(`${outcomes.map(line).join('\n')}\n\n`);
for (const [name, trial] of sound) {
  const { fault } = await trial;
  if (fault !== undefined)
    process.stdout.write(`left out: ${name} fails without a mutant: ${fault}\n`);
}
process.stdout.write(
  `${outcomes.length - survivors.length} of ${outcomes.length} mutants are killed\n`,
);
for (const { mutant } of survivors)
  process.stdout.write(`survives: ${mutant.name} (${mutant.file}): ${mutant.what}\n`);
process.exitCode = survivors.length > 0 ? 1 : 0;
