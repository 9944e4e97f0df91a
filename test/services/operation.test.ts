import { test } from 'tap';
import { applyOperation, operations, symbolOf } from '../../src/services/operation.ts';

test('each operation computes what its symbol says', async (t) => {
  const expected = { add: 9, sub: 3, mul: 18, div: 2 };
  for (const operation of operations) {
    const outcome = applyOperation(operation, 6, 3);
    t.strictSame(outcome, { kind: 'value', value: expected[operation] }, symbolOf[operation]);
  }
});

test('a division by zero is refused, by either zero', async (t) => {
  for (const zero of [0, -0]) {
    t.strictSame(applyOperation('div', 7, zero), {
      kind: 'refused',
      why: '7 cannot be divided by zero; change the divisor',
    });
  }
  t.equal(applyOperation('div', 0, 7).kind, 'value');
});

test('infinite and undefined numbers do not go in', async (t) => {
  for (const bad of [Infinity, -Infinity, Number.NaN]) {
    for (const operation of operations) {
      const message = `add takes finite numbers; it was given ${bad} and 1`;
      t.equal(applyOperation(operation, 1, bad).kind, 'refused');
      t.strictSame(applyOperation('add', bad, 1), { kind: 'refused', why: message });
    }
  }
});

test('infinite numbers do not come out', async (t) => {
  const huge = Number.MAX_VALUE;
  t.match(applyOperation('mul', huge, 2), { kind: 'refused', why: /is beyond 1\.79.*e\+308; use/ });
  t.equal(applyOperation('add', huge, huge).kind, 'refused');
  t.equal(applyOperation('sub', -huge, huge).kind, 'refused');
  t.equal(applyOperation('div', huge, 0.5).kind, 'refused');
});
