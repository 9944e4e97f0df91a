import t from 'tap';
import { muteAccusersMax, muteFirstMs, muteMaxMs, Mutes } from '../../src/membership/mutes.ts';
import { muteSubjectsMax } from '../../src/membership/mutes.ts';

t.test('who was refuted is mute for a minute, about that subject', (t) => {
  const mutes = new Mutes();
  t.equal(mutes.untilMs('s', 'a'), -Infinity);
  mutes.refuted('s', ['a', 'b'], 500);
  t.equal(mutes.untilMs('s', 'a'), 500 + muteFirstMs);
  t.equal(mutes.untilMs('s', 'b'), 500 + muteFirstMs);
  t.equal(mutes.untilMs('s', 'c'), -Infinity);
  t.equal(mutes.untilMs('other', 'a'), -Infinity);
  t.end();
});

t.test('each time it is twice as long, up to an hour', (t) => {
  const mutes = new Mutes();
  const minutes = Array.from({ length: 9 }, (_, time) => {
    mutes.refuted('s', ['a'], time);
    return (mutes.untilMs('s', 'a') - time) / 60_000;
  });
  t.strictSame(minutes, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
  t.end();
});

t.test('after an hour of peace it begins anew', (t) => {
  const mutes = new Mutes();
  mutes.refuted('s', ['a'], 0);
  mutes.refuted('s', ['a'], muteFirstMs + muteMaxMs - 1);
  const untilMs = mutes.untilMs('s', 'a');
  t.equal(untilMs, muteFirstMs + muteMaxMs - 1 + 2 * muteFirstMs);
  mutes.refuted('s', ['a'], untilMs + muteMaxMs);
  t.equal(mutes.untilMs('s', 'a'), untilMs + muteMaxMs + muteFirstMs);
  t.end();
});

t.test(`${muteSubjectsMax} subjects are remembered, and one over lets the oldest go`, (t) => {
  const mutes = new Mutes();
  for (let subject = 0; subject < muteSubjectsMax; subject++)
    mutes.refuted(`s${subject}`, ['a'], 0);
  mutes.refuted('s0', ['b'], 1);
  mutes.refuted('one more', ['a'], 2);
  t.equal(mutes.size, muteSubjectsMax);
  t.equal(mutes.untilMs('s1', 'a'), -Infinity);
  t.equal(mutes.untilMs('s0', 'a'), muteFirstMs, 'it was touched since');
  t.end();
});

t.test(`${muteAccusersMax} accusers of one subject are remembered, and one over likewise`, (t) => {
  const mutes = new Mutes();
  const accusers = Array.from({ length: muteAccusersMax + 1 }, (_, number) => `a${number}`);
  mutes.refuted('s', accusers, 0);
  t.equal(mutes.untilMs('s', 'a0'), -Infinity);
  t.equal(mutes.untilMs('s', 'a1'), muteFirstMs);
  t.end();
});

t.test('who is forgotten leaves nothing, and nobody refuted costs nothing', (t) => {
  const mutes = new Mutes();
  mutes.refuted('s', [], 0);
  t.equal(mutes.size, 0);
  mutes.refuted('s', ['a'], 0);
  mutes.forget('s');
  t.equal(mutes.untilMs('s', 'a'), -Infinity);
  t.equal(mutes.size, 0);
  t.end();
});
