import t from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { startWatchdog, watchdogPauseMs } from '../../src/daemon/watchdog.ts';
import { HandClock } from '../client/hand-clock.ts';

t.test('signs of life are given at half the time that systemd waits', (t) => {
  t.equal(watchdogPauseMs({ WATCHDOG_USEC: '30000000' }, 7), 15_000);
  t.equal(watchdogPauseMs({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }, 7), 15_000);
  t.end();
});

t.test('without a watchdog, or with that of another process, none are given', (t) => {
  const none = [
    {},
    { WATCHDOG_USEC: '' },
    { WATCHDOG_USEC: '0' },
    { WATCHDOG_USEC: 'soon' },
    { WATCHDOG_USEC: '30000000', WATCHDOG_PID: '8' },
  ];
  for (const env of none) t.equal(watchdogPauseMs(env, 7), undefined, JSON.stringify(env));
  const clock = new HandClock();
  startWatchdog({ clock, isLive: () => true, log: silentLog, env: {} });
  t.equal(clock.nextInMs, undefined);
  t.end();
});

t.test('systemd hears at once and then again and again, until it is stopped', (t) => {
  const clock = new HandClock();
  let pats = 0;
  const env = { WATCHDOG_USEC: '2000000' };
  const pat = (): void => void (pats += 1);
  const stop = startWatchdog({ clock, isLive: () => true, log: silentLog, env, pat });
  t.equal(pats, 1);
  clock.advance(3_000);
  t.equal(pats, 4);
  stop();
  clock.advance(10_000);
  t.equal(pats, 4);
  t.end();
});

t.test('systemd hears nothing while the registry stands still, and the log says why', (t) => {
  const clock = new HandClock();
  let isLive = false;
  let pats = 0;
  const errors: string[] = [];
  const log = { ...silentLog, error: (_: object, message: string) => void errors.push(message) };
  const env = { WATCHDOG_USEC: '2000000' };
  startWatchdog({ clock, isLive: () => isLive, log, env, pat: () => void (pats += 1) });
  clock.advance(1_000);
  t.equal(pats, 0);
  t.equal(errors.length, 2);
  t.match(errors[0], /the registry stands still/);
  isLive = true;
  clock.advance(1_000);
  t.equal(pats, 1);
  t.end();
});
