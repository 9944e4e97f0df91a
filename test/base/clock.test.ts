import { spawnSync } from 'node:child_process';
import { test } from 'tap';
import { AdjustableClock, systemClock } from '../../src/base/clock.ts';
import type { Clock } from '../../src/base/clock.ts';

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

/** A clock that is moved by hand. */
function handClock() {
  const time = { monoMs: 1_000, wallMicros: 5_000_000_000 };
  const clock: Clock = { now: () => ({ ...time }), schedule: () => () => undefined };
  const pass = (ms: number): void => {
    time.monoMs += ms;
    time.wallMicros += ms * 1000;
  };
  return { time, clock, pass, adjustable: new AdjustableClock(clock, 60_000) };
}

test('a step of the wall clock is swallowed, and a smaller move is followed', (t) => {
  const { time, adjustable, pass } = handClock();
  pass(10);
  time.wallMicros += 60_000_000;
  t.equal(adjustable.now().wallMicros, time.wallMicros, 'by the limit');
  const before = adjustable.now().wallMicros;
  pass(10);
  time.wallMicros += 60_001_000;
  t.strictSame(adjustable.now(), {
    monoMs: 1_020,
    wallMicros: before + 10_000,
    correctionMicros: -60_001_000,
  });
  time.wallMicros -= 60_001_000;
  t.equal(adjustable.now().correctionMicros, 0, 'and the way back undoes it');
  t.end();
});

test('a correction is replaced by the next', (t) => {
  const { time, adjustable } = handClock();
  adjustable.adjust(7_000);
  adjustable.adjust(-3_000);
  t.equal(adjustable.now().wallMicros, time.wallMicros - 3_000);
  t.end();
});

test('time goes on from a moment that has passed, unless the clock is about there', (t) => {
  const { time, adjustable } = handClock();
  adjustable.resumeFrom(time.wallMicros + 60_000_000);
  adjustable.resumeFrom(0);
  t.equal(adjustable.now().correctionMicros, 0);
  adjustable.resumeFrom(time.wallMicros + 60_000_001);
  t.equal(adjustable.now().wallMicros, time.wallMicros + 60_000_001);
  t.end();
});
