import { test } from 'tap';
import type { Target } from '../../src/client/target.ts';
import { FakeSource, instanceOf } from './fake-source.ts';
import { HandClock } from './hand-clock.ts';

test('the targets are the same array until something changes', (t) => {
  const source = new FakeSource(instanceOf(1));
  const pool = source.pool();
  const before = pool.targets();
  t.equal(pool.targets(), before);
  source.put(instanceOf(2));
  t.not(pool.targets(), before);
  t.strictSame(
    pool.targets().map(({ instance }) => instance.instanceId),
    ['i1', 'i2'],
  );
  t.end();
});

test('a new statement about an instance keeps its target, with all that is known of it', (t) => {
  const source = new FakeSource(instanceOf(1), instanceOf(2));
  const pool = source.pool();
  const [one, two] = pool.targets() as [Target, Target];
  one.outstanding = 3;
  source.put(instanceOf(1, { health: 'warning', lastUpdate: 9 }));
  const [again, other] = pool.targets();
  t.equal(again, one);
  t.match(again, { outstanding: 3, instance: { health: 'warning', lastUpdate: 9 } });
  t.equal(other, two);
  t.end();
});

test('an instance that went and came back is a new target', (t) => {
  const source = new FakeSource(instanceOf(1), instanceOf(2));
  const pool = source.pool();
  const [one] = pool.targets();
  source.drop(instanceOf(1));
  t.equal(pool.targets().length, 1);
  source.put(instanceOf(1));
  t.equal(pool.targets().length, 2);
  t.notOk(pool.targets().includes(one as Target));
  t.end();
});

test('an ejection changes the array, and so does its end', (t) => {
  const clock = new HandClock();
  const source = new FakeSource(instanceOf(1), instanceOf(2));
  const pool = source.pool(clock);
  const [one] = pool.targets() as [Target];
  const before = pool.targets();
  for (let nth = 0; nth < 5; nth++) pool.failed(one);
  t.ok(one.ejected);
  const during = pool.targets();
  t.not(during, before);
  clock.advance(10_000);
  t.notOk(one.ejected);
  t.not(pool.targets(), during);
  t.end();
});

test('a success counts for the target that it was', (t) => {
  const source = new FakeSource(instanceOf(1), instanceOf(2));
  const pool = source.pool(new HandClock());
  const [one] = pool.targets() as [Target];
  for (let nth = 0; nth < 4; nth++) pool.failed(one);
  pool.succeeded(one);
  pool.failed(one);
  t.notOk(one.ejected);
  t.end();
});

test('nothing is waited for when an ejected instance is gone', (t) => {
  const clock = new HandClock();
  const source = new FakeSource(instanceOf(1), instanceOf(2));
  const pool = source.pool(clock);
  const [one] = pool.targets() as [Target];
  for (let nth = 0; nth < 5; nth++) pool.failed(one);
  t.equal(clock.nextInMs, 10_000);
  source.drop(instanceOf(1));
  pool.targets();
  t.equal(clock.nextInMs, undefined);
  t.end();
});
