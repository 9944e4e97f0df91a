/** What a person is told of a run: while it runs, and at its end. Texts and cells, no layout. */
import { defaults } from '../daemon/config-options.ts';
import { commandOf } from './command.ts';
import { faultText } from './fault-text.ts';
import type { Sample, SimOptions, SimResult, Spread } from './run.ts';

export type Row = readonly [name: string, value: string];

export interface Cells {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const violationsShownMax = 5;

/** Whether the run showed what it has to: nothing violated, and all nodes alike at the end. */
export function hasSucceeded({ violations, isConverged }: SimResult): boolean {
  return violations.length === 0 && isConverged;
}

/** @param wallMs since the run began */
export function progressText(sample: Sample, { durationMs }: SimOptions, wallMs: number): string {
  const rate = wallMs > 0 ? (sample.events * 1_000) / wallMs : 0;
  return [
    `${secondsText(sample.atMs)} of ${secondsText(durationMs)}`,
    `${countText(sample.nodesUp)} nodes up`,
    `${percentText(sample.agreement)} agree`,
    `${countText(Math.round(rate))} events/s`,
  ].join(', ');
}

/** What the run was, what it did, and whether that was right. */
export function summaryRows(result: SimResult): Row[] {
  const { options, events, wallMs, heapBytes, spreads, samples } = result;
  const nodesUp = samples.at(-1)?.nodesUp ?? options.nodes;
  const rate = countText(Math.round((events * 1_000) / Math.max(wallMs, 1)));
  const traffic = countText(Math.round(result.bytesPerNodeSecond));
  return [
    ['nodes', `${countText(options.nodes)}, ${countText(nodesUp)} of them up at the end`],
    ['network', networkText(options)],
    ['faults', faultTexts(options).join(', ') || 'none'],
    ['virtual time', `${secondsText(options.durationMs)} in ${secondsText(wallMs)} of real time`],
    ['events', `${countText(events)}, ${rate} a second`],
    ['memory', `${Math.round(heapBytes / 1024 / 1024)} MiB`],
    ['changes', `${countText(spreads.length)}`],
    ['bandwidth', `${traffic} bytes a node and second`],
    ['duplicates', `${result.duplicatesPerMessage.toFixed(2)} extra copies of a message a node`],
    ['converged', convergedText(result)],
    ['violations', result.violations.length === 0 ? 'none' : countText(result.violations.length)],
    ['random seed', String(options.randomSeed)],
    ['trace hash', result.traceHash],
  ];
}

function networkText({ latencyMs, latencyJitter, ...options }: SimOptions): string {
  const shares = [
    [options.loss, 'lost'],
    [options.duplicate, 'twice'],
    [options.reorder, 'overtaken'],
  ] as const;
  const jitter = latencyJitter === 0 ? '' : ` ±${percentText(latencyJitter)}`;
  return [
    `${msText(latencyMs)}${jitter} one way`,
    ...shares.filter(([share]) => share > 0).map(([share, how]) => `${percentText(share)} ${how}`),
  ].join(', ');
}

/** Each fault as it stands on a command line, without the dashes. */
export function faultTexts({ faults }: SimOptions): string[] {
  return faults.map((fault) => `${fault.kind} ${faultText(fault)}`);
}

function convergedText({ isConverged, convergedMs, options }: SimResult): string {
  if (!isConverged) return 'no';
  if (convergedMs === undefined) return 'yes, when nothing changed any more';
  if (options.faults.length === 0) return 'yes';
  return `yes, ${msText(convergedMs)} after the last fault`;
}

/** How the time until one share of the nodes had a change lies over all changes. */
export interface Reach {
  readonly share: string;
  /** Sorted; Infinity for a change that never got so far. */
  readonly times: readonly number[];
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly neverCount: number;
}

const shares = [
  ['50 %', 'p50Ms'],
  ['99 %', 'p99Ms'],
  ['100 %', 'allMs'],
] as const satisfies readonly (readonly [string, keyof Spread])[];

/** One for each of 50 %, 99 % and 100 % of the nodes; empty when nothing changed. */
export function reachesOf(spreads: readonly Spread[]): Reach[] {
  if (spreads.length === 0) return [];
  return shares.map(([share, key]) => {
    const times = spreads.map((spread) => spread[key] ?? Infinity).toSorted((a, b) => a - b);
    const neverCount = times.filter((time) => time === Infinity).length;
    const [p50Ms, p99Ms, maxMs] = [0.5, 0.99, 1].map((part) => percentile(times, part));
    return { share, times, neverCount, p50Ms, p99Ms, maxMs } as Reach;
  });
}

/** The smallest value that at least `part` of the sorted values do not exceed. */
function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Infinity;
}

/** ms until a change was at 50, 99 and 100 % of the nodes, over all changes; and as rounds. */
export function reachCells(spreads: readonly Spread[]): Cells {
  const header = ['REACHED', 'P50', 'P99', 'MAX', 'ROUNDS AT P99', 'NEVER'];
  const rows = reachesOf(spreads).map(({ share, p50Ms, p99Ms, maxMs, neverCount }) => [
    `${share} of nodes`,
    ...[p50Ms, p99Ms, maxMs].map(msText),
    p99Ms === Infinity ? '-' : (p99Ms / defaults.gossipIntervalMs).toFixed(2),
    String(neverCount),
  ]);
  return { header, rows };
}

/** How often each state was reached that a campaign has to reach. */
export function sometimesCells({ sometimes }: SimResult): Cells {
  const rows = Object.entries(sometimes).map(([state, count]) => [
    state,
    count === 0 ? 'never' : countText(count),
  ]);
  return { header: ['STATE', 'REACHED'], rows };
}

/** The same, with those in one line that were never reached: of one run most are not. */
export function reachedCells(result: SimResult): Cells {
  const { header, rows } = sometimesCells(result);
  const reached = rows.filter(([, count]) => count !== 'never');
  const others = rows.length - reached.length;
  if (others === 0) return { header, rows };
  return { header, rows: [...reached, [`${others} other states`, 'never']] };
}

/** The first violations as sentences, how many more there are, and what plays them again. */
export function violationLines({ violations, isConverged, options }: SimResult): string[] {
  if (violations.length === 0 && isConverged) return [];
  const more = violations.length - violationsShownMax;
  return [
    ...violations
      .slice(0, violationsShownMax)
      .map(({ checker, atMs, node, sentence }) =>
        [`${checker} at ${secondsText(atMs)}`, ...(node === undefined ? [] : [` on n${node}`])]
          .join('')
          .concat(`: ${sentence}`),
      ),
    ...(more > 0 ? [`and ${countText(more)} more`] : []),
    ...(violations.length > 0 ? [] : ['the nodes that are up do not agree at the end']),
    `again: ${commandOf(options)}`,
  ];
}

export function countText(count: number): string {
  return count.toLocaleString('en-US');
}

/** `12.3 s`; below ten seconds with two decimals, and `90 s` rather than minutes. */
function secondsText(ms: number): string {
  if (ms % 1_000 === 0) return `${countText(ms / 1_000)} s`;
  return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

/** `62 ms`, `1.23 s`, or `never` of Infinity. */
export function msText(ms: number): string {
  if (ms === Infinity) return 'never';
  if (ms >= 60_000) return secondsText(Math.round(ms));
  if (ms >= 999.5) return `${(ms / 1_000).toFixed(2)} s`;
  return `${ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms)} ms`;
}

/** Never `100 %` of what is not all, nor `0 %` of what is not nothing. */
export function percentText(share: number): string {
  const percent = share * 100;
  const isNearAll = percent < 100 && percent > 99.9;
  const cut = isNearAll ? Math.floor(percent * 1_000) / 1_000 : Number(percent.toPrecision(3));
  return `${Math.min(cut, percent < 100 ? 99.999 : 100)} %`;
}
