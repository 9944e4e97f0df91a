/** The heads that are compared, kept change by change, against a twin that begins with all of them. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import t from 'tap';
import type { Now } from '../../src/base/clock.ts';
import { SettledHeads, settleMs } from '../../src/gossip/settled-heads.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { textOf as sketchText } from '../gossip/elements.ts';
import { startMicros } from '../record/fixtures.ts';
import { Owner, sendWhole, smallConfig, startNode } from '../registry/fixtures.ts';
import { holds } from './histories.ts';

const symbolsMax = 32;
/** Heads are left out from this age on. */
const horizonMs = smallConfig.reapAfterMs - 2 * smallConfig.clockAheadMs;

const steps = fc.array(
  fc.record({
    owners: fc.array(fc.integer({ min: 2, max: 5 }), { maxLength: 4 }),
    /** Until it is looked again: not enough to settle, or enough, or for what is held to expire. */
    waitMs: fc.constantFrom(1, settleMs - 1, 3 * settleMs, horizonMs / 2),
  }),
  { minLength: 1, maxLength: 30, size: 'max' },
);

const at = (ms: number): Now => ({ monoMs: ms, wallMicros: startMicros + ms * 1_000 });

function settle(heads: SettledHeads, registry: Registry, ms: number): string {
  heads.follow(registry, ms);
  heads.settle(ms, at(ms).wallMicros - horizonMs * 1_000, 0);
  return sketchText(heads.sketch);
}

t.test('heads count once they were held for a while, and until they are near their end', (t) => {
  const seen = { unsettled: 0, settled: 0, expired: 0 };
  holds(
    t,
    100,
    fc.property(steps, (history) => {
      const registry = startNode();
      const heads = new SettledHeads('test', symbolsMax);
      const owners = new Map<number, Owner>();
      let ms = 0;
      settle(heads, registry, ms);
      for (const { owners: moved, waitMs } of history) {
        const before = settle(heads, registry, ms);
        for (const key of moved) {
          const owner = owners.get(key) ?? new Owner(key, at(ms));
          owners.set(key, owner);
          owner.move([{ kind: 'refresh' }], at(ms));
          sendWhole(registry, owner.state, at(ms));
        }
        registry.tick(at(ms));
        heads.follow(registry, ms);
        if (waitMs < settleMs) {
          assert.equal(settle(heads, registry, ms), before, 'what is new does not count yet');
          seen.unsettled += 1;
        }
        ms += waitMs;
        if (waitMs < settleMs) continue;
        // Once for what was replaced while it settled, once for what replaced it.
        settle(heads, registry, ms);
        ms += settleMs;
        const twin = new SettledHeads('test', symbolsMax);
        assert.equal(settle(heads, registry, ms), settle(twin, registry, ms), 'as if it began now');
        seen.settled += 1;
        const stamps = [...registry.owners()].map(([, { head }]) => head.head.lastUpdate);
        const fresh = stamps.filter((stamp) => stamp >= at(ms).wallMicros - horizonMs * 1_000);
        assert.equal(heads.sketch.count, fresh.length, 'what is near its end is left out');
        if (fresh.length < stamps.length) seen.expired += 1;
      }
    }),
  );
  t.ok(
    Object.values(seen).every((count) => count > 50),
    JSON.stringify(seen),
  );
  t.end();
});
