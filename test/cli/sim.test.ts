/** sim: small runs through the real program, what it prints, and what it refuses. */
import fc from 'fast-check';
import { Command } from 'commander';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { addSimVerb } from '../../src/cli/sim.ts';
import { commandOf, optionsOf } from '../../src/sim/command.ts';
import type { GivenFlag } from '../../src/sim/command.ts';
import { faultForms } from '../../src/sim/fault-text.ts';
import type { SimResult } from '../../src/sim/run.ts';
import { anyOptions } from '../sim/result-fixtures.ts';
import { disco, newFolder, Run } from './fixture.ts';

const tiny = ['--nodes', '5', '--duration', '2s', '--changes-per-minute', '60'];
const run = (t: Test, ...args: string[]) => disco(t, ['sim', ...args]);

t.test('a run that goes well ends with 0, and says what it was', async (t) => {
  const faults = ['--partition', 'halves@500ms-1s', '--crash', '1@1s-1500ms', '--duplicate'];
  const { code, stdout, stderr } = await run(t, ...tiny, ...faults, '--random-seed', '7');
  t.strictSame({ code, stderr }, { code: 0, stderr: '' });
  t.match(stdout, /^nodes {9}5, 5 of them up at the end$/m);
  t.match(stdout, /^network {7}25 ms ±20 % one way, 5 % twice$/m);
  t.match(stdout, /^faults {8}partition halves@500ms-1s, crash 1@1s-1500ms$/m);
  t.match(stdout, /^converged {5}yes, /m);
  t.match(stdout, /^violations {4}none$/m);
  t.match(stdout, /^REACHED {9}P50 +P99 +MAX +ROUNDS AT P99 +NEVER\n50 % of nodes {3}\d+/m);
  t.match(stdout, /^100 % of nodes {2}/m);
  t.match(stdout, /\n\npassed\n$/);
});

t.test('json is one document, whose trace is the same again', async (t) => {
  const [once, again, other, line] = await Promise.all([
    run(t, ...tiny, '-o', 'json'),
    run(t, ...tiny, '-o', 'json'),
    run(t, ...tiny, '--random-seed', '2', '-o', 'json'),
    run(t, ...tiny, '-o', 'ndjson'),
  ]);
  const hashes = [once, again, other, line].map(({ stdout }) => {
    return (JSON.parse(stdout) as SimResult).traceHash;
  });
  t.equal(hashes[1], hashes[0]);
  t.not(hashes[2], hashes[0]);
  t.equal(hashes[3], hashes[0]);
  t.equal(line.stdout.trimEnd().split('\n').length, 1);
  const result = JSON.parse(once.stdout) as SimResult;
  t.match(result, { isConverged: true, violations: [], options: { nodes: 5, durationMs: 2_000 } });
  t.equal(result.samples.length, 2);
});

t.test('a run that fails ends with 1, and tells how it is played again', async (t) => {
  const lossy = [...tiny, '--loss', '1'];
  const command =
    'disco sim --nodes 5 --duration 2s --random-seed 1 --loss 1 --changes-per-minute 60';
  const [table, json] = await Promise.all([run(t, ...lossy), run(t, ...lossy, '-o', 'json')]);
  t.equal(table.code, 1);
  t.match(table.stderr, /^(disco: .* agree, .*\n)*$/, 'how far it is, when it takes a while');
  t.match(table.stdout, /^converged {5}no$/m);
  t.ok(table.stdout.endsWith(`again: ${command}\n`), table.stdout);
  t.equal(json.code, 1);
  t.ok(json.stderr.endsWith(`disco: failed; again: ${command}\n`), json.stderr);
  t.match(JSON.parse(json.stdout), { isConverged: false });
});

t.test('a failing run is cut down when asked for', async (t) => {
  const args = [...tiny, '--loss', '1', '--crash', '1@1s-1500ms', '--shrink', '12'];
  const [table, json] = await Promise.all([run(t, ...args), run(t, ...args, '-o', 'json')]);
  t.equal(table.code, 1);
  const smallest = /^smallest: (disco sim .*)$/m.exec(table.stdout)?.[1] ?? '';
  t.match(smallest, /--nodes 2 --duration 1s .*--loss 1/);
  t.notMatch(smallest, /--crash/);
  t.match(table.stderr, /^disco: after 1 runs: disco sim --nodes 5 /);
  t.match(table.stderr, /^disco: 12 runs: stopped at --shrink 12$/m);
  t.match(JSON.parse(json.stdout), { smallest: { nodes: 2, loss: 1, faults: [] } });
});

t.test('of a run that went well nothing is cut down', async (t) => {
  const { code, stderr } = await run(t, ...tiny, '--shrink');
  t.strictSame(
    { code, stderr },
    { code: 0, stderr: 'disco: nothing failed, so nothing is cut down\n' },
  );
});

t.test('the report is written, and is not asked for in vain', async (t) => {
  const folder = newFolder(t);
  const file = join(folder, 'run.html');
  const nowhere = join(folder, 'none', 'run.html');
  const [written, missing, isFolder] = await Promise.all([
    run(t, ...tiny, '--report', file),
    run(t, '--report', nowhere),
    run(t, '--report', folder),
  ]);
  t.match(written, { code: 0, stderr: `disco: wrote ${file}\n` });
  t.match(
    readFileSync(file, 'utf8'),
    /^<!DOCTYPE html>[^]*<pre>disco sim --nodes 5 [^]*<\/html>\n$/,
  );
  t.match(missing, { code: 2, stdout: '', stderr: /--report .*: cannot write in / });
  t.match(isFolder, { code: 2, stdout: '', stderr: /: that is a folder: name a file in it\n$/ });
  t.notOk(existsSync(nowhere));
});

t.test('what takes longer than a second says how far it is', async (t) => {
  const long = new Run(t, ['sim', '--nodes', '50', '--duration', '24h', '--crash', '3@10s-23h']);
  const text = await long.complained(/\n/);
  t.match(text, /^disco: [\d,]+ s of 86,400 s, \d+ nodes up, [\d.]+ % agree, [\d,]+ events\/s\n/);
  t.match(await long.stop(), { code: null, signal: 'SIGINT', stdout: '' });
});

t.test('bad input is wrong usage, and is told with what to write', async (t) => {
  const refused = [
    [['--loss', '1.5'], '--loss 1.5: write a number from 0 to 1, like 0.05 or 5%'],
    [['--crash', '9@1s', '--nodes', '5'], '--crash 9@1s: strikes 9 nodes of 5: raise --nodes'],
    [['--shrink', 'all'], '--shrink all: write a whole number from 1 to 100000'],
  ] as const;
  const ends = await Promise.all(refused.map(([args]) => run(t, ...args)));
  for (const [index, [, message]] of refused.entries())
    t.match(ends[index], { code: 2, stdout: '', stderr: `disco: ${message}\n` }, message);
});

t.test('it needs no daemon, and takes no address of one', async (t) => {
  const [help, addr] = await Promise.all([run(t, '--help'), run(t, '--addr', '127.0.0.1:1')]);
  t.match(addr, { code: 2, stderr: /^error: unknown option '--addr'/ });
  t.notMatch(help.stdout, /--addr|--data-dir/);
  for (const { kind } of faultForms)
    t.match(help.stdout, new RegExp(`^ {2}--${kind} <`, 'm'), kind);
});

/** What the verb hands on for a command line. */
function given(words: readonly string[]): GivenFlag[] {
  const flags: GivenFlag[] = [];
  const program = new Command().exitOverride();
  addSimVerb(program);
  const verb = program.commands[0] as Command;
  for (const option of verb.options)
    verb.on(`option:${option.name()}`, (text?: string | null) => {
      flags.push([option.long ?? '', text ?? '']);
    });
  verb.action(() => undefined);
  program.parse([...words], { from: 'user' });
  return flags;
}

t.test('the command that is printed for any run is read as the same run', (t) => {
  const property = fc.property(anyOptions(), (options) => {
    const words = commandOf(options).split(' ').slice(1);
    t.strictSame(optionsOf(given(words)), options);
  });
  fc.assert(property, { seed: 20_260_108, numRuns: 100 });
  t.end();
});
