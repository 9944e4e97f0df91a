import t from 'tap';
import { Counters } from '../../src/base/counters.ts';

t.test('what was never counted is zero and not listed', (t) => {
  const counters = new Counters();
  t.equal(counters.get('rumors'), 0);
  t.strictSame(counters.entries(), []);
  t.end();
});

t.test('counts add up by name, one at a time or several', (t) => {
  const counters = new Counters();
  counters.add('b');
  counters.add('a', 5);
  counters.add('b');
  t.equal(counters.get('b'), 2);
  t.equal(counters.get('a'), 5);
  t.end();
});

t.test('entries are sorted by name and are a copy', (t) => {
  const counters = new Counters();
  for (const name of ['b', 'B', 'a', '__proto__']) counters.add(name);
  t.strictSame(
    counters.entries().map(([name]) => name),
    ['B', '__proto__', 'a', 'b'],
  );
  counters.entries()[0]![1] = 99;
  t.equal(counters.get('B'), 1);
  t.end();
});
