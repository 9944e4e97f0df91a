import fc from 'fast-check';
import { test } from 'tap';
import { seededRandom } from '../../src/base/random.ts';

const draws = (randomSeed: number, count: number): number[] => {
  const random = seededRandom(randomSeed);
  return Array.from({ length: count }, () => random.next());
};

test('equal random seeds give equal sequences, others give others', (t) => {
  t.strictSame(draws(7, 100), draws(7, 100));
  t.notSame(draws(7, 100), draws(8, 100));
  t.end();
});

test('the sequence of random seed 1 is the one that recorded runs were made with', (t) => {
  const random = seededRandom(1);
  t.strictSame(
    Array.from({ length: 4 }, () => random.int(1_000)),
    [782, 275, 993, 713],
  );
  t.end();
});

test('next is spread evenly over [0, 1)', (t) => {
  const counts = Array.from({ length: 10 }, () => 0);
  for (const value of draws(3, 100_000)) counts[Math.floor(value * 10)]!++;
  t.equal(
    counts.reduce((sum, count) => sum + count),
    100_000,
  );
  t.strictSame(
    counts.filter((count) => count < 9_600 || count > 10_400),
    [],
  );
  t.end();
});

test('int, jitter and pick stay within their bounds', (t) => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 1_000_000 }), (randomSeed, below) => {
      const random = seededRandom(randomSeed);
      const drawn = random.int(below);
      t.ok(Number.isInteger(drawn) && drawn >= 0 && drawn < below);
      const jittered = random.jitter(below, 0.2);
      t.ok(jittered >= below * 0.8 && jittered <= below * 1.2);
      t.ok(['a', 'b'].includes(random.pick(['a', 'b']) ?? ''));
    }),
    { seed: 1, numRuns: 200 },
  );
  t.end();
});

test('pick of an empty list is undefined', (t) => {
  t.equal(seededRandom(1).pick([]), undefined);
  t.end();
});

test('sample takes distinct elements, all of them at most, and leaves the list alone', (t) => {
  const list = [1, 2, 3, 4, 5];
  const random = seededRandom(1);
  const three = random.sample(list, 3);
  t.equal(new Set(three).size, 3);
  t.strictSame(
    three.filter((element) => !list.includes(element)),
    [],
  );
  t.strictSame(
    random.sample(list, 9).toSorted((a, b) => a - b),
    list,
  );
  t.strictSame(random.sample(list, 0), []);
  t.strictSame(list, [1, 2, 3, 4, 5]);
  t.end();
});

test('sample gives every order of two out of three', (t) => {
  const random = seededRandom(1);
  const orders = new Set(
    Array.from({ length: 200 }, () => random.sample(['a', 'b', 'c'], 2).join('')),
  );
  t.strictSame([...orders].toSorted(), ['ab', 'ac', 'ba', 'bc', 'ca', 'cb']);
  t.end();
});
