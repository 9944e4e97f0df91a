import t from 'tap';
import { refutationMaxMs } from '../../src/membership/jury.ts';
import { muteFirstMs } from '../../src/membership/mutes.ts';
import { sha256 } from '../../src/record/hash.ts';
import { bootA, bootB, by, docketOf, nodeOf, startMicros } from './accusations.ts';
import { subject, TestDocket, verdict } from './accusations.ts';

const [self, a, b, c, d] = [nodeOf(0), nodeOf(2), nodeOf(3), nodeOf(4), nodeOf(5)] as const;

t.test('a node without accusations holds nothing and waits for nothing', (t) => {
  const { docket } = docketOf();
  t.equal(docket.size, 0);
  t.equal(docket.nextVerdictMs, Infinity);
  t.equal(docket.verdictOf(subject.owner, 1e9), 'none');
  t.strictSame(docket.takeVerdicts(1e9), []);
  t.strictSame(docket.takeChanges(), []);
  t.strictSame(docket.accusersOf(subject.owner), []);
  t.equal(docket.holds(sha256('nothing')), false);
  t.end();
});

t.test('the first accusation makes suspect, the third dead after a window', (t) => {
  const test = docketOf();
  const { docket } = test;
  t.equal(test.hear(by(a), 1_000), 'new');
  t.equal(docket.nextVerdictMs, 1_000);
  t.strictSame(docket.takeVerdicts(1_000), verdict('suspect'));
  t.equal(docket.nextVerdictMs, Infinity);
  t.equal(test.hear(by(b), 1_010), 'new');
  t.strictSame(docket.takeVerdicts(1_010), [], 'two are no more than one');
  t.equal(test.hear(by(c), 1_020), 'new');
  t.equal(docket.nextVerdictMs, 1_020 + test.windowMs);
  t.strictSame(docket.takeVerdicts(1_119), []);
  t.equal(docket.verdictOf(subject.owner, 1_119), 'suspect');
  t.strictSame(docket.takeVerdicts(1_120), verdict('dead'));
  t.equal(docket.verdictOf(subject.owner, 1_120), 'dead');
  t.equal(test.hear(by(d), 1_200), 'new', 'a fourth is held, and changes nothing');
  t.strictSame(docket.takeVerdicts(1e9), []);
  t.equal(docket.nextVerdictMs, Infinity);
  t.end();
});

t.test('verdicts that are taken late are told as what they are by then', (t) => {
  const test = docketOf();
  for (const accuser of [a, b, c]) test.hear(by(accuser), 1_000);
  t.strictSame(test.docket.takeVerdicts(5_000), verdict('dead'));
  t.end();
});

t.test('with fewer than three accusers a confirmation and a second make dead', (t) => {
  const test = docketOf();
  const { docket } = test;
  test.hear(by(a), 1_000);
  test.hear(by(b), 1_001);
  t.strictSame(docket.takeVerdicts(60_000), verdict('suspect'), 'however long they only accuse');
  t.equal(test.hear(by(b, { confirmed: true }), 60_000), 'new');
  t.equal(docket.nextVerdictMs, 60_000 + refutationMaxMs);
  t.strictSame(docket.takeVerdicts(60_999), []);
  t.strictSame(docket.takeVerdicts(61_000), verdict('dead'));
  t.equal(docket.size, 2, 'a confirmation takes the place of the accusation');
  t.end();
});

t.test('a node that was away for an hour comes to the same by the certificates alone', (t) => {
  const hourMs = 3_600_000;
  const lone = docketOf();
  lone.hear(by(a, { confirmed: true }), hourMs);
  t.strictSame(lone.docket.takeVerdicts(hourMs), verdict('suspect'));
  t.strictSame(lone.docket.takeVerdicts(hourMs + 999), []);
  t.strictSame(lone.docket.takeVerdicts(hourMs + 1_000), verdict('dead'));
  const three = docketOf();
  for (const accuser of [a, b, c]) three.hear(by(accuser, { confirmed: true }), hourMs);
  t.strictSame(three.docket.takeVerdicts(hourMs + three.windowMs), verdict('dead'));
  const unconfirmed = docketOf();
  unconfirmed.hear(by(a), hourMs);
  t.strictSame(unconfirmed.docket.takeVerdicts(20 * hourMs), verdict('suspect'));
  t.end();
});

t.test('a window of more than a second holds for confirmations too', (t) => {
  const test = docketOf();
  test.windowMs = 1_500;
  test.hear(by(a, { confirmed: true }), 0);
  t.equal(test.docket.verdictOf(subject.owner, 1_499), 'suspect');
  t.equal(test.docket.verdictOf(subject.owner, 1_500), 'dead');
  t.end();
});

t.test('a window that grows moves no verdict back', (t) => {
  const test = docketOf();
  for (const accuser of [a, b, c]) test.hear(by(accuser), 0);
  test.windowMs = 1_000;
  test.hear(by(d), 50);
  t.equal(test.docket.verdictOf(subject.owner, 100), 'dead');
  t.end();
});

t.test('an accuser that accuses again is still one, and was first heard when it was', (t) => {
  const test = docketOf();
  for (let time = 0; time < 5; time++)
    t.equal(test.hear(by(a, { since: startMicros + time }), time), 'new');
  t.strictSame(test.docket.takeVerdicts(60_000), verdict('suspect'));
  test.hear(by(b), 60_000);
  test.hear(by(c), 60_000);
  test.hear(by(a, { confirmed: true }), 60_050);
  t.equal(test.docket.nextVerdictMs, 60_000 + test.windowMs);
  t.end();
});

t.test('a higher incarnation voids all accusations, and they do not come back', (t) => {
  const test = docketOf(5);
  const { docket } = test;
  const said = [a, b, c].map((accuser) => by(accuser, { incarnation: 5 }));
  for (const sealed of said) test.hear(sealed, 0);
  docket.takeVerdicts(50);
  test.head(subject, 6, bootA, 60);
  t.equal(docket.size, 0);
  t.equal(docket.verdictOf(subject.owner, 1e6), 'none');
  t.equal(docket.nextVerdictMs, 60);
  t.strictSame(docket.takeVerdicts(60), verdict('none'));
  for (const sealed of said) t.equal(test.hear(sealed, 70), 'void');
  t.strictSame(docket.takeVerdicts(1e6), []);
  t.end();
});

t.test('a head of a lower incarnation voids as well, and is no answer', (t) => {
  const test = docketOf(5);
  test.hear(by(a, { incarnation: 5 }), 0);
  test.head(subject, 4, bootA, 1);
  t.equal(test.docket.size, 0);
  test.hear(by(a, { incarnation: 4 }), 2);
  t.equal(test.docket.verdictOf(subject.owner, 2), 'suspect', 'so nobody is mute');
  t.end();
});

t.test('a head of the same incarnation voids nothing', (t) => {
  const test = docketOf(5);
  test.hear(by(a, { incarnation: 5 }), 0);
  test.head(subject, 5, bootA, 1);
  t.equal(test.docket.size, 1);
  t.end();
});

t.test('a head of which the docket was not told yet voids all the same', (t) => {
  const test = docketOf(5);
  test.hear(by(a, { incarnation: 5 }), 0);
  test.lives.set(subject.owner, { incarnation: 6, bootId: bootA });
  t.equal(test.hear(by(b, { incarnation: 5 }), 1), 'void');
  t.equal(test.docket.size, 0);
  t.end();
});

t.test('what is told in between is not lost: void, and accused again before it was taken', (t) => {
  const test = docketOf(5);
  const { docket } = test;
  for (const accuser of [a, b, c]) test.hear(by(accuser, { incarnation: 5 }), 0);
  t.strictSame(docket.takeVerdicts(200), verdict('dead'));
  test.head(subject, 6, bootB, 300);
  for (const accuser of [a, b, c]) test.hear(by(accuser, { incarnation: 6 }), 310);
  t.strictSame(docket.takeVerdicts(500), verdict('dead'), 'dead again, in another incarnation');
  t.strictSame(docket.takeVerdicts(1e6), []);
  t.end();
});

t.test('that accusations are void is told at once, though those that follow do not count', (t) => {
  const test = docketOf(5);
  const { docket } = test;
  test.hear(by(a, { incarnation: 5 }), 0);
  docket.takeVerdicts(0);
  test.head(subject, 6, bootA, 300);
  test.hear(by(a, { incarnation: 6 }), 310);
  t.equal(docket.nextVerdictMs, 300);
  t.strictSame(docket.takeVerdicts(310), verdict('none'));
  t.equal(docket.nextVerdictMs, 300 + muteFirstMs);
  t.end();
});

t.test('accusations that came and went before any verdict was taken are not told', (t) => {
  const test = docketOf(5);
  test.hear(by(a, { incarnation: 5 }), 0);
  test.head(subject, 6, bootA, 1);
  t.equal(test.docket.nextVerdictMs, Infinity);
  t.strictSame(test.docket.takeVerdicts(1e6), []);
  t.end();
});

t.test('a life of which no head is held is early, and is taken once it is', (t) => {
  const test = new TestDocket();
  const early = { kind: 'early', subject: subject.owner, incarnation: 7 };
  const sealed = by(a, { incarnation: 7 });
  t.strictSame(test.accept(sealed, 0), early, 'nothing is known of it');
  test.head(subject, 6, bootA, 1);
  t.strictSame(
    test.accept(sealed, 2),
    early,
    'nobody could refute an incarnation made up by others',
  );
  test.head(subject, 7, bootA, 3);
  t.equal(test.hear(sealed, 4), 'new');
  t.end();
});

t.test('who was refuted in time is mute for a minute, and counts again after it', (t) => {
  const test = docketOf(5);
  const { docket } = test;
  for (const accuser of [a, b, c]) test.hear(by(accuser, { incarnation: 5 }), 0);
  docket.takeVerdicts(0);
  test.head(subject, 6, bootA, 80);
  docket.takeVerdicts(80);
  for (const accuser of [a, b, c]) t.equal(test.hear(by(accuser, { incarnation: 6 }), 90), 'new');
  t.equal(docket.size, 3, 'they are held');
  t.equal(docket.accusersOf(subject.owner).length, 3);
  t.equal(docket.verdictOf(subject.owner, 80 + muteFirstMs - 1), 'none', 'and do not count');
  t.equal(docket.nextVerdictMs, 80 + muteFirstMs);
  t.strictSame(docket.takeVerdicts(80 + muteFirstMs - 1), []);
  t.strictSame(docket.takeVerdicts(80 + muteFirstMs), verdict('suspect'));
  t.equal(docket.nextVerdictMs, 80 + muteFirstMs + test.windowMs);
  t.end();
});

t.test('others count while some are mute, and need as many as ever', (t) => {
  const test = docketOf(5);
  const { docket } = test;
  test.hear(by(a, { incarnation: 5 }), 0);
  test.head(subject, 6, bootA, 10);
  test.hear(by(a, { incarnation: 6, confirmed: true }), 20);
  t.equal(docket.verdictOf(subject.owner, 50_000), 'none', 'nor does its confirmation');
  test.hear(by(b, { incarnation: 6 }), 20);
  test.hear(by(c, { incarnation: 6 }), 20);
  t.equal(docket.verdictOf(subject.owner, 50_000), 'suspect');
  test.hear(by(d, { incarnation: 6 }), 50_000);
  t.equal(docket.verdictOf(subject.owner, 50_100), 'dead');
  t.end();
});

t.test('our own accusation counts here even after it was refuted', (t) => {
  const test = docketOf(5);
  test.hear(by(self, { incarnation: 5 }), 0);
  test.head(subject, 6, bootA, 10);
  test.hear(by(self, { incarnation: 6 }), 20);
  t.equal(test.docket.verdictOf(subject.owner, 20), 'suspect');
  t.end();
});

t.test('a restart is no answer: it makes nobody mute', (t) => {
  const test = docketOf(5);
  test.hear(by(a, { incarnation: 5 }), 0);
  test.head(subject, 6, bootB, 10);
  test.hear(by(a, { incarnation: 6 }), 20);
  t.equal(test.docket.verdictOf(subject.owner, 20), 'suspect');
  t.end();
});

/** How long after the verdict the answer came, and whether the accusers were wrong all the time. */
for (const [lateMs, isMute] of [
  [0, true],
  [refutationMaxMs, true],
  [refutationMaxMs + 1, false],
  [60_000, false],
] as const)
  t.test(`answered ${lateMs} ms after the verdict, accusers are mute: ${isMute}`, (t) => {
    const test = docketOf(5);
    for (const accuser of [a, b, c]) test.hear(by(accuser, { incarnation: 5 }), 0);
    const answeredMs = test.windowMs + lateMs;
    test.head(subject, 6, bootA, answeredMs);
    test.hear(by(a, { incarnation: 6 }), answeredMs + 1);
    const expected = isMute ? 'none' : 'suspect';
    t.equal(test.docket.verdictOf(subject.owner, answeredMs + 1), expected);
    t.end();
  });

t.test('an accuser that was pushed out leaves the time of the verdict as it was', (t) => {
  const test = docketOf();
  const ranked = Array.from({ length: 40 }, (_, number) => nodeOf(100 + number));
  for (const [time, accuser] of ranked.entries()) test.hear(by(accuser), time);
  t.equal(test.docket.verdictOf(subject.owner, 2 + test.windowMs), 'dead');
  t.equal(test.docket.verdictOf(subject.owner, 1 + test.windowMs), 'suspect');
  t.end();
});
