import t from 'tap';
import { isAhead, rebirthMicros } from '../../src/registry/own-time.ts';
import { at, startMicros } from '../record/fixtures.ts';

const times = { reapAfterMs: 100_000, clockAheadMs: 1_000 };

t.test('a reborn node speaks as of four clockAheadMs before it would be reaped', (t) => {
  t.equal(rebirthMicros(times, at(0)), startMicros - 96_000_000);
  t.equal(rebirthMicros(times, at(500)), startMicros - 95_500_000);
  t.end();
});

t.test('a head is ahead once it lies more than clockAheadMs in the future', (t) => {
  t.equal(isAhead({ lastUpdate: startMicros + 1_000_000 }, times, at(0)), false);
  t.equal(isAhead({ lastUpdate: startMicros + 1_000_001 }, times, at(0)), true);
  t.equal(isAhead({ lastUpdate: startMicros + 1_000_001 }, times, at(1)), false);
  t.end();
});
