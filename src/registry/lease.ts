/**
 * Lease: the right of an own instance to be passing until it is renewed.
 *
 *   renew ──────── ttl ────────▶ critical ──── deregisterAfter ────▶ deregistered
 *
 * Kept on the monotonic clock: a clock that is set forward expires nothing. After a restart of the
 * daemon every lease starts anew, since nobody could renew it meanwhile.
 */
import type { RecordKey } from '../record/record.ts';

interface Lease {
  readonly ttlMs: number;
  readonly deregisterAfterMs: number;
  /** Monotonic ms at which it turns critical. */
  dueMs: number;
  /** It was told as missed. */
  isTold: boolean;
}

export interface LeasesDue {
  /** Just missed: to be turned critical. */
  readonly missed: readonly RecordKey[];
  /** Missed for too long: to be deregistered. */
  readonly expired: readonly RecordKey[];
}

export class Leases {
  readonly #leases = new Map<RecordKey, Lease>();
  /** Nothing comes due before it; renewals make it early, never late. Monotonic ms. */
  #earliestMs = Infinity;

  /**
   * Starts or changes a lease; a ttl of 0 ends it.
   *
   * @param isMissed it was missed in an earlier life, and is until it is renewed
   */
  set(
    key: RecordKey,
    ttlMs: number,
    deregisterAfterMs: number,
    nowMs: number,
    isMissed = false,
  ): void {
    if (ttlMs === 0) {
      this.#leases.delete(key);
      return;
    }
    const lease = { ttlMs, deregisterAfterMs, dueMs: nowMs + ttlMs, isTold: isMissed };
    this.#leases.set(key, lease);
    this.#earliestMs = Math.min(this.#earliestMs, nextMs(lease));
  }

  drop(key: RecordKey): void {
    this.#leases.delete(key);
  }

  /** @returns the ttl in ms; undefined when there is no lease */
  renew(key: RecordKey, nowMs: number): number | undefined {
    const lease = this.#leases.get(key);
    if (lease === undefined) return undefined;
    lease.dueMs = nowMs + lease.ttlMs;
    lease.isTold = false;
    this.#earliestMs = Math.min(this.#earliestMs, nextMs(lease));
    return lease.ttlMs;
  }

  /** What has come due by now; a miss comes again until it is noted as told. O(1) when nothing has. */
  due(nowMs: number): LeasesDue {
    const missed: RecordKey[] = [];
    const expired: RecordKey[] = [];
    if (nowMs < this.#earliestMs) return { missed, expired };
    this.#earliestMs = Infinity;
    for (const [key, lease] of this.#leases) {
      this.#earliestMs = Math.min(this.#earliestMs, nextMs(lease));
      const { dueMs, deregisterAfterMs, isTold } = lease;
      if (nowMs < dueMs) continue;
      if (!isTold) missed.push(key);
      if (deregisterAfterMs > 0 && nowMs >= dueMs + deregisterAfterMs) expired.push(key);
    }
    return { missed, expired };
  }

  isMissed(key: RecordKey, nowMs: number): boolean {
    const lease = this.#leases.get(key);
    return lease !== undefined && (lease.isTold || nowMs >= lease.dueMs);
  }

  /** What is missed by now is on disk. */
  noteTold(key: RecordKey, nowMs: number): void {
    const lease = this.#leases.get(key);
    if (lease !== undefined && nowMs >= lease.dueMs) lease.isTold = true;
  }
}

/** When there is something to do about it next. */
function nextMs({ dueMs, deregisterAfterMs, isTold }: Lease): number {
  if (!isTold) return dueMs;
  return deregisterAfterMs > 0 ? dueMs + deregisterAfterMs : Infinity;
}
