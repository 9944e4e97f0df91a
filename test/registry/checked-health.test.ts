import t from 'tap';
import { CheckedHealths } from '../../src/registry/checked-health.ts';

t.test('it remembers the last word on each, until it is dropped', (t) => {
  const checked = new CheckedHealths();
  t.equal(checked.get('a'), undefined);
  checked.note('a', 'warning', 1, 0);
  checked.note('b', 'critical', 1, 0);
  t.strictSame([checked.get('a'), checked.get('b')], ['warning', 'critical']);
  checked.drop('a');
  t.equal(checked.get('a'), undefined);
  t.end();
});

t.test('critical without a break for long enough expires, and comes again until dropped', (t) => {
  const checked = new CheckedHealths();
  checked.note('a', 'critical', 100, 50);
  checked.note('a', 'critical', 140, 50);
  t.strictSame(checked.expired(149), []);
  t.strictSame(checked.expired(150), ['a']);
  t.strictSame(checked.expired(151), ['a']);
  checked.drop('a');
  t.strictSame(checked.expired(152), []);
  t.end();
});

t.test('a break begins the time anew, and without a bound nothing expires', (t) => {
  const checked = new CheckedHealths();
  checked.note('a', 'critical', 0, 50);
  checked.note('b', 'critical', 0, 0);
  checked.note('a', 'passing', 40, 50);
  t.strictSame(checked.expired(60), []);
  checked.note('a', 'critical', 70, 50);
  t.strictSame(checked.expired(119), []);
  t.strictSame(checked.expired(120), ['a']);
  t.strictSame(checked.expired(Number.MAX_SAFE_INTEGER), ['a']);
  t.end();
});

t.test('another bound counts from the same moment, and invents nothing', (t) => {
  const checked = new CheckedHealths();
  checked.expireAfter('a', 10);
  t.equal(checked.get('a'), undefined);
  checked.note('a', 'critical', 0, 0);
  checked.expireAfter('a', 10);
  t.strictSame(checked.expired(9), []);
  t.strictSame(checked.expired(10), ['a']);
  checked.expireAfter('a', 0);
  t.strictSame(checked.expired(1_000), []);
  t.end();
});
