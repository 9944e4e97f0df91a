import t from 'tap';
import { planOf } from '../../../bench/models/anomalies.ts';
import { runSwim } from '../../../bench/models/swim-run.ts';
import { configurations } from '../../../bench/models/swim-timing.ts';

const run = { nodes: 32, randomSeed: 1, latencyMs: 1, latencyJitter: 0.2, loss: 0 };
const cell = { concurrent: 8, durationMs: 16_384, intervalMs: 64, forMs: 60_000 };
const plan = planOf('blocked', 32, cell, 1);

t.test('slow nodes hold healthy ones for dead with SWIM, and hardly with Lifeguard', (t) => {
  const [swim, lifeguard] = [configurations.swim, configurations.lifeguard].map((options) =>
    runSwim(options, plan, run),
  );
  t.ok((swim?.falsePositives ?? 0) > 20, String(swim?.falsePositives));
  t.ok((lifeguard?.falsePositives ?? 1) < (swim?.falsePositives ?? 0) / 20);
  t.end();
});

t.test('equal random seeds give equal runs', (t) => {
  const [one, other] = [1, 2].map(() => ({ ...runSwim(configurations.swim, plan, run), cpuMs: 0 }));
  t.strictSame(one, other);
  t.end();
});
