import { spawnSync } from 'node:child_process';
import { test } from 'tap';
import { systemClock } from '../../src/base/clock.ts';

test('the wall clock reads microseconds since the epoch', (t) => {
  const before = Date.now() * 1_000;
  const { wallMicros } = systemClock.now();
  t.ok(wallMicros >= before && wallMicros <= Date.now() * 1_000);
  t.end();
});

test('the monotonic clock never goes back', (t) => {
  const readings = Array.from({ length: 1_000 }, () => systemClock.now().monoMs);
  t.strictSame(
    readings,
    readings.toSorted((a, b) => a - b),
  );
  t.end();
});

test('a scheduled call comes once and not before its time', async (t) => {
  const start = systemClock.now().monoMs;
  let calls = 0;
  const keepAlive = setInterval(() => undefined, 1_000);
  t.teardown(() => clearInterval(keepAlive));
  await new Promise<void>((resolve) => {
    systemClock.schedule(20, () => {
      calls++;
      resolve();
    });
  });
  // A timer may fire up to a millisecond early, as its own clock is a whole number.
  t.ok(systemClock.now().monoMs - start >= 19);
  t.equal(calls, 1);
});

test('a cancelled call does not come', async (t) => {
  const called: string[] = [];
  const keepAlive = setInterval(() => undefined, 1_000);
  t.teardown(() => clearInterval(keepAlive));
  const cancel = systemClock.schedule(1, () => called.push('cancelled'));
  cancel();
  await new Promise<void>((resolve) => {
    systemClock.schedule(20, () => {
      called.push('kept');
      resolve();
    });
  });
  t.strictSame(called, ['kept']);
});

test('a scheduled call alone does not keep the process alive', (t) => {
  const clock = import.meta.resolve('../../src/base/clock.ts');
  const script = `import { systemClock } from '${clock}'; systemClock.schedule(60_000, () => {});`;
  const args = ['--input-type=module', '--eval', script];
  const { status } = spawnSync(process.execPath, args, { timeout: 30_000 });
  t.equal(status, 0);
  t.end();
});
