import t from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import { VirtualClock } from '../../src/base/virtual-clock.ts';

t.test('time stands still until it is moved, and both clocks move together', (t) => {
  const clock = new VirtualClock(5_000_000);
  t.strictSame(clock.now(), { monoMs: 0, wallMicros: 5_000_000 });
  clock.advance(1.5);
  t.strictSame(clock.now(), { monoMs: 1.5, wallMicros: 5_001_500 });
  t.end();
});

t.test('the wall clock always reads whole microseconds', (t) => {
  const clock = new VirtualClock();
  for (let i = 0; i < 50; i++) {
    clock.advance(0.1234567);
    t.ok(Number.isSafeInteger(clock.now().wallMicros));
  }
  t.end();
});

t.test('calls come in the order of their time, then of their scheduling', (t) => {
  const clock = new VirtualClock();
  const calls: string[] = [];
  const note = (name: string) => () => calls.push(`${name}@${clock.now().monoMs}`);
  clock.schedule(20, note('late'));
  clock.schedule(10, note('first'));
  clock.schedule(10, note('second'));
  clock.schedule(-5, note('past'));
  t.equal(clock.advance(20), 4);
  t.strictSame(calls, ['past@0', 'first@10', 'second@10', 'late@20']);
  t.end();
});

t.test('what is due later waits, and what was cancelled never comes', (t) => {
  const clock = new VirtualClock();
  const calls: string[] = [];
  clock.schedule(11, () => calls.push('later'));
  const cancel = clock.schedule(5, () => calls.push('cancelled'));
  cancel();
  cancel();
  t.equal(clock.advance(10), 0);
  t.strictSame(calls, []);
  t.equal(clock.advance(1), 1);
  t.strictSame(calls, ['later']);
  t.end();
});

t.test('a call may schedule another within the same stretch of time, or cancel one', (t) => {
  const clock = new VirtualClock();
  const calls: number[] = [];
  const again = (): void => {
    calls.push(clock.now().monoMs);
    clock.schedule(3, again);
  };
  clock.schedule(3, again);
  const cancel = clock.schedule(6, () => calls.push(NaN));
  clock.schedule(5, cancel);
  t.equal(clock.advance(10), 4);
  t.strictSame(calls, [3, 6, 9]);
  t.equal(clock.now().monoMs, 10);
  t.end();
});

t.test('thousands of calls at random times come sorted', (t) => {
  const clock = new VirtualClock();
  const random = seededRandom(4);
  const delays = Array.from({ length: 5_000 }, () => random.int(1_000));
  const seen: [number, number][] = [];
  for (const [order, delay] of delays.entries())
    clock.schedule(delay, () => seen.push([delay, order]));
  t.equal(clock.advance(1_000), 5_000);
  t.strictSame(
    seen,
    seen.toSorted(([a, i], [b, j]) => a - b || i - j),
  );
  t.end();
});

t.test('time never goes back, even when a call moves the clock itself', (t) => {
  const clock = new VirtualClock();
  clock.schedule(1, () => clock.advance(100));
  clock.advance(10);
  t.equal(clock.now().monoMs, 101);
  t.end();
});
