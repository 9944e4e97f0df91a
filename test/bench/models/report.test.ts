import t from 'tap';
import { sum } from '../../../bench/models/figures.ts';
import { latencyText, paperTable, share, tableOf } from '../../../bench/models/report.ts';

const none = sum([]);

t.test('shares of nothing are none or infinite', (t) => {
  t.strictSame([share(1, 4), share(0, 0), share(1, 0)], [0.25, 0, Infinity]);
  t.end();
});

t.test('each system has a line with its shares of SWIM and those of the paper', (t) => {
  const swim = { ...none, falsePositives: 200, atHealthy: 10, messages: 1_000, bytes: 9_000 };
  const lifeguard = { ...swim, falsePositives: 3, atHealthy: 0, messages: 1_100 };
  const table = tableOf(new Map(Object.entries({ swim, lifeguard })), paperTable);
  const [line = ''] = table
    .split('\n')
    .filter((text) => text.startsWith('lifeguard'))
    .slice(1);
  t.equal(line.split(/ +/).slice(1).join(' '), '1.50 0.00 110.00 100.00 1.53 1.89 110.59 97.98');
  t.end();
});

t.test('times are told of those that were found, and how many were not', (t) => {
  const figures = { ...none, firstMs: [12_000, 13_000], allMs: [13_500], undetected: 1 };
  t.equal(
    latencyText(figures),
    'first held for dead: p50 12.00 s, max 13.00 s; by all: p50 13.50 s, max 13.50 s; 1 not by all',
  );
  t.equal(latencyText(none), 'first held for dead: never; by all: never');
  t.end();
});
