/** What is heard of a member against the table of PROTOCOL.md, written down once more. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import t from 'tap';
import { memberStates, nextMember } from '../../src/membership/member.ts';
import type { Member, MemberEvent, MemberState } from '../../src/membership/member.ts';
import { makeFacts, makeHead } from '../record/fixtures.ts';
import { holds } from './histories.ts';

type Heard =
  | 'data head'
  | 'newer life'
  | 'head that left'
  | 'live link'
  | 'dial failed'
  | 'accused'
  | 'convicted'
  | 'absolved'
  | 'dismissed';

const table: Record<MemberState, Record<Heard, MemberState>> = {
  alive: {
    'data head': 'alive',
    'newer life': 'alive',
    'head that left': 'left',
    'live link': 'alive',
    'dial failed': 'dead',
    accused: 'suspect',
    convicted: 'dead',
    absolved: 'alive',
    dismissed: 'alive',
  },
  suspect: {
    'data head': 'suspect',
    'newer life': 'alive',
    'head that left': 'left',
    'live link': 'alive',
    'dial failed': 'dead',
    accused: 'suspect',
    convicted: 'dead',
    absolved: 'alive',
    dismissed: 'suspect',
  },
  dead: {
    'data head': 'dead',
    'newer life': 'alive',
    'head that left': 'left',
    'live link': 'alive',
    'dial failed': 'dead',
    accused: 'dead',
    convicted: 'dead',
    absolved: 'dead',
    dismissed: 'left',
  },
  left: {
    'data head': 'left',
    'newer life': 'alive',
    'head that left': 'left',
    'live link': 'left',
    'dial failed': 'left',
    accused: 'left',
    convicted: 'left',
    absolved: 'left',
    dismissed: 'left',
  },
};

function eventOf(heard: Heard, { incarnation }: Member, rise: number): MemberEvent {
  if (heard === 'live link') return { kind: 'linked' };
  if (heard === 'dial failed') return { kind: 'unreachable', why: 'refused' };
  if (heard === 'convicted') return { kind: heard, why: 'silent' };
  if (heard === 'accused' || heard === 'absolved') return { kind: heard };
  if (heard === 'dismissed') return { kind: 'dismissed', incarnation };
  const isNewer = heard === 'newer life';
  const facts = makeFacts({ left: heard === 'head that left' });
  const told = isNewer ? incarnation + 1 + rise : Math.max(1, incarnation - rise);
  return { kind: 'head', head: makeHead(undefined, { facts, incarnation: told }).head };
}

const heard = fc.constantFrom(...(Object.keys(table.alive) as Heard[]));
const news = fc.array(fc.tuple(heard, fc.nat(3)), { minLength: 1, maxLength: 30, size: 'max' });

t.test('whatever is heard of a member in whatever order, its state is what the table says', (t) => {
  const reached = new Set<string>();
  holds(
    t,
    200,
    fc.property(news, (all) => {
      let member: Member = { owner: 'owner', state: 'alive', incarnation: 3, since: 0 };
      for (const [index, [what, rise]] of all.entries()) {
        const { state, incarnation, since } = member;
        const expected = table[state][what];
        const next = nextMember(member, eventOf(what, member, rise), index + 1);
        assert.equal(next.state, expected, `${state}, then ${what}`);
        assert.ok(next.incarnation >= incarnation);
        assert.equal(next.since, expected === state ? since : index + 1);
        reached.add(`${state} ${what}`);
        member = next;
      }
    }),
  );
  t.equal(reached.size, memberStates.length * Object.keys(table.alive).length);
  t.end();
});
