/** Faults on a command line: what is read, what is refused, and the way back. */
import fc from 'fast-check';
import t from 'tap';
import {
  exampleOf,
  faultForms,
  faultText,
  parseFault,
  partitionShapes,
} from '../../src/sim/fault-text.ts';
import { faultKinds } from '../../src/sim/faults.ts';
import { anyFault } from './result-fixtures.ts';

const read = (text: string) => {
  const [flag = '', what = ''] = text.split(' ');
  return parseFault(flag.replace('--', ''), what);
};

t.test('a partition has a shape and an end', (t) => {
  t.strictSame(read('--partition halves@10s-40s'), {
    kind: 'partition',
    atMs: 10_000,
    untilMs: 40_000,
    nodes: [],
    count: 0,
    detail: 'halves',
  });
  t.end();
});

t.test('nodes are a number of them, or these', (t) => {
  const [some, these] = [read('--crash 3@20s-30s'), read('--crash n3,n7-n9@20s')];
  t.match(some, { atMs: 20_000, untilMs: 30_000, nodes: [], count: 3, detail: '' });
  t.match(these, { atMs: 20_000, untilMs: 20_000, nodes: [3, 7, 8, 9], count: 0 });
  t.match(read('--crash n2,n2,n1-2@1s').nodes, [2, 1], 'a node that is named twice is struck once');
  t.end();
});

t.test('what a kind still needs stands behind a colon', (t) => {
  t.equal(read('--clock-jump 2@30s:+10y').detail, 315_360_000_000);
  t.equal(read('--clock-jump 2@30s-40s:-500ms').detail, -500);
  t.equal(read('--clock-drift 2@10s-30s:1%').detail, 0.01);
  t.equal(read('--slow n1@10s-30s:2000').detail, 2_000);
  t.equal(read('--link-breaks 0.3@10s').detail, 0.3);
  t.equal(read('--torn-store 2@10s-11s:row').detail, 'row');
  t.end();
});

t.test('what a kind does when it is not told more', (t) => {
  t.match(read('--clock-jump some@30s'), { nodes: [], count: 0, detail: '' });
  t.match(read('--link-breaks some@30s'), { nodes: [], count: 0, detail: '' });
  t.end();
});

t.test('a partition may name the nodes of one side', (t) => {
  t.match(read('--partition one-way:n1-n2,n7@10s-40s'), { detail: 'one-way', nodes: [1, 2, 7] });
  t.end();
});

t.test('the command line has every kind that the simulator has, and no other', (t) => {
  t.strictSame(faultForms.map(({ kind }) => kind).toSorted(), Object.keys(faultKinds).toSorted());
  t.end();
});

t.test('each kind has an example that it reads', (t) => {
  t.not(faultForms.length, 0);
  for (const form of faultForms) t.match(read(exampleOf(form)), { kind: form.kind }, form.kind);
  t.end();
});

t.test('what cannot be read is told with what to write', (t) => {
  const shapes = partitionShapes.join(', ');
  const refusals = [
    [
      '--partition halvs@10s-40s',
      `"halvs" is no shape: write one of ${shapes} (did you mean halves?)`,
    ],
    ['--partition 3@10s-40s', `"3" is no shape: write one of ${shapes}`],
    ['--partition whole@10s', `"whole" is no shape: write one of ${shapes}`],
    ['--partition halves@10s', 'it also needs an end, like --partition halves@10s-40s'],
    ['--partition halves@40s-10s', 'it has to end after 40s, when it begins'],
    ['--partition halves@10s-10s', 'it has to end after 10s, when it begins'],
    ['--partition halves', 'write it like --partition halves@10s-40s'],
    ['--crash 3@20', '20 has no unit: write 20ms, 20s or 20m'],
    ['--crash 3@20-30s', '20 has no unit: write 20ms, 20s or 20m'],
    ['--crash 0@20s', 'write a whole number from 1 to 100000'],
    ['--crash most@20s', '"most" names no nodes: write 3, or n3,n7-n9'],
    ['--crash n0@20s', 'n0: nodes are n1, n2 and so on, the lower number first'],
    ['--crash n9-n7@20s', 'n9-n7: nodes are n1, n2 and so on, the lower number first'],
    ['--crash n1-n999999@20s', 'n1-n999999: nodes are n1, n2 and so on, the lower number first'],
    ['--crash 3@20s:5', 'nothing stands behind the time, like --crash 3@10s-40s'],
    ['--clock-jump 3@20s:+10', '10 has no unit: write 10ms, 10s or 10m'],
    ['--slow 3@20s-30s:0', 'write a whole number from 1 to 1000000000'],
    ['--link-breaks 3@20s', 'write a number from 0 to 1, like 0.05 or 5%'],
    ['--torn-store 3@20s:page', '"page" is no part of a store: write one of batch, row'],
    ['--partition halves:3@20s-30s', '"3" names no nodes: write 3, or n3,n7-n9'],
    ['--clock-drift 3@20s-30s:2', 'write a number from 0 to 1, like 0.05 or 5%'],
  ] as const;
  for (const [text, message] of refusals)
    t.throws(
      () => read(text),
      { code: 'INVALID_ARGUMENT', reason: 'CONFIG', message: `${text}: ${message}` },
      text,
    );
  t.throws(() => read('--flood 3@20s'), { message: 'no fault is called "flood"' });
  t.end();
});

t.test('a fault is read back as it was printed', (t) => {
  const property = fc.property(anyFault(), (fault) => {
    t.strictSame(parseFault(fault.kind, faultText(fault)), fault);
  });
  fc.assert(property, { seed: 20_260_102, numRuns: 500 });
  t.end();
});

t.test('neighboring numbers are printed as a range', (t) => {
  const text = 'n3,n7-n9,n20-n21@20s-90s';
  t.equal(faultText(read(`--crash ${text}`)), text);
  t.end();
});
