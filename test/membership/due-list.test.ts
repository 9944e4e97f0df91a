import fc from 'fast-check';
import assert from 'node:assert/strict';
import t from 'tap';
import { DueList } from '../../src/membership/due-list.ts';
import { holds } from '../property/histories.ts';

t.test('what is due is taken, the earliest first', (t) => {
  const due = new DueList<string>();
  t.equal(due.firstMs, Infinity);
  due.set('late', 30);
  due.set('early', 10);
  due.set('never', Infinity);
  due.set('middle', 20);
  t.equal(due.firstMs, 10);
  t.strictSame(due.take(9), []);
  t.strictSame(due.take(20), ['early', 'middle']);
  t.equal(due.firstMs, 30);
  t.equal(due.size, 1);
  t.end();
});

t.test('a key has one time: it is moved, put off or deleted', (t) => {
  const due = new DueList<string>();
  for (const key of ['a', 'b', 'c', 'd']) due.set(key, 10);
  due.set('a', 5);
  due.set('b', 50);
  due.set('c', Infinity);
  due.delete('d');
  t.strictSame(due.take(49), ['a']);
  t.strictSame(due.take(50), ['b']);
  t.equal(due.firstMs, Infinity);
  t.end();
});

const step = fc.oneof(
  fc.record({ kind: fc.constant('set'), key: fc.nat(9), ms: fc.nat(50) }),
  fc.record({ kind: fc.constant('delete'), key: fc.nat(9), ms: fc.constant(0) }),
  fc.record({ kind: fc.constant('take'), key: fc.constant(0), ms: fc.nat(50) }),
);

t.test('it is a map whose smallest times are taken', (t) => {
  holds(
    t,
    300,
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
      const due = new DueList<number>();
      const twin = new Map<number, number>();
      for (const { kind, key, ms } of steps) {
        if (kind === 'set') due.set(key, ms);
        if (kind === 'set') twin.set(key, ms);
        if (kind === 'delete') due.delete(key);
        if (kind === 'delete') twin.delete(key);
        if (kind === 'take') {
          const expected = [...twin].filter(([, atMs]) => atMs <= ms);
          const taken = due.take(ms);
          assert.deepEqual(new Set(taken), new Set(expected.map(([each]) => each)));
          assert.equal(taken.length, expected.length);
          const times = taken.map((each) => twin.get(each) as number);
          assert.deepEqual(
            times,
            times.toSorted((a, b) => a - b),
          );
          for (const each of taken) twin.delete(each);
        }
        assert.equal(due.firstMs, Math.min(...twin.values()));
        assert.equal(due.size, twin.size);
      }
    }),
  );
  t.end();
});
