/**
 * Registrations: what was asked for at this daemon and is to stay so, with their leases.
 *
 * Desired state: it survives restarts and is announced again without the service doing anything.
 */
import type { Now } from '../base/clock.ts';
import { DiscoError } from '../base/error.ts';
import type { OwnerState } from '../record/merge.ts';
import { recordKey } from '../record/record.ts';
import type { RecordKey, ServiceRecord } from '../record/record.ts';
import type { Registration } from '../store/store.ts';
import { Leases } from './lease.ts';
import { zoneOf } from './own-state.ts';
import type { Identity, Mutation, MutationResult } from './own-state.ts';

/** Names a registration at this daemon. */
export type RegistrationName = Pick<Registration, 'group' | 'name' | 'instanceId'>;

/** In the shape of the store's batch. */
export interface RegistrationChanges {
  readonly registrations: readonly Registration[];
  readonly droppedRegistrations: readonly RegistrationName[];
}

export class Registrations {
  readonly #wanted = new Map<RecordKey, Registration>();
  readonly #leases = new Leases();

  constructor(stored: readonly Registration[]) {
    for (const registration of stored) this.#wanted.set(keyOf(registration), registration);
  }

  get(key: RecordKey): Registration | undefined {
    return this.#wanted.get(key);
  }

  has(key: RecordKey): boolean {
    return this.#wanted.has(key);
  }

  entries(): IterableIterator<[RecordKey, Registration]> {
    return this.#wanted.entries();
  }

  values(): IterableIterator<Registration> {
    return this.#wanted.values();
  }

  /**
   * What a new life has to say again: what the own state lacks, and what it says to be in another
   * zone: whoever moves a node moves what was registered there without one.
   */
  toAnnounce(own: OwnerState | undefined, identity: Identity): Mutation[] {
    const live = new Map<RecordKey, ServiceRecord>();
    for (const { key, record } of own?.set.records() ?? [])
      if (!record.deleted) live.set(key, record);
    const mutations: Mutation[] = [];
    for (const [key, registration] of this.#wanted) {
      const said = live.get(key);
      if (said?.zone === zoneOf(registration, identity)) continue;
      mutations.push({ kind: 'register', registration });
      // A move heals nobody.
      const health = said?.health ?? 'passing';
      if (health !== 'passing') mutations.push({ kind: 'health', key, health });
    }
    return mutations;
  }

  /** A new life: every lease starts anew, since nobody could renew it meanwhile. */
  startLeases(now: Now): void {
    for (const [key, { ttlMs, deregisterAfterMs }] of this.#wanted)
      this.#leases.set(key, ttlMs, deregisterAfterMs, now.monoMs);
  }

  /** What has become true on disk. */
  note(changes: RegistrationChanges, now: Now): void {
    for (const registration of changes.registrations) {
      const key = keyOf(registration);
      const { ttlMs, deregisterAfterMs } = registration;
      this.#wanted.set(key, registration);
      this.#leases.set(key, ttlMs, deregisterAfterMs, now.monoMs);
    }
    for (const dropped of changes.droppedRegistrations) {
      this.#wanted.delete(keyOf(dropped));
      this.#leases.drop(keyOf(dropped));
    }
  }

  /**
   * Renews a lease.
   *
   * @throws DiscoError NOT_FOUND/UNKNOWN_INSTANCE, FAILED_PRECONDITION/NO_TTL
   */
  renew(name: RegistrationName, now: Now): { key: RecordKey; ttlMs: number } {
    const key = keyOf(name);
    if (!this.#wanted.has(key)) {
      const sentence = `${key} is not registered at this daemon: register it again`;
      throw new DiscoError('NOT_FOUND', 'UNKNOWN_INSTANCE', sentence);
    }
    const ttlMs = this.#leases.renew(key, now.monoMs);
    if (ttlMs === undefined) {
      const sentence = `${key} was registered without a ttl, so there is nothing to renew: register it with ttl_ms`;
      throw new DiscoError('FAILED_PRECONDITION', 'NO_TTL', sentence);
    }
    return { key, ttlMs };
  }

  /** What missed leases ask for. */
  due(now: Now): Mutation[] {
    const { missed, expired } = this.#leases.due(now.monoMs);
    return [
      ...missed.map((key) => ({ kind: 'health' as const, key, health: 'critical' as const })),
      ...expired.map((key) => ({ kind: 'deregister' as const, key })),
    ];
  }

  /** What `due` asked for has become true on disk. */
  noteDue(mutations: readonly Mutation[]): void {
    for (const mutation of mutations)
      if (mutation.kind === 'health') this.#leases.noteTold(mutation.key);
  }
}

/** The wishes that lead to the live records of a state. */
export function registrationsOf({ set }: OwnerState): Registration[] {
  const wanted: Registration[] = [];
  for (const { record } of set.records()) {
    if (record.deleted) continue;
    const { group, name, instanceId, ip, port, ttlMs, version, tags, metadata } = record;
    const { weight, zone, endpoints } = record;
    const address = { group, name, instanceId, ip, port };
    const said = { version, tags, metadata, weight, zone, endpoints };
    wanted.push({ ...address, ...said, ttlMs, deregisterAfterMs: 0 });
  }
  return wanted;
}

/** The last word on each key wins: a batch may register and deregister the same instance. */
export function registrationChanges(
  mutations: readonly Mutation[],
  results: readonly MutationResult[],
): RegistrationChanges {
  const puts = new Map<RecordKey, Registration>();
  const drops = new Map<RecordKey, RegistrationName>();
  mutations.forEach((mutation, index) => {
    const result = results[index];
    if (result?.kind !== 'done' || result.sealed === undefined) return;
    const { key, record } = result.sealed;
    if (mutation.kind === 'register') {
      puts.set(key, mutation.registration);
      drops.delete(key);
    } else if (mutation.kind === 'deregister') {
      puts.delete(key);
      drops.set(key, record);
    }
  });
  return { registrations: [...puts.values()], droppedRegistrations: [...drops.values()] };
}

function keyOf({ group, name, instanceId }: RegistrationName): RecordKey {
  return recordKey(group, name, instanceId);
}
