/** A clock that is off: ahead of its peers it is corrected, behind them only on demand. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import t from 'tap';
import { PeerClock } from '../../src/gossip/peer-clock.ts';
import { startMicros } from '../record/fixtures.ts';
import { holds } from './histories.ts';

const clockAheadMs = 60_000;
const dayMs = 86_400_000;

const aheadMs = fc.oneof(
  fc.integer({ min: -2, max: 2 }).map((off) => clockAheadMs + off),
  fc.integer({ min: -2, max: 2 }).map((off) => off - clockAheadMs),
  fc.integer({ min: -4_000 * dayMs, max: 4_000 * dayMs }),
);

t.test('a clock that two peers contradict is corrected when it is ahead, or on demand', (t) => {
  const seen = { kept: 0, set: 0, untrusted: 0 };
  holds(
    t,
    300,
    fc.property(aheadMs, fc.boolean(), fc.integer({ min: 2, max: 9 }), (ahead, trusts, peers) => {
      const clock = new PeerClock({ clockAheadMs, trustPeerClock: trusts });
      const now = { monoMs: 5, wallMicros: startMicros + ahead * 1_000 };
      assert.equal(clock.judge(now), 0, 'alone it goes by itself');
      for (let peer = 0; peer < peers; peer++) clock.note(`peer ${peer}`, startMicros, now);
      const isOff = Math.abs(ahead) > clockAheadMs;
      const isCorrected = isOff && (ahead > 0 || trusts);
      assert.equal(clock.judge(now), isCorrected ? -ahead * 1_000 : 0);
      assert.equal(clock.trouble === undefined, !isOff);
      seen[isCorrected ? 'set' : isOff ? 'untrusted' : 'kept'] += 1;
    }),
  );
  t.ok(
    Object.values(seen).every((count) => count > 20),
    JSON.stringify(seen),
  );
  t.end();
});
