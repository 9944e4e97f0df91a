/** Axes and marks of the report page. */
import fc from 'fast-check';
import t from 'tap';
import {
  areaPath,
  escapeHtml,
  gridLines,
  linearAxis,
  linePath,
  logAxis,
  percent,
  plot,
  thinned,
} from '../../src/sim/plot.ts';
import { elementsOf } from './markup.ts';

t.test('what a text holds is shown and never read as markup', (t) => {
  t.equal(escapeHtml(`<b onclick="x('&')">`), '&lt;b onclick=&quot;x(&#39;&amp;&#39;)&quot;&gt;');
  t.equal(escapeHtml('a\u0000\u001b\u202eb ünïcode'), 'a\ufffd\ufffd\ufffdb ünïcode');
  t.end();
});

t.test('a linear axis names round values, its ends among them when they are round', (t) => {
  t.strictSame(linearAxis(0, 60, 6).ticks, [0, 10, 20, 30, 40, 50, 60]);
  t.strictSame(linearAxis(0.9, 1, 5).ticks, [0.9, 0.92, 0.94, 0.96, 0.98, 1]);
  t.strictSame(linearAxis(0, 9_135, 4).ticks, [0, 2_500, 5_000, 7_500]);
  t.strictSame(linearAxis(0, 0).ticks.length > 0, true, 'nothing but one value');
  t.end();
});

t.test(
  'a log axis names 1, 2 and 5 of each power, or the powers alone when there are many',
  (t) => {
    t.strictSame(logAxis(40, 1_100).ticks, [50, 100, 200, 500, 1_000]);
    t.strictSame(logAxis(0.9, 20_000).ticks, [1, 10, 100, 1_000, 10_000]);
    t.equal(logAxis(1, 100).place(10), 0.5);
    t.end();
  },
);

t.test('every axis keeps the order, and stays in its frame', (t) => {
  const values = fc.tuple(fc.nat(1e6), fc.nat(1e6), fc.nat(1e6), fc.nat(1e6));
  const property = fc.property(values, ([from, to, low, high]) => {
    for (const axis of [linearAxis(from, to), logAxis(from + 1, to)]) {
      const [a, b] = [axis.place(Math.min(low, high)), axis.place(Math.max(low, high))];
      t.ok(0 <= a && a <= b && b <= 1);
      t.ok(axis.ticks.length <= 20 && axis.ticks.every((tick) => Number.isFinite(tick)));
    }
  });
  fc.assert(property, { seed: 20_260_105, numRuns: 200 });
  t.end();
});

t.test('many points are thinned without losing a peak, in their order', (t) => {
  const points = Array.from({ length: 10_000 }, (_, x) => ({
    x,
    y: x === 7_777 ? 9 : (x % 3) / 9,
  }));
  const kept = thinned(points);
  t.ok(kept.length <= 620, `${kept.length}`);
  t.ok(kept.some(({ y }) => y === 9));
  t.strictSame(
    kept.map(({ x }) => x),
    kept.map(({ x }) => x).toSorted((a, b) => a - b),
  );
  t.strictSame(thinned(points.slice(0, 600)), points.slice(0, 600), 'few stay as they are');
  t.end();
});

t.test('lines go upwards where values are larger', (t) => {
  const points = [
    { x: 0, y: 0 },
    { x: 0.5, y: 1 },
  ];
  t.equal(linePath(points, 'curve'), '<path class="curve" d="M0 1000L500 0"/>');
  t.equal(areaPath(points, 'area'), '<path class="area" d="M0 1000L0 1000L500 0L500 1000Z"/>');
  t.equal(areaPath([], 'area'), '');
  const axis = linearAxis(0, 2, 2);
  t.equal(gridLines(axis, 'across'), '<path class="grid" d="M0 1000H1000M0 500H1000M0 0H1000"/>');
  t.equal(gridLines(axis, 'down'), '<path class="grid" d="M0 0V1000M500 0V1000M1000 0V1000"/>');
  t.equal(percent(1 / 3), '33.33%');
  t.end();
});

t.test('a plot has its texts beside it, and a sentence for those who do not see it', (t) => {
  const drawn = plot({
    heightPx: 100,
    title: 'A < B',
    marks: ['<path d="M0 0"/>', ''],
    left: [{ place: 0.5, text: '50 %' }],
    bottom: [{ place: 1, text: '<60>' }],
    leftTitle: 'share & part',
    bottomTitle: 's',
  });
  const elements = elementsOf(`<div>${drawn}</div>`);
  t.match(
    elements.find(({ name }) => name === 'svg'),
    { attributes: { 'aria-label': 'A &lt; B' } },
  );
  t.match(
    elements.filter(({ name }) => name === 'i'),
    [
      { attributes: { style: 'top:50%' }, text: '50 %' },
      { attributes: { style: 'left:100%' }, text: '&lt;60&gt;' },
    ],
  );
  t.match(drawn, 'share &amp; part');
  t.end();
});
