/** What the simulator has found in the core, each as a scenario that failed before it was mended. */
import { test } from 'tap';
import { simulate } from '../../src/sim/simulate.ts';
import { calmOptions, fault } from './options.ts';

test('a node that was frozen for 20 s does not set its clock by what waited for it', async (t) => {
  // Old digests told old times: it went back by more than clockAheadMs, below its own head.
  const options = { ...calmOptions, nodes: 17, durationMs: 35_000, timeScale: 720 };
  for (const randomSeed of [1, 2, 3]) {
    const faults = [fault('pause', 5_000, 25_000, { nodes: [3] })];
    const result = await simulate({ ...options, randomSeed, faults });
    t.strictSame(result.violations, []);
    t.equal(result.counters['clock_adjusted'] ?? 0, 0);
  }
});
