/**
 * The process of a test's node, which can be stopped as SIGSTOP does: its timers, and what is sent
 * to it, wait until it goes on; its connections stay.
 */
import type { Cancel, Clock, Now } from '../../src/base/clock.ts';
import type { RumorVerdict } from '../../src/gossip/context.ts';
import type { DialOutcome, TransportHandler } from '../../src/gossip/transport.ts';
import type { OwnerId } from '../../src/record/owner.ts';

export class FreezableProcess {
  readonly #timers: (() => void)[] = [];
  readonly #inbox: (() => void)[] = [];
  #isFrozen = false;

  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  freeze(): void {
    this.#isFrozen = true;
  }

  /** First the timers that are over, then what came meanwhile: the order of an event loop. */
  thaw(): void {
    this.#isFrozen = false;
    for (const run of [...this.#timers.splice(0), ...this.#inbox.splice(0)]) run();
  }

  /** The clock as the process sees it. */
  clockOver(clock: Clock): Clock {
    return {
      now: (): Now => clock.now(),
      schedule: (delayMs, run): Cancel => {
        let isCancelled = false;
        const ring = (): void => {
          if (!isCancelled) run();
        };
        const cancel = clock.schedule(delayMs, () => this.#when(this.#timers, ring));
        return () => {
          isCancelled = true;
          cancel();
        };
      },
    };
  }

  /** What the network says to the process. */
  handlerOver(handler: TransportHandler): TransportHandler {
    return {
      linked: (peer) => this.#when(this.#inbox, () => handler.linked(peer)),
      unlinked: (peer) => this.#when(this.#inbox, () => handler.unlinked(peer)),
      message: (peer, bytes) => this.#when(this.#inbox, () => handler.message(peer, bytes)),
      rumor: (peer, bytes) => this.#hearRumor(handler, peer, bytes),
    };
  }

  /** The end of a dial, as the process hears of it. */
  outcomeOver(done: (outcome: DialOutcome) => void): (outcome: DialOutcome) => void {
    return (outcome) => this.#when(this.#inbox, () => done(outcome));
  }

  #hearRumor(handler: TransportHandler, peer: OwnerId, bytes: Uint8Array): RumorVerdict {
    if (!this.#isFrozen) return handler.rumor(peer, bytes);
    this.#inbox.push(() => void handler.rumor(peer, bytes));
    return 'ignore';
  }

  #when(queue: (() => void)[], run: () => void): void {
    if (this.#isFrozen) queue.push(run);
    else run();
  }
}
