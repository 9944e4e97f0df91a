import { test } from 'tap';
import { recordKey } from '../../src/record/record.ts';
import { SharedValues } from '../../src/sim/sharing.ts';
import { ownerState } from './state-fixtures.ts';

test('an equal head, record or state is the object that was there before', (t) => {
  const shared = new SharedValues(10);
  const [state, equal] = [ownerState('one', ['x']), ownerState('one', ['x'])];
  t.equal(shared.head(state.head), undefined);
  t.equal(shared.state(state), state);
  t.equal(shared.state(equal), state);
  t.equal(shared.head(equal.head), state.head);
  const [record] = [...state.set.records()];
  t.equal(record?.key, recordKey('sim', 'x', 'x'));
  t.equal(shared.record(Uint8Array.from(record?.bytes ?? [])), record);
  t.end();
});

test('other bytes under the same signature are not taken for the head', (t) => {
  const shared = new SharedValues(10);
  const state = ownerState('one', ['x']);
  shared.state(state);
  const body = Uint8Array.from(state.head.body);
  body[0] = (body[0] ?? 0) ^ 1;
  t.equal(shared.head({ body, signature: state.head.signature }), undefined);
  t.end();
});

test('the oldest head is forgotten over the bound', (t) => {
  const shared = new SharedValues(2);
  const states = ['one', 'two', 'three'].map((name) => ownerState(name, []));
  for (const state of states) shared.state(state);
  t.strictSame(
    states.map(({ head }) => shared.head(head) === head),
    [false, true, true],
  );
  t.end();
});
