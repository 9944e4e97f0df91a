import t from 'tap';
import { MemberChanges } from '../../src/cli/member-changes.ts';
import { memberFromProto } from '../../src/client/daemon-status.ts';
import type { Member, MembersEvent } from '../../src/client/daemon-status.ts';

const bob: Member = { ...memberFromProto({ peerId: 'b', name: 'bob' }), state: 'alive' };
const eve: Member = { ...bob, peerId: 'e', name: 'eve' };
const told = (member: Member): MembersEvent => ({ kind: 'member', member });
const end: MembersEvent = { kind: 'snapshot_end' };

function begun(...members: Member[]): MemberChanges {
  const changes = new MemberChanges();
  for (const member of members) changes.take(told(member));
  changes.take(end);
  return changes;
}

t.test('a member is new at first, and then comes with what it was before', (t) => {
  const changes = new MemberChanges();
  t.strictSame(changes.take(told(bob)), [{ kind: 'member', member: bob, before: undefined }]);
  t.strictSame(changes.take(end), []);
  const dead: Member = { ...bob, state: 'dead' };
  t.strictSame(changes.take(told(dead)), [{ kind: 'member', member: dead, before: bob }]);
  t.strictSame(changes.members(), [dead]);
  t.end();
});

t.test('what changes all the time is kept, and no news', (t) => {
  const changes = begun(bob);
  const later = { ...bob, rttMicros: 7, lastUpdate: 8, instances: 9 };
  t.strictSame(changes.take(told(later)), []);
  t.strictSame(changes.members(), [later]);
  t.end();
});

t.test('behind a cut only what changed in between is news', (t) => {
  const changes = begun(bob, eve);
  changes.cut();
  t.strictSame(changes.take(told(bob)), []);
  t.strictSame(changes.take(end), [{ kind: 'forgotten', member: eve }]);
  t.strictSame(changes.members(), [bob]);
  t.end();
});

t.test('a stream that is cut in its snapshot makes nobody forgotten', (t) => {
  const changes = begun(bob, eve);
  changes.cut();
  changes.take(told(eve));
  changes.cut();
  t.strictSame(
    [bob, eve].flatMap((member) => changes.take(told(member))),
    [],
  );
  t.strictSame(changes.take(end), []);
  t.end();
});

t.test('a member that is forgotten is told once', (t) => {
  const changes = begun(bob);
  const gone: MembersEvent = { kind: 'forgotten', member: bob };
  t.strictSame(changes.take(gone), [gone]);
  t.strictSame(changes.take(gone), []);
  t.strictSame(changes.members(), []);
  t.end();
});
