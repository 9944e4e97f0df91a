/** Merging is a join: whatever arrives in whatever order, all end at the largest head. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import t from 'tap';
import { compareHeads } from '../../src/record/head.ts';
import { assertInvariant, merge } from '../../src/record/merge.ts';
import type { OwnerState } from '../../src/record/merge.ts';
import { appliedOf, wideBounds } from '../record/fixtures.ts';
import {
  deltaFrom,
  forkedHistory,
  holds,
  join,
  play,
  recordsOf,
  rowsOf,
  runs,
} from './histories.ts';
import { straightHistory, textOf, written } from './histories.ts';
import type { Step } from './histories.ts';

const statesOf = (history: Parameters<typeof play>[0]) => play(history).map(({ next }) => next);

const picks = fc.tuple(fc.nat(), fc.nat(), fc.nat());

/** Three states of one history; picked in the predicate, so that a failure prints the history. */
function three(history: readonly Step[], indexes: readonly number[]) {
  const states = statesOf(history);
  const picked = indexes.map((index) => states[index % states.length]);
  return picked as [OwnerState, OwnerState, OwnerState];
}

t.test('made-up histories hold forks, equivocations, floors and tombstones', (t) => {
  const seen = { equivocations: 0, floors: 0, tombstones: 0, forks: 0 };
  for (const history of fc.sample(forkedHistory, runs(200))) {
    const states = statesOf(history);
    const stamps = states.map(({ head }) => head.head.lastUpdate);
    const texts = new Set(states.map(textOf));
    seen.equivocations += texts.size - new Set(stamps).size;
    seen.floors += states.filter(({ head }) => head.head.floor > 0).length;
    seen.tombstones += states.filter(({ set }) => set.tombstones > 0).length;
    seen.forks += history.filter(({ back }) => back > 0).length;
  }
  for (const [what, count] of Object.entries(seen)) t.ok(count > 50, `${what}: ${count}`);
  t.end();
});

t.test('joining is commutative, associative and idempotent', (t) => {
  holds(
    t,
    200,
    fc.property(forkedHistory, picks, (history, indexes) => {
      const [a, b, c] = three(history, indexes);
      assert.equal(textOf(join(a, b)), textOf(join(b, a)));
      assert.equal(textOf(join(join(a, b), c)), textOf(join(a, join(b, c))));
      assert.equal(textOf(join(a, a)), textOf(a));
    }),
  );
  t.end();
});

t.test('joining gives the state of the larger head, and none in between', (t) => {
  holds(
    t,
    200,
    fc.property(forkedHistory, picks, (history, indexes) => {
      const [a, b] = three(history, indexes);
      const winner = compareHeads(a.head, b.head) < 0 ? b : a;
      assert.equal(textOf(join(a, b)), textOf(winner));
    }),
  );
  t.end();
});

t.test('what a merge says is to be written is exactly what changed', (t) => {
  holds(
    t,
    300,
    fc.property(forkedHistory, picks, fc.boolean(), (history, indexes, whole) => {
      const [held, other] = three(history, indexes);
      const { lastUpdate } = held.head.head;
      const records = whole ? recordsOf(other) : deltaFrom(other, lastUpdate);
      const verdict = merge(held, other.head, records, whole, wideBounds);
      const applied = verdict.kind === 'applied' ? [verdict] : [];
      for (const { puts, removes, next } of applied) {
        assert.deepEqual(written(held, removes, puts), rowsOf(other));
        assert.equal(textOf(next), textOf(other));
        const unchanged = puts.filter(
          (put) => held.set.get(put.key, put.bucket)?.hash === put.hash,
        );
        assert.deepEqual(unchanged, []);
      }
    }),
  );
  t.end();
});

t.test('records of anyone mixed into a delta never make a state that no head commits to', (t) => {
  const mixed = fc.infiniteStream(fc.nat(3));
  holds(
    t,
    300,
    fc.property(forkedHistory, picks, mixed, fc.boolean(), (history, indexes, random, whole) => {
      const [held, other, third] = three(history, indexes);
      const pool = [...recordsOf(other), ...recordsOf(third), ...recordsOf(held)];
      const records = pool.filter(() => random.next().value > 0);
      const verdict = merge(held, other.head, records, whole, wideBounds);
      const applied = verdict.kind === 'applied' ? [verdict] : [];
      for (const { next, puts, removes } of applied) {
        assert.doesNotThrow(() => assertInvariant(next));
        assert.equal(textOf(next), textOf(other));
        assert.deepEqual(written(held, removes, puts), rowsOf(other));
      }
    }),
  );
  t.end();
});

t.test('any two states of one life are a delta apart, from the floor on upwards', (t) => {
  holds(
    t,
    100,
    fc.property(straightHistory, (history) => {
      const states = statesOf(history);
      for (const [index, held] of states.entries())
        for (const target of states.slice(index + 1)) {
          const { lastUpdate } = held.head.head;
          const isAbove = lastUpdate >= target.head.head.floor;
          const records = isAbove ? deltaFrom(target, lastUpdate) : recordsOf(target);
          const { next } = appliedOf(merge(held, target.head, records, !isAbove, wideBounds));
          assert.equal(textOf(next), textOf(target));
        }
    }),
  );
  t.end();
});

t.test('deltas in any order, again or lost, lead with one repair to the same state', (t) => {
  const message = fc.record({ from: fc.nat(), to: fc.nat(), whole: fc.boolean() });
  holds(
    t,
    200,
    fc.property(forkedHistory, fc.array(message, { maxLength: 30 }), (history, messages) => {
      const states = statesOf(history);
      const stateAt = (index: number) => states[index % states.length] as OwnerState;
      let held: OwnerState | undefined;
      for (const { from, to, whole } of messages) {
        const target = stateAt(to);
        const version = stateAt(from).head.head.lastUpdate;
        const records = whole ? recordsOf(target) : deltaFrom(target, version);
        const verdict = merge(held, target.head, records, whole, wideBounds);
        const before = held;
        held = verdict.kind === 'applied' ? verdict.next : held;
        const order = before && held ? compareHeads(held.head, before.head) : 0;
        assert.ok(order >= 0, 'an owner never moves back');
      }
      const last = states.toSorted((a, b) => compareHeads(a.head, b.head)).at(-1) as OwnerState;
      assert.equal(textOf(held === undefined ? last : join(held, last)), textOf(last));
    }),
  );
  t.end();
});
