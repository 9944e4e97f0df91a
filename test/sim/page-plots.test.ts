/** The curves of the report page. */
import t from 'tap';
import { agreementPlot, bandwidthPlot, nodesUpPlot, reachPlot } from '../../src/sim/page-plots.ts';
import { elementsOf } from './markup.ts';
import { aFault, makeResult } from './result-fixtures.ts';

const textsOf = (markup: string): string[] => elementsOf(markup).map(({ text }) => text);
const withFaults = (faults: readonly (typeof aFault)[]) => {
  const { options } = makeResult();
  return makeResult({ options: { ...options, faults } });
};

t.test('faults are shaded over the curve and named below it', (t) => {
  const markup = agreementPlot(makeResult());
  t.match(markup, '<path class="struck" d="M166.7 0H666.7V1000H166.7Z"/>');
  t.ok(textsOf(markup).includes('partition halves@10s-40s'));
  t.end();
});

t.test('what happens at once is a line, named at the side where there is room', (t) => {
  const crash = { ...aFault, kind: 'crash', atMs: 54_000, untilMs: 54_000, count: 3, detail: '' };
  const markup = agreementPlot(withFaults([crash]));
  t.match(markup, '<path class="struck-at" d="M900 0V1000"/>');
  t.match(markup, '<i style="right:10%">crash 3@54s</i>');
  t.end();
});

t.test('an axis that does not begin at 0 says where it begins', (t) => {
  const markup = agreementPlot(makeResult());
  t.match(markup, 'the axis begins at 90 %');
  t.ok(textsOf(markup).includes('90 %') && textsOf(markup).includes('100 %'));
  const samples = makeResult().samples.map((sample) => ({ ...sample, agreement: 0.2 }));
  t.notMatch(agreementPlot(makeResult({ samples })), /the axis begins/);
  t.end();
});

t.test('of a hundred faults a dozen have a lane', (t) => {
  const faults = Array.from({ length: 100 }, () => aFault);
  const markup = agreementPlot(withFaults(faults));
  t.equal(elementsOf(markup).filter(({ attributes }) => attributes['class'] === 'lane').length, 12);
  t.match(markup, 'and 88 more faults');
  t.end();
});

t.test('nodes up are shown when they were not always all', (t) => {
  t.equal(nodesUpPlot(makeResult()), '');
  const samples = makeResult().samples.map((sample) => ({ ...sample, nodesUp: 997 }));
  t.ok(textsOf(nodesUpPlot(makeResult({ samples }))).includes('Nodes up'));
  t.end();
});

t.test('bandwidth has its unit, and its most in words', (t) => {
  const markup = bandwidthPlot(makeResult());
  t.match(markup, 'the most was 3,000 bytes');
  t.ok(textsOf(markup).includes('bytes a node and second'));
  t.end();
});

t.test('three histograms count every change that came so far', (t) => {
  const { spreads } = makeResult();
  const markup = reachPlot(
    makeResult({ spreads: [...spreads, { ...spreads[0]!, allMs: undefined }] }),
  );
  const rows = elementsOf(markup).filter(({ attributes }) => attributes['class'] === 'bars');
  t.equal(rows.length, 3);
  t.ok(rows.every(({ attributes }) => (attributes['d'] ?? '').startsWith('M')));
  t.ok(textsOf(markup).includes('p50 150 ms, p99 199 ms, 1 never'));
  t.end();
});

t.test('times that lie far apart stand on a log scale', (t) => {
  t.notMatch(reachPlot(makeResult()), /log scale/);
  const late = { atMs: 0, p50Ms: 50, p99Ms: 100, allMs: 29_000 };
  t.match(reachPlot(makeResult({ spreads: [late] })), 'log scale');
  t.match(reachPlot(makeResult({ spreads: [] })), 'No change reached half of the nodes.');
  t.end();
});
