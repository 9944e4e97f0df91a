/**
 * The distributions as one SVG: a panel a case, with the share of all pairs of observer and victim
 * that had hidden it after a time, on a logarithmic axis, and what is promised as dashed lines.
 */
import type { CaseName, Outcome } from './liveness-cases.ts';
import { msText, patienceMs } from './liveness-cases.ts';
import { systemNames, type SystemName } from './liveness-cluster.ts';
import { quantiles } from './quantiles.ts';

/** A dashed line. */
export interface PlotMark {
  readonly ms: number;
  readonly text: string;
}

export interface Panel {
  readonly case: CaseName;
  readonly title: string;
  readonly outcomes: readonly Outcome[];
  readonly marks: readonly PlotMark[];
}

/** Told apart by those who see fewer colours, too. */
const colours: Readonly<Record<SystemName, string>> = {
  disco: '#0072b2',
  serf: '#d55e00',
  moleculer: '#009e73',
};
const width = 860;
const panelHeight = 330;
const plot = { left: 70, top: 62, width: 520, height: 205 } as const;
const legendLeft = plot.left + plot.width + 28;
const shares = [0, 0.25, 0.5, 0.75, 1];

/** @returns a file of its own, without scripts and without anything from elsewhere */
export function plotOf(panels: readonly Panel[], subtitle: string): string {
  const height = panels.length * panelHeight + 40;
  const parts = panels.map((panel, index) => panelOf(panel, index * panelHeight));
  const style =
    'text { font: 12px system-ui, sans-serif; fill: #333 } .title { font-weight: 600; font-size: ' +
    '15px } .grid { stroke: #e2e2e2 } .axis { stroke: #888 } .faint { fill: #777 }';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<style>${style}</style>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...parts,
    text(plot.left, height - 14, subtitle, 'faint'),
    '</svg>\n',
  ].join('\n');
}

function panelOf({ title, outcomes, marks }: Panel, offset: number): string {
  const axis = axisOf(outcomes, marks);
  const x = (ms: number): number =>
    plot.left + (plot.width * Math.log10(ms / axis.from)) / Math.log10(axis.to / axis.from);
  const y = (share: number): number => plot.top + plot.height * (1 - share);
  const bottom = y(0);
  const grid = [
    ...shares.map((share) => line(plot.left, y(share), x(axis.to), y(share), 'grid')),
    ...shares.map((share) => text(plot.left - 8, y(share) + 4, `${share * 100} %`, '', 'end')),
    ...decades(axis).flatMap((ms) => [
      line(x(ms), plot.top, x(ms), bottom, 'grid'),
      text(x(ms), bottom + 18, axisText(ms), '', 'middle'),
    ]),
    line(plot.left, bottom, x(axis.to), bottom, 'axis'),
  ];
  // One above the other, so that two that lie near each other can both be read.
  const promised = marks.flatMap(({ ms, text: name }, index) => [
    `<line x1="${px(x(ms))}" y1="${plot.top - 4}" x2="${px(x(ms))}" y2="${bottom}" stroke="#555" stroke-dasharray="4 3"/>`,
    text(x(ms), plot.top - 8 - 13 * (index % 2), name, 'faint', 'middle'),
  ]);
  const curves = outcomes.map((outcome) => curveOf(outcome, x, y, axis));
  const legend = outcomes.flatMap((outcome, index) => legendOf(outcome, index));
  return [
    `<g transform="translate(0 ${offset})">`,
    text(plot.left, 24, title, 'title'),
    ...grid,
    ...promised,
    ...curves,
    ...legend,
    text(plot.left + plot.width / 2, bottom + 38, 'time since the strike', 'faint', 'middle'),
    '</g>',
  ].join('\n');
}

interface Axis {
  readonly from: number;
  readonly to: number;
}

/** Whole decades around all that is drawn. */
function axisOf(outcomes: readonly Outcome[], marks: readonly PlotMark[]): Axis {
  const all = [
    ...outcomes.flatMap(({ pairsMs }) => pairsMs.filter((ms) => ms > 0 && ms < Infinity)),
    ...marks.map(({ ms }) => ms),
  ];
  if (all.length === 0) return { from: 1, to: patienceMs };
  const sorted = Float64Array.from(all).sort();
  const from = 10 ** Math.floor(Math.log10(Math.max(0.1, sorted[0] ?? 1)));
  const to = 10 ** Math.ceil(Math.log10((sorted.at(-1) ?? 1) * 1.05));
  return { from, to: Math.max(to, 10 * from) };
}

function decades({ from, to }: Axis): number[] {
  const found: number[] = [];
  for (let ms = from; ms <= to * 1.001; ms *= 10) found.push(ms);
  return found;
}

/** Steps; what was never known keeps the curve from reaching the top. */
function curveOf(
  { system, pairsMs }: Outcome,
  x: (ms: number) => number,
  y: (share: number) => number,
  { from, to }: Axis,
): string {
  const known = pairsMs.filter((ms) => ms < Infinity).toSorted((a, b) => a - b);
  if (known.length === 0) return '';
  const steps = known.map(
    (ms, index) => `H${px(x(Math.max(from, ms)))}V${px(y((index + 1) / pairsMs.length))}`,
  );
  const path = `M${px(x(from))} ${px(y(0))}${steps.join('')}H${px(x(to))}`;
  return `<path d="${path}" fill="none" stroke="${colours[system]}" stroke-width="2.2"/>`;
}

function legendOf({ system, pairsMs, runs }: Outcome, index: number): string[] {
  const top = plot.top + 10 + index * 68;
  const { p50, p99, max } = quantiles(pairsMs);
  const never = pairsMs.filter((ms) => ms === Infinity).length;
  const figures = `p50 ${msText(p50)}, p99 ${msText(p99)}`;
  const rest = never > 0 ? `${never} never within ${msText(patienceMs)}` : `max ${msText(max)}`;
  return [
    `<line x1="${legendLeft}" y1="${top}" x2="${legendLeft + 22}" y2="${top}" stroke="${colours[system]}" stroke-width="3"/>`,
    text(legendLeft + 30, top + 4, `${system}: ${pairsMs.length} pairs, ${runs} runs`),
    text(legendLeft + 30, top + 21, figures, 'faint'),
    text(legendLeft + 30, top + 38, rest, 'faint'),
  ];
}

/** The systems in one order, whatever order they ran in. */
export function inOrder(outcomes: readonly Outcome[]): Outcome[] {
  return outcomes.toSorted((a, b) => systemNames.indexOf(a.system) - systemNames.indexOf(b.system));
}

function axisText(ms: number): string {
  return ms < 1_000 ? `${Number(ms.toPrecision(1))} ms` : `${ms / 1_000} s`;
}

function line(x1: number, y1: number, x2: number, y2: number, name: string): string {
  return `<line x1="${px(x1)}" y1="${px(y1)}" x2="${px(x2)}" y2="${px(y2)}" class="${name}"/>`;
}

function text(x: number, y: number, content: string, name = '', anchor = 'start'): string {
  const escaped = content.replace(/&/g, '&amp;').replace(/</g, '&lt;');
  return `<text x="${px(x)}" y="${px(y)}" class="${name}" text-anchor="${anchor}">${escaped}</text>`;
}

function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}
