import t from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import { Patrol } from '../../src/gossip/patrol.ts';

const numbers = (count: number): Map<number, string> =>
  new Map(Array.from({ length: count }, (_, index) => [index, String(index)]));

t.test('a patrol passes everything, round and round, a few at a time', (t) => {
  const all = numbers(100);
  const patrol = new Patrol(
    () => all.keys(),
    () => all.size,
    seededRandom(1),
  );
  const first = patrol.next(10);
  t.equal(first.length, 10);
  // From a random place to the end, and then from the beginning.
  const rest: number[] = [];
  while (rest.length < 90 + first.length) rest.push(...patrol.next(10));
  t.strictSame(
    [...new Set([...first, ...rest])].sort((a, b) => a - b),
    [...all.keys()],
  );
  t.end();
});

t.test('patrols that begin together are not at one place', (t) => {
  const all = numbers(1_000);
  const places = [1, 2, 3, 4].map(
    (seed) =>
      new Patrol(
        () => all.keys(),
        () => all.size,
        seededRandom(seed),
      ).next(1)[0],
  );
  t.equal(new Set(places).size, 4);
  t.end();
});

t.test('nothing is passed twice in one look, and nothing that is gone', (t) => {
  const all = numbers(5);
  const patrol = new Patrol(
    () => all.keys(),
    () => all.size,
    seededRandom(2),
  );
  patrol.next(64);
  t.strictSame(patrol.next(64), [0, 1, 2, 3, 4]);
  t.strictSame(patrol.next(5), [0, 1, 2, 3, 4]);
  t.strictSame(patrol.next(5), [0, 1, 2, 3, 4], 'a walk that just ended begins again');
  t.strictSame(patrol.next(2), [0, 1]);
  all.delete(2);
  t.strictSame(patrol.next(2), [3, 4]);
  all.clear();
  t.strictSame(patrol.next(2), []);
  all.set(7, '7');
  t.strictSame(patrol.next(2), [7]);
  t.end();
});
