import t from 'tap';
import { planOf } from '../../../bench/models/anomalies.ts';
import { sum, Verdicts } from '../../../bench/models/figures.ts';

const cell = { concurrent: 1, durationMs: 10, intervalMs: 1, forMs: 0 };

t.test('only a healthy node that is held for dead is a false positive', (t) => {
  const plan = planOf('blocked', 4, cell, 1);
  const [slow] = plan.slow;
  const [a, b, c] = [1, 2, 3, 4].filter((node) => node !== slow);
  const verdicts = new Verdicts(plan, 4);
  verdicts.changed(a as number, b as number, 'suspect', 1);
  verdicts.changed(a as number, b as number, 'dead', 2);
  verdicts.changed(slow as number, b as number, 'dead', 3);
  for (const node of [a, b, c]) verdicts.changed(node as number, slow as number, 'dead', 4);
  const figures = verdicts.figures({ messages: 5, bytes: 6 }, 7);
  t.match(figures, { falsePositives: 2, atHealthy: 1, suspicions: 1, undetected: 0 });
  t.match(figures, { messages: 5, bytes: 6, cpuMs: 7 });
  t.end();
});

t.test('a slow node is found by all when the last healthy one holds it for dead', (t) => {
  const plan = planOf('blocked', 4, cell, 1);
  const [slow] = plan.slow;
  const healthy = [1, 2, 3, 4].filter((node) => node !== slow);
  const verdicts = new Verdicts(plan, 4);
  const none = { messages: 0, bytes: 0 };
  t.equal(verdicts.figures(none, 0).undetected, 1);
  healthy.forEach((node, index) => verdicts.changed(node, slow as number, 'dead', 10 + index));
  t.match(verdicts.figures(none, 0), { firstMs: [10], allMs: [12], undetected: 0 });
  t.end();
});

t.test('runs are added up', (t) => {
  const plan = planOf('blocked', 4, cell, 1);
  const one = new Verdicts(plan, 4).figures({ messages: 1, bytes: 2 }, 3);
  t.match(sum([one, one]), { messages: 2, bytes: 4, cpuMs: 6, undetected: 2, firstMs: [] });
  t.end();
});
