/**
 * TroubleLog: what goes wrong over and over, such as a write to a full disk ten times a second, is a
 * line at once, another each minute, and one when it is over.
 */
import type { Clock } from '../base/clock.ts';
import { errorText } from '../base/error.ts';
import type { Log } from '../base/log.ts';

const repeatMs = 60_000;

interface Trouble {
  toldAtMs: number;
  times: number;
}

export class TroubleLog {
  readonly #clock: Clock;
  readonly #log: Log;
  /** By what goes wrong now; as many as there are names in the code. */
  readonly #troubles = new Map<string, Trouble>();

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Runs it, and logs what it throws.
   *
   * @param what a constant: for people, and to tell one trouble from another
   * @returns whether it threw nothing
   */
  guard(what: string, run: () => void): boolean {
    try {
      run();
    } catch (error) {
      this.#failed(what, errorText(error));
      return false;
    }
    // Mostly there is none, and this is asked often.
    if (this.#troubles.size > 0) this.#worked(what);
    return true;
  }

  #failed(what: string, error: string): void {
    const nowMs = this.#clock.now().monoMs;
    const trouble = this.#troubles.get(what) ?? { toldAtMs: -Infinity, times: 0 };
    this.#troubles.set(what, trouble);
    trouble.times += 1;
    if (nowMs - trouble.toldAtMs < repeatMs) return;
    trouble.toldAtMs = nowMs;
    this.#log.error({ what, times: trouble.times, error }, 'could not write');
  }

  #worked(what: string): void {
    const trouble = this.#troubles.get(what);
    if (trouble === undefined) return;
    this.#troubles.delete(what);
    this.#log.info({ what, times: trouble.times }, 'can write again');
  }
}
