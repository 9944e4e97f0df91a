/**
 * ServiceIndex: the visible instances by group and name, and which services are gone since when.
 */
import type { OwnerId } from '../record/owner.ts';
import { compareInstances, instanceAddress, instanceKey } from './instance.ts';
import type { DownReason, Instance } from './instance.ts';

interface Service {
  readonly instances: Map<string, Instance>;
  /** Owners that claim an address; more than one is a conflict. */
  readonly claims: Map<string, Set<OwnerId>>;
  /** Made on demand, dropped on a change. */
  sorted: readonly Instance[] | undefined;
}

/** When the last instance of a service went, and why. */
export interface Departure {
  /** Wall clock, µs. */
  readonly at: number;
  readonly reason: DownReason;
}

const departuresMax = 10_000;

export class ServiceIndex {
  readonly #groups = new Map<string, Map<string, Service>>();
  readonly #departures = new Map<string, Departure>();
  #count = 0;

  /** Visible instances in all. */
  get count(): number {
    return this.#count;
  }

  put(instance: Instance): void {
    const { group, name, owner, instanceId } = instance.record;
    this.#remove(instance);
    let services = this.#groups.get(group);
    if (services === undefined) this.#groups.set(group, (services = new Map<string, Service>()));
    let service = services.get(name);
    if (service === undefined) {
      service = { instances: new Map(), claims: new Map(), sorted: undefined };
      services.set(name, service);
    }
    service.instances.set(instanceKey(owner, instanceId), instance);
    const address = instanceAddress(instance);
    const claims = service.claims.get(address) ?? new Set<OwnerId>();
    service.claims.set(address, claims.add(owner));
    service.sorted = undefined;
    this.#count += 1;
    this.#departures.delete(`${group}/${name}`);
  }

  remove(instance: Instance, departure: Departure): void {
    const { group, name } = instance.record;
    if (!this.#remove(instance)) return;
    if (this.#groups.get(group)?.has(name) === true) return;
    const oldest = this.#departures.keys().next();
    if (this.#departures.size >= departuresMax && oldest.done !== true)
      this.#departures.delete(oldest.value);
    this.#departures.set(`${group}/${name}`, departure);
  }

  get(group: string, name: string, owner: OwnerId, instanceId: string): Instance | undefined {
    return this.#groups.get(group)?.get(name)?.instances.get(instanceKey(owner, instanceId));
  }

  /** Instances of one service, sorted; the array is not to be changed. */
  service(group: string, name: string): readonly Instance[] {
    const service = this.#groups.get(group)?.get(name);
    if (service === undefined) return [];
    return (service.sorted ??= [...service.instances.values()].sort(compareInstances));
  }

  /** All instances, or those of one group or one service, sorted. */
  list(group?: string, name?: string): Instance[] {
    const groups = group === undefined ? [...this.#groups.keys()].sort() : [group];
    const found: Instance[] = [];
    for (const key of groups) {
      const names = [...(this.#groups.get(key)?.keys() ?? [])].sort();
      for (const service of names)
        if (name === undefined || name === service) found.push(...this.service(key, service));
    }
    return found;
  }

  /** Another owner claims the same group, name and address. */
  isConflict(instance: Instance): boolean {
    const { group, name } = instance.record;
    const claims = this.#groups.get(group)?.get(name)?.claims.get(instanceAddress(instance));
    return (claims?.size ?? 0) > 1;
  }

  departure(group: string, name: string): Departure | undefined {
    return this.#departures.get(`${group}/${name}`);
  }

  #remove({ record }: Instance): boolean {
    const services = this.#groups.get(record.group);
    const service = services?.get(record.name);
    const key = instanceKey(record.owner, record.instanceId);
    const old = service?.instances.get(key);
    if (services === undefined || service === undefined || old === undefined) return false;
    service.instances.delete(key);
    this.#unclaim(service, old);
    service.sorted = undefined;
    this.#count -= 1;
    if (service.instances.size === 0) services.delete(record.name);
    if (services.size === 0) this.#groups.delete(record.group);
    return true;
  }

  #unclaim(service: Service, gone: Instance): void {
    const address = instanceAddress(gone);
    const { owner } = gone.record;
    const isElsewhere = [...service.instances.values()].some(
      (other) => other.record.owner === owner && instanceAddress(other) === address,
    );
    if (isElsewhere) return;
    const claims = service.claims.get(address);
    claims?.delete(owner);
    if (claims?.size === 0) service.claims.delete(address);
  }
}
