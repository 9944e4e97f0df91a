import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'tap';
import { HashRing } from '../../src/client/hash-ring.ts';
import { Target } from '../../src/client/target.ts';
import { countPicks, instanceOf, targetsOf } from './fake-source.ts';

const keys = Array.from({ length: 500 }, (_, nth) => `user ${nth}`);

function ringOf(targets: readonly Target[]): HashRing {
  const ring = new HashRing();
  ring.take(targets);
  return ring;
}

function placesOn(ring: HashRing): (Target | undefined)[] {
  return keys.map((key) => ring.pick(key));
}

test('the same key is the same instance, in every process', (t) => {
  const one = ringOf(targetsOf(9));
  const other = ringOf(targetsOf(9));
  for (const key of keys) {
    t.equal(one.pick(key), one.pick(key));
    t.equal(one.pick(key)?.instance.instanceId, other.pick(key)?.instance.instanceId);
  }
  t.end();
});

test('without a key it says what is missing', (t) => {
  t.throws(() => ringOf(targetsOf(2)).pick(undefined), {
    code: 'INVALID_ARGUMENT',
    reason: 'USAGE',
    message: /by a key/,
  });
  t.end();
});

test('nothing to pick from is nothing picked', (t) => {
  const ring = new HashRing();
  t.equal(ring.pick('a'), undefined);
  ring.take(targetsOf(2));
  t.ok(ring.pick('a'));
  ring.take([]);
  t.equal(ring.pick('a'), undefined);
  t.end();
});

for (const count of [1, 2, 5, 50, 1_000]) {
  test(`${count} instances: no share is far above the average`, (t) => {
    const ring = ringOf(targetsOf(count));
    const picks = Math.max(20_000, count * 200);
    let nth = 0;
    const counts = Object.values(countPicks(picks, () => ring.pick(`key ${nth++}`)?.instance));
    t.equal(counts.length, count);
    // 5 % by the paper, and what chance adds to 200 picks.
    const most = (Math.max(...counts) * count) / picks;
    t.ok(most < 1.35, `the fullest has ${most.toFixed(2)} of the average`);
    t.end();
  });
}

const subset = fc.uniqueArray(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 60 });

test('when instances go, their keys move and no others do', (t) => {
  const seen = { moved: 0, kept: 0 };
  const law = fc.property(subset, fc.integer({ min: 0, max: 59 }), (ids, cut) => {
    const targets = ids.toSorted((a, b) => a - b).map((id) => new Target(instanceOf(id)));
    const before = placesOn(ringOf(targets));
    const left = targets.filter((_, index) => index % 60 !== cut);
    fc.pre(left.length > 0);
    const after = placesOn(ringOf(left));
    for (const [index, was] of before.entries()) {
      const stayed = was !== undefined && left.includes(was);
      if (stayed) assert.equal(after[index], was);
      seen[stayed ? 'kept' : 'moved'] += 1;
    }
  });
  t.doesNotThrow(() => fc.assert(law, { seed: 20_251_121, numRuns: 100 }));
  t.ok(seen.moved > 100 && seen.kept > 1_000, JSON.stringify(seen));
  t.end();
});

test('a ring that changes step by step is the ring built at once', (t) => {
  const law = fc.property(fc.array(subset, { minLength: 1, maxLength: 5 }), (steps) => {
    const all = targetsOf(301);
    const ring = new HashRing();
    for (const ids of steps) {
      const targets = all.filter((_, id) => ids.includes(id));
      ring.take(targets);
      assert.deepEqual(placesOn(ring), placesOn(ringOf(targets)));
    }
  });
  t.doesNotThrow(() => fc.assert(law, { seed: 20_251_121, numRuns: 30 }));
  t.end();
});
