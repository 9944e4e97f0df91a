import t from 'tap';
import { accusationsPerMinuteMax, accusersMax } from '../../src/membership/docket.ts';
import { sha256 } from '../../src/record/hash.ts';
import { keyOfOwner } from '../../src/record/owner.ts';
import type { Signer } from '../../src/record/signature.ts';
import { accuse, bootA, by, docketOf, nameOf, nodeOf, startMicros } from './accusations.ts';
import { subject, TestDocket, verdict } from './accusations.ts';

const [a, b, c, d] = [nodeOf(2), nodeOf(3), nodeOf(4), nodeOf(5)] as const;

t.test('of one accuser the newest is kept, and a confirmation before all that are none', (t) => {
  const test = docketOf();
  const later = startMicros + 5_000_000;
  const [first, second] = [by(a), by(a, { since: later })];
  const confirmed = by(a, { confirmed: true });
  t.equal(test.hear(second, 0), 'new');
  t.equal(test.hear(first, 1), 'known');
  t.equal(test.hear(second, 2), 'known');
  t.equal(test.hear(confirmed, 3), 'new');
  t.equal(test.hear(by(a, { since: startMicros + 20_000_000 }), 4), 'known');
  t.strictSame(test.content(), [nameOf(confirmed)]);
  t.end();
});

t.test(`of one subject ${accusersMax} accusers are kept, those of the lowest rank`, (t) => {
  const accusers = Array.from({ length: accusersMax + 4 }, (_, number) => nodeOf(100 + number));
  const rankOf = ({ owner }: Signer): string =>
    Buffer.from(
      sha256(keyOfOwner(subject.owner) as Uint8Array, keyOfOwner(owner) as Uint8Array),
    ).toString('hex');
  const ranked = accusers.toSorted((one, other) => (rankOf(one) < rankOf(other) ? -1 : 1));
  const expected = ranked.slice(0, accusersMax).map((accuser) => nameOf(by(accuser)));
  for (const order of [ranked, ranked.toReversed()]) {
    const test = docketOf();
    const heard = order.map((accuser) => test.hear(by(accuser), 0));
    t.strictSame(test.content(), expected.toSorted());
    const spare = heard.filter((kind) => kind === 'spare').length;
    t.equal(spare, order === ranked ? 4 : 0, 'who ranks lower takes the place of the last');
    t.equal(test.docket.size, accusersMax);
    t.strictSame(test.docket.takeChanges().length, accusersMax, 'who came and went is not told');
  }
  t.end();
});

t.test('badly signed accusations are refused, and use up nothing', (t) => {
  const test = docketOf();
  const sealed = by(a);
  const signature = Buffer.alloc(64);
  for (let time = 0; time < 2 * accusationsPerMinuteMax; time++)
    t.equal(test.hear({ ...sealed, signature }, 0), 'BAD_SIGNATURE');
  t.equal(test.hear(sealed, 0), 'new');
  t.equal(test.docket.size, 1);
  t.end();
});

t.test('the clocks of accept are the reader’s: too new and too old are refused', (t) => {
  const test = docketOf();
  const ahead = { since: startMicros + 60_000_001 };
  t.equal(test.hear(by(a, ahead), 0), 'CLOCK_AHEAD');
  t.equal(test.hear(by(a, ahead), 1), 'new');
  const dayMs = 86_400_000;
  t.equal(test.hear(by(b), dayMs + 1_000), 'new');
  t.equal(test.hear(by(c), dayMs + 1_001), 'EXPIRED');
  t.equal(test.hear({ ...by(c), body: Buffer.from('x') }, 0), 'MALFORMED');
  t.end();
});

t.test(`of one accuser ${accusationsPerMinuteMax} are taken at once, then one a second`, (t) => {
  const test = new TestDocket();
  const subjects = Array.from({ length: accusationsPerMinuteMax + 2 }, (_, n) => nodeOf(200 + n));
  for (const each of subjects) test.head(each, 1, bootA, 0);
  const heard = subjects.map((each) => test.hear(accuse(each, a), 0));
  t.equal(heard.filter((kind) => kind === 'new').length, accusationsPerMinuteMax);
  t.strictSame(heard.slice(-2), ['ACCUSATIONS_THROTTLED', 'ACCUSATIONS_THROTTLED']);
  const [first, , last] = [subjects[0], 0, subjects.at(-1)] as [Signer, number, Signer];
  t.equal(test.hear(accuse(first, a), 0), 'known', 'what is held costs nothing');
  t.equal(test.hear(accuse(last, b), 0), 'new', 'others go on');
  t.equal(test.hear(accuse(last, a), 999), 'ACCUSATIONS_THROTTLED');
  t.equal(test.hear(accuse(last, a), 1_000), 'new');
  t.end();
});

t.test('over the bound of all of them new ones are refused, and those held go on', (t) => {
  const test = new TestDocket({ accusationsMax: 2 });
  for (const node of [subject, d]) test.head(node, 1, bootA, 0);
  t.strictSame([test.hear(by(a), 0), test.hear(by(b), 0)], ['new', 'new']);
  t.equal(test.hear(by(c), 0), 'TOO_MANY_ACCUSATIONS');
  t.equal(test.hear(accuse(d, a), 0), 'TOO_MANY_ACCUSATIONS');
  t.equal(test.hear(by(a, { confirmed: true }), 0), 'new');
  t.equal(test.docket.size, 2);
  test.head(subject, 2, bootA, 1);
  t.equal(test.hear(accuse(d, a), 1), 'new');
  t.end();
});

t.test('what is held is found by its hash, with accusers and reasons for people', (t) => {
  const test = docketOf(3);
  const { docket } = test;
  const sealed = by(a, { incarnation: 3, reason: 'refused', confirmed: true });
  test.hear(sealed, 0);
  t.equal(docket.holds(sealed.hash), true);
  t.equal(docket.get(Uint8Array.from(sealed.hash)), [...docket.accusations()][0]);
  t.same(docket.get(sealed.hash)?.body, sealed.body);
  t.strictSame([...docket.subjects], [subject.owner]);
  const { owner: accuser } = a;
  const said = { accuser, reason: 'refused', since: startMicros + 1_000_000, confirmed: true };
  t.match(docket.accusersOf(subject.owner), [said]);
  test.head(subject, 4, bootA, 1);
  t.equal(docket.get(sealed.hash), undefined);
  t.strictSame([...docket.subjects], []);
  t.end();
});

t.test('elements are told as added and removed, each once', (t) => {
  const test = docketOf();
  const { docket } = test;
  const changes = (): string[] =>
    docket.takeChanges().map(({ kind, accusation }) => `${kind} ${nameOf(accusation)}`);
  const [first, second] = [by(a), by(a, { confirmed: true })];
  test.hear(first, 0);
  t.strictSame(changes(), [`added ${nameOf(first)}`]);
  t.strictSame(changes(), []);
  test.hear(second, 1);
  t.strictSame(changes(), [`removed ${nameOf(first)}`, `added ${nameOf(second)}`]);
  test.hear(by(b), 2);
  test.head(subject, 2, bootA, 3);
  t.strictSame(changes(), [`removed ${nameOf(second)}`], 'what came and went is not told');
  t.end();
});

t.test('what was removed and is there again is no change', (t) => {
  const test = docketOf();
  test.hear(by(a), 0);
  test.docket.takeChanges();
  test.docket.forget(subject.owner);
  test.hear(by(a), 1);
  t.strictSame(test.docket.takeChanges(), []);
  t.equal(test.docket.size, 1);
  t.end();
});

t.test('a subject that is forgotten leaves nothing, and nothing is told of it', (t) => {
  const test = docketOf();
  const { docket } = test;
  for (const accuser of [a, b, c]) test.hear(by(accuser), 0);
  docket.takeVerdicts(0);
  docket.forget(subject.owner);
  t.equal(docket.size, 0);
  t.equal(docket.nextVerdictMs, Infinity);
  t.strictSame(docket.takeVerdicts(1e6), []);
  docket.forget(subject.owner);
  test.hear(by(a), 2_000);
  test.head(subject, 2, bootA, 2_001);
  docket.forget(subject.owner);
  test.hear(by(a, { incarnation: 2 }), 2_002);
  t.equal(docket.verdictOf(subject.owner, 2_002), 'suspect', 'nor is anybody mute');
  t.end();
});

t.test('what expires is dropped, and a suspicion ends with the last of it', (t) => {
  const test = docketOf();
  const { docket } = test;
  const [old, young] = [by(a), by(b, { since: startMicros + 9_000_000 })];
  test.hear(old, 0);
  test.hear(young, 0);
  t.strictSame(docket.takeVerdicts(0), verdict('suspect'));
  docket.expire(old.accusation.at, 1);
  t.equal(docket.size, 2, 'not yet');
  docket.expire(old.accusation.at + 1, 2);
  t.strictSame(test.content(), [nameOf(young)]);
  t.strictSame(docket.takeVerdicts(2), []);
  docket.expire(young.accusation.at + 1, 3);
  t.equal(docket.size, 0);
  t.strictSame(docket.takeVerdicts(3), verdict('none'));
  t.strictSame(docket.takeChanges(), []);
  t.end();
});
