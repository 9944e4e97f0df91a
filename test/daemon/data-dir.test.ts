import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t, { type Test } from 'tap';
import { DataDir } from '../../src/daemon/data-dir.ts';
import type { RunFile } from '../../src/daemon/data-dir.ts';

const runFile: RunFile = {
  pid: 4711,
  peerId: '12D3KooW',
  name: 'node-1',
  cluster: 'default',
  listen: ['/ip4/127.0.0.1/tcp/7001'],
  grpc: ['127.0.0.1:7002', 'unix:/tmp/disco.sock'],
  http: '127.0.0.1:7003',
  dns: 'off',
  startedAt: '2025-06-15T12:00:00.000Z',
};

function newPath(t: Test): string {
  return join(t.testdir(), 'state', 'disco');
}

const inUse = (path: string, holder: string) => ({
  code: 'FAILED_PRECONDITION',
  reason: 'DATA_DIR_IN_USE',
  message: `the data dir ${path} is in use by ${holder}: stop that one, or give another --data-dir`,
});

/** Another process that holds a data dir until it is killed. */
async function holder(t: Test, path: string) {
  const source = new URL('../../src/daemon/data-dir.ts', import.meta.url).href;
  const code = `
    const { DataDir } = await import('${source}');
    globalThis.held = new DataDir(process.env.DIR);
    console.log('held');
    setInterval(() => undefined, 60_000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    env: { ...process.env, DIR: path },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  await once(createInterface(child.stdout), 'line');
  return child;
}

t.test('a data dir is made when there is none, for its user alone', (t) => {
  const path = newPath(t);
  const dir = new DataDir(path);
  t.equal(fs.statSync(path).mode & 0o777, 0o700);
  t.equal(dir.path, path);
  t.equal(dir.database, join(path, 'disco.sqlite'));
  dir.close();
  t.end();
});

t.test('a data dir in use is refused with the pid that holds it, in the same process too', (t) => {
  const path = newPath(t);
  const first = new DataDir(path);
  t.throws(() => new DataDir(path), inUse(path, `the daemon with pid ${process.pid}`));
  first.close();
  const second = new DataDir(path);
  second.close();
  t.end();
});

t.test('a data dir that another process holds is free at once after kill -9 of it', async (t) => {
  const path = newPath(t);
  const child = await holder(t, path);
  t.throws(() => new DataDir(path), inUse(path, `the daemon with pid ${child.pid}`));
  child.kill('SIGKILL');
  await once(child, 'exit');
  t.equal(fs.readFileSync(join(path, 'lock.pid'), 'utf8'), `${child.pid}\n`, 'what it left');
  const dir = new DataDir(path);
  t.equal(fs.readFileSync(join(path, 'lock.pid'), 'utf8'), `${process.pid}\n`);
  dir.close();
});

t.test('a holder whose pid nobody can read is another daemon', (t) => {
  const path = newPath(t);
  const dir = new DataDir(path);
  fs.writeFileSync(join(path, 'lock.pid'), 'x');
  t.throws(() => new DataDir(path), inUse(path, 'another daemon'));
  fs.unlinkSync(join(path, 'lock.pid'));
  t.throws(() => new DataDir(path), inUse(path, 'another daemon'));
  dir.close();
  t.end();
});

t.test('a lock file that is none says so, instead of naming a daemon that does not exist', (t) => {
  const path = t.testdir({ lock: 'garbage '.repeat(1_000), 'lock.pid': '4711' });
  fs.chmodSync(path, 0o700);
  const error = {
    code: 'FAILED_PRECONDITION',
    reason: 'DISK',
    message: `the lock ${join(path, 'lock')} cannot be taken (file is not a database): move it aside, it holds nothing, or give another --data-dir`,
  };
  t.throws(() => new DataDir(path), error);
  fs.unlinkSync(join(path, 'lock'));
  fs.mkdirSync(join(path, 'lock'));
  t.throws(() => new DataDir(path), {
    code: 'FAILED_PRECONDITION',
    reason: 'DISK',
    message: /^the lock \S+ cannot be taken \(.+\): see that it is a file that this user can write/,
  });
  t.end();
});

t.test('a folder that takes no file is told, and the lock given back', (t) => {
  const path = t.testdir({ 'lock.pid': {} });
  fs.chmodSync(path, 0o700);
  t.throws(() => new DataDir(path), {
    code: 'FAILED_PRECONDITION',
    reason: 'DISK',
    message: new RegExp(
      `^the data dir ${path} cannot be written \\(EISDIR.*\\): see that this user may and that the disk has room, or give another --data-dir$`,
    ),
  });
  fs.rmdirSync(join(path, 'lock.pid'));
  new DataDir(path).close();
  t.end();
});

t.test('a run file that cannot be taken away keeps nobody from the lock', (t) => {
  const path = newPath(t);
  const dir = new DataDir(path);
  fs.mkdirSync(join(path, 'daemon.json'));
  dir.close();
  fs.rmdirSync(join(path, 'daemon.json'));
  new DataDir(path).close();
  t.end();
});

t.test('the run file is written whole, and goes when the dir is closed', (t) => {
  const path = newPath(t);
  const file = join(path, 'daemon.json');
  const dir = new DataDir(path);
  t.notOk(fs.existsSync(file), 'not before the daemon is ready');
  dir.writeRunFile(runFile);
  t.strictSame(JSON.parse(fs.readFileSync(file, 'utf8')), runFile);
  t.ok(fs.readFileSync(file, 'utf8').endsWith('}\n'));
  dir.writeRunFile({ ...runFile, name: 'again' });
  t.match(JSON.parse(fs.readFileSync(file, 'utf8')), { name: 'again' });
  dir.close();
  t.strictSame(fs.readdirSync(path), ['lock'], 'nothing that could mislead stays');
  t.end();
});

t.test('what a killed daemon said of itself is taken away by the next', async (t) => {
  const path = newPath(t);
  const child = await holder(t, path);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const file = join(path, 'daemon.json');
  fs.writeFileSync(file, JSON.stringify(runFile));
  const dir = new DataDir(path);
  t.notOk(fs.existsSync(file));
  dir.close();
});

t.test('one that is refused leaves the run file of the one that lives', (t) => {
  const path = newPath(t);
  const dir = new DataDir(path);
  dir.writeRunFile(runFile);
  t.throws(() => new DataDir(path), inUse(path, `the daemon with pid ${process.pid}`));
  t.strictSame(JSON.parse(fs.readFileSync(join(path, 'daemon.json'), 'utf8')), runFile);
  dir.close();
  t.end();
});

t.test('a folder that others can write is refused before it is locked', (t) => {
  const path = t.testdir();
  fs.chmodSync(path, 0o770);
  t.throws(() => new DataDir(path), {
    code: 'FAILED_PRECONDITION',
    reason: 'INSECURE_PERMISSIONS',
    message: `${path} can be written by others (mode 0770): run chmod go-w ${path}`,
  });
  t.strictSame(fs.readdirSync(path), []);
  t.end();
});

t.test('a path that cannot be a folder is refused with the flag', (t) => {
  const path = join(t.testdir({ file: '' }), 'file', 'disco');
  t.throws(() => new DataDir(path), {
    code: 'FAILED_PRECONDITION',
    reason: 'DISK',
    message: new RegExp(
      `^the data dir ${path} cannot be used \\(ENOTDIR.*\\): give one that this user can write with --data-dir$`,
    ),
  });
  t.end();
});

const noProc = fs.existsSync('/proc/self') ? false : 'there is no /proc here';

t.test(
  'a folder that can be made nowhere is refused, not tried for ever',
  { skip: noProc },
  (t) => {
    t.throws(() => new DataDir('/proc/disco/a'), {
      code: 'FAILED_PRECONDITION',
      reason: 'DISK',
      message: /^the data dir \/proc\/disco\/a cannot be used \(ENOENT.*--data-dir$/,
    });
    t.end();
  },
);
