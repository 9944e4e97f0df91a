/** Options, faults and results of simulations, made up for the tests of what shows them. */
import fc from 'fast-check';
import { defaultOptions } from '../../src/sim/command.ts';
import { faultForms, partitionShapes, tornParts } from '../../src/sim/fault-text.ts';
import type { FaultForm } from '../../src/sim/fault-text.ts';
import type { Arrival, Fault, Sample, SimOptions, SimResult, Spread } from '../../src/sim/run.ts';

/** Any fault within the first `durationMs`, of a kind that the command line has. */
export function anyFault(nodes = 20, durationMs = 60_000): fc.Arbitrary<Fault> {
  return fc.constantFrom(...faultForms).chain((form) => {
    const times = fc.tuple(fc.nat(durationMs), fc.integer({ min: 1, max: durationMs }));
    const parts = fc.tuple(times, anyStruck(form, nodes), anyDetail(form), fc.boolean());
    return parts.map(([[atMs, lastsMs], struck, detail, isShort]) => {
      const isMoment = form.lasts === 'either' && isShort;
      const untilMs = isMoment ? atMs : atMs + lastsMs;
      return { kind: form.kind, atMs, untilMs, ...struck, detail };
    });
  });
}

function anyStruck({ what }: FaultForm, nodes: number): fc.Arbitrary<Struck> {
  const none = fc.constant({ nodes: [], count: 0 });
  const number = fc.integer({ min: 1, max: nodes });
  const counted = number.map((count) => ({ nodes: [], count }));
  const named = fc.uniqueArray(number, { minLength: 1 }).map((nodes) => ({ nodes, count: 0 }));
  if (what === 'nodes') return fc.oneof(none, counted, named);
  return what === 'shape' ? fc.oneof(none, named) : none;
}

type Struck = Pick<Fault, 'nodes' | 'count'>;

function anyDetail({ what, detail }: FaultForm): fc.Arbitrary<string | number> {
  const usual = fc.constant('');
  if (what === 'shape') return fc.constantFrom(...partitionShapes);
  if (what === 'share') return fc.oneof(usual, fc.double({ min: 0.001, max: 1, noNaN: true }));
  if (detail === 'shift') return fc.oneof(usual, fc.integer({ min: -1e12, max: 1e12 }));
  if (detail === 'part') return fc.constantFrom('', ...tornParts);
  if (detail === 'rate') return fc.oneof(usual, fc.integer({ min: 1, max: 1e9 }));
  if (detail === 'gain') return fc.oneof(usual, fc.integer({ min: -99, max: 99 }).map(hundredth));
  return usual;
}

function hundredth(count: number): number {
  return count / 100;
}

/** Any options that a command line can say. */
export function anyOptions(): fc.Arbitrary<SimOptions> {
  const share = fc.double({ min: 0, max: 1, noNaN: true }).map((share) => Math.abs(share));
  return fc.record<SimOptions>(
    {
      nodes: fc.integer({ min: 20, max: 10_000 }),
      durationMs: fc.integer({ min: 60_000, max: 3_600_000 }),
      randomSeed: fc.nat(0xffff_ffff),
      latencyMs: fc.nat(1_000),
      latencyJitter: share,
      loss: share,
      duplicate: share,
      reorder: share,
      faults: fc.array(anyFault(), { maxLength: 5 }),
      changesPerMinute: fc.integer({ min: 0, max: 9_999 }).map(hundredth),
      timeScale: fc.integer({ min: 1, max: 720 }),
      realSignatures: fc.boolean(),
      isWarm: fc.boolean(),
    },
    { noNullPrototype: true },
  );
}

export const aFault: Fault = {
  kind: 'partition',
  atMs: 10_000,
  untilMs: 40_000,
  nodes: [],
  count: 0,
  detail: 'halves',
};

/** A run that went well, but for `change`. */
export function makeResult(change: Partial<SimResult> = {}): SimResult {
  return {
    options: { ...defaultOptions, nodes: 1_000, randomSeed: 7, loss: 0.05, faults: [aFault] },
    violations: [],
    isConverged: true,
    convergedMs: 1_234,
    traceHash: '0123456789abcdef',
    events: 1_500_000,
    wallMs: 12_000,
    heapBytes: 512 * 1024 * 1024,
    spreads: Array.from({ length: 100 }, (_, index) => makeSpread(index)),
    bytesPerNodeSecond: 431.4,
    duplicatesPerMessage: 2.84,
    samples: Array.from({ length: 61 }, (_, second) => makeSample(second)),
    arrivals: makeArrivals(1_000),
    sometimes: { 'a digest decoded at once': 812, 'a snapshot was resumed': 3 },
    counters: { exchanges: 60_000, refused: 0 },
    ...change,
  };
}

function makeSpread(index: number): Spread {
  return { atMs: index * 600, p50Ms: 50 + index / 10, p99Ms: 90 + index / 5, allMs: 100 + index };
}

function makeSample(second: number): Sample {
  const isCut = second >= 10 && second < 40;
  return {
    atMs: second * 1_000,
    nodesUp: 1_000,
    agreement: isCut ? 1 - (second - 9) * 0.001 : 1,
    bytesPerNodeSecond: second === 41 ? 3_000 : 400 + (second % 5) * 10,
    events: second * 25_000,
  };
}

/** A record that each node tells to two others; the last tenth is repaired. */
export function makeArrivals(nodes: number): Arrival[] {
  return Array.from({ length: nodes }, (_, index): Arrival => {
    const depth = Math.floor(Math.log2(index + 1));
    const isRepaired = index > nodes * 0.9;
    const node = index + 1;
    if (index === 0) return { node, from: 0, atMs: 5_000, way: 'origin' };
    const atMs = 5_000 + depth * 25 + (index % 7) + (isRepaired ? 900 : 0);
    const way = isRepaired ? 'repair' : index % 3 === 0 ? 'retold' : 'rumor';
    return { node, from: Math.floor((index - 1) / 2) + 1, atMs, way };
  });
}
