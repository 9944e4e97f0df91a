/** Durations and shares, read and written. */
import fc from 'fast-check';
import t from 'tap';
import { parseCount, parseShare, parseSpan, spanText } from '../../src/sim/quantity.ts';

const usage = (message: string) => ({ code: 'INVALID_ARGUMENT', reason: 'CONFIG', message });

t.test('a time is a number with a unit, up to years', (t) => {
  const texts = ['500ms', '30s', '1.5s', '1.005s', '5m', '1h', '2d', '10y', '0s', '0.25ms'];
  t.strictSame(
    texts.map((text) => parseSpan(text, '--a')),
    [500, 30_000, 1_500, 1_005, 300_000, 3_600_000, 172_800_000, 315_360_000_000, 0, 0.25],
  );
  t.end();
});

t.test('a time without its unit is told what the units are', (t) => {
  t.throws(
    () => parseSpan('20', '--a 20'),
    usage('--a 20: 20 has no unit: write 20ms, 20s or 20m'),
  );
  for (const text of ['', 's', '-1s', '1w', 'soon', '5%'])
    t.throws(
      () => parseSpan(text, '--a'),
      usage(`--a: ${JSON.stringify(text)} is no time: write 500ms, 30s, 5m or 1h`),
    );
  t.end();
});

t.test('a time is printed in the largest unit that it is a whole number of', (t) => {
  t.strictSame([0, 500, 1_500, 60_000, 90_000, 86_400_000, 315_360_000_000, 0.25].map(spanText), [
    '0s',
    '500ms',
    '1500ms',
    '1m',
    '90s',
    '1d',
    '10y',
    '0.25ms',
  ]);
  t.end();
});

t.test('every time is read back as it was printed', (t) => {
  const ms = fc.oneof(
    fc.nat(),
    fc.maxSafeNat(),
    fc.nat().map((tenths) => tenths / 10),
  );
  const property = fc.property(ms, (ms) => parseSpan(spanText(ms), '--a') === ms);
  fc.assert(property, { seed: 20_260_101, numRuns: 1_000 });
  t.end();
});

t.test('a share is a number up to 1, or a percentage', (t) => {
  t.strictSame(
    ['0', '0.05', '1', '5%', '100%', '1e-7'].map((text) => parseShare(text, '--a')),
    [0, 0.05, 1, 0.05, 1, 1e-7],
  );
  for (const text of ['1.5', '101%', '-0.1', 'half', ''])
    t.throws(
      () => parseShare(text, `--loss ${text}`),
      usage(`--loss ${text}: write a number from 0 to 1, like 0.05 or 5%`),
    );
  t.end();
});

t.test('a count is whole and within its bounds', (t) => {
  t.strictSame(
    ['1', '9'].map((text) => parseCount(text, '--a', 1, 9)),
    [1, 9],
  );
  for (const text of ['0', '10', '1.5', '-1', '', 'all'])
    t.throws(
      () => parseCount(text, `--a ${text}`, 1, 9),
      usage(`--a ${text}: write a whole number from 1 to 9`),
    );
  t.end();
});
