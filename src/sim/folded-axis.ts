/**
 * An axis for what comes in bursts: long stretches in which nothing happens are folded, so that
 * the bursts have room. Milliseconds that pass at once and repairs after half a minute stand on one
 * picture.
 */
import { linearAxis } from './plot.ts';
import type { Axis } from './plot.ts';

export interface Fold {
  /** Where it begins and ends on the axis, 0 to 1. */
  readonly from: number;
  readonly to: number;
  /** How much is left out. */
  readonly lasts: number;
}

export interface FoldedAxis extends Axis {
  readonly folds: readonly Fold[];
}

interface Burst {
  readonly from: number;
  readonly to: number;
}

const foldsMax = 4;
/** A stretch is folded when it is at least this long, and this share of what would be left. */
const foldedLeast = 200;
const foldedShareLeast = 0.3;
/** Shares of the axis: of a fold, and at least of a burst. */
const foldShare = 0.07;
const burstShareMin = 0.08;
const ticksAbout = 8;

/** @param values sorted, not empty; all of them have their place on the axis */
export function foldedAxis(values: readonly number[]): FoldedAxis {
  const bursts = burstsOf(values);
  const shares = sharesOf(bursts);
  const pieces: { readonly burst: Burst; readonly start: number; readonly axis: Axis }[] = [];
  let start = 0;
  for (const [index, burst] of bursts.entries()) {
    const share = shares[index] ?? 0;
    const margin = marginOf(burst);
    const inner = linearAxis(burst.from, burst.to + margin, Math.max(1, share * ticksAbout));
    const from = start;
    const axis = {
      place: (value: number): number => from + share * inner.place(value),
      ticks: inner.ticks,
    };
    pieces.push({ burst, start, axis });
    start += share + foldShare;
  }
  return {
    place: (value) => {
      const piece = pieces.findLast(({ burst }) => burst.from <= value) ?? pieces[0];
      return piece?.axis.place(value) ?? 0;
    },
    ticks: pieces.flatMap(({ axis }) => axis.ticks),
    folds: pieces.slice(1).map(({ burst, start }, index) => ({
      from: start - foldShare,
      to: start,
      lasts: burst.from - (bursts[index]?.to ?? 0),
    })),
  };
}

/** Behind the last value of a burst, so that a single value has an axis too. */
function marginOf({ from, to }: Burst): number {
  return Math.max(1, (to - from) * 0.04);
}

/** Cut at the longest stretches, as long as each is much of what is left. */
function burstsOf(values: readonly number[]): Burst[] {
  const [first = 0, last = first] = [values[0], values.at(-1)];
  const gaps = values
    .slice(1)
    .map((to, index) => ({ from: values[index] ?? to, to }))
    .toSorted((a, b) => b.to - b.from - (a.to - a.from));
  let left = last - first;
  const folded: Burst[] = [];
  for (const gap of gaps.slice(0, foldsMax)) {
    const length = gap.to - gap.from;
    if (length < foldedLeast || length < foldedShareLeast * left) break;
    folded.push(gap);
    left -= length;
  }
  const cuts = folded.toSorted((a, b) => a.from - b.from);
  const starts = [first, ...cuts.map(({ to }) => to)];
  const ends = [...cuts.map(({ from }) => from), last];
  return starts.map((from, index) => ({ from, to: ends[index] ?? from }));
}

/** In proportion to what they last, but none so small that it could not be seen. */
function sharesOf(bursts: readonly Burst[]): number[] {
  const room = 1 - foldShare * (bursts.length - 1);
  const spare = room - burstShareMin * bursts.length;
  const lasts = bursts.map((burst) => burst.to - burst.from + marginOf(burst));
  const total = lasts.reduce((sum, each) => sum + each, 0);
  return lasts.map((each) => burstShareMin + (spare * each) / total);
}
