import t from 'tap';
import { AssertionError } from '../../src/base/assert.ts';
import { MemberList } from '../../src/registry/member-list.ts';
import { at, makeFacts, makeHead, signerOf } from '../record/fixtures.ts';

const { owner } = signerOf(1);
const head = (incarnation = 1, left = false) =>
  makeHead(undefined, { incarnation, facts: makeFacts({ left }) }).head;

t.test('the first head makes a member, and later ones move it', (t) => {
  const members = new MemberList();
  const first = members.hear(head(), at(1));
  t.equal(first.before, undefined);
  t.match(first.after, { owner, state: 'alive', incarnation: 1, since: at(1).wallMicros });
  const same = members.hear(head(), at(2));
  t.equal(same.before, same.after);
  const left = members.hear(head(1, true), at(3));
  t.strictSame([left.before?.state, left.after.state], ['alive', 'left']);
  t.equal(members.get(owner), left.after);
  t.strictSame([...members.values()], [left.after]);
  t.end();
});

t.test('the revision rises with a member that comes, goes or changes its state, only then', (t) => {
  const members = new MemberList();
  const revisions: number[] = [];
  const note = () => revisions.push(members.revision);
  note();
  members.hear(head(), at(1));
  note();
  members.hear(head(2), at(2));
  note();
  members.observe(owner, { kind: 'linked' }, at(3));
  note();
  members.observe(owner, { kind: 'unreachable' }, at(4));
  note();
  members.forget(owner);
  note();
  t.strictSame(revisions, [0, 1, 1, 1, 2, 3]);
  t.end();
});

t.test('only heads count as being heard of', (t) => {
  const members = new MemberList();
  members.hear(head(), at(1));
  members.observe(owner, { kind: 'linked' }, at(50));
  t.equal(members.heardAtMs(owner), 1);
  members.hear(head(), at(60));
  t.equal(members.heardAtMs(owner), 60);
  t.end();
});

t.test('an unknown owner cannot be observed, and to forget it is a bug', (t) => {
  const members = new MemberList();
  t.equal(members.observe(owner, { kind: 'linked' }, at(1)), undefined);
  t.equal(members.get(owner), undefined);
  t.throws(() => members.forget(owner), new AssertionError('every owner is a member'));
  t.throws(() => members.heardAtMs(owner), new AssertionError('every owner is a member'));
  t.end();
});
