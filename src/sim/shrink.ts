/**
 * Cuts a failing run down to what it needs to fail: fewer faults, fewer nodes, less time, fewer
 * things that go wrong (delta debugging: Zeller and Hildebrandt, Simplifying and Isolating
 * Failure-Inducing Input, 2002).
 *
 * Every cut is tried by a whole run; one that does not fail is taken back. The order is fixed, so
 * equal options shrink alike. What comes out fails, and usually no single further cut does: a
 * smaller run has other chances, so none of it is monotone.
 */
import { defaultOptions } from './command.ts';
import { faultForms } from './fault-text.ts';
import type { Fault, SimOptions, SimResult } from './run.ts';

export interface ShrinkOptions {
  /** Whether these options still fail in the same way; called one after the other. */
  readonly fails: (options: SimOptions) => Promise<boolean>;
  /** Upper bound of runs. */
  readonly runsMax: number;
  /** Told after each cut that held, with the runs until then. */
  readonly onSmaller?: (options: SimOptions, runs: number) => void;
}

export interface Shrunk {
  /** These fail; the very options given when no cut held. */
  readonly options: SimOptions;
  readonly runs: number;
  /** False when the runs were used up before all cuts were tried in vain. */
  readonly isComplete: boolean;
}

const nodesMin = 2;
/** Nothing finer is worth a run, and what is left are round numbers. */
const durationStepMs = 1_000;
const spanStepMs = 100;

/** The smallest failing options that `runsMax` runs find. */
export async function shrink(
  failing: SimOptions,
  { fails, runsMax, onSmaller }: ShrinkOptions,
): Promise<Shrunk> {
  let smallest = failing;
  let runs = 0;
  const tried = new Set([keyOf(failing)]);
  const attempt = async (options: SimOptions): Promise<boolean> => {
    if (tried.has(keyOf(options))) return false;
    tried.add(keyOf(options));
    runs++;
    if (!(await fails(options))) return false;
    smallest = options;
    onSmaller?.(options, runs);
    return true;
  };
  for (let isSmaller = true; isSmaller;) {
    isSmaller = false;
    for (const cut of cuts) {
      // From the front again after each success: what is next depends on what is left.
      for (let candidates = cut(smallest); candidates.length > 0;) {
        let hasHeld = false;
        for (const candidate of candidates) {
          if (runs >= runsMax) return { options: smallest, runs, isComplete: false };
          hasHeld = await attempt(candidate);
          if (hasHeld) break;
        }
        isSmaller ||= hasHeld;
        candidates = hasHeld ? cut(smallest) : [];
      }
    }
  }
  return { options: smallest, runs, isComplete: true };
}

function keyOf(options: SimOptions): string {
  return JSON.stringify(options);
}

/** Smaller options to try, the boldest first; none when there is nothing to cut. */
type Cut = (options: SimOptions) => readonly SimOptions[];

/** What makes every later run cheaper comes first. */
const cuts: readonly Cut[] = [
  fewerFaults,
  fewerNodes,
  lessTime,
  calmerNetwork,
  fewerStruck,
  shorterFaults,
];

/** None, then a half, a quarter and so on left out, down to one. */
function fewerFaults(options: SimOptions): SimOptions[] {
  return without(options.faults).map((faults) => ({ ...options, faults }));
}

/** The list without ever smaller parts of it; the empty list first. */
function without<T>(list: readonly T[]): T[][] {
  const found: T[][] = [];
  for (let size = list.length; size >= 1; size = Math.floor(size / 2))
    for (let from = 0; from < list.length; from += size)
      found.push([...list.slice(0, from), ...list.slice(from + size)]);
  return found;
}

function fewerNodes(options: SimOptions): SimOptions[] {
  return smallerNumbers(nodesMin, options.nodes).map((nodes) => withNodes(options, nodes));
}

/** Faults strike only nodes that there are; a fault that is left without any goes. */
function withNodes(options: SimOptions, nodes: number): SimOptions {
  const faults = options.faults.flatMap((fault): Fault[] => {
    const struck = fault.nodes.filter((node) => node <= nodes);
    if (fault.nodes.length > 0 && struck.length === 0) return [];
    return [{ ...fault, nodes: struck, count: Math.min(fault.count, nodes) }];
  });
  return { ...options, nodes, faults };
}

/** Shorter, without the faults that then begin too late; and all faults sooner after the start. */
function lessTime(options: SimOptions): SimOptions[] {
  const { durationMs, faults } = options;
  const shorter = smallerNumbers(durationStepMs, durationMs, durationStepMs);
  const firstMs = faults.length === 0 ? 0 : Math.min(...faults.map(({ atMs }) => atMs));
  const early = smallerNumbers(0, firstMs, durationStepMs);
  return [
    ...shorter.map((durationMs) => within(options, durationMs)),
    ...early.map((atMs) => sooner(options, firstMs - atMs)),
  ];
}

/** Ends what lasts longer, and drops what begins later or would not last. */
function within(options: SimOptions, durationMs: number): SimOptions {
  const faults = options.faults.flatMap((fault): Fault[] => {
    const { atMs, untilMs } = fault;
    const isLasting = untilMs > atMs;
    if (isLasting ? atMs >= durationMs : atMs > durationMs) return [];
    return [{ ...fault, untilMs: Math.min(untilMs, durationMs) }];
  });
  return { ...options, durationMs, faults };
}

/** All faults so much sooner, and the end too. */
function sooner(options: SimOptions, byMs: number): SimOptions {
  const faults = options.faults.map((fault) => ({
    ...fault,
    atMs: fault.atMs - byMs,
    untilMs: fault.untilMs - byMs,
  }));
  return { ...options, faults, durationMs: Math.max(durationStepMs, options.durationMs - byMs) };
}

/** One thing after the other as harmless as it can be, else half as bad. */
function calmerNetwork(options: SimOptions): SimOptions[] {
  const calm: Partial<SimOptions>[] = [
    { realSignatures: false },
    { isWarm: true },
    { timeScale: 1 },
    ...(['loss', 'duplicate', 'reorder', 'latencyJitter'] as const).flatMap((key) =>
      options[key] === 0 ? [] : [{ [key]: 0 }, { [key]: halved(options[key]) }],
    ),
    { latencyMs: defaultOptions.latencyMs },
    { changesPerMinute: 0 },
    { changesPerMinute: halved(options.changesPerMinute) },
  ];
  return calm.map((change) => ({ ...options, ...change }));
}

/** Half of it, in three digits: 0.05 goes to 0.025, and nothing below 0.001 is halved again. */
function halved(share: number): number {
  return share < 0.001 ? share : Number((share / 2).toPrecision(3));
}

/** For each fault: fewer of the nodes that it strikes. */
function fewerStruck(options: SimOptions): SimOptions[] {
  return options.faults.flatMap((fault, index) => {
    const counts = isAsManyAsUsual(fault) ? [1] : smallerNumbers(1, fault.count);
    const lists = without(fault.nodes).filter((nodes) => nodes.length > 0);
    return [
      ...counts.map((count) => withFault(options, index, { ...fault, count })),
      ...lists.map((nodes) => withFault(options, index, { ...fault, nodes })),
    ];
  });
}

function isAsManyAsUsual({ kind, nodes, count }: Fault): boolean {
  const form = faultForms.find((form) => form.kind === kind);
  return form?.what === 'nodes' && nodes.length === 0 && count === 0;
}

/** For each fault: an earlier end. */
function shorterFaults(options: SimOptions): SimOptions[] {
  return options.faults.flatMap((fault, index) => {
    const lastsMs = fault.untilMs - fault.atMs;
    return smallerNumbers(spanStepMs, lastsMs, spanStepMs).map((ms) =>
      withFault(options, index, { ...fault, untilMs: fault.atMs + ms }),
    );
  });
}

function withFault(options: SimOptions, at: number, fault: Fault): SimOptions {
  return { ...options, faults: options.faults.with(at, fault) };
}

/**
 * Numbers from `least` to below `from` by whole steps, the smallest first, each halving what is
 * left to `from`: from whatever proves too small, the next try is half as bold.
 */
function smallerNumbers(least: number, from: number, step = 1): number[] {
  const found: number[] = [];
  for (let number = least; number < from;) {
    found.push(number);
    number += Math.max(1, Math.floor((from - number) / 2 / step)) * step;
  }
  return found;
}

/**
 * Whether a run fails like another one did: one of the checkers that it violated is violated
 * again; of a run that violated none, that its nodes again do not agree.
 */
export function failsLike(before: SimResult): (result: SimResult) => boolean {
  const checkers = new Set(before.violations.map(({ checker }) => checker));
  if (checkers.size === 0) return ({ isConverged }) => !isConverged;
  return ({ violations }) => violations.some(({ checker }) => checkers.has(checker));
}
