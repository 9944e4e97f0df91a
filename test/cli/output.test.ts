import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import {
  age,
  collect,
  parseDuration,
  parsePairs,
  printList,
  printOne,
  sheet,
  table,
  visible,
} from '../../src/cli/output.ts';
import type { OutputForm } from '../../src/cli/output.ts';
import { cleanEnv, program, serveApi } from './fixture.ts';

/** What a synchronous `run` writes to stdout and to stderr. */
function written(t: Test, run: () => void): { stdout: string; stderr: string } {
  const texts = { stdout: '', stderr: '' };
  const taps = (['stdout', 'stderr'] as const).map((name) =>
    t.intercept(process[name], 'write', {
      value: (text: string) => {
        texts[name] += text;
        return true;
      },
    }),
  );
  run();
  for (const tap of taps) tap.restore();
  return texts;
}

t.test('columns are aligned, and nothing trails behind the last', (t) => {
  t.equal(
    table(
      ['NODE', 'STATE', 'NOTE'],
      [
        ['node-1', 'alive', ''],
        ['b', 'suspect', 'x'],
      ],
    ),
    ['NODE    STATE    NOTE', 'node-1  alive', 'b       suspect  x'].join('\n'),
  );
  t.equal(table(['A', 'B'], []), 'A  B');
  t.end();
});

t.test('every row of a table stays one line, and every column begins at one place', (t) => {
  const cell = fc.string({ unit: 'binary', maxLength: 8 });
  const property = fc.property(fc.array(fc.tuple(cell, cell, fc.constant('|'))), (rows) => {
    const lines = table(['a', 'b', 'c'], rows).split('\n');
    t.equal(lines.length, rows.length + 1);
    const places = new Set(lines.slice(1).map((line) => line.lastIndexOf('|')));
    t.ok(places.size <= 1);
  });
  fc.assert(property, { seed: 20_250_603, numRuns: 100 });
  t.end();
});

t.test('a sheet is a line for each pair, whatever others wrote into it', (t) => {
  t.equal(
    sheet([
      ['node', 'x\nlevel=error'],
      ['cluster', 'default'],
    ]),
    'node     x\ufffdlevel=error\ncluster  default',
  );
  t.end();
});

t.test('what would move the cursor or turn the text around is shown as a replacement', (t) => {
  t.equal(
    visible('a\u001b[2J\u009b2J\u202eb\u2028c\u0000'),
    'a\ufffd[2J\ufffd2J\ufffdb\ufffdc\ufffd',
  );
  t.equal(visible('ünïcode 🚀'), 'ünïcode 🚀');
  t.end();
});

t.test('a list: a table, one document, or a line for each item', (t) => {
  const items = [{ a: 1 }, { a: 2 }];
  const shown = (form: OutputForm, list: readonly object[]) =>
    written(t, () => printList(form, { items: list }, list, () => 'A TABLE', 'disco: nothing'));
  t.strictSame(shown('table', items), { stdout: 'A TABLE\n', stderr: '' });
  t.strictSame(shown('ndjson', items), { stdout: '{"a":1}\n{"a":2}\n', stderr: '' });
  t.strictSame(JSON.parse(shown('json', items).stdout), { items });
  t.strictSame(shown('table', []), { stdout: '', stderr: 'disco: nothing\n' });
  t.strictSame(shown('ndjson', []), { stdout: '', stderr: '' });
  t.strictSame(JSON.parse(shown('json', []).stdout), { items: [] });
  t.end();
});

t.test('one thing: a text, one document, or one line', (t) => {
  const shown = (form: OutputForm) => written(t, () => printOne(form, { a: 1 }, () => 'a is 1'));
  t.strictSame(shown('table'), { stdout: 'a is 1\n', stderr: '' });
  t.strictSame(shown('json'), { stdout: '{\n  "a": 1\n}\n', stderr: '' });
  t.strictSame(shown('ndjson'), { stdout: '{"a":1}\n', stderr: '' });
  t.end();
});

t.test('an age is short, and never below zero', (t) => {
  const nowMs = 1_750_000_000_000;
  const ageOf = (seconds: number): string => age((nowMs - seconds * 1_000) * 1_000, nowMs);
  t.strictSame([-5, 0, 119, 120, 7_199, 7_200, 172_799, 172_800].map(ageOf), [
    '0s',
    '0s',
    '119s',
    '2m',
    '120m',
    '2h',
    '48h',
    '2d',
  ]);
  t.end();
});

t.test('a duration is a number with a unit; bare milliseconds will do', (t) => {
  t.strictSame(
    ['500ms', '30s', '5m', '1h', '1.5s', '0', '250'].map(parseDuration),
    [500, 30_000, 300_000, 3_600_000, 1_500, 0, 250],
  );
  for (const text of ['', 's', '-1s', '1d', '1 s', 'soon'])
    t.throws(
      () => parseDuration(text),
      { exitCode: 2, message: `"${text}" is no duration: write 500ms, 30s, 5m or 1h` },
      text,
    );
  t.end();
});

t.test('pairs are cut at the first equals sign', (t) => {
  t.strictSame(parsePairs('--meta', ['a=1', 'b=x=y', 'c=']), { a: '1', b: 'x=y', c: '' });
  for (const pair of ['a', '=1', ''])
    t.throws(
      () => parsePairs('--meta', [pair]),
      { exitCode: 2, message: `--meta ${pair}: write --meta key=value` },
      pair,
    );
  const proto = parsePairs('--meta', ['__proto__=x']);
  t.strictSame(Object.keys(proto), ['__proto__'], 'nothing is lost on the way to the daemon');
  t.end();
});

t.test('an option that is repeated gathers its values', (t) => {
  t.strictSame(collect('b', collect('a')), ['a', 'b']);
  t.end();
});

const script = '/usr/bin/script';
const noTerminal = existsSync(script) ? false : 'needs script(1) of util-linux';

t.test('colour is for terminals, and NO_COLOR takes it away', { skip: noTerminal }, async (t) => {
  const { address, node, run } = await serveApi(t);
  await node.service.register({ group: 'math', name: 'add', port: 5001 });
  const onTerminal = async (env: NodeJS.ProcessEnv): Promise<string> => {
    const command = `"${process.execPath}" "${program}" list`;
    const child = spawn(script, ['-qec', command, '/dev/null'], {
      env: cleanEnv({ DISCO_ADDR: address, TERM: 'xterm', ...env }),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return (await child.stdout.toArray()).join('');
  };
  t.match(await onTerminal({}), '\u001b[32mpassing\u001b');
  t.notOk((await onTerminal({ NO_COLOR: '1' })).includes('\u001b'));
  t.notOk((await run('list')).stdout.includes('\u001b'), 'a pipe');
});
