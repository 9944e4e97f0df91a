/**
 * Whether a daemon that came back may replace the last good answer.
 *
 * One that has just restarted may not have heard of its peers yet and know less than its clients
 * do. It is given time to become ready; after that its word is taken all the same.
 */
import type { Clock } from '../base/clock.ts';
import { DiscoError } from '../base/error.ts';
import type { UnaryCaller } from './discovery-stub.ts';

const unreadyMsMax = 30_000;
const statusDeadlineMs = 2_000;

export class ReadinessGate {
  readonly #caller: UnaryCaller;
  readonly #clock: Clock;
  #unreadySinceMs: number | undefined;

  constructor(caller: UnaryCaller, clock: Clock) {
    this.#caller = caller;
    this.#clock = clock;
  }

  /**
   * Resolves when the daemon may be listened to.
   *
   * @throws DiscoError UNAVAILABLE/DAEMON_LOST while it is not ready, for 30 s at most; what the
   *   call failed with, upon which the 30 s begin anew
   */
  async pass(signal: AbortSignal): Promise<void> {
    const status = await this.#caller
      .unary('Status', {}, { deadlineMs: statusDeadlineMs, signal })
      .catch((error: unknown) => {
        this.#unreadySinceMs = undefined;
        throw error;
      });
    const nowMs = this.#clock.now().monoMs;
    this.#unreadySinceMs = status.ready ? undefined : (this.#unreadySinceMs ?? nowMs);
    if (this.#unreadySinceMs === undefined) return;
    if (nowMs - this.#unreadySinceMs >= unreadyMsMax) return;
    throw new DiscoError(
      'UNAVAILABLE',
      'DAEMON_LOST',
      `the daemon is back but not ready (${status.readiness}); the last good answer stays`,
    );
  }
}
