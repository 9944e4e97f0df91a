/**
 * CheckedHealths: what the checks of own instances come to, and for how long that was critical.
 *
 *   passing, warning ──▶ critical ──── expireAfter ────▶ deregistered
 *
 * Kept on the monotonic clock and for this life only: after a restart of the daemon nothing is known
 * until the checks have run again.
 */
import type { Health, RecordKey } from '../record/record.ts';

interface Checked {
  health: Health;
  /** Monotonic ms; Infinity while it is not critical. */
  criticalSinceMs: number;
  /** 0: never. */
  expireAfterMs: number;
}

export class CheckedHealths {
  readonly #checked = new Map<RecordKey, Checked>();
  /** Nothing expires before it; monotonic ms. */
  #earliestMs = Infinity;

  get(key: RecordKey): Health | undefined {
    return this.#checked.get(key)?.health;
  }

  /** @param expireAfterMs of being critical without a break; 0: never */
  note(key: RecordKey, health: Health, nowMs: number, expireAfterMs: number): void {
    const before = this.#checked.get(key)?.criticalSinceMs ?? Infinity;
    const criticalSinceMs = health === 'critical' ? Math.min(before, nowMs) : Infinity;
    this.#put(key, { health, criticalSinceMs, expireAfterMs });
  }

  /** Another bound for what is known already. */
  expireAfter(key: RecordKey, expireAfterMs: number): void {
    const checked = this.#checked.get(key);
    if (checked !== undefined) this.#put(key, { ...checked, expireAfterMs });
  }

  drop(key: RecordKey): void {
    this.#checked.delete(key);
  }

  /** Critical for too long by now; they come again until they are dropped. O(1) when none is. */
  expired(nowMs: number): RecordKey[] {
    if (nowMs < this.#earliestMs) return [];
    this.#earliestMs = Infinity;
    for (const checked of this.#checked.values())
      this.#earliestMs = Math.min(this.#earliestMs, expiryMs(checked));
    const isExpired = ([, checked]: [RecordKey, Checked]): boolean => nowMs >= expiryMs(checked);
    return [...this.#checked].filter(isExpired).map(([key]) => key);
  }

  #put(key: RecordKey, checked: Checked): void {
    this.#checked.set(key, checked);
    this.#earliestMs = Math.min(this.#earliestMs, expiryMs(checked));
  }
}

function expiryMs({ criticalSinceMs, expireAfterMs }: Checked): number {
  return expireAfterMs === 0 ? Infinity : criticalSinceMs + expireAfterMs;
}
