import t from 'tap';
import type { Now } from '../../src/base/clock.ts';
import type { HeldOwner } from '../../src/registry/owner-table.ts';
import { Reaper } from '../../src/registry/reaper.ts';
import { at, makeState } from '../record/fixtures.ts';

const config = { reapAfterMs: 100_000, clockAheadMs: 1_000 };

/** An owner that signed at one time and was heard at another. */
const owner = (name: string, signedMs: number, heardAtMs = signedMs): [string, HeldOwner] => {
  const state = makeState([], { lastUpdate: at(signedMs).wallMicros });
  const member = { owner: name, state: 'alive' as const, incarnation: 1, since: 0 };
  return [name, { state, member, heardAtMs }];
};
const setBack = (now: Now, ms: number): Now => ({
  ...now,
  wallMicros: now.wallMicros - ms * 1_000,
});

t.test('a look is due when the first owner can have expired, and not before', (t) => {
  const reaper = new Reaper(config, at(0));
  t.equal(reaper.isDue(at(100_000)), false);
  t.equal(reaper.isDue(at(100_001)), true);
  const owners = [owner('self', 0), owner('old', 0), owner('a', 50_000), owner('b', 60_000)];
  t.strictSame(reaper.look(owners, 'self', at(100_001)), ['old']);
  t.equal(reaper.isDue(at(150_000)), false);
  t.equal(reaper.isDue(at(150_001)), true);
  t.end();
});

t.test('it never looks twice within clockAheadMs', (t) => {
  const reaper = new Reaper(config, at(0));
  // Heard long ago and signed for later: it may expire at any moment from now on.
  const owners = [owner('a', 900, 0)];
  t.strictSame(reaper.look(owners, 'self', at(100_500)), []);
  t.equal(reaper.isDue(at(101_499)), false);
  t.equal(reaper.isDue(at(101_500)), true);
  t.strictSame(reaper.look(owners, 'self', at(101_500)), ['a']);
  t.end();
});

t.test('an owner expires when it is silent on both clocks', (t) => {
  const look = (now: Now) => new Reaper(config, at(0)).look([owner('a', 10)], 'self', now);
  t.strictSame(look(at(100_010)), []);
  t.strictSame(look(at(100_011)), ['a']);
  t.strictSame(look({ monoMs: 20, wallMicros: at(500_000).wallMicros }), []);
  t.strictSame(look({ monoMs: 500_000, wallMicros: at(20).wallMicros }), []);
  t.end();
});

t.test('a clock that was set back makes it look for heads of the future', (t) => {
  const reaper = new Reaper(config, at(0));
  const now = setBack(at(10), 60_000);
  t.equal(reaper.isDue(setBack(at(10), 1_000)), false);
  t.equal(reaper.isDue(now), true);
  const owners = [
    owner('self', 10),
    owner('ahead', 10),
    owner('near', -57_990),
    owner('c', -90_000),
  ];
  t.strictSame(reaper.look(owners, 'self', now), ['ahead']);
  t.equal(reaper.isDue(setBack(at(5_000), 60_000)), false, 'once');
  t.end();
});

t.test('a clock that goes forth and back again is noticed too', (t) => {
  const reaper = new Reaper(config, at(0));
  t.equal(reaper.isDue(setBack(at(5), -3_000)), false);
  t.equal(reaper.isDue(at(10)), true);
  t.end();
});
