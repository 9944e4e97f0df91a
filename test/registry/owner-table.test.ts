import t from 'tap';
import { AssertionError } from '../../src/base/assert.ts';
import { OwnerTable } from '../../src/registry/owner-table.ts';
import { at, makeFacts, makeSealed, makeState, signerOf } from '../record/fixtures.ts';

const { owner } = signerOf(1);
const state = (incarnation = 1, left = false, records = 0) => {
  const sealed = Array.from({ length: records }, (_, i) => makeSealed({ instanceId: `i${i}` }));
  return makeState(sealed, { incarnation, facts: makeFacts({ left }) });
};

t.test('the first state makes a member, and later ones move it', (t) => {
  const table = new OwnerTable();
  const first = table.put(state(), at(1));
  t.equal(first.before, undefined);
  t.match(first.after, { owner, state: 'alive', incarnation: 1, since: at(1).wallMicros });
  const same = table.put(state(), at(2));
  t.equal(same.before, same.after);
  const last = state(1, true);
  const left = table.put(last, at(3));
  t.strictSame([left.before?.state, left.after.state], ['alive', 'left']);
  t.equal(table.get(owner)?.member, left.after);
  t.strictSame([...table.members()], [left.after]);
  t.strictSame([...table.states()], [[owner, last]]);
  t.equal(table.size, 1);
  t.end();
});

t.test('the revision rises with a member that comes, goes or changes its state, only then', (t) => {
  const table = new OwnerTable();
  const revisions: number[] = [];
  const note = () => revisions.push(table.revision);
  note();
  table.put(state(), at(1));
  note();
  table.put(state(2), at(2));
  note();
  table.observe(owner, { kind: 'linked' }, at(3));
  note();
  table.observe(owner, { kind: 'unreachable', why: 'refused' }, at(4));
  note();
  table.forget(owner);
  note();
  t.strictSame(revisions, [0, 1, 1, 1, 2, 3]);
  t.end();
});

t.test('only heads count as being heard of', (t) => {
  const table = new OwnerTable();
  table.put(state(), at(1));
  table.observe(owner, { kind: 'unreachable', why: 'refused' }, at(50));
  t.match(table.get(owner), { heardAtMs: 1, member: { state: 'dead' } });
  table.put(state(), at(60));
  t.equal(table.get(owner)?.heardAtMs, 60);
  t.end();
});

t.test('records and bytes are those of all owners, whatever comes and goes', (t) => {
  const table = new OwnerTable();
  const [one, two] = [state(1, false, 3), state(2, false, 1)];
  table.put(one, at(1));
  t.strictSame([table.records, table.bytes], [3, one.set.bytes]);
  table.put(two, at(2));
  t.strictSame([table.records, table.bytes], [1, two.set.bytes]);
  table.forget(owner);
  t.strictSame([table.records, table.bytes, table.size], [0, 0, 0]);
  t.end();
});

t.test('there is room for who brings no more than is left, and for whoever has records', (t) => {
  const table = new OwnerTable();
  const two = state(1, false, 2);
  const bounds = { recordsMax: 2, bytesMax: two.set.bytes };
  t.equal(table.hasRoomFor(two, bounds), true);
  t.equal(table.hasRoomFor(two, { ...bounds, recordsMax: 1 }), false);
  t.equal(table.hasRoomFor(two, { ...bounds, bytesMax: bounds.bytesMax - 1 }), false);
  table.put(state(), at(1));
  t.equal(table.hasRoomFor(two, { ...bounds, recordsMax: 1 }), false, 'known, and without records');
  t.equal(table.hasRoomFor(state(2), { recordsMax: -1, bytesMax: -1 }), true, 'a mere head');
  table.put(two, at(2));
  t.equal(table.hasRoomFor(state(1, false, 9), bounds), true, 'it goes on');
  t.end();
});

t.test('a fork and its origin go their own ways', (t) => {
  const table = new OwnerTable();
  table.put(state(1, false, 2), at(1));
  const fork = table.fork();
  t.strictSame([fork.records, fork.bytes, fork.revision], [2, table.bytes, 1]);
  t.equal(fork.get(owner), table.get(owner), 'what is equal is one object');
  fork.observe(owner, { kind: 'unreachable', why: 'refused' }, at(2));
  table.put(state(2), at(3));
  t.match(fork.get(owner), { member: { state: 'dead', incarnation: 1 }, heardAtMs: 1 });
  t.match(table.get(owner), { member: { state: 'alive', incarnation: 2 }, heardAtMs: 3 });
  t.strictSame([fork.records, table.records], [2, 0]);
  t.end();
});

t.test('an unknown owner cannot be observed, and to forget it is a bug', (t) => {
  const table = new OwnerTable();
  t.equal(table.observe(owner, { kind: 'linked' }, at(1)), undefined);
  t.equal(table.get(owner), undefined);
  const bug = new AssertionError('only what is held can be forgotten');
  t.throws(() => table.forget(owner), bug);
  t.end();
});
