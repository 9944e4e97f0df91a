/** The space-time picture. */
import t from 'tap';
import { spreadPlot } from '../../src/sim/spread-plot.ts';
import { elementsOf } from './markup.ts';
import { makeArrivals, makeResult } from './result-fixtures.ts';

const drawn = (nodes: number): string => spreadPlot(makeResult({ arrivals: makeArrivals(nodes) }));
const marksOf = (markup: string, style: RegExp): number =>
  elementsOf(markup)
    .filter(({ attributes }) => style.test(attributes['class'] ?? ''))
    .flatMap(({ attributes }) => attributes['d']?.match(/M/g) ?? []).length;

t.test('each node is a dot, and a line from whom it heard', (t) => {
  const markup = drawn(50);
  t.equal(marksOf(markup, /^dot (rumor|retold|repair|origin)$/), 50);
  t.equal(marksOf(markup, /^hop /), 49);
  t.match(markup, 'From n1 at 5.00 s to 50 nodes.');
  t.match(markup, /rumor: over the broadcast topic \(\d+\)/);
  t.match(markup, /in which nobody heard of it/, 'the time until the repairs is folded');
  t.match(markup, /50 % after \d+ ms/);
  t.match(markup, 'all after 1.03 s');
  t.end();
});

t.test('at 10,000 nodes the picture has no more marks than one can see', (t) => {
  const [some, many] = [drawn(1_000), drawn(10_000)];
  const dots = marksOf(many, /^small dot/);
  t.ok(dots <= 901, `${dots}`);
  t.match(many, /to 10,000 nodes; \d+ of them are drawn\./);
  t.ok(many.length < 1.2 * some.length);
  t.end();
});

t.test('without a record to follow it says so', (t) => {
  t.match(spreadPlot(makeResult({ arrivals: [] })), 'No record was followed.');
  t.end();
});
