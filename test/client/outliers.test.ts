import { test } from 'tap';
import { Outliers } from '../../src/client/outliers.ts';
import type { Target } from '../../src/client/target.ts';
import { targetsOf } from './fake-source.ts';
import { HandClock } from './hand-clock.ts';

function setUp(count: number) {
  const clock = new HandClock();
  const changes = { count: 0 };
  const outliers = new Outliers(clock, () => (changes.count += 1));
  const targets = targetsOf(count);
  const fail = (index: number, times: number): void => {
    for (let nth = 0; nth < times; nth++) outliers.failed(targets[index] as Target, targets);
  };
  const ejected = (): number[] =>
    targets.flatMap(({ ejected: isEjected }, index) => (isEjected ? [index] : []));
  return { clock, outliers, targets, fail, ejected, changes };
}

test('five failures in a row eject a target, for ten seconds', (t) => {
  const { clock, fail, ejected, changes } = setUp(2);
  fail(0, 4);
  t.strictSame(ejected(), []);
  t.equal(changes.count, 0);
  fail(0, 1);
  t.strictSame(ejected(), [0]);
  t.equal(changes.count, 1);
  clock.advance(9_999);
  t.strictSame(ejected(), [0]);
  clock.advance(1);
  t.strictSame(ejected(), []);
  t.equal(changes.count, 2);
  t.end();
});

test('a success in between starts the count anew', (t) => {
  const { outliers, targets, fail, ejected } = setUp(2);
  fail(0, 4);
  outliers.succeeded(targets[0] as Target);
  fail(0, 4);
  t.strictSame(ejected(), []);
  t.end();
});

test('who comes back and fails once is ejected again, ten seconds longer each time', (t) => {
  const { clock, fail, ejected } = setUp(2);
  fail(0, 5);
  const lasted: number[] = [];
  for (let round = 0; round < 32; round++) {
    lasted.push(clock.nextInMs ?? 0);
    clock.advance(clock.nextInMs ?? 0);
    t.strictSame(ejected(), []);
    fail(0, 1);
    t.strictSame(ejected(), [0]);
  }
  t.strictSame(lasted.slice(0, 3), [10_000, 20_000, 30_000]);
  t.strictSame(lasted.slice(-3), [300_000, 300_000, 300_000], 'five minutes at most');
  t.end();
});

test('one success after coming back ends the probation', (t) => {
  const { clock, outliers, targets, fail, ejected } = setUp(2);
  fail(0, 5);
  clock.advance(10_000);
  outliers.succeeded(targets[0] as Target);
  fail(0, 4);
  t.strictSame(ejected(), []);
  t.end();
});

test('ten seconds without an ejection are forgiven', (t) => {
  const { clock, fail } = setUp(2);
  fail(0, 5);
  clock.advance(10_000);
  fail(0, 1);
  clock.advance(20_000);
  clock.advance(10_000);
  fail(0, 1);
  t.equal(clock.nextInMs, 20_000, 'two of ten, and not three');
  clock.advance(20_000);
  clock.advance(1_000_000);
  fail(0, 1);
  t.equal(clock.nextInMs, 10_000, 'and after long enough it is as the first time');
  t.end();
});

for (const [count, most] of [
  [1, 0],
  [2, 1],
  [3, 1],
  [4, 2],
  [9, 4],
] as const) {
  test(`of ${count} targets ${most} are ejected at most`, (t) => {
    const { fail, ejected, targets } = setUp(count);
    for (const index of targets.keys()) fail(index, 10);
    t.equal(ejected().length, most);
    t.end();
  });
}

test('those that cannot be picked anyway make no room', (t) => {
  const { fail, ejected, targets } = setUp(4);
  for (const target of targets.slice(1)) {
    target.instance = { ...target.instance, health: 'critical' };
  }
  fail(0, 10);
  t.strictSame(ejected(), []);
  t.end();
});

test('who is forgotten has no past, and nothing is waited for', (t) => {
  const { clock, outliers, targets, fail } = setUp(2);
  fail(0, 5);
  outliers.forget(targets[0] as Target);
  t.equal(clock.nextInMs, undefined);
  t.end();
});

test('a call that fails when its target is gone ejects nobody', (t) => {
  const { outliers, ejected, targets } = setUp(4);
  const gone = targetsOf(1)[0] as Target;
  for (let nth = 0; nth < 9; nth++) outliers.failed(gone, targets);
  t.notOk(gone.ejected);
  t.strictSame(ejected(), []);
  t.end();
});
