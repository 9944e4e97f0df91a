import fc from 'fast-check';
import t from 'tap';
import { RoundTrip } from '../../src/membership/round-trip.ts';

const bounds = { leastMs: 500, mostMs: 2_000, initialMs: 1_000 };
const wide = { leastMs: 0, mostMs: 1e9, initialMs: 1_000 };

function after(samples: readonly number[], within = wide): RoundTrip {
  const roundTrip = new RoundTrip(within);
  for (const sample of samples) roundTrip.note(sample);
  return roundTrip;
}

t.test('before the first sample nothing is known, and the initial timeout holds', (t) => {
  t.equal(after([]).smoothedMs, undefined);
  t.equal(after([]).timeoutMs, 1_000);
  t.end();
});

/** Samples, and what RFC 6298 section 2 makes of them: SRTT and RTO without bounds. */
const table: [number[], number, number][] = [
  [[100], 100, 100 + 4 * 50],
  [[100, 100], 100, 100 + 4 * 37.5],
  [[100, 180], 110, 110 + 4 * (0.75 * 50 + 0.25 * 80)],
  [[0], 0, 0],
];

for (const [samples, smoothedMs, timeoutMs] of table)
  t.test(`samples of ${samples.join(', ')} ms make a timeout of ${timeoutMs} ms`, (t) => {
    t.equal(after(samples).smoothedMs, smoothedMs);
    t.equal(after(samples).timeoutMs, timeoutMs);
    t.end();
  });

t.test('a steady link comes down to its least timeout, a slow one to its own time', (t) => {
  t.equal(after(Array(50).fill(25), bounds).timeoutMs, bounds.leastMs);
  const slow = after(Array(50).fill(800), bounds).timeoutMs;
  t.ok(slow > 800 && slow < 801, `${slow} ms`);
  t.end();
});

t.test('one answer of a peer that had been frozen is forgotten within 20 samples', (t) => {
  const roundTrip = after(Array(50).fill(25), bounds);
  roundTrip.note(3_600_000);
  t.equal(roundTrip.timeoutMs, bounds.mostMs);
  for (let i = 0; i < 20; i++) roundTrip.note(25);
  t.equal(roundTrip.timeoutMs, bounds.leastMs);
  t.end();
});

t.test(
  'whatever is measured, the timeout keeps its bounds and the mean lies among samples',
  (t) => {
    const sample = fc.double({ min: -10, max: 1e7, noNaN: true });
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 50 }), (samples) => {
        const { smoothedMs = -1, timeoutMs } = after(samples, bounds);
        const counted = samples.map((ms) => Math.min(Math.max(ms, 0), bounds.mostMs));
        const isAmong =
          smoothedMs >= Math.min(...counted) - 1e-6 && smoothedMs <= Math.max(...counted) + 1e-6;
        return isAmong && timeoutMs >= bounds.leastMs && timeoutMs <= bounds.mostMs;
      }),
      { numRuns: 500, seed: 1 },
    );
    t.pass('in 500 histories');
    t.end();
  },
);

t.test('the shortest is what the way takes, however busy the peer is now', (t) => {
  const roundTrip = new RoundTrip(bounds);
  t.equal(roundTrip.leastMs, undefined);
  for (const ms of [30, 20, 400, 25]) roundTrip.note(ms);
  t.equal(roundTrip.leastMs, 20);
  roundTrip.note(-1);
  t.equal(roundTrip.leastMs, 0, 'no time runs backwards');
  t.end();
});

t.test('the recent one follows what is now within two samples, and no single one moves it', (t) => {
  const roundTrip = after([]);
  t.equal(roundTrip.recentMs, undefined);
  roundTrip.note(400);
  t.equal(roundTrip.recentMs, 400);
  for (const ms of [2, 3]) roundTrip.note(ms);
  t.equal(roundTrip.recentMs, 3, 'slow at its start alone');
  t.ok((roundTrip.smoothedMs ?? 0) > 300, 'which the mean still holds against it');
  roundTrip.note(500);
  t.equal(roundTrip.recentMs, 3, 'slow once');
  roundTrip.note(450);
  t.equal(roundTrip.recentMs, 450, 'slow now');
  t.end();
});
