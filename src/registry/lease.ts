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
  isMissed: boolean;
}

export interface LeasesDue {
  /** Just missed: to be turned critical. */
  readonly missed: readonly RecordKey[];
  /** Missed for too long: to be deregistered. */
  readonly expired: readonly RecordKey[];
}

export class Leases {
  readonly #leases = new Map<RecordKey, Lease>();

  /** Starts or changes a lease; a ttl of 0 ends it. */
  set(key: RecordKey, ttlMs: number, deregisterAfterMs: number, nowMs: number): void {
    if (ttlMs === 0) this.#leases.delete(key);
    else this.#leases.set(key, { ttlMs, deregisterAfterMs, dueMs: nowMs + ttlMs, isMissed: false });
  }

  drop(key: RecordKey): void {
    this.#leases.delete(key);
  }

  /** @returns the ttl in ms, and whether the lease had been missed; undefined when there is none */
  renew(key: RecordKey, nowMs: number): { ttlMs: number; wasMissed: boolean } | undefined {
    const lease = this.#leases.get(key);
    if (lease === undefined) return undefined;
    const wasMissed = lease.isMissed;
    lease.dueMs = nowMs + lease.ttlMs;
    lease.isMissed = false;
    return { ttlMs: lease.ttlMs, wasMissed };
  }

  /** What has come due by now; each miss is told once. */
  due(nowMs: number): LeasesDue {
    const missed: RecordKey[] = [];
    const expired: RecordKey[] = [];
    for (const [key, lease] of this.#leases) {
      if (nowMs < lease.dueMs) continue;
      if (!lease.isMissed) missed.push(key);
      lease.isMissed = true;
      const { deregisterAfterMs } = lease;
      if (deregisterAfterMs > 0 && nowMs >= lease.dueMs + deregisterAfterMs) expired.push(key);
    }
    return { missed, expired };
  }
}
