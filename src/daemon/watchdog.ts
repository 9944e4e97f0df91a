/**
 * The watchdog of systemd (WatchdogSec= of a unit): it is told at half its time that this daemon
 * lives, and ends and restarts one that it does not hear of. A daemon whose event loop hangs cannot
 * say so; one whose registry stands still does not.
 */
import type { Cancel, Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { notifySystemd } from './notify.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface WatchdogOptions {
  readonly clock: Clock;
  readonly isLive: () => boolean;
  readonly log: Log;
  /** Has WATCHDOG_USEC, and WATCHDOG_PID, when systemd wants to hear. Default: process.env. */
  readonly env?: Environment;
  /** Tells systemd. */
  readonly pat?: () => void;
}

/** Milliseconds between two signs of life; undefined when this process is not to give any. */
export function watchdogPauseMs(env: Environment, pid: number): number | undefined {
  const micros = Number(env['WATCHDOG_USEC'] ?? '');
  const isOurs = (env['WATCHDOG_PID'] ?? '') === '' || env['WATCHDOG_PID'] === String(pid);
  if (!isOurs || !Number.isSafeInteger(micros) || micros <= 0) return undefined;
  return micros / 1000 / 2;
}

/** Gives signs of life, the first at once, until the answer is called. */
export function startWatchdog(options: WatchdogOptions): Cancel {
  const { clock, isLive, log, env = process.env } = options;
  const { pat = () => notifySystemd('WATCHDOG=1', log) } = options;
  const pauseMs = watchdogPauseMs(env, process.pid);
  let cancel: Cancel = () => undefined;
  if (pauseMs === undefined) return cancel;
  const look = (): void => {
    if (isLive()) pat();
    else log.error({}, 'the registry stands still: systemd is not told that this daemon lives');
    cancel = clock.schedule(pauseMs, look);
  };
  look();
  return () => cancel();
}
