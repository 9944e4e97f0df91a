/** The unit: what systemd says of it, and what a daemon needs of it. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const unit = fileURLToPath(new URL('../../examples/systemd/disco.service', import.meta.url));
const text = readFileSync(unit, 'utf8');

/** As `systemd-analyze security` counts: 0 is confined, 10 is not; OK is below 5. */
const exposureMax = 1.6;

const settings = text
  .split('\n')
  .filter((line) => /^\w+=/.test(line))
  .map((line) => line.split(/=(.*)/s) as [string, string]);
const valuesOf = (name: string): string[] =>
  settings.filter(([each]) => each === name).map(([, value]) => value);

function analyze(...args: string[]): string | undefined {
  const { error, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
  return error === undefined ? stdout + stderr : undefined;
}

t.test('the daemon is told when it is ready, watched, and reads its files again', (t) => {
  t.strictSame(valuesOf('Type'), ['notify']);
  t.strictSame(valuesOf('NotifyAccess'), ['all'], 'systemd-notify is a process of its own');
  t.ok(Number(valuesOf('WatchdogSec')[0]) >= 10);
  t.match(valuesOf('ExecReload')[0], /-HUP \$MAINPID$/);
  t.match(valuesOf('RestartPreventExitStatus')[0], /^2 5$/);
  t.end();
});

t.test('nothing is forbidden that Node.js needs', (t) => {
  t.strictSame(valuesOf('MemoryDenyWriteExecute'), [], 'V8 writes machine code and runs it');
  const families = valuesOf('RestrictAddressFamilies')[0]?.split(' ') ?? [];
  for (const family of ['AF_INET', 'AF_INET6', 'AF_UNIX', 'AF_NETLINK'])
    t.ok(families.includes(family), family);
  t.end();
});

t.test('the data dir is the folder that systemd makes for it', (t) => {
  const [state] = valuesOf('StateDirectory');
  t.match(valuesOf('Environment')[0], new RegExp(`DISCO_DATA_DIR=/var/lib/${state}\\b`));
  t.strictSame(valuesOf('StateDirectoryMode'), ['0700']);
  t.end();
});

t.test('systemd finds no mistake in it', (t) => {
  const said = analyze('verify', unit);
  if (said === undefined) t.comment('not tried: there is no systemd-analyze here');
  else
    t.strictSame(
      said.split('\n').filter((line) => line.includes('disco.service')),
      [],
    );
  t.end();
});

t.test(`its exposure, as systemd counts it, is at most ${exposureMax}`, (t) => {
  const said = analyze('security', '--offline=yes', '--no-pager', unit);
  if (said === undefined) t.comment('not tried: there is no systemd-analyze here');
  else {
    const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(said)?.[1]);
    t.ok(exposure <= exposureMax, `it is ${exposure}`);
  }
  t.end();
});
