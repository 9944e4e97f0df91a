/** The report page as a whole. */
import fc from 'fast-check';
import t from 'tap';
import { reportPage } from '../../src/sim/page.ts';
import { pageStyle } from '../../src/sim/page-style.ts';
import { elementsOf } from './markup.ts';
import { anyOptions, makeArrivals, makeResult } from './result-fixtures.ts';

const evil = "\"><script>alert('1')</script>&\u0000";
const violation = { checker: evil, atMs: 12_340, node: 3, sentence: evil };

t.test('the page is well-formed, and has every part', (t) => {
  const elements = elementsOf(reportPage(makeResult()));
  const titles = elements.filter(({ name }) => name === 'h2').map(({ text }) => text);
  t.strictSame(titles, [
    'Convergence',
    'How fast changes spread',
    'Bandwidth',
    'One record spreading',
    'The run',
    'From a change to the nodes',
    'States that were reached',
  ]);
  t.match(
    elements.find(({ name }) => name === 'pre'),
    { text: /^disco sim --nodes 1000 .*--partition halves@10s-40s$/ },
  );
  t.match(
    elements.find(({ attributes }) => attributes['class'] === 'verdict good'),
    { text: 'Nothing was violated, and all nodes that are up agree at the end.' },
  );
  t.end();
});

t.test('it runs no script and asks nothing of anybody', (t) => {
  const page = reportPage(makeResult());
  const elements = elementsOf(page);
  t.notOk(
    elements.some(({ name }) => ['script', 'link', 'img', 'iframe', 'object'].includes(name)),
  );
  t.notMatch(page, /https?:|url\(|@import|\bsrc=|\bhref=|\son[a-z]+=/);
  t.match(page, "content=\"default-src 'none'; style-src 'unsafe-inline'\"");
  t.end();
});

t.test('what a run wrote is shown as it was written', (t) => {
  const page = reportPage(
    makeResult({
      violations: [violation],
      traceHash: evil,
      sometimes: { [evil]: 0 },
      counters: { [evil]: 1 },
    }),
  );
  const names = new Set(elementsOf(page).map(({ name }) => name));
  t.notOk(names.has('script'));
  t.equal(page.split('&lt;script&gt;').length - 1, 5);
  t.match(page, 'Failed: 1 violation.');
  t.end();
});

t.test('a page of 10,000 nodes, as many changes and violations stays small', (t) => {
  const { spreads, samples } = makeResult();
  const many = <T>(list: readonly T[], count: number): T[] =>
    Array.from({ length: count }, (_, index) => list[index % list.length] as T);
  const page = reportPage(
    makeResult({
      arrivals: makeArrivals(10_000),
      spreads: many(spreads, 20_000),
      samples: many(samples, 10_000).map((sample, index) => ({ ...sample, atMs: index * 100 })),
      violations: many([violation], 5_000),
      counters: Object.fromEntries(many([0], 2_000).map((_, index) => [`counter ${index}`, index])),
    }),
  );
  t.ok(page.length < 250_000, `${page.length} bytes`);
  t.match(page, 'And 4,900 more.');
  t.end();
});

t.test('a run of which nothing is known has a page, too', (t) => {
  const nothing = { spreads: [], samples: [], arrivals: [], sometimes: {}, counters: {} };
  const page = reportPage(makeResult({ ...nothing, isConverged: false, convergedMs: undefined }));
  t.ok(elementsOf(page).length > 0);
  t.match(page, 'Failed: the nodes do not agree at the end.');
  t.notMatch(page, /NaN|Infinity|undefined/);
  t.end();
});

t.test('whatever was run, the page is well-formed', (t) => {
  const property = fc.property(anyOptions(), (options) => {
    const page = reportPage(makeResult({ options }));
    t.ok(elementsOf(page).length > 0);
    t.notMatch(page, /NaN|Infinity|undefined/);
  });
  fc.assert(property, { seed: 20_260_107, numRuns: 50 });
  t.end();
});

t.test('every class that the page uses is in its style sheet', (t) => {
  const result = makeResult({ violations: [violation], arrivals: makeArrivals(10_000) });
  const pages = [reportPage(result), reportPage(makeResult())];
  const used = new Set(
    pages
      .flatMap(elementsOf)
      .flatMap(({ attributes }) => (attributes['class'] ?? '').split(' '))
      .filter((name) => name !== ''),
  );
  t.not(used.size, 0);
  t.strictSame(
    [...used].filter((name) => !pageStyle.includes(`.${name}`)),
    [],
  );
  t.end();
});
