/**
 * Which targets to leave alone: those whose calls failed several times in a row.
 *
 *   admitted ──5 failures in a row──▶ ejected for 10 s ──▶ on probation: one failure ejects again,
 *       ▲                                                  for 10 s longer than last time
 *       └───────────────── one success ───────────────────┘
 *
 * Each 10 s without an ejection take 10 s off the next (as gRPC A50 and Envoy do). At most half of
 * the targets are ejected at a time: when more fail than that, it is hardly their fault.
 */
import type { Cancel, Clock } from '../base/clock.ts';
import type { Target } from './target.ts';

const failuresMax = 5;
const ejectionStepMs = 10_000;
const ejectionMsMax = 300_000;

/** What is remembered of one that was ejected. */
interface Sentence {
  /** How many steps the last ejection lasted. */
  steps: number;
  /** When it ended, or will end, by the monotonic clock. */
  endsMs: number;
  cancel: Cancel;
}

export class Outliers {
  readonly #clock: Clock;
  readonly #onChange: () => void;
  readonly #sentences = new Map<Target, Sentence>();

  /** @param onChange called when a target was ejected or admitted again */
  constructor(clock: Clock, onChange: () => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  succeeded(target: Target): void {
    target.failures = 0;
  }

  /** @param peers all targets of the service, the failed one among them */
  failed(target: Target, peers: readonly Target[]): void {
    target.failures += 1;
    if (target.failures < failuresMax || target.ejected || !hasRoom(peers)) return;
    // It may have vanished while the call was under way.
    if (peers.includes(target)) this.#eject(target);
  }

  /** The target's instance is gone: nothing is remembered of it. */
  forget(target: Target): void {
    this.#sentences.get(target)?.cancel();
    this.#sentences.delete(target);
  }

  #eject(target: Target): void {
    const nowMs = this.#clock.now().monoMs;
    const { steps = 0, endsMs = nowMs } = this.#sentences.get(target) ?? {};
    const forgiven = Math.floor((nowMs - endsMs) / ejectionStepMs);
    const stepsNow = Math.max(0, steps - forgiven) + 1;
    const lastsMs = Math.min(stepsNow * ejectionStepMs, ejectionMsMax);
    target.ejected = true;
    const cancel = this.#clock.schedule(lastsMs, () => this.#admit(target));
    this.#sentences.set(target, {
      steps: lastsMs / ejectionStepMs,
      endsMs: nowMs + lastsMs,
      cancel,
    });
    this.#onChange();
  }

  #admit(target: Target): void {
    target.ejected = false;
    target.failures = failuresMax - 1;
    this.#onChange();
  }
}

function hasRoom(peers: readonly Target[]): boolean {
  let pickable = 0;
  let ejected = 0;
  for (const { instance, ejected: isEjected } of peers) {
    if (instance.health !== 'passing' && instance.health !== 'warning') continue;
    pickable += 1;
    if (isEjected) ejected += 1;
  }
  return (ejected + 1) * 2 <= pickable;
}
