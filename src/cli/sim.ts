/**
 * `disco sim`: many daemons in virtual time on a network that fails, in one process and without a
 * daemon. The options come from the table in sim/command.ts; this is what a terminal adds to it.
 */
import { setImmediate } from 'node:timers/promises';
import type { Command } from 'commander';
import { accessSync, constants, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { errorText } from '../base/error.ts';
import { commandOf, defaultOptions, optionsOf, simFlags } from '../sim/command.ts';
import type { GivenFlag } from '../sim/command.ts';
import { faultForms, placeholderOf } from '../sim/fault-text.ts';
import { parseCount } from '../sim/quantity.ts';
import type { Sample, SimOptions, SimResult } from '../sim/run.ts';
import { CliError } from './exit.ts';
import { ranWithMoreHeap } from './more-heap.ts';
import { note, paint, print, printOne, sheet, table } from './output.ts';
import { globalOptions } from './session.ts';

const help = `
TIME is 500ms, 30s, 5m or 1h; SHARE is 0.05 or 5%.
Faults may be repeated. NODES is how many, chosen by the random seed, or which (n3,n7-n9), or some;
SHAPE is halves, thirds, one-way or flapping, and may name one side (halves:n1-n4). -UNTIL may be
left out where something is over at once, and what stands behind a colon where the usual will do.
The run is over at --duration, and all faults with it; then the nodes have to agree.

Examples:
  $ disco sim --nodes 200 --loss 0.05 --partition halves@10s-40s --random-seed 7
  $ disco sim --crash 3@20s-30s --clock-jump 2@30s:+10y --report run.html
  $ disco sim --nodes 32 --duration 5m --time-scale 720 --mass-restart some@1m-70s --shrink`;

const noticeAfterMs = 1_000;
/** Between two lines of progress, on a terminal and elsewhere. */
const redrawMs = { terminal: 100, file: 10_000 };
/** What a simulated node takes for a minute or two, with room to spare. */
const heapBytesPerNode = 1024 ** 2;
const shrinkRunsUsual = '200';
const shrinkRunsMax = 100_000;

interface SimFlags {
  readonly report?: string;
  readonly shrink?: string;
}

export function addSimVerb(program: Command): void {
  const given: GivenFlag[] = [];
  const command = program
    .command('sim')
    .description('many daemons in virtual time, on a network that fails')
    .addHelpText('after', help)
    .action(async (flags: SimFlags, verb: Command) => sim(optionsOf(given), flags, verb));
  const add = (flag: string, placeholder: string, text: string, preset?: string): void => {
    const [open, close] = preset === undefined ? ['<', '>'] : ['[', ']'];
    const value = placeholder === '' ? '' : ` ${open}${placeholder}${close}`;
    const option = command.createOption(`${flag}${value}`, text);
    command.addOption(option);
    // Kept in the order of the command line, which a map of flags does not know.
    command.on(`option:${option.name()}`, (text?: string | null) => {
      given.push([flag, text ?? preset ?? '']);
    });
  };
  for (const each of simFlags) {
    const usual =
      each.placeholder === '' ? '' : `; default: ${each.print(defaultOptions[each.key])}`;
    add(each.flag, each.placeholder.toLowerCase(), `${each.help}${usual}`, each.preset);
  }
  command.option('--report <file>', 'write a page with curves and a picture of one record');
  command.option('--shrink [runs]', 'cut a failing run down, within so many more');
  command.optionsGroup('Faults:');
  for (const form of faultForms) add(`--${form.kind}`, placeholderOf(form), form.help);
  command.optionsGroup('Everywhere:');
}

async function sim(options: SimOptions, flags: SimFlags, verb: Command): Promise<void> {
  const { output } = globalOptions(verb);
  const shrinkRuns = readShrink(flags);
  if (flags.report !== undefined) checkWritable(flags.report);
  if (await ranWithMoreHeap(options.nodes * heapBytesPerNode)) return;
  const { hasSucceeded } = await import('../sim/table.ts');
  const result = await runWithProgress(options);
  if (flags.report !== undefined) await writeReport(flags.report, result);
  if (output === 'table') await printResult(result);
  const isFailure = !hasSucceeded(result);
  if (isFailure) process.exitCode = 1;
  const smallest = isFailure && shrinkRuns > 0 ? await shrinkRun(result, shrinkRuns) : undefined;
  if (output !== 'table')
    printOne(output, { ...result, ...(smallest === undefined ? {} : { smallest }) }, String);
  else if (smallest !== undefined) print(`smallest: ${commandOf(smallest)}`);
  else if (!isFailure && shrinkRuns > 0) note('disco: nothing failed, so nothing is cut down');
  if (isFailure && output !== 'table') note(`disco: failed; again: ${commandOf(options)}`);
}

/** 0 when nothing is to be cut down. */
function readShrink({ shrink }: { readonly shrink?: string | true }): number {
  if (shrink === undefined) return 0;
  const runs = shrink === true ? shrinkRunsUsual : shrink;
  return parseCount(runs, `--shrink ${runs}`, 1, shrinkRunsMax);
}

/** Asked before a run that may take long. @throws CliError usage */
function checkWritable(file: string): void {
  const path = resolve(file);
  const folder = dirname(path);
  try {
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new CliError(2, `--report ${file}: cannot write in ${folder}: ${errorText(error)}`);
  }
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  if (isFolder) throw new CliError(2, `--report ${file}: that is a folder: name a file in it`);
}

async function writeReport(file: string, result: SimResult): Promise<void> {
  const { reportPage } = await import('../sim/page.ts');
  try {
    writeFileSync(file, reportPage(result));
  } catch (error) {
    note(`disco: --report ${file}: ${errorText(error)}`);
    process.exitCode = 1;
    return;
  }
  note(`disco: wrote ${file}`);
}

/** One line on stderr: redrawn on a terminal, now and then elsewhere, none for a short run. */
async function runWithProgress(options: SimOptions): Promise<SimResult> {
  const [{ simulate }, { progressText }] = await Promise.all([
    import('../sim/simulate.ts'),
    import('../sim/table.ts'),
  ]);
  const { isTTY } = process.stderr;
  const startedMs = performance.now();
  let nextMs = startedMs + noticeAfterMs;
  let isDrawn = false;
  const onSample = async (sample: Sample): Promise<void> => {
    // So that Ctrl-C is heard, whoever listens to it.
    await setImmediate();
    const nowMs = performance.now();
    if (nowMs < nextMs) return;
    nextMs = nowMs + (isTTY ? redrawMs.terminal : redrawMs.file);
    const text = progressText(sample, options, nowMs - startedMs);
    if (isTTY) process.stderr.write(`\r\u001b[K${text}`);
    else note(`disco: ${text}`);
    isDrawn = true;
  };
  try {
    return await simulate(options, onSample);
  } finally {
    if (isTTY && isDrawn) process.stderr.write('\r\u001b[K');
  }
}

async function printResult(result: SimResult): Promise<void> {
  const view = await import('../sim/table.ts');
  const reach = view.reachCells(result.spreads);
  const states = view.reachedCells(result);
  print(sheet(view.summaryRows(result)));
  if (reach.rows.length > 0) print(`\n${table(reach.header, reach.rows)}`);
  if (states.rows.length > 0) print(`\n${table(states.header, states.rows)}`);
  const hasSucceeded = view.hasSucceeded(result);
  print(`\n${hasSucceeded ? paint('green', 'passed') : paint('red', 'failed')}`);
  for (const line of view.violationLines(result)) print(line);
}

async function shrinkRun(failed: SimResult, runsMax: number): Promise<SimOptions> {
  const [{ failsLike, shrink }, { simulate }] = await Promise.all([
    import('../sim/shrink.ts'),
    import('../sim/simulate.ts'),
  ]);
  const isAlike = failsLike(failed);
  const { options, runs, isComplete } = await shrink(failed.options, {
    runsMax,
    fails: async (smaller) => isAlike(await simulate(smaller)),
    onSmaller: (smaller, runs) => note(`disco: after ${runs} runs: ${commandOf(smaller)}`),
  });
  const end = isComplete ? 'nothing more can be cut' : `stopped at --shrink ${runsMax}`;
  note(`disco: ${runs} runs: ${end}`);
  return options;
}
