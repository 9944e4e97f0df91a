import { spawnSync } from 'node:child_process';
import { test } from 'tap';
import { LogBook, logAreas, logLevels, silentLog, type Log } from '../../src/base/log.ts';

const levels: readonly Exclude<keyof Log, 'isDebug'>[] = ['debug', 'info', 'warn', 'error'];

test('the silent log has every level', (t) => {
  t.strictSame(Object.keys(silentLog), levels);
  t.end();
});

test('the silent log writes nothing', (t) => {
  const log = import.meta.resolve('../../src/base/log.ts');
  const calls = levels.map((level) => `silentLog.${level}({ peer: 'p' }, 'said');`).join('');
  const script = `import { silentLog } from '${log}'; ${calls}`;
  const args = ['--input-type=module', '--eval', script];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  t.strictSame({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
  t.end();
});

/** A log that keeps what it is given, as `level message` with the area before it. */
function recorder(): { lines: string[]; log: Log } {
  const lines: string[] = [];
  const write =
    (level: string) =>
    ({ area = '' }: { area?: string }, message: string): void =>
      void lines.push(`${area} ${level} ${message}`.trim());
  const [debug, info, warn, error] = levels.map(write) as [never, never, never, never];
  return { lines, log: { debug, info, warn, error } };
}

const sayAll = (log: Log): void => {
  for (const level of levels) log[level]({}, 'said');
};

test('an area writes what is at its level and above, and says who it is', (t) => {
  const { lines, log } = recorder();
  const book = new LogBook(log, 'warn');
  sayAll(book.area('gossip'));
  t.strictSame(lines, ['gossip warn said', 'gossip error said']);
  t.end();
});

test('a level is changed for one area while others keep theirs, and at once', (t) => {
  const { lines, log } = recorder();
  const book = new LogBook(log, 'error');
  const [gossip, api] = [book.area('gossip'), book.area('api')];
  book.set({ gossip: 'debug' });
  for (const each of [gossip, api, book]) sayAll(each);
  const all = levels.map((level) => `gossip ${level} said`);
  t.strictSame(lines, [...all, 'api error said', 'error said']);
  t.equal(book.levels.gossip, 'debug');
  t.equal(book.levels.api, 'error');
  t.end();
});

test('whether debug is written is told, as it is at that moment', (t) => {
  const { log } = recorder();
  const book = new LogBook(log, 'info');
  const gossip = book.area('gossip');
  t.equal(gossip.isDebug, false);
  book.set({ gossip: 'debug' });
  t.equal(gossip.isDebug, true);
  t.equal(book.area('api').isDebug, false);
  t.end();
});

test('a reset goes back to what it began with', (t) => {
  const { lines, log } = recorder();
  const book = new LogBook(log, 'info');
  const before = book.levels;
  book.set({ api: 'silent', daemon: 'debug' });
  sayAll(book.area('api'));
  t.strictSame(lines, []);
  book.reset();
  t.strictSame(book.levels, before);
  book.area('api').info({}, 'again');
  t.strictSame(lines, ['api info again']);
  t.end();
});

test('every level hides those before it, and silent hides all', (t) => {
  for (const [index, level] of logLevels.entries()) {
    const { lines, log } = recorder();
    sayAll(new LogBook(log, level));
    t.strictSame(
      lines,
      levels.slice(index).map((each) => `${each} said`),
      level,
    );
  }
  t.end();
});

test('a book over a book is that book, and over a bare log a new one', (t) => {
  const { log } = recorder();
  const book = new LogBook(log, 'info');
  t.equal(LogBook.over(book, 'error'), book);
  t.strictSame(Object.keys(LogBook.over(log, 'error').levels).toSorted(), [...logAreas].toSorted());
  t.end();
});
