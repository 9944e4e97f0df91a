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

test('nodes that are slow to read do not set their clocks by what waited on its way', async (t) => {
  // All their peers seemed to be late, so three of them could not be wrong.
  const options = { ...calmOptions, nodes: 24, durationMs: 60_000, timeScale: 720 };
  const detail = 1_100;
  for (const randomSeed of [1, 2, 3]) {
    const faults = [fault('slow', 10_000, 40_000, { nodes: [3, 4, 5], detail })];
    const busy = { changesPerMinute: 5, latencyMs: 25, randomSeed, faults };
    const result = await simulate({ ...options, ...busy });
    t.strictSame(result.violations, []);
    t.equal(result.counters['clock_adjusted'] ?? 0, 0);
  }
});

test('a node that is cut off while it accuses another waits quietly', async (t) => {
  // What it could not confirm was due for as long as it heard nobody: it woke again and again.
  const options = { ...calmOptions, nodes: 8, durationMs: 40_000, timeScale: 720 };
  const faults = [
    fault('crash', 1_000, 30_000, { nodes: [2] }),
    fault('partition', 1_040, 20_000, { nodes: [1], detail: 'halves' }),
  ];
  const result = await simulate({ ...options, faults });
  t.strictSame(result.violations, []);
  t.ok((result.sometimes['a node was isolated'] ?? 0) > 0);
});

test('what is deregistered before a node knows its past does not come back with it', async (t) => {
  // Its clock was ahead by ten years, so its database seemed to be an old backup. The tombstone was
  // given up when the clock was set right, and then the peers' copy of the instance was adopted.
  const tenYearsMs = 315_360_000_000;
  const network = { latencyMs: 30, latencyJitter: 0.021, loss: 0.13, duplicate: 0.016 };
  const faults = [
    fault('lost-data-dir', 35_845, 36_908),
    fault('clock-jump', 104_881, 118_000, { nodes: [16], detail: tenYearsMs }),
    fault('crash', 104_882, 116_312, { nodes: [16] }),
    fault('mass-restart', 116_216, 118_000),
  ];
  const options = { ...calmOptions, ...network, reorder: 0.039, changesPerMinute: 3, faults };
  const scale = { nodes: 24, durationMs: 118_000, timeScale: 720, isWarm: false };
  const result = await simulate({ ...options, ...scale, randomSeed: 60_107 });
  t.strictSame(result.violations, []);
});
