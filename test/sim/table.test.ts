/** What a person is told of a run. */
import t from 'tap';
import {
  hasSucceeded,
  msText,
  percentText,
  progressText,
  reachCells,
  reachedCells,
  reachesOf,
  sometimesCells,
  summaryRows,
  violationLines,
} from '../../src/sim/table.ts';
import type { SimResult } from '../../src/sim/run.ts';
import { makeResult } from './result-fixtures.ts';

const violation = { checker: 'no zombie', atMs: 12_340, node: 3, sentence: 'math/add came back' };

t.test('progress: how far, who is up, how many agree, how fast', (t) => {
  const { options } = makeResult();
  const sample = { atMs: 12_000, nodesUp: 998, agreement: 0.9931, bytesPerNodeSecond: 400 };
  t.equal(
    progressText({ ...sample, events: 300_000 }, options, 2_500),
    '12 s of 60 s, 998 nodes up, 99.3 % agree, 120,000 events/s',
  );
  t.match(progressText({ ...sample, events: 0 }, options, 0), /, 0 events\/s$/);
  t.end();
});

t.test('the summary says what was run, what it did and whether it was right', (t) => {
  const rows = summaryRows(makeResult());
  t.strictSame(rows, [
    ['nodes', '1,000, 1,000 of them up at the end'],
    ['network', '25 ms ±20 % one way, 5 % lost'],
    ['faults', 'partition halves@10s-40s'],
    ['virtual time', '60 s in 12 s of real time'],
    ['events', '1,500,000, 125,000 a second'],
    ['memory', '512 MiB'],
    ['changes', '100'],
    ['bandwidth', '431 bytes a node and second'],
    ['duplicates', '2.84 extra copies of a message a node'],
    ['converged', 'yes, 1.23 s after the last fault'],
    ['violations', 'none'],
    ['random seed', '7'],
    ['trace hash', '0123456789abcdef'],
  ]);
  t.end();
});

t.test('converged may also be only at the end, or not', (t) => {
  const shown = (change: Partial<SimResult>): string | undefined =>
    summaryRows(makeResult(change)).find(([name]) => name === 'converged')?.[1];
  const calm = { ...makeResult().options, faults: [] };
  t.equal(shown({ convergedMs: undefined }), 'yes, when nothing changed any more');
  t.equal(shown({ options: calm }), 'yes');
  t.equal(shown({ isConverged: false, convergedMs: undefined }), 'no');
  t.end();
});

t.test('how far changes came: percentiles over all changes, and rounds', (t) => {
  t.strictSame(reachCells(makeResult().spreads), {
    header: ['REACHED', 'P50', 'P99', 'MAX', 'ROUNDS AT P99', 'NEVER'],
    rows: [
      ['50 % of nodes', '55 ms', '60 ms', '60 ms', '0.06', '0'],
      ['99 % of nodes', '100 ms', '110 ms', '110 ms', '0.11', '0'],
      ['100 % of nodes', '149 ms', '198 ms', '199 ms', '0.20', '0'],
    ],
  });
  t.strictSame(reachCells([]).rows, [], 'nothing changed');
  t.end();
});

t.test('a change that never came everywhere is worse than any that did', (t) => {
  const spread = { atMs: 0, p50Ms: 50, p99Ms: 90, allMs: 100 };
  const lost = { ...spread, allMs: undefined };
  const all = reachesOf([lost, spread, spread])[2];
  t.match(all, { p50Ms: 100, p99Ms: Infinity, maxMs: Infinity, neverCount: 1 });
  const row = ['100 % of nodes', '100 ms', 'never', 'never', '-', '1'];
  t.strictSame(reachCells([lost, spread, spread]).rows[2], row);
  t.end();
});

t.test('states that were never reached are named', (t) => {
  t.strictSame(sometimesCells(makeResult({ sometimes: { 'a floor rose': 1_200, reaped: 0 } })), {
    header: ['STATE', 'REACHED'],
    rows: [
      ['a floor rose', '1,200'],
      ['reaped', 'never'],
    ],
  });
  t.end();
});

t.test('on a terminal those that were never reached are one line', (t) => {
  const sometimes = { 'a floor rose': 1_200, reaped: 0, cloned: 0 };
  t.strictSame(reachedCells(makeResult({ sometimes })).rows, [
    ['a floor rose', '1,200'],
    ['2 other states', 'never'],
  ]);
  t.strictSame(reachedCells(makeResult({ sometimes: { reaped: 1 } })).rows, [['reaped', '1']]);
  t.end();
});

t.test('a run succeeds when nothing was violated and all agree', (t) => {
  t.ok(hasSucceeded(makeResult()));
  t.notOk(hasSucceeded(makeResult({ violations: [violation] })));
  t.notOk(hasSucceeded(makeResult({ isConverged: false, convergedMs: undefined })));
  t.strictSame(violationLines(makeResult()), []);
  t.end();
});

t.test('a failure tells the first violations and the command that plays it again', (t) => {
  const again =
    'again: disco sim --nodes 1000 --duration 1m --random-seed 7 --loss 0.05 ' +
    '--partition halves@10s-40s';
  const violations = [violation, ...Array(6).fill({ ...violation, node: undefined })];
  t.strictSame(violationLines(makeResult({ violations })), [
    'no zombie at 12.3 s on n3: math/add came back',
    ...Array(4).fill('no zombie at 12.3 s: math/add came back'),
    'and 2 more',
    again,
  ]);
  t.strictSame(violationLines(makeResult({ isConverged: false, convergedMs: undefined })), [
    'the nodes that are up do not agree at the end',
    again,
  ]);
  t.end();
});

t.test('a share that is not all is never shown as all', (t) => {
  t.strictSame([0, 0.05, 0.9931, 0.99951, 0.999_999_9, 1].map(percentText), [
    '0 %',
    '5 %',
    '99.3 %',
    '99.951 %',
    '99.999 %',
    '100 %',
  ]);
  t.end();
});

t.test('times are shown to about three digits', (t) => {
  t.strictSame([0, 1.25, 25, 999.6, 1_234, 90_000, Infinity].map(msText), [
    '0 ms',
    '1.3 ms',
    '25 ms',
    '1.00 s',
    '1.23 s',
    '90 s',
    'never',
  ]);
  t.end();
});
