/** Whatever is asked of the own state, others can follow it. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import t from 'tap';
import { openRecord } from '../../src/record/encoding.ts';
import { isSignedByOwner, readHead } from '../../src/record/head.ts';
import { assertInvariant, merge } from '../../src/record/merge.ts';
import type { OwnerState } from '../../src/record/merge.ts';
import { ed25519Verifier } from '../../src/record/signature.ts';
import type { SealedRecord } from '../../src/record/record.ts';
import { advance } from '../../src/registry/own-state.ts';
import {
  appliedOf,
  makeFacts,
  makeHead,
  rulesAtStart,
  startMicros,
  valueOf,
} from '../record/fixtures.ts';
import { wideBounds } from '../record/fixtures.ts';
import { makeIdentity } from '../registry/fixtures.ts';
import { deltaFrom, holds, play, recordsOf, rowsOf, straightHistory } from './histories.ts';
import { historyBounds, mutation, textOf, written } from './histories.ts';

t.test('every advance is a state that a stranger opens, verifies and merges', (t) => {
  holds(
    t,
    60,
    fc.property(straightHistory, (history) => {
      for (const { next } of play(history)) {
        const { body, signature } = next.head;
        const head = valueOf(readHead({ body, signature }, rulesAtStart));
        assert.equal(isSignedByOwner(head, ed25519Verifier), true);
        const records = recordsOf(next).map(({ bytes }) => valueOf(openRecord(bytes, 2_048)));
        const merged = appliedOf(merge(undefined, head, records, true, wideBounds));
        assert.equal(textOf(merged.next), textOf(next));
      }
    }),
  );
  t.end();
});

t.test('who holds the state before merges the puts alone, or is below the floor', (t) => {
  const seen = { deltas: 0, wholes: 0 };
  holds(
    t,
    200,
    fc.property(straightHistory, (history) => {
      let held: OwnerState | undefined;
      for (const { next } of play(history)) {
        const version = held?.head.head.lastUpdate ?? 0;
        const isDelta = version > 0 && version >= next.head.head.floor;
        seen[isDelta ? 'deltas' : 'wholes'] += 1;
        const records = isDelta ? deltaFrom(next, version) : recordsOf(next);
        const verdict = appliedOf(merge(held, next.head, records, !isDelta, wideBounds));
        assert.equal(textOf(verdict.next), textOf(next));
        held = verdict.next;
      }
    }),
  );
  t.ok(seen.deltas > 200 && seen.wholes > 200, JSON.stringify(seen));
  t.end();
});

t.test('what an advance says is to be written is exactly what changed', (t) => {
  holds(
    t,
    200,
    fc.property(straightHistory, (history) => {
      let before: OwnerState | undefined;
      for (const { next, puts, removes } of play(history)) {
        assert.deepEqual(written(before, removes, puts), rowsOf(next));
        before = next;
      }
    }),
  );
  t.end();
});

t.test('stamps rise strictly over a life, and tombstones lie above the floor', (t) => {
  holds(
    t,
    200,
    fc.property(straightHistory, (history) => {
      let last = 0;
      for (const { next, puts } of play(history)) {
        const stamps = puts.map(({ record }) => record.lastUpdate);
        const { lastUpdate, floor } = next.head.head;
        assert.ok(stamps.every((stamp) => stamp > last && stamp < lastUpdate));
        assert.equal(new Set(stamps).size, stamps.length);
        assert.ok(lastUpdate > last && floor < lastUpdate);
        const tombstones = recordsOf(next).filter(({ record }) => record.deleted);
        assert.ok(tombstones.every(({ record }) => record.lastUpdate > floor));
        assert.ok(tombstones.length <= historyBounds.tombstonesMax);
        assert.doesNotThrow(() => assertInvariant(next));
        last = lastUpdate;
      }
    }),
  );
  t.end();
});

const graceMicros = 30;
const bounds = { ...historyBounds, tombstonesMax: 2, tombstoneGraceMs: graceMicros / 1_000 };
const daily = fc.array(
  fc.record({
    mutation: mutation.filter(({ kind }) => ['register', 'deregister', 'refresh'].includes(kind)),
    waitMicros: fc.nat(40),
  }),
  { minLength: 10, maxLength: 40, size: 'max' },
);

t.test('a tombstone is given up when its grace is over or there are too many, not before', (t) => {
  const seen = { kept: 0, old: 0, surplus: 0 };
  holds(
    t,
    200,
    fc.property(daily, (steps) => {
      let held: OwnerState | undefined;
      let micros = startMicros;
      for (const { mutation: asked, waitMicros } of steps) {
        micros += waitMicros;
        const before: SealedRecord[] = held === undefined ? [] : recordsOf(held);
        const facts = makeFacts();
        held = advance(held, facts, [asked], makeIdentity(1), bounds, micros).next;
        const left = new Set(recordsOf(held).map(({ key }) => key));
        const tombstones = before.filter(({ record }) => record.deleted);
        const hasRoom = tombstones.length < bounds.tombstonesMax;
        for (const { key, record } of tombstones) {
          const isOld = record.lastUpdate <= micros - graceMicros;
          const isKept = left.has(key);
          assert.ok(isKept || isOld || !hasRoom, 'given up before its time');
          if (asked.kind === 'refresh') assert.ok(!isKept || !isOld, 'kept after its time');
          seen[isKept ? 'kept' : isOld ? 'old' : 'surplus'] += 1;
        }
      }
    }),
  );
  t.ok(
    Object.values(seen).every((count) => count > 20),
    JSON.stringify(seen),
  );
  t.end();
});

t.test('a reclaim is above all that was seen: each record, the head, and the floor', (t) => {
  let restamped = 0;
  holds(
    t,
    200,
    fc.property(straightHistory, fc.nat(100), fc.nat(3), (history, micros, incarnation) => {
      const before = play(history).at(-1)?.next;
      const seen = makeHead(undefined, {
        lastUpdate: startMicros + micros,
        incarnation: 1 + incarnation,
      }).head;
      const asked = [{ kind: 'reclaim', above: seen }] as const;
      const facts = makeFacts();
      const { next } = advance(before, facts, asked, makeIdentity(1), historyBounds, startMicros);
      const { head } = next.head;
      assert.ok(head.lastUpdate > seen.lastUpdate && head.incarnation > seen.incarnation);
      assert.ok(head.floor >= seen.lastUpdate);
      // Who holds what was seen is led on by these alone, or knows nothing of use.
      for (const { record } of recordsOf(next)) {
        assert.ok(record.lastUpdate > seen.lastUpdate && record.lastUpdate > head.floor);
        restamped += 1;
      }
    }),
  );
  t.ok(restamped > 100, `${restamped} records`);
  t.end();
});

t.test('the incarnation rises at a start, to refute and to reclaim, and never else', (t) => {
  const seen = { risen: 0, same: 0 };
  holds(
    t,
    200,
    fc.property(straightHistory, (history) => {
      let before = 0;
      for (const [index, { next }] of play(history).entries()) {
        const asked = history[index]?.mutations ?? [];
        const isAsked = asked.some(({ kind }) => kind === 'reincarnate' || kind === 'reclaim');
        const { incarnation } = next.head.head;
        // Only what is alive can begin: the first advance of a life is a start.
        const isRising = isAsked || index === 0;
        assert.ok(isRising ? incarnation > before : incarnation === before);
        for (const each of asked)
          if (each.kind === 'reincarnate') assert.ok(incarnation > each.above);
        seen[isRising ? 'risen' : 'same'] += 1;
        before = incarnation;
      }
    }),
  );
  t.ok(seen.risen > 200 && seen.same > 200, JSON.stringify(seen));
  t.end();
});
