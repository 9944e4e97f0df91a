/** The curves of the report page: agreement, nodes up, bandwidth, and how fast changes spread. */
import { areaPath, gridLines, linearAxis, linePath, logAxis, percent, plot } from './plot.ts';
import { escapeHtml, thinned, unit } from './plot.ts';
import type { Axis, Label } from './plot.ts';
import type { Fault, Sample, SimResult } from './run.ts';
import { countText, faultTexts, msText, percentText, reachesOf } from './table.ts';
import type { Reach } from './table.ts';

const lanesMax = 12;
const shadesMax = 100;
const binsCount = 60;

/** Seconds of the run: as long as was asked for, or as the samples go on. */
function timeAxis({ options, samples }: SimResult): Axis {
  const lastMs = samples.at(-1)?.atMs ?? 0;
  return linearAxis(0, Math.max(options.durationMs, lastMs) / 1_000, 6);
}

function bottomOf(axis: Axis): Label[] {
  return axis.ticks.map((tick) => ({ place: axis.place(tick), text: countText(tick) }));
}

function leftOf(axis: Axis, show: (tick: number) => string): Label[] {
  return axis.ticks.map((tick) => ({ place: 1 - axis.place(tick), text: show(tick) }));
}

function curveOf(samples: readonly Sample[], x: Axis, y: Axis, of: (sample: Sample) => number) {
  const points = samples.map((sample) => {
    return { x: x.place(sample.atMs / 1_000), y: y.place(of(sample)) };
  });
  return thinned(points);
}

/** How much the nodes agreed, and what was going wrong meanwhile. */
export function agreementPlot(result: SimResult): string {
  const { samples, options } = result;
  const least = samples.reduce((low, { agreement }) => Math.min(low, agreement), 1);
  const from = [0.999, 0.99, 0.9, 0.5].find((share) => share <= least) ?? 0;
  const x = timeAxis(result);
  const y = linearAxis(from, 1, 5);
  const drawn = plot({
    heightPx: 240,
    title: `Agreement over virtual time; the least was ${percentText(least)}`,
    marks: [
      ...shades(options.faults, x),
      gridLines(y, 'across'),
      linePath(
        curveOf(samples, x, y, ({ agreement }) => agreement),
        'curve',
      ),
    ],
    left: leftOf(y, percentText),
    bottom: bottomOf(x),
    leftTitle: `share of (node, owner) pairs where the node has the owner's newest head${
      from === 0 ? '' : `; the axis begins at ${percentText(from)}`
    }`,
    bottomTitle: 'virtual time, s',
  });
  return `<section>
<h2>Convergence</h2>
${drawn}
${lanes(result, x)}
</section>`;
}

function shades(faults: readonly Fault[], x: Axis): string[] {
  return faults.slice(0, shadesMax).map(({ atMs, untilMs }) => {
    const [from, to] = [unit(x.place(atMs / 1_000)), unit(x.place(untilMs / 1_000))];
    if (untilMs === atMs) return `<path class="struck-at" d="M${from} 0V1000"/>`;
    return `<path class="struck" d="M${from} 0H${to}V1000H${from}Z"/>`;
  });
}

/** A bar for each fault below the curve, each in a lane of its own, so that no text is covered. */
function lanes(result: SimResult, x: Axis): string {
  const { faults } = result.options;
  if (faults.length === 0) return '';
  const texts = faultTexts(result.options);
  const drawn = faults.slice(0, lanesMax).map(({ atMs, untilMs }, index) => {
    const [from, to] = [x.place(atMs / 1_000), x.place(untilMs / 1_000)];
    // The text goes to where there is more room.
    const isLeft = from <= 1 - to || from < 0.4;
    const side = isLeft ? `left:${percent(from)}` : `right:${percent(1 - to)}`;
    return `<div class="lane"><b style="left:${percent(from)};width:${percent(to - from)}"></b><i style="${side}">${escapeHtml(texts[index] ?? '')}</i></div>`;
  });
  const more = faults.length - drawn.length;
  const rest = more > 0 ? `<p class="soft">and ${countText(more)} more faults</p>` : '';
  return `<div class="lanes">${drawn.join('\n')}${rest}</div>`;
}

/** Nothing when all nodes were up all the time. */
export function nodesUpPlot(result: SimResult): string {
  const { samples, options } = result;
  if (samples.every(({ nodesUp }) => nodesUp === options.nodes)) return '';
  const most = samples.reduce((high, { nodesUp }) => Math.max(high, nodesUp), options.nodes);
  const x = timeAxis(result);
  const y = linearAxis(0, most, 3);
  const points = curveOf(samples, x, y, ({ nodesUp }) => nodesUp);
  const drawn = plot({
    heightPx: 110,
    title: 'Nodes up over virtual time',
    marks: [...shades(options.faults, x), gridLines(y, 'across'), linePath(points, 'curve')],
    left: leftOf(y, countText),
    bottom: bottomOf(x),
    leftTitle: 'nodes',
    bottomTitle: 'virtual time, s',
  });
  return `<section>
<h2>Nodes up</h2>
${drawn}
</section>`;
}

/** Bytes a node and second. */
export function bandwidthPlot(result: SimResult): string {
  const { samples, options } = result;
  const most = samples.reduce((high, sample) => Math.max(high, sample.bytesPerNodeSecond), 0);
  const x = timeAxis(result);
  const y = linearAxis(0, most * 1.05, 4);
  const points = curveOf(samples, x, y, ({ bytesPerNodeSecond }) => bytesPerNodeSecond);
  const drawn = plot({
    heightPx: 220,
    title: `Bandwidth over virtual time; the most was ${countText(Math.round(most))} bytes`,
    marks: [
      ...shades(options.faults, x),
      gridLines(y, 'across'),
      areaPath(points, 'area'),
      linePath(points, 'curve'),
    ],
    left: leftOf(y, countText),
    bottom: bottomOf(x),
    leftTitle: 'bytes a node and second',
    bottomTitle: 'virtual time, s',
  });
  return `<section>
<h2>Bandwidth</h2>
${drawn}
</section>`;
}

/** Three histograms over one axis: how long until 50, 99 and 100 % of the nodes had a change. */
export function reachPlot({ spreads }: SimResult): string {
  const reaches = reachesOf(spreads);
  const finite = reaches.flatMap(({ times }) => times.filter((time) => time !== Infinity));
  const title = '<h2>How fast changes spread</h2>';
  if (finite.length === 0)
    return `<section>${title}<p class="soft">No change reached half of the nodes.</p></section>`;
  const [least, most] = finite.reduce(
    ([low, high], time) => [Math.min(low, time), Math.max(high, time)],
    [Infinity, 0],
  );
  const isWide = most > 10 * Math.max(1, least);
  const x = isWide ? logAxis(Math.max(1, least) * 0.9, most * 1.1) : linearAxis(0, most * 1.05, 6);
  const rowCount = reaches.length;
  const drawn = plot({
    heightPx: 220,
    title: 'ms until 50, 99 and 100 % of the nodes had a change',
    marks: [
      gridLines(x, 'down'),
      ...reaches.map((reach, row) => bars(reach, x, row / rowCount, 0.6 / rowCount)),
    ],
    left: reaches.map(({ share }, row) => ({ place: (row + 0.75) / rowCount, text: share })),
    bottom: x.ticks.map((tick) => ({ place: x.place(tick), text: countText(tick) })),
    leftTitle: `changes by the time until so many nodes had them${isWide ? ' (log scale)' : ''}`,
    bottomTitle: 'ms since the change',
    over: reaches.map((reach, row) => reachNote(reach, row / rowCount)).join(''),
  });
  return `<section>
${title}
${drawn}
</section>`;
}

/** @param top where the row begins, of the frame; its text stands above the bars */
function bars({ times }: Reach, x: Axis, top: number, height: number): string {
  const counts = Array.from({ length: binsCount }, () => 0);
  for (const time of times) {
    if (time === Infinity) continue;
    const bin = Math.min(binsCount - 1, Math.floor(x.place(time) * binsCount));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const most = Math.max(1, ...counts);
  const bottom = top + 1 / 3 - 0.005;
  const d = counts.map((count, bin) => {
    if (count === 0) return '';
    // Never so low that it could be overlooked.
    const size = height * Math.max(0.06, count / most);
    const [left, right] = [unit((bin + 0.08) / binsCount), unit((bin + 0.92) / binsCount)];
    return `M${left} ${unit(bottom)}V${unit(bottom - size)}H${right}V${unit(bottom)}Z`;
  });
  const line = `<path class="grid" d="M0 ${unit(bottom)}H1000"/>`;
  return `${line}<path class="bars" d="${d.join('')}"/>`;
}

function reachNote({ p50Ms, p99Ms, neverCount }: Reach, top: number): string {
  const never = neverCount === 0 ? '' : `, ${countText(neverCount)} never`;
  const text = `p50 ${msText(p50Ms)}, p99 ${msText(p99Ms)}${never}`;
  return `<i class="note" style="top:${percent(top + 0.045)};right:0">${escapeHtml(text)}</i>`;
}
