import t from 'tap';
import { Vouchings, vouchingsMax, vouchingsPerAskerMax } from '../../src/membership/vouchings.ts';

const untilMs = 700;
const of = (to: string, subject: string, nonce = 1) => ({ to, subject, nonce, untilMs });

t.test('all who asked for a subject are told once, and those who asked for others are not', (t) => {
  const vouchings = new Vouchings();
  for (const vouching of [of('a', 's'), of('b', 's'), of('a', 'other')])
    vouchings.hold(vouching, 0);
  t.strictSame(vouchings.take('s', 100), [of('a', 's'), of('b', 's')]);
  t.strictSame(vouchings.take('s', 100), []);
  t.strictSame(vouchings.take('other', 100), [of('a', 'other')]);
  t.equal(vouchings.size, 0);
  t.end();
});

t.test('nobody is told later than it listens', (t) => {
  for (const [nowMs, count] of [
    [700, 1],
    [701, 0],
  ] as const) {
    const vouchings = new Vouchings();
    vouchings.hold(of('a', 's'), 0);
    t.equal(vouchings.isAwaited('s', nowMs), count === 1);
    t.equal(vouchings.take('s', nowMs).length, count);
    t.equal(vouchings.size, 0);
  }
  t.end();
});

t.test('who asks again is told with the newer nonce alone', (t) => {
  const vouchings = new Vouchings();
  vouchings.hold(of('a', 's', 1), 0);
  vouchings.hold(of('a', 's', 2), 0);
  t.strictSame(vouchings.take('s', 0), [of('a', 's', 2)]);
  t.end();
});

t.test(`one asker has at most ${vouchingsPerAskerMax} held`, (t) => {
  const vouchings = new Vouchings();
  for (let i = 0; i < vouchingsPerAskerMax; i++) t.ok(vouchings.hold(of('a', `s${i}`), 0));
  t.notOk(vouchings.hold(of('a', 'one more'), 0));
  t.ok(vouchings.hold(of('a', 's0', 9), 0), 'an old question anew');
  t.ok(vouchings.hold(of('b', 'one more'), 0), 'another asker');
  t.ok(vouchings.hold(of('a', 'one more'), 701), 'once the others are over');
  t.equal(vouchings.size, 1);
  t.end();
});

t.test(`at most ${vouchingsMax} are held of all`, (t) => {
  const vouchings = new Vouchings();
  for (let i = 0; i < vouchingsMax; i++) t.ok(vouchings.hold(of(`asker ${i}`, 's'), 0));
  t.notOk(vouchings.hold(of('one more', 's'), 0));
  t.equal(vouchings.size, vouchingsMax);
  t.end();
});

t.test('an asker that is gone is told nothing', (t) => {
  const vouchings = new Vouchings();
  vouchings.hold(of('a', 's'), 0);
  vouchings.hold(of('b', 's'), 0);
  vouchings.forgetAsker('a');
  t.strictSame(vouchings.take('s', 0), [of('b', 's')]);
  t.end();
});
