/**
 * Plots as HTML without a script: the marks are an SVG that is stretched over its frame, the texts
 * are HTML beside it. So a plot fills any width, and letters and lines keep their size on a phone.
 */

/** Where a value lies on an axis, 0 to 1; and the values that it names. */
export interface Axis {
  readonly place: (value: number) => number;
  readonly ticks: readonly number[];
}

export interface Label {
  /** 0 to 1 along the axis, from the left or from the top. */
  readonly place: number;
  readonly text: string;
}

export interface Frame {
  /** px; the width is what the page gives. */
  readonly heightPx: number;
  /** What the picture shows, for those who do not see it. */
  readonly title: string;
  readonly marks: readonly string[];
  readonly left: readonly Label[];
  readonly bottom: readonly Label[];
  readonly leftTitle: string;
  readonly bottomTitle: string;
  /** HTML that lies over the marks. */
  readonly over?: string;
}

const pointsMax = 600;

/** Makes a text harmless in HTML, in attributes too. */
export function escapeHtml(text: string): string {
  const names: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return (
    text
      .replace(/[&<>"']/g, (sign) => names[sign] ?? '')
      // What XML has no way to say, and what turns a line around.
      // oxlint-disable-next-line no-control-regex
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\ufffd')
  );
}

/** Evenly spaced, from `from` to at least `to`; about `tickCount` round values are named. */
export function linearAxis(from: number, to: number, tickCount = 5): Axis {
  const end = to > from ? to : from + 1;
  const step = niceStep((end - from) / tickCount);
  const first = Math.ceil(from / step - 1e-9);
  const count = Math.floor((end - first * step) / step + 1e-9) + 1;
  const ticks = Array.from({ length: count }, (_, index) => round((first + index) * step));
  return { place: (value) => clamp((value - from) / (end - from)), ticks };
}

/** Evenly spaced by factors of ten; 0 < from < to. Names 1, 2 and 5 of each power, or 1 alone. */
export function logAxis(from: number, to: number): Axis {
  const [low, high] = [Math.log10(from), Math.log10(Math.max(to, from * 1.01))];
  const steps = high - low > 2 ? [1] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = Math.floor(low); power <= Math.ceil(high); power++)
    for (const step of steps) ticks.push(round(step * 10 ** power));
  const place = (value: number): number =>
    clamp((Math.log10(Math.max(value, from)) - low) / (high - low));
  return { place, ticks: ticks.filter((tick) => tick >= from && tick <= to) };
}

/** 1, 2, 2.5 or 5 times a power of ten, not below `least`. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 2.5, 5, 10].find((step) => step * power >= least * (1 - 1e-9)) ?? 10;
  return step * power;
}

function round(value: number): number {
  return Number(value.toPrecision(12));
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}

/** Units of the stretched picture: thousandths of its width or height, to a tenth. */
export function unit(share: number): number {
  return Math.round(share * 10_000) / 10;
}

/** A percentage for a style, to a hundredth. */
export function percent(share: number): string {
  return `${Math.round(share * 10_000) / 100}%`;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * Points from left to right, of which at most about 600 are kept: the lowest and the highest of
 * each stretch, so that no peak is lost.
 */
export function thinned(points: readonly Point[]): Point[] {
  if (points.length <= pointsMax) return [...points];
  const size = Math.ceil(points.length / (pointsMax / 2));
  const kept: Point[] = [];
  for (let from = 0; from < points.length; from += size) {
    const stretch = points.slice(from, from + size).map((point, index) => ({ point, index }));
    const byHeight = stretch.toSorted((a, b) => a.point.y - b.point.y);
    const ends = [byHeight[0], byHeight.at(-1)].filter((end) => end !== undefined);
    const inOrder = ends.toSorted((a, b) => a.index - b.index);
    kept.push(...new Set(inOrder.map(({ point }) => point)));
  }
  return kept;
}

/** A line through points in shares of the frame, y upwards. */
export function linePath(points: readonly Point[], style: string): string {
  const d = points.map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${unit(x)} ${unit(1 - y)}`);
  return `<path class="${style}" d="${d.join('')}"/>`;
}

/** The same, filled down to the bottom. */
export function areaPath(points: readonly Point[], style: string): string {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return '';
  const d = points.map(({ x, y }) => `L${unit(x)} ${unit(1 - y)}`).join('');
  return `<path class="${style}" d="M${unit(first.x)} 1000${d}L${unit(last.x)} 1000Z"/>`;
}

/** Lines over the whole frame at the ticks. */
export function gridLines(axis: Axis, direction: 'across' | 'down'): string {
  const d = axis.ticks.map(axis.place).map((place) => {
    return direction === 'across' ? `M0 ${unit(1 - place)}H1000` : `M${unit(place)} 0V1000`;
  });
  return `<path class="grid" d="${d.join('')}"/>`;
}

/** The frame with its marks, and texts around it. */
export function plot(frame: Frame): string {
  const { heightPx, title, marks, left, bottom, leftTitle, bottomTitle, over = '' } = frame;
  const lefts = left.map(
    ({ place, text }) => `<i class="at-left" style="top:${percent(place)}">${escapeHtml(text)}</i>`,
  );
  const bottoms = bottom.map(
    ({ place, text }) =>
      `<i class="at-bottom" style="left:${percent(place)}">${escapeHtml(text)}</i>`,
  );
  return `<p class="left-title">${escapeHtml(leftTitle)}</p>
<div class="plot" style="height:${heightPx}px">
<svg viewBox="0 0 1000 1000" preserveAspectRatio="none" role="img" aria-label="${escapeHtml(title)}">
${marks.filter((mark) => mark !== '').join('\n')}
</svg>
${[...lefts, ...bottoms].join('')}${over}
</div>
<p class="bottom-title">${escapeHtml(bottomTitle)}</p>`;
}
