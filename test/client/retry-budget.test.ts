import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'tap';
import { RetryBudget } from '../../src/client/retry-budget.ts';
import { HandClock } from './hand-clock.ts';

function retriesGranted(budget: RetryBudget, asked = 10_000): number {
  let granted = 0;
  while (granted < asked && budget.tryRetry()) granted += 1;
  return granted;
}

test('few calls have a hundred retries in ten seconds', (t) => {
  const clock = new HandClock();
  const budget = new RetryBudget(clock);
  budget.called();
  t.equal(retriesGranted(budget), 100);
  clock.advance(9_000);
  t.equal(retriesGranted(budget), 0);
  clock.advance(1_000);
  t.equal(retriesGranted(budget), 100);
  t.end();
});

test('many calls have a fifth of their number besides', (t) => {
  const clock = new HandClock();
  const budget = new RetryBudget(clock);
  for (let nth = 0; nth < 1_000; nth++) budget.called();
  t.equal(retriesGranted(budget), 300);
  t.end();
});

test('calls of more than ten seconds ago count no more', (t) => {
  const clock = new HandClock();
  const budget = new RetryBudget(clock);
  for (let nth = 0; nth < 1_000; nth++) budget.called();
  clock.advance(1_000_000);
  t.equal(retriesGranted(budget), 100);
  t.end();
});

test('whatever the order, no ten seconds have more retries than their calls allow', (t) => {
  const step = fc.record({
    waitMs: fc.integer({ min: 0, max: 4_000 }),
    calls: fc.integer({ min: 0, max: 400 }),
    retries: fc.integer({ min: 0, max: 400 }),
  });
  const seen = { refused: 0, granted: 0 };
  const law = fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
    const clock = new HandClock();
    const budget = new RetryBudget(clock);
    const log: { second: number; calls: number; retries: number }[] = [];
    for (const { waitMs, calls, retries } of steps) {
      clock.advance(waitMs);
      const second = Math.floor(clock.now().monoMs / 1_000);
      for (let nth = 0; nth < calls; nth++) budget.called();
      const entry = { second, calls, retries: 0 };
      log.push(entry);
      const recent = log.filter((past) => past.second > second - 10);
      const total = (field: 'calls' | 'retries'): number =>
        recent.reduce((sum, past) => sum + past[field], 0);
      const allowed = Math.floor(100 + 0.2 * total('calls')) - total('retries');
      entry.retries = retriesGranted(budget, retries);
      assert.equal(entry.retries, Math.max(0, Math.min(retries, allowed)));
      seen.granted += entry.retries;
      seen.refused += retries - entry.retries;
    }
  });
  t.doesNotThrow(() => fc.assert(law, { seed: 20_251_121, numRuns: 200 }));
  t.ok(seen.granted > 1_000 && seen.refused > 1_000, JSON.stringify(seen));
  t.end();
});
