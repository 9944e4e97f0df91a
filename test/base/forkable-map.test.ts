import fc from 'fast-check';
import { test } from 'tap';
import { ForkableMap } from '../../src/base/forkable-map.ts';

type Step = {
  readonly map: number;
  readonly kind: 'set' | 'delete' | 'fork';
  readonly key: number;
};

const step: fc.Arbitrary<Step> = fc.record({
  map: fc.nat(5),
  kind: fc.constantFrom('set', 'set', 'delete', 'fork'),
  key: fc.nat(200),
});

test('forks behave as copies of a plain map', async (t) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const pairs = [{ map: new ForkableMap<number, number>(), twin: new Map<number, number>() }];
      steps.forEach(({ map, kind, key }, value) => {
        const pair = pairs[map % pairs.length] as (typeof pairs)[number];
        if (kind === 'set') {
          pair.map.set(key, value);
          pair.twin.set(key, value);
        } else if (kind === 'delete') {
          t.equal(pair.map.delete(key), pair.twin.delete(key));
        } else if (pairs.length < 6) {
          pairs.push({ map: pair.map.fork(), twin: new Map(pair.twin) });
        }
      });
      for (const { map, twin } of pairs) {
        t.equal(map.size, twin.size);
        t.same(new Map(map), twin);
        for (const [key, value] of twin) t.equal(map.get(key), value);
        t.equal(map.has(-1), false);
        t.equal([...map.keys()].length, twin.size);
        t.equal([...map.values()].length, twin.size);
      }
    }),
    { numRuns: 60, seed: 3 },
  );
});

test('a fork does not see what its origin changes later', async (t) => {
  const origin = new ForkableMap<string, number>();
  origin.set('a', 1);
  const fork = origin.fork();
  origin.set('a', 2);
  origin.delete('a');
  t.equal(fork.get('a'), 1);
  t.equal(origin.get('a'), undefined);
});
