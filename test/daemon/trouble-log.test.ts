import t from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { VirtualClock } from '../../src/base/virtual-clock.ts';
import { TroubleLog } from '../../src/daemon/trouble-log.ts';

/** A trouble log; `lines` empties what was written. */
function troubled() {
  const clock = new VirtualClock();
  const entries: (readonly [level: string, fields: object, message: string])[] = [];
  const log = {
    ...silentLog,
    info: (fields: object, message: string) => void entries.push(['info', fields, message]),
    error: (fields: object, message: string) => void entries.push(['error', fields, message]),
  };
  return { clock, troubles: new TroubleLog(clock, log), lines: () => entries.splice(0) };
}

const fail = (): void => {
  throw new Error('disk full');
};
const work = (): void => undefined;

t.test('what fails ten times a second is a line a minute, and one when it is over', (t) => {
  const { clock, troubles, lines } = troubled();
  const what = 'the tick';
  const line = (times: number) => {
    return ['error', { what, times, error: 'disk full' }, 'could not write'];
  };
  t.equal(troubles.guard(what, fail), false);
  t.strictSame(lines(), [line(1)], 'at once');
  for (let tick = 0; tick < 599; tick++) {
    clock.advance(100);
    troubles.guard(what, fail);
  }
  t.strictSame(lines(), []);
  clock.advance(100);
  troubles.guard(what, fail);
  t.strictSame(lines(), [line(601)]);
  t.equal(troubles.guard(what, work), true);
  t.strictSame(lines(), [['info', { what, times: 601 }, 'can write again']]);
  troubles.guard(what, work);
  t.strictSame(lines(), [], 'what works is no news');
  troubles.guard(what, fail);
  t.strictSame(lines(), [line(1)], 'it begins anew');
  t.end();
});

t.test('one trouble does not hide another, nor end it', (t) => {
  const { troubles, lines } = troubled();
  troubles.guard('a', fail);
  troubles.guard('b', fail);
  t.match(lines(), [
    ['error', { what: 'a' }],
    ['error', { what: 'b' }],
  ]);
  troubles.guard('a', work);
  t.match(lines(), [['info', { what: 'a' }, 'can write again']]);
  troubles.guard('b', fail);
  t.strictSame(lines(), []);
  t.end();
});
