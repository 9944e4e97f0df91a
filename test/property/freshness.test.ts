/** How old and how new heads may be, at the door and in what is held, whatever clocks do. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import t from 'tap';
import type { Now } from '../../src/base/clock.ts';
import { startMicros } from '../record/fixtures.ts';
import {
  hourMs,
  minuteMs,
  Owner,
  sendWhole,
  smallConfig,
  startNode,
} from '../registry/fixtures.ts';
import { holds } from './histories.ts';

const { reapAfterMs, clockAheadMs } = smallConfig;

/** Near the bounds, at them, and far away; ms. */
const nearTo = (boundMs: number): fc.Arbitrary<number> =>
  fc.oneof(
    fc.integer({ min: -2, max: 2 }).map((off) => boundMs + off),
    fc.integer({ min: -100 * hourMs, max: 100 * hourMs }),
  );

t.test('a head is taken when it is neither expired nor ahead of the clock, and only then', (t) => {
  const seen = new Set<string>();
  const ages = fc.oneof(nearTo(reapAfterMs), nearTo(-clockAheadMs));
  holds(
    t,
    300,
    fc.property(ages, (ageMs) => {
      const now: Now = { monoMs: 0, wallMicros: startMicros };
      const owner = new Owner(2, { monoMs: 0, wallMicros: startMicros - ageMs * 1_000 });
      const received = sendWhole(startNode({}, now), owner.state, now);
      const said = received.kind === 'refused' ? received.reason : received.kind;
      const expected = ageMs > reapAfterMs ? 'EXPIRED' : 'applied';
      assert.equal(said, ageMs < -clockAheadMs ? 'CLOCK_AHEAD' : expected);
      seen.add(said);
    }),
  );
  t.strictSame([...seen].sort(), ['CLOCK_AHEAD', 'EXPIRED', 'applied']);
  t.end();
});

const wait = fc.record({
  /** From the node's start to the owner's only head. */
  uptimeMs: fc.nat(40 * hourMs),
  /** How long it really was since then; a look at all owners is followed by a rest. */
  ms: fc
    .oneof(nearTo(reapAfterMs), fc.nat(100 * hourMs))
    .map((ms) => Math.max(clockAheadMs + 1, ms)),
  /** By how much the wall clock was set meanwhile, ms. */
  setMs: fc.oneof(fc.constant(0), nearTo(-clockAheadMs), fc.nat(100 * hourMs)),
});

t.test('an owner is forgotten when its head is too old and it was silent for as long', (t) => {
  const seen = { kept: 0, reaped: 0, keptThoughOld: 0, dropped: 0 };
  holds(
    t,
    300,
    fc.property(wait, ({ uptimeMs, ms, setMs }) => {
      const node = startNode();
      const heard: Now = { monoMs: uptimeMs, wallMicros: startMicros + uptimeMs * 1_000 };
      const owner = new Owner(2, heard);
      sendWhole(node, owner.state, heard);
      node.tick(heard);
      const monoMs = uptimeMs + ms;
      const wallMicros = heard.wallMicros + (ms + setMs) * 1_000;
      node.tick({ monoMs, wallMicros });
      const ageMs = (wallMicros - owner.version) / 1_000;
      const isOld = ageMs > reapAfterMs;
      const isSilent = ms > reapAfterMs;
      const isAhead = -ageMs > 2 * clockAheadMs;
      const isGone = node.state(owner.id) === undefined;
      assert.equal(isGone, (isOld && isSilent) || isAhead, JSON.stringify({ ageMs, ms }));
      if (isAhead) seen.dropped += 1;
      else if (isGone) seen.reaped += 1;
      else if (isOld) seen.keptThoughOld += 1;
      else seen.kept += 1;
    }),
  );
  t.ok(
    Object.values(seen).every((count) => count > 5),
    JSON.stringify(seen),
  );
  t.end();
});

t.test('a quiet owner is heard of before anybody would forget it', (t) => {
  holds(
    t,
    50,
    fc.property(fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }), (minutes) => {
      const node = startNode();
      let ms = 0;
      for (const each of minutes) {
        ms += each * minuteMs;
        const now: Now = { monoMs: ms, wallMicros: startMicros + ms * 1_000 };
        node.tick(now);
        const { lastUpdate } = node.state(node.self)!.head.head;
        assert.ok(now.wallMicros - lastUpdate < smallConfig.headRefreshMs * 1_000);
      }
    }),
  );
  t.end();
});
