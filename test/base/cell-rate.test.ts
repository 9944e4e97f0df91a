import t from 'tap';
import { CellRate } from '../../src/base/cell-rate.ts';

const bounds = { burst: 5, perSecond: 2, keysMax: 3 };

function takeAll(rate: CellRate<string>, key: string, monoMs: number): number {
  let taken = 0;
  while (rate.has(key, monoMs)) {
    rate.take(key, monoMs);
    taken += 1;
  }
  return taken;
}

t.test('as many as the burst are taken at once, then as the rate brings them', (t) => {
  const rate = new CellRate<string>(bounds);
  t.equal(takeAll(rate, 'a', 0), 5);
  t.equal(takeAll(rate, 'a', 499), 0);
  t.equal(takeAll(rate, 'a', 500), 1);
  t.equal(takeAll(rate, 'a', 2_000), 3);
  t.equal(takeAll(rate, 'a', 1e9), 5, 'no more than the burst is saved up');
  t.end();
});

t.test('taking says whether the next has a token, and looking takes none', (t) => {
  const rate = new CellRate<string>(bounds);
  const taken = [1, 2, 3, 4, 5].map(() => rate.take('a', 0));
  t.strictSame(taken, [true, true, true, true, false]);
  t.equal(rate.has('a', 0), false);
  t.equal(rate.has('b', 0), true);
  t.equal(rate.size, 1);
  t.end();
});

t.test('what is taken without a token puts off the next', (t) => {
  const rate = new CellRate<string>(bounds);
  for (let taken = 0; taken < 7; taken++) rate.take('a', 0);
  t.equal(rate.has('a', 1_499), false);
  t.equal(rate.has('a', 1_500), true);
  t.end();
});

t.test(`${bounds.keysMax} keys are remembered, and one over lets the oldest begin anew`, (t) => {
  const rate = new CellRate<string>(bounds);
  for (const key of ['a', 'b', 'c', 'd']) takeAll(rate, key, 0);
  t.equal(rate.size, bounds.keysMax);
  t.strictSame(
    ['a', 'b', 'c', 'd'].filter((key) => rate.has(key, 0)),
    ['a'],
  );
  rate.take('e', 10_000);
  t.equal(rate.size, 2, 'full buckets are not remembered: two go with each that is touched');
  t.end();
});
