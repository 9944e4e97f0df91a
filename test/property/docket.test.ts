/** The docket against dumb twins: what it holds, who counts, when verdicts fall, what it tells. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import t from 'tap';
import { accusationReasons } from '../../src/membership/accusation.ts';
import type { AccusationReason, SealedAccusation } from '../../src/membership/accusation.ts';
import { accusersMax } from '../../src/membership/docket.ts';
import type { DocketVerdict } from '../../src/membership/docket.ts';
import { muteFirstMs, muteMaxMs } from '../../src/membership/mutes.ts';
import { sha256 } from '../../src/record/hash.ts';
import { keyOfOwner } from '../../src/record/owner.ts';
import type { OwnerId } from '../../src/record/owner.ts';
import { accuse, bootA, bootB, nameOf, nodeOf, startMicros } from '../membership/accusations.ts';
import { TestDocket } from '../membership/accusations.ts';
import { holds } from './histories.ts';

const subjects = [1, 2, 3].map(nodeOf);
const accusers = Array.from({ length: 24 }, (_, number) => nodeOf(100 + number));

interface Saying {
  readonly subject: number;
  readonly accuser: number;
  readonly incarnation: number;
  readonly second: number;
  readonly confirmed: boolean;
  readonly reason: AccusationReason;
}

/** A saying about the life that is present when it is said, or about the one before. */
type Spoken = Omit<Saying, 'incarnation'> & { readonly isOld: boolean };

const sealed = new Map<string, SealedAccusation>();

/** The same object for the same saying: signing costs more than all else here. */
function sealedOf(saying: Saying): SealedAccusation {
  const key = JSON.stringify(saying);
  const { subject, accuser, second, ...claim } = saying;
  const since = startMicros + second * 1_000_000;
  const [whom, who] = [subjects[subject], accusers[accuser]];
  assert.ok(whom !== undefined && who !== undefined);
  const made = sealed.get(key) ?? accuse(whom, who, { since, ...claim });
  sealed.set(key, made);
  return made;
}

/** Some are as new as a confirmation, and some are signed at once and say something else. */
const claim = {
  second: fc.constantFrom(0, 1, 10, 15),
  confirmed: fc.boolean(),
  reason: fc.constantFrom(...accusationReasons),
};

/** @param accusersAll of how many; few make collisions, many fill the seats */
const sayingOf = (subjectsAll: number, accusersAll: number, incarnations: number) =>
  fc
    .record({
      subject: fc.nat(subjectsAll - 1),
      accuser: fc.nat(accusersAll - 1),
      incarnation: fc.integer({ min: 1, max: incarnations }),
      ...claim,
    })
    .map(sealedOf);

function rankOf({ accusation }: SealedAccusation): string {
  const { subject, accuser } = accusation;
  const hash = sha256(keyOfOwner(subject) as Uint8Array, keyOfOwner(accuser) as Uint8Array);
  return Buffer.from(hash).toString('hex');
}

/** What is to be held of all that was ever said, sorted by name. */
function contentOf(said: readonly SealedAccusation[], incarnation: number): string[] {
  const best = new Map<string, SealedAccusation>();
  for (const one of said) {
    if (one.accusation.incarnation !== incarnation) continue;
    const other = best.get(rankOf(one));
    const order = ({ accusation: { confirmed, at }, ...rest }: SealedAccusation): string =>
      `${confirmed} ${at} ${nameOf({ accusation: one.accusation, ...rest })}`;
    // As text, `true` comes after `false`, and the times are of one length.
    if (other === undefined || order(one) > order(other)) best.set(rankOf(one), one);
  }
  const kept = subjects.flatMap(({ owner }) => {
    const all = [...best].filter(([, { accusation }]) => accusation.subject === owner);
    all.sort(([a], [b]) => (a < b ? -1 : 1));
    return all.slice(0, accusersMax).map(([, one]) => nameOf(one));
  });
  return kept.sort();
}

function docketAt(incarnation: number): TestDocket {
  const test = new TestDocket();
  for (const subject of subjects) test.head(subject, incarnation, bootA, 0);
  return test;
}

const many = fc.array(sayingOf(2, 24, 2), { minLength: 1, maxLength: 120, size: 'max' });

t.test('what is held depends on what was said, and not on the order in which it came', (t) => {
  let full = 0;
  holds(
    t,
    150,
    fc.property(many, fc.infiniteStream(fc.nat()), (said, chance) => {
      const expected = contentOf(said, 2);
      const keys = new Map(said.map((one) => [one, chance.next().value]));
      const shuffled = said.toSorted((a, b) => (keys.get(a) ?? 0) - (keys.get(b) ?? 0));
      for (const order of [said, said.toReversed(), shuffled]) {
        const test = docketAt(2);
        // Slowly, so that nobody is over the rate.
        for (const [index, one] of order.entries()) test.hear(one, index * 1_000);
        assert.deepEqual(test.content(), expected);
      }
      if (expected.length >= accusersMax) full += 1;
    }),
  );
  t.ok(full > 20, `${full} times somebody had no seat, or nearly`);
  t.end();
});

/** One thing that happens, and how long after the last. */
type Event =
  | { readonly kind: 'said'; readonly spoken: Spoken }
  | { readonly kind: 'head'; readonly subject: number; readonly isRestart: boolean }
  | { readonly kind: 'forget'; readonly subject: number }
  | { readonly kind: 'expire'; readonly second: number };

const said = fc
  .record({
    subject: fc.nat(2),
    accuser: fc.nat(5),
    ...claim,
    isOld: fc.nat(9).map((chance) => chance === 0),
  })
  .map((spoken): Event => ({ kind: 'said', spoken }));
const head = fc
  .record({ subject: fc.nat(2), isRestart: fc.boolean() })
  .map((plain): Event => ({ kind: 'head', ...plain }));
const forget = fc.nat(2).map((subject): Event => ({ kind: 'forget', subject }));
const expire = fc.nat(4).map((second): Event => ({ kind: 'expire', second }));
const wait = fc.constantFrom(0, 1, 40, 100, 1_000, 30_000);

const historyOf = (event: fc.Arbitrary<Event>) =>
  fc.array(fc.tuple(event, wait, fc.boolean()), { minLength: 1, maxLength: 60, size: 'max' });

function accusationOf(test: TestDocket, { isOld, ...plain }: Spoken): SealedAccusation {
  const { incarnation = 1 } = test.lives.get(nodeOf(plain.subject + 1).owner) ?? {};
  return sealedOf({ ...plain, incarnation: Math.max(1, incarnation - Number(isOld)) });
}

/** Plays one event; heads rise by one. */
function play(test: TestDocket, event: Event, nowMs: number): void {
  const { docket } = test;
  if (event.kind === 'said') test.hear(accusationOf(test, event.spoken), nowMs);
  if (event.kind === 'expire') docket.expire(startMicros + event.second * 1_000_000, nowMs);
  if (event.kind !== 'head' && event.kind !== 'forget') return;
  const node = nodeOf(event.subject + 1);
  if (event.kind === 'forget') return docket.forget(node.owner);
  const life = test.lives.get(node.owner) ?? { incarnation: 0, bootId: bootA };
  const other = life.bootId === bootA ? bootB : bootA;
  test.head(node, life.incarnation + 1, event.isRestart ? other : life.bootId, nowMs);
}

t.test('what is void never comes back, and only the present life is spoken of', (t) => {
  holds(
    t,
    200,
    fc.property(historyOf(fc.oneof({ weight: 4, arbitrary: said }, head)), (history) => {
      const test = docketAt(1);
      const gone = new Set<string>();
      const all: SealedAccusation[] = [];
      let nowMs = 0;
      for (const [event, waitMs] of history) {
        nowMs += waitMs;
        const before = [...test.docket.accusations()];
        if (event.kind === 'said') all.push(accusationOf(test, event.spoken));
        play(test, event, nowMs);
        for (const one of before) if (!test.docket.holds(one.hash)) gone.add(nameOf(one));
        for (const { hash, accusation } of test.docket.accusations()) {
          assert.ok(!gone.has(nameOf({ hash } as SealedAccusation)));
          assert.equal(accusation.incarnation, test.lives.get(accusation.subject)?.incarnation);
        }
      }
      // Digests tell everything once more.
      for (const [index, one] of all.entries()) test.hear(one, nowMs + 1_000 * (index + 1));
      for (const { hash } of test.docket.accusations())
        assert.ok(!gone.has(nameOf({ hash } as SealedAccusation)));
    }),
  );
  t.end();
});

t.test('who is mute never counts', (t) => {
  let silenced = 0;
  const refute = fc.nat(2).map((subject): Event => ({ kind: 'head', subject, isRestart: false }));
  holds(
    t,
    500,
    fc.property(historyOf(fc.oneof({ weight: 3, arbitrary: said }, refute)), (history) => {
      const test = docketAt(1);
      test.windowMs = 1_000;
      const { docket } = test;
      const mutes = new Map<string, { untilMs: number; lengthMs: number }>();
      let nowMs = 0;
      for (const [event, waitMs] of history) {
        nowMs += waitMs;
        const owner = event.kind === 'head' ? nodeOf(event.subject + 1).owner : undefined;
        // Answered in time; what was dead already is the subject of another test.
        if (owner !== undefined && docket.verdictOf(owner, nowMs) === 'dead') continue;
        if (owner !== undefined)
          for (const { accuser } of docket.accusersOf(owner)) {
            const last = mutes.get(owner + accuser);
            const isAgain = last !== undefined && nowMs < last.untilMs + muteMaxMs;
            const lengthMs = isAgain ? Math.min(2 * last.lengthMs, muteMaxMs) : muteFirstMs;
            mutes.set(owner + accuser, { untilMs: nowMs + lengthMs, lengthMs });
          }
        play(test, event, nowMs);
        for (const subject of subjects.map((each) => each.owner)) {
          const all = docket.accusersOf(subject);
          const counting = all.filter(
            ({ accuser }) => (mutes.get(subject + accuser)?.untilMs ?? 0) <= nowMs,
          );
          assert.equal(docket.verdictOf(subject, nowMs) === 'none', counting.length === 0);
          const isConfirmed = counting.some(({ confirmed }) => confirmed);
          if (counting.length < 3 && !isConfirmed)
            assert.notEqual(docket.verdictOf(subject, nowMs), 'dead');
          if (counting.length < all.length) silenced += 1;
        }
      }
    }),
  );
  t.ok(silenced > 1_000, `${silenced} times somebody was mute`);
  t.end();
});

/** When the first subject becomes suspect, and when dead; Infinity: never. */
function timesOf(arrivals: readonly (readonly [SealedAccusation, number])[]): number[] {
  const test = docketAt(1);
  const owner = nodeOf(1).owner;
  const times = { suspect: Infinity, dead: Infinity };
  const take = (nowMs: number): void => {
    while (test.docket.nextVerdictMs <= nowMs) {
      const atMs = test.docket.nextVerdictMs;
      for (const { subject, verdict } of test.docket.takeVerdicts(atMs)) {
        assert.ok(subject === owner && verdict !== 'none');
        times[verdict] = Math.min(times[verdict], atMs);
      }
    }
  };
  for (const [one, atMs] of arrivals.toSorted(([, a], [, b]) => a - b)) {
    take(atMs);
    test.hear(one, atMs);
  }
  take(1e9);
  return [times.suspect, times.dead];
}

t.test('one more accusation never makes a verdict later', (t) => {
  let earlier = 0;
  const arrival = fc.tuple(sayingOf(1, 24, 1), fc.nat(5_000));
  holds(
    t,
    400,
    fc.property(fc.array(arrival, { maxLength: 30 }), arrival, (arrivals, more) => {
      const [suspect = 0, dead = 0] = timesOf(arrivals);
      const [suspectSooner = 0, deadSooner = 0] = timesOf([...arrivals, more]);
      assert.ok(suspectSooner <= suspect && deadSooner <= dead);
      if (deadSooner < dead) earlier += 1;
    }),
  );
  t.ok(earlier > 20, `${earlier} times it was earlier`);
  t.end();
});

const anything = fc.oneof(
  { weight: 12, arbitrary: said },
  { weight: 3, arbitrary: head },
  { weight: 1, arbitrary: forget },
  { weight: 1, arbitrary: expire },
);

t.test('who follows what is told knows what is held and what it comes to', (t) => {
  const reached = new Set<string>();
  holds(
    t,
    300,
    fc.property(historyOf(anything), (history) => {
      const test = docketAt(1);
      const { docket } = test;
      const told = new Map<OwnerId, DocketVerdict>();
      const elements = new Set<string>();
      let nowMs = 0;
      const follow = (): void => {
        for (const { subject, verdict } of docket.takeVerdicts(nowMs)) {
          told.set(subject, verdict);
          reached.add(verdict);
        }
        for (const { owner } of subjects) {
          assert.equal(docket.verdictOf(owner, nowMs), told.get(owner) ?? 'none');
          const next = docket.nextVerdictMs;
          assert.ok(next > nowMs);
          if (next === Infinity)
            assert.equal(docket.verdictOf(owner, 1e12), told.get(owner) ?? 'none');
          else assert.equal(docket.verdictOf(owner, next - 0.001), told.get(owner) ?? 'none');
        }
      };
      for (const [event, waitMs, isTaken] of history) {
        const laterMs = nowMs + waitMs;
        while (isTaken && docket.nextVerdictMs <= laterMs) {
          nowMs = Math.max(nowMs, docket.nextVerdictMs);
          follow();
        }
        nowMs = laterMs;
        play(test, event, nowMs);
        if (event.kind === 'forget') told.delete(nodeOf(event.subject + 1).owner);
        if (!isTaken) continue;
        follow();
        for (const { kind, accusation } of docket.takeChanges()) {
          const name = nameOf(accusation);
          assert.equal(elements.has(name), kind === 'removed');
          if (kind === 'added') elements.add(name);
          else elements.delete(name);
        }
        assert.deepEqual([...elements].sort(), test.content());
      }
      assert.equal(docket.size, [...docket.accusations()].length);
    }),
  );
  t.strictSame([...reached].sort(), ['dead', 'none', 'suspect']);
  t.end();
});
