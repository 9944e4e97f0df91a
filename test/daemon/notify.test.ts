import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import t, { type Test } from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { notifySystemd } from '../../src/daemon/notify.ts';

/** Sets variables of the environment for one test; undefined takes one away. */
function setEnv(t: Test, change: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(change)) {
    const before = process.env[name];
    t.teardown(() => put(name, before));
    put(name, value);
  }
}

function put(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}

const childCount = (): number =>
  process.getActiveResourcesInfo().filter((kind) => kind === 'ProcessWrap').length;

/** A systemd-notify that writes its arguments into a pipe, which the test reads. */
function fakeNotify(t: Test): { path: string; pipe: string } {
  const dir = t.testdir();
  const pipe = join(dir, 'pipe');
  spawnSync('sh', ['-c', 'mkfifo "$0"', pipe]);
  const script = `#!/bin/sh\necho "$NOTIFY_SOCKET" "$@" > ${pipe}\n`;
  fs.writeFileSync(join(dir, 'systemd-notify'), script, { mode: 0o755 });
  return { path: `${dir}${delimiter}${process.env['PATH']}`, pipe };
}

t.test('systemd is told the state, and of which process it is', async (t) => {
  const { path, pipe } = fakeNotify(t);
  setEnv(t, { PATH: path, NOTIFY_SOCKET: '/run/notify' });
  const before = childCount();
  notifySystemd('READY=1', silentLog);
  t.equal(childCount(), before + 1);
  t.equal(await readFile(pipe, 'utf8'), `/run/notify --pid=${process.pid} READY=1\n`);
  notifySystemd('STOPPING=1', silentLog);
  t.equal(await readFile(pipe, 'utf8'), `/run/notify --pid=${process.pid} STOPPING=1\n`);
});

t.test('a systemd-notify that is missing is a warning and no more', async (t) => {
  setEnv(t, { PATH: t.testdir(), NOTIFY_SOCKET: '/run/notify' });
  const warned = Promise.withResolvers<[object, string]>();
  const warn = (fields: object, message: string): void => warned.resolve([fields, message]);
  notifySystemd('READY=1', { ...silentLog, warn });
  t.match(await warned.promise, [{ error: /ENOENT/ }, 'systemd-notify failed']);
});

t.test('without NOTIFY_SOCKET nothing is started', (t) => {
  setEnv(t, { PATH: fakeNotify(t).path, NOTIFY_SOCKET: undefined });
  const before = childCount();
  notifySystemd('READY=1', silentLog);
  t.equal(childCount(), before);
  t.end();
});
