/**
 * Registrations: what was asked for at this daemon and is to stay so, with their leases.
 *
 * Desired state: it survives restarts and is announced again without the service doing anything.
 */
import type { Now } from '../base/clock.ts';
import { DiscoError } from '../base/error.ts';
import type { OwnerState } from '../record/merge.ts';
import { recordKey } from '../record/record.ts';
import { healthBeneath } from '../record/health.ts';
import type { Health, RecordKey, ServiceRecord } from '../record/record.ts';
import type { Registration } from '../store/store.ts';
import { CheckedHealths } from './checked-health.ts';
import { Leases } from './lease.ts';
import { zoneOf } from './own-state.ts';
import type { Identity, Mutation, MutationResult } from './own-state.ts';

/** Names a registration at this daemon. */
export type RegistrationName = Pick<Registration, 'group' | 'name' | 'instanceId'>;

/** The health that the record of a key tells now; undefined without a live one. */
export type RecordedHealth = (key: RecordKey) => Health | undefined;

/** In the shape of the store's batch. */
export interface RegistrationChanges {
  readonly registrations: readonly Registration[];
  readonly droppedRegistrations: readonly RegistrationName[];
}

export class Registrations {
  readonly #wanted = new Map<RecordKey, Registration>();
  readonly #leases = new Leases();
  readonly #checked = new CheckedHealths();
  /** Their record may tell another health than it should. */
  readonly #unsettled = new Set<RecordKey>();

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
      const health = said === undefined ? 'passing' : healthBeneath(said);
      if (health !== 'passing') mutations.push({ kind: 'health', key, health });
    }
    return mutations;
  }

  /**
   * A new life: every lease starts anew, since nobody could renew it meanwhile. One that may have
   * been missed before is missed until it is renewed, whatever the checks say.
   */
  startLeases(now: Now, recorded: RecordedHealth): void {
    for (const [key, { ttlMs, deregisterAfterMs }] of this.#wanted) {
      const isMissed = ttlMs > 0 && recorded(key) === 'critical';
      this.#leases.set(key, ttlMs, deregisterAfterMs, now.monoMs, isMissed);
    }
  }

  /** What has become true on disk. */
  note(changes: RegistrationChanges, now: Now): void {
    for (const registration of changes.registrations) {
      const key = keyOf(registration);
      const { ttlMs, deregisterAfterMs } = registration;
      if (!isCheckedAlike(this.#wanted.get(key), registration)) this.#checked.drop(key);
      this.#wanted.set(key, registration);
      this.#leases.set(key, ttlMs, deregisterAfterMs, now.monoMs);
      this.#checked.expireAfter(key, checkExpiryMs(registration));
      if (hasChecks(registration)) this.#unsettled.add(key);
    }
    for (const dropped of changes.droppedRegistrations) {
      const key = keyOf(dropped);
      this.#wanted.delete(key);
      this.#leases.drop(key);
      this.#checked.drop(key);
    }
  }

  /** What the checks of an instance come to now; `due` makes a change of it true. */
  noteChecked(key: RecordKey, health: Health, now: Now): void {
    const registration = this.#wanted.get(key);
    // Deregistered, or registered without checks, while the last of them was under way.
    if (registration === undefined || !hasChecks(registration)) return;
    this.#checked.note(key, health, now.monoMs, checkExpiryMs(registration));
    this.#unsettled.add(key);
  }

  /** The worse of lease and checks; undefined before the checks of this life said anything. */
  healthOf(key: RecordKey, now: Now): Health | undefined {
    if (this.#leases.isMissed(key, now.monoMs)) return 'critical';
    const registration = this.#wanted.get(key);
    if (registration === undefined) return undefined;
    return hasChecks(registration) ? this.#checked.get(key) : 'passing';
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

  /** What missed leases and checks ask for; it comes again until `noteDue`. O(1) when nothing does. */
  due(now: Now, recorded: RecordedHealth): Mutation[] {
    const { missed, expired } = this.#leases.due(now.monoMs);
    for (const key of missed) this.#unsettled.add(key);
    const gone = [...expired, ...this.#checked.expired(now.monoMs)];
    return [
      ...this.#unsettledHealths(now, recorded),
      ...gone.map((key) => ({ kind: 'deregister' as const, key })),
    ];
  }

  /** What `due` asked for has become true on disk. */
  noteDue(mutations: readonly Mutation[], now: Now): void {
    for (const mutation of mutations)
      if (mutation.kind === 'health') this.#settle(mutation.key, now);
  }

  #unsettledHealths(now: Now, recorded: RecordedHealth): Mutation[] {
    const mutations: Mutation[] = [];
    for (const key of this.#unsettled) {
      const health = this.healthOf(key, now);
      const old = recorded(key);
      // Maintenance is an operator's word: nothing that is found out ends it.
      if (health === undefined || old === undefined || old === health || old === 'maintenance')
        this.#settle(key, now);
      else mutations.push({ kind: 'health', key, health });
    }
    return mutations;
  }

  #settle(key: RecordKey, now: Now): void {
    this.#unsettled.delete(key);
    this.#leases.noteTold(key, now.monoMs);
  }
}

function hasChecks({ checks = [] }: Registration): boolean {
  return checks.length > 0;
}

/** ms of being critical after which it is deregistered; 0: never. A service that renews its lease is wanted. */
function checkExpiryMs({ ttlMs, deregisterAfterMs }: Registration): number {
  return ttlMs === 0 ? deregisterAfterMs : 0;
}

/** What the checks of one say counts for the other: the address is the same. */
function isCheckedAlike(before: Registration | undefined, now: Registration): boolean {
  return before?.ip === now.ip && before.port === now.port && hasChecks(now);
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
