/** OwnTime: which times of this node's own heads others take. */
import type { Now } from '../base/clock.ts';
import type { Head } from '../record/head.ts';

/** As the daemon's config has them. */
export interface OwnTimes {
  readonly reapAfterMs: number;
  readonly clockAheadMs: number;
}

/**
 * As old as others take, and still tell: any head of an earlier life that they hold is newer.
 *
 * @returns µs since the epoch
 */
export function rebirthMicros({ reapAfterMs, clockAheadMs }: OwnTimes, now: Now): number {
  return now.wallMicros - (reapAfterMs - 4 * clockAheadMs) * 1000;
}

/** Others refuse an own head that lies so far in the future: it is from a clock that was wrong. */
export function isAhead(
  { lastUpdate }: Pick<Head, 'lastUpdate'>,
  { clockAheadMs }: Pick<OwnTimes, 'clockAheadMs'>,
  now: Now,
): boolean {
  return lastUpdate > now.wallMicros + clockAheadMs * 1000;
}
