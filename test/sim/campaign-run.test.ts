import { test } from 'tap';
import { runSeeds } from '../../src/sim/campaign-run.ts';

test('seeds are run on worker threads until nobody wants more', async (t) => {
  const asked: number[] = [];
  function* seeds(): Generator<number> {
    for (let seed = 1; ; seed++) {
      asked.push(seed);
      yield seed;
    }
  }
  const done: number[] = [];
  await runSeeds(seeds(), 1, (result) => done.push(result.options.randomSeed) < 2, {
    durationMs: 2_000,
  });
  t.strictSame(done, [1, 2]);
  t.ok(asked.length <= 3);
});

test('what a simulation throws ends the campaign, with the seed that did it', async (t) => {
  const run = runSeeds([7], 1, () => true, { durationMs: NaN });
  await t.rejects(run, /random seed 7/);
});
