/** The space-time picture of the report page: one record on its way from node to node. */
import { foldedAxis } from './folded-axis.ts';
import type { FoldedAxis } from './folded-axis.ts';
import { escapeHtml, gridLines, percent, plot, unit } from './plot.ts';
import type { Axis } from './plot.ts';
import type { Arrival, SimResult } from './run.ts';
import { layOut } from './spread-tree.ts';
import type { Hop } from './spread-tree.ts';
import { countText, msText } from './table.ts';

/** More lines than this are a blot, on whatever screen. */
const hopsMax = 900;
/** With more, the dots are smaller. */
const largeDotsMax = 300;
const heightPx = 560;
/** Below it two texts beside one another would touch. */
const noteGapPx = 19;

const ways = ['rumor', 'retold', 'repair'] as const;
const meanings: Readonly<Record<(typeof ways)[number], string>> = {
  rumor: 'over the broadcast topic',
  retold: 'told again by a neighbor',
  repair: 'by an exchange of digests',
};

export function spreadPlot({ arrivals }: SimResult): string {
  const title = '<h2>One record spreading</h2>';
  const hops = layOut(arrivals, hopsMax);
  const origin = hops[0]?.arrival;
  if (origin === undefined)
    return `<section>${title}<p class="soft">No record was followed.</p></section>`;
  const since = ({ atMs }: Arrival): number => atMs - origin.atMs;
  const times = firstTimes(arrivals, since);
  const y = foldedAxis(times);
  const drawn = plot({
    heightPx,
    title: `A record on its way from n${origin.node} to ${countText(times.length)} nodes`,
    marks: [
      gridDown(y),
      foldMarks(y),
      ...ways.map((way) => hopPath(hops, way, (arrival) => y.place(since(arrival)))),
      reachedLines(times, y),
      ...[...ways, 'origin' as const].map((way) =>
        dotPath(hops, way, (arrival) => y.place(since(arrival))),
      ),
      `<path class="dot start" d="M${unit(hops[0]?.place ?? 0)} 0h0"/>`,
    ],
    left: y.ticks.map((tick) => ({ place: y.place(tick), text: countText(tick) })),
    bottom: [],
    leftTitle: 'ms since the change, downwards',
    bottomTitle: 'nodes, each beside the one that it heard from',
    over: foldNotes(y) + reachedNotes(times, y),
  });
  const part = hops.length < times.length ? `; ${countText(hops.length)} of them are drawn` : '';
  return `<section>
${title}
<p class="soft">From n${origin.node} at ${msText(origin.atMs)} to ${countText(times.length)} nodes${part}.</p>
${legend(arrivals)}
${drawn}
</section>`;
}

/** Of each node the first, ms since the change, sorted. */
function firstTimes(arrivals: readonly Arrival[], since: (arrival: Arrival) => number): number[] {
  const first = new Map<number, number>();
  for (const arrival of arrivals) {
    const before = first.get(arrival.node);
    if (before === undefined || since(arrival) < before) first.set(arrival.node, since(arrival));
  }
  return [...first.values()].toSorted((a, b) => a - b);
}

function gridDown(y: Axis): string {
  return gridLines({ ticks: y.ticks, place: (tick) => 1 - y.place(tick) }, 'across');
}

/** Bands over the stretches of time that are left out. */
function foldMarks({ folds }: FoldedAxis): string {
  const d = folds.map(({ from, to }) => `M0 ${unit(from)}H1000V${unit(to)}H0Z`);
  return d.length === 0 ? '' : `<path class="fold" d="${d.join('')}"/>`;
}

function foldNotes({ folds }: FoldedAxis): string {
  const notes = folds.map(({ from, to, lasts }) => {
    const text = escapeHtml(`${msText(lasts)} in which nobody heard of it`);
    return `<i class="fold-note" style="top:${percent((from + to) / 2)}">${text}</i>`;
  });
  return notes.join('');
}

function hopPath(hops: readonly Hop[], way: Arrival['way'], place: (a: Arrival) => number): string {
  const d = hops
    .filter(({ arrival }) => arrival.way === way)
    .map(({ arrival, from, place: x }) => {
      if (from === undefined) return '';
      const start = `M${unit(from.place)} ${unit(place(from.arrival))}`;
      return `${start}L${unit(x)} ${unit(place(arrival))}`;
    });
  return d.every((line) => line === '') ? '' : `<path class="hop ${way}" d="${d.join('')}"/>`;
}

/** Lines without a length, whose round ends are dots at any stretch of the picture. */
function dotPath(hops: readonly Hop[], way: Arrival['way'], place: (a: Arrival) => number): string {
  const d = hops
    .filter(({ arrival }) => arrival.way === way)
    .map(({ arrival, place: x }) => `M${unit(x)} ${unit(place(arrival))}h0`);
  const size = hops.length > largeDotsMax ? 'small dot' : 'dot';
  return d.length === 0 ? '' : `<path class="${size} ${way}" d="${d.join('')}"/>`;
}

function milestones(times: readonly number[]): { readonly share: string; readonly ms: number }[] {
  return [0.5, 0.99, 1].map((share) => ({
    share: share === 1 ? 'all' : `${share * 100} %`,
    ms: times[Math.ceil(times.length * share) - 1] ?? 0,
  }));
}

function reachedLines(times: readonly number[], y: Axis): string {
  const d = milestones(times).map(({ ms }) => `M0 ${unit(y.place(ms))}H1000`);
  return `<path class="reached" d="${d.join('')}"/>`;
}

/** At the right, above their lines, moved up where they would touch. */
function reachedNotes(times: readonly number[], y: Axis): string {
  let nextPx = heightPx + noteGapPx;
  const notes = milestones(times)
    .toReversed()
    .map(({ share, ms }) => {
      const px = Math.min(y.place(ms) * heightPx - noteGapPx, nextPx - noteGapPx);
      nextPx = px;
      const text = escapeHtml(`${share} after ${msText(ms)}`);
      return `<i class="note" style="right:0;top:${percent(px / heightPx)}">${text}</i>`;
    });
  return notes.toReversed().join('');
}

function legend(arrivals: readonly Arrival[]): string {
  const items = ways.map((way) => {
    const count = arrivals.filter((arrival) => arrival.way === way).length;
    const line = `<svg viewBox="0 0 22 10" aria-hidden="true"><path class="${way}" stroke-width="3" d="M0 5H22"/></svg>`;
    return `<li>${line}<span>${way}: ${meanings[way]} (${countText(count)})</span></li>`;
  });
  return `<ul class="legend">${items.join('')}</ul>`;
}
