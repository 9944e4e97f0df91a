/** The log writes to stderr, past whatever a test could put there: so another process does it. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Config } from '../../src/daemon/config.ts';

const source = new URL('../../src/daemon/logger.ts', import.meta.url).href;

interface Entry {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: object;
  readonly message: string;
}

interface Logged {
  readonly lines: string[];
  readonly stdout: string;
}

/** What the log writes of these entries. */
function written(
  config: Partial<Pick<Config, 'logLevel' | 'logFormat'>>,
  entries: readonly Entry[],
  isTerminal = false,
): Logged {
  const options = { logLevel: 'info', logFormat: 'json', name: 'node-1', ...config };
  const code = `
    const { createLog } = await import('${source}');
    const { options, isTerminal, entries } = JSON.parse(process.env.INPUT);
    const log = createLog(options, isTerminal);
    for (const { level, fields, message } of entries) log[level](fields, message);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
    encoding: 'utf8',
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, INPUT: JSON.stringify({ options, isTerminal, entries }) },
  });
  return { lines: stderr.split('\n').slice(0, -1), stdout };
}

const started: Entry = {
  level: 'info',
  fields: { listen: ['/ip4/127.0.0.1/tcp/7001'], error: 'none' },
  message: 'started',
};

/** What a foreign node may call itself. */
const hostile = 'x\n{"level":50}\r\u0085\u2028\u2029\u202e\u200f\u009b2J\u001b[2J\u{e0041}';
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

t.test('an entry is one line of JSON on stderr, with node, pid and time', (t) => {
  const { lines, stdout } = written({}, [started, { ...started, level: 'error' }]);
  t.equal(stdout, '');
  t.equal(lines.length, 2);
  const entry = JSON.parse(lines[0] ?? '') as { time: string };
  t.match(entry, {
    level: 30,
    node: 'node-1',
    pid: Number,
    listen: ['/ip4/127.0.0.1/tcp/7001'],
    msg: 'started',
  });
  t.match(entry.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  t.match(JSON.parse(lines[1] ?? ''), { level: 50 });
  t.end();
});

t.test('what is below the level is left out, and silent is silent', (t) => {
  const levels = ['debug', 'info', 'warn', 'error'] as const;
  const entries = levels.map((level) => ({ ...started, level, message: level }));
  for (const [logLevel, count] of [
    ['debug', 4],
    ['warn', 2],
    ['silent', 0],
  ] as const)
    t.equal(written({ logLevel }, entries).lines.length, count, logLevel);
  t.end();
});

t.test('whatever another node calls itself, an entry stays one line with nothing hidden', (t) => {
  const entry = { ...started, fields: { member: hostile, error: hostile } };
  for (const logFormat of ['json', 'pretty'] as const) {
    const { lines } = written({ logFormat }, [entry]);
    t.equal(lines.length, 1, logFormat);
    t.notMatch(lines[0], unsafe, logFormat);
  }
  const { lines } = written({}, [entry]);
  t.match(JSON.parse(lines[0] ?? ''), { member: hostile }, 'and JSON still says what it was');
  t.end();
});

t.test('auto is pretty on a terminal and JSON elsewhere', (t) => {
  const [terminal] = written({ logFormat: 'auto' }, [started], true).lines;
  t.match(terminal, /INFO.*started/);
  t.match(terminal, /\[\d\d:\d\d:\d\d\.\d{3}\]/);
  const [file] = written({ logFormat: 'auto' }, [started], false).lines;
  t.match(JSON.parse(file ?? ''), { msg: 'started' });
  t.end();
});

t.test('pretty off a terminal has no colour, and is one line an entry too', (t) => {
  const { lines } = written({ logFormat: 'pretty' }, [started]);
  t.equal(lines.length, 1);
  t.match(
    lines[0],
    /^\[[\d:.]+\] INFO: started \{"listen":\["\/ip4\/127\.0\.0\.1\/tcp\/7001"\],"error":"none"\}$/,
  );
  t.end();
});

t.test('an entry is bounded, whatever is put into it, and is still JSON', (t) => {
  const wide = Array.from({ length: 300 }, (_, index) => `${index}\n`.repeat(75));
  for (const logFormat of ['json', 'pretty'] as const) {
    const { lines } = written({ logFormat }, [
      { ...started, fields: { text: 'x'.repeat(9_000), wide } },
    ]);
    t.equal(lines.length, 1, logFormat);
    t.ok((lines[0]?.length ?? 0) < 60_000, logFormat);
  }
  t.end();
});

t.test('secrets are left out, by their name and by their look', (t) => {
  const pem = '-----BEGIN PRIVATE KEY-----\nMC4CAQAw\n-----END PRIVATE KEY-----\n';
  const fields = { token: 'abc', error: `cannot read ${pem}`, url: 'http://me:pass@host/x' };
  for (const logFormat of ['json', 'pretty'] as const) {
    const { lines } = written({ logFormat }, [{ ...started, fields }]);
    t.notMatch(lines[0], /abc|MC4CAQAw|pass@/, logFormat);
    t.match(lines[0], /\[redacted\]/, logFormat);
  }
  t.end();
});
