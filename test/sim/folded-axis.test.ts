/** An axis that folds the time in which nothing happens. */
import fc from 'fast-check';
import t from 'tap';
import { foldedAxis } from '../../src/sim/folded-axis.ts';

t.test('what comes in one go is not folded', (t) => {
  const axis = foldedAxis([0, 20, 40, 90, 140]);
  t.strictSame(axis.folds, []);
  t.equal(axis.place(0), 0);
  t.ok(axis.place(140) > 0.9);
  t.ok(axis.ticks.includes(0) && axis.ticks.includes(100));
  t.end();
});

t.test('half a minute between two bursts is folded, and both have room', (t) => {
  const axis = foldedAxis([0, 50, 100, 29_400, 29_450, 29_500]);
  t.match(axis.folds, [{ lasts: 29_300 }]);
  const [fold] = axis.folds;
  t.ok(fold !== undefined && axis.place(100) <= fold.from && axis.place(29_400) >= fold.to);
  t.ok(axis.place(100) > 0.35 && axis.place(29_500) - axis.place(29_400) > 0.35);
  t.end();
});

t.test('one that is late alone has a place of its own', (t) => {
  const axis = foldedAxis([0, 10, 2_000]);
  t.equal(axis.folds.length, 1);
  t.ok(axis.place(2_000) < 1 && axis.place(2_000) > axis.place(10));
  t.end();
});

t.test('a single value has an axis too', (t) => {
  const axis = foldedAxis([0]);
  t.strictSame([axis.place(0), axis.folds.length, axis.ticks.includes(0)], [0, 0, true]);
  t.end();
});

t.test('whatever is folded, the order stays, and all is on the axis', (t) => {
  const property = fc.property(fc.array(fc.nat(1e6), { minLength: 1 }), (values) => {
    const sorted = values.toSorted((a, b) => a - b);
    const axis = foldedAxis(sorted);
    const places = sorted.map(axis.place);
    t.ok(places.every((place, index) => place >= (places[index - 1] ?? 0) && place <= 1));
    t.ok(axis.folds.length <= 4 && axis.ticks.length <= 40);
    for (const { from, to } of axis.folds)
      t.ok(
        places.every((place) => place <= from + 1e-9 || place >= to - 1e-9),
        'none in a fold',
      );
  });
  fc.assert(property, { seed: 20_260_106, numRuns: 200 });
  t.end();
});
