/**
 * Simulations with random faults for as long as there is time, one random seed after the other.
 *
 *   npm run sim:campaign -- --hours 1 [--from 1000] [--workers 2] [--ledger bench/sim-ledger.md]
 *
 * What comes of it is appended to the ledger, a line for each ten minutes and each finding; it goes
 * on after a finding, and fails in the end.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Tally } from '../src/sim/campaign.ts';
import { runSeeds } from '../src/sim/campaign-run.ts';
import { commandOf } from '../src/sim/command.ts';

const chapterMs = 600_000;
const { values } = parseArgs({
  options: {
    hours: { type: 'string', default: '1' },
    from: { type: 'string' },
    workers: { type: 'string', default: String(availableParallelism()) },
    ledger: { type: 'string', default: 'bench/sim-ledger.md' },
  },
});
const { ledger } = values;
const endMs = Date.now() + Number(values.hours) * 3_600_000;
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();

const heading = `# Ledger of simulation campaigns

Each row: random seeds of \`campaignOptions\` (src/sim/campaign.ts) that were run at a commit. A
finding stands below its row, with the command that plays it again.

| date | commit | random seeds | runs | nodes | virtual hours | steps | steps/s | failed | never reached |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
`;
if (!existsSync(ledger)) appendFileSync(ledger, heading);

/** One above the largest that the ledger names. */
function nextSeed(): number {
  const ranges = [...readFileSync(ledger, 'utf8').matchAll(/\| \d+–(\d+) \|/g)];
  return 1 + Math.max(1_000, ...ranges.map(([, last]) => Number(last)));
}

function* seedsFrom(first: number): Generator<number> {
  for (let seed = first; ; seed++) yield seed;
}

const whole = new Tally();
let chapter = new Tally();
let first = values.from === undefined ? nextSeed() : Number(values.from);
let last = first;
let startedMs = Date.now();

function write(): void {
  const hours = (chapter.virtualMs / 3_600_000).toFixed(1);
  const rate = Math.round((chapter.events * 1_000) / (Date.now() - startedMs));
  const missed = chapter.missed.join('; ') || 'none';
  const figures = [chapter.runs, chapter.nodes, hours, chapter.events, rate, chapter.failed.length];
  const day = new Date().toISOString().slice(0, 10);
  appendFileSync(
    ledger,
    `| ${[day, commit, `${first}–${last}`, ...figures, missed].join(' | ')} |\n`,
  );
  for (const { options, violations } of chapter.failed) {
    const finding = `${violations[0]?.checker}: ${violations[0]?.sentence.split('\n')[0]}`;
    console.log(`${finding}\n  ${commandOf(options)}`);
    appendFileSync(ledger, `\n- ${finding}\n\n      ${commandOf(options)}\n\n`);
  }
  console.log(`${first}–${last}: ${chapter.runs} runs, ${hours} virtual hours, ${rate} steps/s`);
  [chapter, first, startedMs] = [new Tally(), last + 1, Date.now()];
}

await runSeeds(seedsFrom(first), Number(values.workers), (result) => {
  whole.add(result);
  chapter.add(result);
  last = Math.max(last, result.options.randomSeed);
  if (Date.now() - startedMs >= chapterMs) write();
  return Date.now() < endMs;
});
if (chapter.runs > 0) write();
if (whole.missed.length > 0) console.log(`never reached: ${whole.missed.join('; ')}`);
process.exitCode = whole.failed.length > 0 || whole.missed.length > 0 ? 1 : 0;
