import { test } from 'tap';
import type { SimOptions } from '../../src/sim/run.ts';
import { simulate } from '../../src/sim/simulate.ts';
import { calmOptions, fault } from './options.ts';

const troubled: SimOptions = {
  ...calmOptions,
  nodes: 8,
  durationMs: 25_000,
  loss: 0.02,
  duplicate: 0.02,
  reorder: 0.05,
  faults: [
    fault('partition', 2_000, 8_000, { detail: 'halves' }),
    fault('crash', 4_000, 9_000),
    fault('pause', 9_000, 12_000),
  ],
};

test('the same options give the same trace, another random seed another', async (t) => {
  const [one, again, other] = await Promise.all([
    simulate(troubled),
    simulate(troubled),
    simulate({ ...troubled, randomSeed: 2 }),
  ]);
  t.strictSame(one.violations, []);
  t.equal(again.traceHash, one.traceHash);
  t.equal(again.events, one.events);
  t.strictSame(again.spreads, one.spreads);
  t.not(other.traceHash, one.traceHash);
});

test('a calm cluster converges, and its figures are told', async (t) => {
  const samples: number[] = [];
  const result = await simulate(calmOptions, ({ atMs }) => void samples.push(atMs));
  t.strictSame(result.violations, []);
  t.ok(result.isConverged);
  t.ok(result.convergedMs !== undefined && result.convergedMs < 2_000);
  t.equal(samples.length, 10, 'a sample for each virtual second');
  t.equal(result.samples.at(-1)?.nodesUp, 6);
  t.ok((result.samples.at(-1)?.agreement ?? 0) > 0.8);
  t.ok(result.bytesPerNodeSecond > 0 && result.events > 500);
  const [first] = result.spreads;
  t.ok((first?.p50Ms ?? 0) >= 8 && (first?.allMs ?? 99) < 40, 'one hop in a full mesh');
  t.strictSame(new Set(result.arrivals.map(({ node }) => node)), new Set([1, 2, 3, 4, 5, 6]));
  t.equal(result.arrivals[0]?.way, 'origin');
});

test('nodes that start cold join through the first one', async (t) => {
  const result = await simulate({ ...calmOptions, isWarm: false });
  t.strictSame(result.violations, []);
  t.ok(result.isConverged);
});

test('a fault that outlasts the time ends with it', async (t) => {
  const faults = [fault('crash', 5_000, 900_000)];
  const result = await simulate({ ...calmOptions, faults });
  t.strictSame(result.violations, []);
});

test('real signatures are made when they are asked for', async (t) => {
  const result = await simulate({ ...calmOptions, durationMs: 3_000, realSignatures: true });
  const keyed = await simulate({ ...calmOptions, durationMs: 3_000 });
  t.strictSame(result.violations, []);
  t.not(result.traceHash, keyed.traceHash);
});
