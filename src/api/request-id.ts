/**
 * Ids of requests, by which a caller's log and this daemon's are brought together: what the caller
 * sent as x-request-id where that is safe to repeat, else one of our own.
 */
import type { Random } from '../base/random.ts';

/** In gRPC metadata and as an HTTP header. */
export const requestIdHeader = 'x-request-id';

/** UUIDs, ULIDs, trace ids and the like: nothing that could begin a line, a header or a tag. */
const safeId = /^[\w.:+/=@-]{1,128}$/;

export class RequestIds {
  readonly #prefix: string;
  #count = 0;

  constructor(random: Random) {
    this.#prefix = random
      .int(2 ** 32)
      .toString(36)
      .padStart(7, '0');
  }

  /** @param offered what came with the request, of whatever kind */
  take(offered: unknown): string {
    if (typeof offered === 'string' && safeId.test(offered)) return offered;
    this.#count += 1;
    return `${this.#prefix}-${this.#count.toString(36)}`;
  }
}
