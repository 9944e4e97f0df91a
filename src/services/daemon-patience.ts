/**
 * Waiting for the daemon: services may start before it does, in any order.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { DiscoError } from '../client/index.ts';
import type { RegistrationState } from '../client/index.ts';

const pauseFirstMs = 250;
const pauseMsMax = 2_000;

/** Takes one line for people. */
export type Report = (line: string) => void;

/** Waits between attempts. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>;

/**
 * Tries until it works, every 2 s in the end; says why it waits, once for each reason.
 *
 * @param pause for tests
 * @throws what is no UNAVAILABLE, since waiting does not mend it; the signal's reason when aborted
 */
export async function whenDaemonIsThere<T>(
  attempt: () => Promise<T>,
  report: Report,
  signal: AbortSignal,
  pause: Pause = pauseOf,
): Promise<T> {
  let told = '';
  for (let pauseMs = pauseFirstMs; ; pauseMs = Math.min(pauseMs * 2, pauseMsMax)) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof DiscoError) || error.code !== 'UNAVAILABLE') throw error;
      if (error.message !== told) report(`waiting: ${error.message}`);
      told = error.message;
    }
    await pause(pauseMs, signal);
  }
}

/** Ends early when aborted. */
async function pauseOf(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}

/** Tells people when a registration is lost and mended. */
export function reportState(
  service: string,
  report: Report,
): (state: RegistrationState, problem: DiscoError | undefined) => void {
  return (state, problem) => {
    if (state === 'registered') report(`${service} is registered again`);
    else report(`${service} still serves, but its registration is lost: ${problem?.message}`);
  };
}
