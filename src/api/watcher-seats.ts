/** WatcherSeats: how many streams may be open at a time, over all doors of the API. */
import { DiscoError } from '../base/error.ts';

export class WatcherSeats {
  #taken = 0;

  /** Streams that are open now. */
  get taken(): number {
    return this.#taken;
  }

  /**
   * Takes a seat.
   *
   * @param seats that there are in all
   * @returns how to give it back; more than once does no harm
   * @throws DiscoError RESOURCE_EXHAUSTED/TOO_MANY_WATCHERS
   */
  take(seats: number): () => void {
    const taken = this.#taken;
    if (taken >= seats) {
      const sentence = `this daemon serves ${taken} watchers already: end some, or raise watchersMax`;
      throw new DiscoError('RESOURCE_EXHAUSTED', 'TOO_MANY_WATCHERS', sentence);
    }
    this.#taken += 1;
    let isHeld = true;
    return () => {
      if (isHeld) this.#taken -= 1;
      isHeld = false;
    };
  }
}
