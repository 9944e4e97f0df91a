/**
 * BroadcastQueue: the rumors that one node has still to pass on, each a limited number of times.
 *
 * A newer rumor about a node replaces the older one. What was sent least goes first, so that news
 * overtakes; of that the longest, and of those the newest.
 */
import type { Rumor } from './swim-wire.ts';

export interface QueuedRumor {
  readonly rumor: Rumor;
  readonly bytes: Buffer;
  readonly order: number;
  transmits: number;
}

export class BroadcastQueue {
  readonly #queued = new Map<number, QueuedRumor>();
  #order = 0;

  get size(): number {
    return this.#queued.size;
  }

  add(rumor: Rumor, bytes: Buffer): void {
    this.#queued.delete(rumor.node);
    this.#queued.set(rumor.node, { rumor, bytes, order: this.#order++, transmits: 0 });
  }

  /**
   * What goes into one packet, and counts as sent.
   *
   * @param overhead bytes beside each rumor
   * @param limit bytes of all of them
   * @param transmitLimit after so many times a rumor is dropped
   */
  take(overhead: number, limit: number, transmitLimit: number): QueuedRumor[] {
    if (this.#queued.size === 0) return [];
    const taken: QueuedRumor[] = [];
    let left = limit;
    for (const queued of [...this.#queued.values()].sort(byUrgency)) {
      const size = queued.bytes.length + overhead;
      if (size > left) continue;
      left -= size;
      taken.push(queued);
      queued.transmits += 1;
      if (queued.transmits >= transmitLimit) this.#queued.delete(queued.rumor.node);
    }
    return taken;
  }
}

function byUrgency(a: QueuedRumor, b: QueuedRumor): number {
  return a.transmits - b.transmits || b.bytes.length - a.bytes.length || b.order - a.order;
}
