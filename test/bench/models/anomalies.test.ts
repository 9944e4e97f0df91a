import t from 'tap';
import { planOf, schedulePlan } from '../../../bench/models/anomalies.ts';
import { VirtualClock } from '../../../src/base/virtual-clock.ts';
import { NodeProcess } from '../../../src/sim/node-process.ts';

t.test('anomalies come again and again, and the plan ends with one, past its time', (t) => {
  const cell = { concurrent: 3, durationMs: 40, intervalMs: 10, forMs: 100 };
  const plan = planOf('blocked', 8, cell, 1);
  t.strictSame(plan.startsMs, [0, 50, 100]);
  t.equal(plan.endMs, 140);
  t.equal(plan.slow.size, 3);
  t.strictSame(planOf('blocked', 8, cell, 1), plan, 'equal random seeds, equal plans');
  t.end();
});

t.test('an anomaly that is longer than the time comes once', (t) => {
  const cell = { concurrent: 1, durationMs: 40, intervalMs: 10, forMs: 0 };
  t.strictSame(planOf('blocked', 8, cell, 1).startsMs, [0]);
  t.end();
});

t.test('the slow ones are slow when the plan says so, and nobody else is', (t) => {
  const clock = new VirtualClock();
  const processes = [1, 2, 3].map(() => new NodeProcess(clock));
  const cell = { concurrent: 2, durationMs: 40, intervalMs: 10, forMs: 80 };
  const plan = planOf('paused', 3, cell, 1);
  schedulePlan(plan, clock, (node) => processes[node - 1]);
  const slowAt = [20, 25, 20].map((ms) => {
    clock.advance(ms);
    return processes.filter(({ isPaused }) => isPaused).length;
  });
  t.strictSame(slowAt, [2, 0, 2]);
  clock.advance(100);
  t.notOk(processes.some(({ isPaused }) => isPaused));
  t.end();
});
