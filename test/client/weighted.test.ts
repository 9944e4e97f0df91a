import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'tap';
import { seededRandom, type Random } from '../../src/base/random.ts';
import { Target } from '../../src/client/target.ts';
import { Weighted } from '../../src/client/weighted.ts';
import { countPicks, instanceOf } from './fake-source.ts';

function targetsWeighing(...weights: readonly number[]): Target[] {
  return weights.map((weight, id) => new Target(instanceOf(id, { weight })));
}

function sharesOf(picks: number, ...weights: readonly number[]) {
  const policy = new Weighted(seededRandom(7));
  policy.take(targetsWeighing(...weights));
  return countPicks(picks, () => policy.pick()?.instance);
}

test('shares are as the weights', (t) => {
  const shares = sharesOf(60_000, 1, 2, 3);
  for (const [id, share] of [10_000, 20_000, 30_000].entries()) {
    t.ok(Math.abs((shares[`i${id}`] ?? 0) - share) < 600, JSON.stringify(shares));
  }
  t.end();
});

test('nothing to pick from is nothing picked', (t) => {
  const policy = new Weighted(seededRandom(7));
  t.equal(policy.pick(), undefined);
  policy.take(targetsWeighing(2));
  policy.take([]);
  t.equal(policy.pick(), undefined);
  t.end();
});

test('a change of weights holds from the next pick', (t) => {
  const policy = new Weighted(seededRandom(7));
  policy.take(targetsWeighing(65_535, 1));
  t.equal(policy.pick()?.instance.instanceId, 'i0');
  policy.take(targetsWeighing(1, 65_535));
  t.equal(policy.pick()?.instance.instanceId, 'i1');
  t.end();
});

/** Every value of [0, 1) once, evenly: what a pick makes of it is its exact share. */
function sweep(steps: number): Random {
  let at = 0;
  return { ...seededRandom(1), next: () => (at++ + 0.5) / steps };
}

test('over all random numbers each share is exact', (t) => {
  const weights = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 12 });
  const law = fc.property(weights, (given) => {
    const total = given.reduce((sum, weight) => sum + weight, 0);
    const steps = 20_000;
    const policy = new Weighted(sweep(steps));
    policy.take(targetsWeighing(...given));
    const counts = countPicks(steps, () => policy.pick()?.instance);
    for (const [id, weight] of given.entries()) {
      const share = (counts[`i${id}`] ?? 0) / steps;
      // Each of at most 2 n edges between shares may cut one step.
      const slack = (2 * given.length) / steps;
      assert.ok(Math.abs(share - weight / total) <= slack, `${share} of ${given.join()} at ${id}`);
    }
  });
  t.doesNotThrow(() => fc.assert(law, { seed: 20_251_121, numRuns: 100 }));
  t.end();
});
