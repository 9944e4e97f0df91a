/**
 * A held service, as plain values: most of its instances fell silent at once, and the daemon shows
 * its last good answer for a while.
 */
import type { disco } from '../gen/discovery.js';

/** One service that is HOLDING at the asked daemon. */
export interface Hold {
  readonly group: string;
  readonly name: string;
  /** Why, as a sentence for people. */
  readonly reason: string;
  /** Microseconds since the epoch. */
  readonly since: number;
  /** When it ends at the latest; microseconds since the epoch. */
  readonly until: number;
  /** Instances that are shown only because of it; they have `held` set. */
  readonly instances: number;
}

/** Copies: nothing of the message is kept. */
export function holdFromProto(message: disco.v1.Hold.$Properties): Hold {
  return {
    group: message.group ?? '',
    name: message.name ?? '',
    reason: message.reason ?? '',
    since: Number(message.since ?? 0),
    until: Number(message.until ?? 0),
    instances: message.instances ?? 0,
  };
}
