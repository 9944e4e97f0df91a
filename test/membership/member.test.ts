import t from 'tap';
import { isShown, memberStates, newMember, nextMember } from '../../src/membership/member.ts';
import type { Member, MemberEvent, MemberState } from '../../src/membership/member.ts';
import { makeFacts, makeHead, signerOf } from '../record/fixtures.ts';

const { owner } = signerOf(1);
const since = 100;
const now = 200;
const member = (state: MemberState): Member => ({ owner, state, incarnation: 5, since });

function headOf(incarnation: number, left = false): MemberEvent {
  const { head } = makeHead(undefined, { incarnation, facts: makeFacts({ left }) });
  return { kind: 'head', head };
}

const events = {
  'a head of the same incarnation': headOf(5),
  'a head of a lower incarnation': headOf(4),
  'a head of a higher incarnation': headOf(6),
  'a head that left': headOf(5, true),
  'a head that left, of a lower incarnation': headOf(4, true),
  'a live link': { kind: 'linked' },
  'a refused re-dial': { kind: 'unreachable', why: 'refused' },
  'an accusation': { kind: 'accused' },
  'a conviction': { kind: 'convicted', why: 'silent' },
  'an absolution': { kind: 'absolved' },
  'a dismissal': { kind: 'dismissed', incarnation: 5 },
  'a dismissal of an earlier life': { kind: 'dismissed', incarnation: 4 },
  'a dismissal of a later life': { kind: 'dismissed', incarnation: 6 },
} satisfies Record<string, MemberEvent>;

/** What is heard, and then what becomes of alive, suspect, dead and left. */
const table: [keyof typeof events, MemberState, MemberState, MemberState, MemberState][] = [
  ['a head of the same incarnation', 'alive', 'suspect', 'dead', 'left'],
  ['a head of a lower incarnation', 'alive', 'suspect', 'dead', 'left'],
  ['a head of a higher incarnation', 'alive', 'alive', 'alive', 'alive'],
  ['a head that left', 'left', 'left', 'left', 'left'],
  ['a head that left, of a lower incarnation', 'left', 'left', 'left', 'left'],
  ['a live link', 'alive', 'alive', 'alive', 'left'],
  ['a refused re-dial', 'dead', 'dead', 'dead', 'left'],
  ['an accusation', 'suspect', 'suspect', 'dead', 'left'],
  ['a conviction', 'dead', 'dead', 'dead', 'left'],
  ['an absolution', 'alive', 'alive', 'dead', 'left'],
  ['a dismissal', 'alive', 'suspect', 'left', 'left'],
  ['a dismissal of an earlier life', 'alive', 'suspect', 'dead', 'left'],
  ['a dismissal of a later life', 'alive', 'suspect', 'dead', 'left'],
];

t.test('the table has a row for every event and a column for every state', (t) => {
  t.strictSame(
    table.map(([event]) => event),
    Object.keys(events),
  );
  for (const row of table) t.equal(row.length - 1, memberStates.length);
  t.end();
});

for (const [event, ...after] of table)
  for (const [index, expected] of after.entries()) {
    const before = memberStates[index] as MemberState;
    t.test(`${event} makes a member that is ${before} ${expected}`, (t) => {
      const next = nextMember(member(before), events[event], now);
      t.equal(next.state, expected);
      t.equal(next.owner, owner);
      t.equal(next.since, before === expected ? since : now, 'since tells of the state alone');
      t.end();
    });
  }

t.test('the incarnation that is known never falls', (t) => {
  for (const state of memberStates) {
    t.equal(nextMember(member(state), headOf(4), now).incarnation, 5);
    t.equal(nextMember(member(state), headOf(9), now).incarnation, 9);
    t.equal(nextMember(member(state), { kind: 'unreachable', why: 'refused' }, now).incarnation, 5);
  }
  t.end();
});

t.test('a member of whom nothing changed is the same object', (t) => {
  const alive = member('alive');
  t.equal(nextMember(alive, headOf(5), now), alive);
  t.equal(nextMember(alive, { kind: 'linked' }, now), alive);
  const dead = member('dead');
  t.equal(nextMember(dead, { kind: 'unreachable', why: 'refused' }, now), dead);
  t.equal(nextMember(dead, { kind: 'absolved' }, now), dead);
  t.end();
});

t.test('whoever is first heard of is alive, or left when its head says so', (t) => {
  const { head } = makeHead(undefined, { incarnation: 7 });
  t.strictSame(newMember(head, now), { owner, state: 'alive', incarnation: 7, since: now });
  const gone = makeHead(undefined, { facts: makeFacts({ left: true }) });
  t.strictSame(newMember(gone.head, now), { owner, state: 'left', incarnation: 1, since: now });
  t.end();
});

t.test('what alive and suspect members registered is shown', (t) => {
  t.strictSame(memberStates.filter(isShown), ['alive', 'suspect']);
  t.end();
});
