/** Chunks of owners, cut anywhere and mixed among peers, against a twin that keeps them all. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import t from 'tap';
import { Counters } from '../../src/base/counters.ts';
import { deltasOf } from '../../src/gossip/delta.ts';
import { Staging } from '../../src/gossip/staging.ts';
import { openRecord } from '../../src/record/encoding.ts';
import { merge } from '../../src/record/merge.ts';
import type { OwnerState } from '../../src/record/merge.ts';
import { appliedOf, valueOf, wideBounds } from '../record/fixtures.ts';
import { holds, play, straightHistory, textOf } from './histories.ts';

t.test('whoever holds any earlier state, or nothing, is led to the newest at once', (t) => {
  const seen = { deltas: 0, wholes: 0 };
  holds(
    t,
    200,
    fc.property(straightHistory, (history) => {
      const states = play(history).map(({ next }) => next);
      const newest = states.at(-1) as OwnerState;
      for (const held of [undefined, ...states.slice(0, -1)]) {
        const [delta, ...others] = deltasOf(newest, held?.head.head.lastUpdate ?? 0);
        assert.ok(delta !== undefined && others.length === 0 && !delta.more);
        const records = delta.records.map((bytes) => valueOf(openRecord(bytes, 2_048)));
        const verdict = appliedOf(merge(held, newest.head, records, delta.whole, wideBounds));
        assert.equal(textOf(verdict.next), textOf(newest));
        seen[delta.whole ? 'wholes' : 'deltas'] += 1;
      }
      assert.deepEqual(deltasOf(newest, newest.head.head.lastUpdate), []);
    }),
  );
  t.ok(seen.deltas > 200 && seen.wholes > 200, JSON.stringify(seen));
  t.end();
});

const chunk = fc.record({
  peer: fc.constantFrom('peer 1', 'peer 2'),
  owner: fc.nat(2),
  records: fc.array(fc.uint8Array({ minLength: 1, maxLength: 4 }), { maxLength: 3 }),
  more: fc.boolean(),
});

t.test('the records of an owner come together, all of them, or not at all', (t) => {
  const seen = { waited: 0, joined: 0, cutShort: 0 };
  holds(
    t,
    300,
    fc.property(fc.array(chunk, { maxLength: 40, size: 'max' }), (chunks) => {
      const staging = new Staging(1_000, new Counters());
      const twin = new Map<string, typeof chunks>();
      for (const each of chunks) {
        const { peer, owner, records, more } = each;
        const head = { body: Uint8Array.of(owner), signature: Uint8Array.of(owner, 7) };
        const taken = staging.take(peer, { kind: 'delta', head, records, whole: true, more });
        const before = twin.get(peer) ?? [];
        // Whoever begins with another owner has given up the one before.
        const isCut = before.some((other) => other.owner !== owner);
        const all = [...(isCut ? [] : before), each];
        if (isCut) seen.cutShort += 1;
        twin.set(peer, more ? all : []);
        assert.deepEqual(taken, more ? 'wait' : all.flatMap((one) => one.records));
        seen[more ? 'waited' : 'joined'] += 1;
      }
    }),
  );
  t.ok(
    Object.values(seen).every((count) => count > 50),
    JSON.stringify(seen),
  );
  t.end();
});
