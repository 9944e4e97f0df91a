/**
 * What is promised, figure by figure: the figures of each case, in the order in which they are
 * shown, and how much of each disco may take. Without a bound a figure is shown and judges nothing.
 */
import type { CaseName, Outcome } from './liveness-cases.ts';
import { msText, splitMs } from './liveness-cases.ts';
import { quantiles } from './quantiles.ts';

const minutesPerHour = 60;

export interface Figure {
  readonly name: string;
  readonly unit: 'ms' | 'count';
  readonly of: (outcome: Outcome) => number;
  /** It grows with the time that is watched: shown by the hour, too. */
  readonly isRate?: boolean;
  /** The most that disco may have; undefined while there is nothing to compare with. */
  readonly bound?: (others: Others) => Bound | undefined;
}

export interface Bound {
  readonly most: number;
  /** `<= 250 ms`, or what it is compared with. */
  readonly text: string;
}

/** The outcomes of the other systems in the same case. */
export interface Others {
  readonly serf: Outcome | undefined;
  readonly moleculer: Outcome | undefined;
}

/** A line of the table. */
export interface Judged {
  readonly case: CaseName;
  readonly figure: Figure;
  readonly bound: Bound | undefined;
  /** undefined without a bound. */
  readonly isMet: boolean | undefined;
}

const pairP50 = (outcome: Outcome): number => quantiles(outcome.pairsMs).p50;
const pairP99 = (outcome: Outcome): number => quantiles(outcome.pairsMs).p99;
const lastP50 = (outcome: Outcome): number => quantiles(outcome.lastMs).p50;
const lastP99 = (outcome: Outcome): number => quantiles(outcome.lastMs).p99;

function ms(name: string, of: Figure['of'], most?: number): Figure {
  const bound: Bound = { most: most ?? NaN, text: `<= ${msText(most ?? NaN)}` };
  return { name, unit: 'ms', of, ...(most === undefined ? {} : { bound: () => bound }) };
}

function count(name: string, of: Figure['of'], most?: number): Figure {
  const bound: Bound = { most: most ?? NaN, text: `<= ${most}` };
  return { name, unit: 'count', of, ...(most === undefined ? {} : { bound: () => bound }) };
}

/** At most a share of what another system takes. */
function share(of: Figure['of'], divisor: number, than: keyof Others, which: string): Figure {
  return {
    name: `hidden by each other, ${which}, beside ${than}`,
    unit: 'ms',
    of,
    bound: (others) => {
      const other = others[than];
      if (other === undefined) return undefined;
      const most = of(other) / divisor;
      return { most, text: `<= ${than} / ${divisor}: ${msText(most)}` };
    },
  };
}

const finished: Figure = {
  name: 'runs not done',
  unit: 'count',
  of: ({ runs, runsAsked }) => runsAsked - runs,
  bound: () => ({ most: 0, text: '<= 0' }),
};
const falseDeaths = count('healthy nodes hidden (times)', (outcome) => outcome.falseDeaths, 0);
const wronged = count('healthy nodes hidden (nodes)', (outcome) => outcome.wronged);
const hiddenFor = ms('healthy nodes hidden for, over all pairs', (of) => of.wronglyHiddenMs);
const suspicions = count('suspicions', (outcome) => outcome.suspicions);
const slips: readonly Figure[] = [falseDeaths, wronged, hiddenFor, suspicions];
/** Of the cases that only watch, each system for as long as was asked for. */
const watched: readonly Figure[] = [
  count('minutes watched', (of) => (Number.isNaN(of.falseDeaths) ? NaN : of.minutes)),
  { ...falseDeaths, isRate: true },
  wronged,
  { ...hiddenFor, isRate: true },
  { ...suspicions, isRate: true },
];
const back = (most?: number): Figure[] => [
  ms('back at each other, p50', ({ backMs }) => quantiles(backMs).p50),
  ms('back at each other, max', ({ backMs }) => quantiles(backMs).max, most),
];

/** For what each observer is to know: 50 and 99 of 100 pairs. */
function eachKnows(p50: number | undefined, p99: number): Figure[] {
  return [
    ms('hidden by each other, p50', pairP50, p50),
    ms('hidden by each other, p90', ({ pairsMs }) => quantiles(pairsMs).p90),
    ms('hidden by each other, p99', pairP99, p99),
    ms('hidden by each other, max', ({ pairsMs }) => quantiles(pairsMs).max),
    ms('hidden by all, p50', lastP50),
  ];
}

/** For what all are to know: 50 and 99 of 100 runs, by their last observer. */
function allKnow(p50: number, p99: number): Figure[] {
  return [
    ms('hidden by each other, p50', pairP50),
    ms('hidden by each other, p99', pairP99),
    ms('hidden by all, p50', lastP50, p50),
    ms('hidden by all, p99', lastP99, p99),
  ];
}

export const figures: Readonly<Record<CaseName, readonly Figure[]>> = {
  kill: [
    ...eachKnows(60, 250),
    share(pairP50, 50, 'serf', 'p50'),
    share(pairP99, 5, 'moleculer', 'p99'),
    ...back(),
    ...slips,
    finished,
  ],
  drop: [...allKnow(3_000, 5_000), ...back(), ...slips, finished],
  freeze: [...allKnow(2_000, 3_500), ...back(1_000), ...slips, finished],
  'freeze-1s': [...slips, finished],
  'freeze-busy': [...allKnow(4_000, 8_000), ...back(), ...slips, finished],
  leave: [...eachKnows(undefined, 100), ...back(), ...slips, finished],
  idle: [...watched, finished],
  'idle-busy': [...watched, finished],
  loss: [...watched, finished],
  partition: [
    ms('the other side hidden, p50', pairP50),
    // Each side serves what it can reach, and before the end of the split nothing else.
    ms('the other side hidden, max', ({ pairsMs }) => quantiles(pairsMs).max, splitMs),
    ms('all agree again, max', ({ agreedMs }) => quantiles(agreedMs).max, 3_000),
    count('flaps', ({ flaps }) => flaps, 0),
    ...slips,
    finished,
  ],
  'one-way': [...slips, finished],
};

/** Each figure of a case with what it is held against; NaN meets no bound. */
export function judge(name: CaseName, outcome: Outcome | undefined, others: Others): Judged[] {
  // A comparison with a system that did not run is no line of its own.
  const comparable = figures[name].filter(({ bound }) => bound === undefined || bound(others));
  return comparable.map((figure) => {
    const bound = outcome === undefined ? undefined : figure.bound?.(others);
    const isMet =
      outcome === undefined || bound === undefined ? undefined : figure.of(outcome) <= bound.most;
    return { case: name, figure, bound, isMet };
  });
}

/** A figure of one system, for people; nothing to tell is `-`. */
export function figureText(figure: Figure, outcome: Outcome | undefined): string {
  const value = outcome === undefined ? NaN : figure.of(outcome);
  if (Number.isNaN(value)) return '-';
  const textOf = (amount: number): string =>
    figure.unit === 'ms' ? msText(amount) : String(Math.round(amount * 10) / 10);
  const minutes = outcome?.minutes ?? 0;
  if (figure.isRate !== true || value === 0 || minutes === 0) return textOf(value);
  return `${textOf(value)} (${textOf((value / minutes) * minutesPerHour)} an hour)`;
}
