import t from 'tap';
import { planOf } from '../../../bench/models/anomalies.ts';
import { runDisco } from '../../../bench/models/disco-run.ts';

const run = { nodes: 8, randomSeed: 1, latencyMs: 1, latencyJitter: 0.2, loss: 0 };
const cell = { concurrent: 2, durationMs: 4_000, intervalMs: 500, forMs: 10_000 };

for (const kind of ['blocked', 'paused'] as const)
  t.test(`the experiment runs with disco's own engine, slow nodes ${kind}`, (t) => {
    const figures = runDisco(planOf(kind, 8, cell, 1), run);
    t.equal(figures.atHealthy, 0);
    t.ok(figures.messages > 100 && figures.bytes > (100 * figures.messages) / 10);
    t.end();
  });
