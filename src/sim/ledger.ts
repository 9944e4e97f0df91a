/**
 * Ledger: what was acknowledged to whom, so that nothing of it may be lost, and what was taken
 * back, so that nothing of it may return.
 */
import type { OwnerId } from '../record/owner.ts';
import type { RecordKey } from '../record/record.ts';
import type { RegistrationName } from '../registry/registrations.ts';

/** The last word on one instance that the service was told is done. */
export interface Acknowledged extends RegistrationName {
  readonly key: RecordKey;
  /** The version that was registered last; every change has another. */
  readonly version: string;
  /** Virtual ms. */
  readonly atMs: number;
  /** Of the head that it came with. */
  readonly lastUpdate: number;
  readonly isGone: boolean;
}

export class Ledger {
  readonly #owners = new Map<OwnerId, Map<RecordKey, Acknowledged>>();

  note(owner: OwnerId, entry: Acknowledged): void {
    const entries = this.#owners.get(owner) ?? new Map<RecordKey, Acknowledged>();
    this.#owners.set(owner, entries.set(entry.key, entry));
  }

  of(owner: OwnerId): readonly Acknowledged[] {
    return [...(this.#owners.get(owner)?.values() ?? [])];
  }

  get(owner: OwnerId, key: RecordKey): Acknowledged | undefined {
    return this.#owners.get(owner)?.get(key);
  }

  /** What is younger than `lastUpdate` reached nobody: it may be lost, and it may come back. */
  forgive(owner: OwnerId, lastUpdate: number): void {
    const entries = this.#owners.get(owner);
    for (const [key, entry] of entries ?? [])
      if (entry.lastUpdate > lastUpdate) entries?.delete(key);
  }
}
