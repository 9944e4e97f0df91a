/**
 * ServiceIndex: the visible instances by group and name, and which services are gone since when.
 *
 *   groups ─▶ group ─▶ service ─▶ instances
 *
 * A fork shares every group and service that neither side has touched since: what is touched is
 * first forked itself, since whoever holds it is written on it.
 */
import { ForkableMap } from '../base/forkable-map.ts';
import type { OwnerId } from '../record/owner.ts';
import type { Health, ServiceRecord } from '../record/record.ts';
import { compareInstances, instanceAddress, instanceKey } from './instance.ts';
import type { DownReason, Instance } from './instance.ts';

/** Who alone may change a group or a service: one index, until it is forked. */
type Holder = object;

interface Group {
  readonly holder: Holder;
  readonly services: ForkableMap<string, Service>;
}

interface Service {
  readonly holder: Holder;
  readonly instances: ForkableMap<string, Instance>;
  /** Made on demand, dropped on a change. */
  sorted: readonly Instance[] | undefined;
}

/** When the last instance of a service went, and why. */
export interface Departure {
  /** Wall clock, µs. */
  readonly at: number;
  readonly reason: DownReason;
}

/** The last one of its service. */
export interface Departed extends Departure {
  readonly instanceId: string;
  /** Name of the node that had registered it, for people. */
  readonly node: string;
  /** Its owner's word, and by the owner's clock: nobody saw it go here. */
  readonly isHearsay?: true;
}

export const departuresMax = 10_000;

export class ServiceIndex {
  #holder: Holder = {};
  #groups = new ForkableMap<string, Group>();
  /** How many instances of one owner claim an address of one service. */
  #claims = new ForkableMap<string, number>();
  /** How many owners do; more than one is a conflict. */
  #claimants = new ForkableMap<string, number>();
  #departures = new ForkableMap<string, Departed>();
  #count = 0;
  #healths: Record<Health, number> = { passing: 0, warning: 0, critical: 0, maintenance: 0 };
  /** Addresses that more than one owner claims: hardly ever any. */
  #conflicts = 0;

  /** Visible instances in all. */
  get count(): number {
    return this.#count;
  }

  /** Visible instances of each health, O(1). */
  get healths(): Readonly<Record<Health, number>> {
    return this.#healths;
  }

  put(instance: Instance): void {
    const { group, name, owner, instanceId } = instance.record;
    const { instances } = this.#touch(group, name);
    const key = instanceKey(owner, instanceId);
    const old = instances.get(key);
    instances.set(key, instance);
    this.#healths[instance.record.health] += 1;
    if (old === undefined) this.#count += 1;
    else this.#healths[old.record.health] -= 1;
    if (old === undefined || instanceAddress(old) !== instanceAddress(instance)) {
      if (old !== undefined) this.#unclaim(old);
      this.#claim(instance);
    }
    this.#departures.delete(`${group}/${name}`);
  }

  remove(instance: Instance, departure: Departure): void {
    const { group, name, owner, instanceId } = instance.record;
    const old = this.get(group, name, owner, instanceId);
    if (old === undefined) return;
    const { instances } = this.#touch(group, name);
    instances.delete(instanceKey(owner, instanceId));
    this.#unclaim(old);
    this.#count -= 1;
    this.#healths[old.record.health] -= 1;
    if (instances.size > 0) return;
    const { services } = this.#touchGroup(group);
    services.delete(name);
    if (services.size === 0) this.#groups.delete(group);
    this.#noteDeparture(`${group}/${name}`, { ...departure, instanceId, node: old.node });
  }

  /**
   * An instance went before anything was shown of it here. What was seen to go tells more: nothing
   * of that is replaced or forgotten for it.
   */
  noteGone({ group, name }: Pick<ServiceRecord, 'group' | 'name'>, departed: Departed): void {
    const service = `${group}/${name}`;
    if (this.#departures.size >= departuresMax || this.#service(group, name) !== undefined) return;
    const known = this.#departures.get(service);
    if (known === undefined || (known.isHearsay === true && known.at < departed.at))
      this.#departures.set(service, { ...departed, isHearsay: true });
  }

  get(group: string, name: string, owner: OwnerId, instanceId: string): Instance | undefined {
    return this.#service(group, name)?.instances.get(instanceKey(owner, instanceId));
  }

  /** Instances of one service, sorted; the array is not to be changed. */
  service(group: string, name: string): readonly Instance[] {
    const service = this.#service(group, name);
    if (service === undefined) return [];
    return (service.sorted ??= [...service.instances.values()].sort(compareInstances));
  }

  /** The same in no order, O(1); good until the next change. */
  unsorted(group: string, name: string): Pick<ForkableMap<string, Instance>, 'size' | 'values'> {
    return this.#service(group, name)?.instances ?? new ForkableMap<string, Instance>();
  }

  /** All instances, or those of one group or one service, sorted. */
  list(group?: string, name?: string): Instance[] {
    const groups = group === undefined ? [...this.#groups.keys()].sort() : [group];
    const found: Instance[] = [];
    for (const key of groups) {
      const names = [...(this.#groups.get(key)?.services.keys() ?? [])].sort();
      for (const service of names)
        if (name === undefined || name === service) found.push(...this.service(key, service));
    }
    return found;
  }

  /** Another owner claims the same group, name and address. */
  isConflict(instance: Instance): boolean {
    return this.#conflicts > 0 && (this.#claimants.get(addressKey(instance)) ?? 0) > 1;
  }

  /** Of a service without instances that had some; 10,000 are remembered. */
  departure(group: string, name: string): Departed | undefined {
    return this.#departures.get(`${group}/${name}`);
  }

  /** An index with the same content; from now on each goes its own way. */
  fork(): ServiceIndex {
    const fork = new ServiceIndex();
    fork.#groups = this.#groups.fork();
    fork.#claims = this.#claims.fork();
    fork.#claimants = this.#claimants.fork();
    fork.#departures = this.#departures.fork();
    fork.#count = this.#count;
    fork.#healths = { ...this.#healths };
    fork.#conflicts = this.#conflicts;
    // From now on neither may change what both hold.
    this.#holder = {};
    return fork;
  }

  #service(group: string, name: string): Service | undefined {
    return this.#groups.get(group)?.services.get(name);
  }

  /** A group that this index alone holds; made when there is none. */
  #touchGroup(name: string): Group {
    const held = this.#groups.get(name);
    if (held?.holder === this.#holder) return held;
    const services = held?.services.fork() ?? new ForkableMap<string, Service>();
    const group = { holder: this.#holder, services };
    this.#groups.set(name, group);
    return group;
  }

  /** A service that this index alone holds, about to be changed; made when there is none. */
  #touch(groupName: string, name: string): Service {
    const { services } = this.#touchGroup(groupName);
    const held = services.get(name);
    if (held?.holder === this.#holder) {
      held.sorted = undefined;
      return held;
    }
    const instances = held?.instances.fork() ?? new ForkableMap<string, Instance>();
    const service = { holder: this.#holder, instances, sorted: undefined };
    services.set(name, service);
    return service;
  }

  #claim(instance: Instance): void {
    const address = addressKey(instance);
    const claim = `${address}/${instance.record.owner}`;
    const claims = this.#claims.get(claim) ?? 0;
    this.#claims.set(claim, claims + 1);
    if (claims > 0) return;
    const claimants = (this.#claimants.get(address) ?? 0) + 1;
    this.#claimants.set(address, claimants);
    if (claimants === 2) this.#conflicts += 1;
  }

  #unclaim(instance: Instance): void {
    const address = addressKey(instance);
    if (decrease(this.#claims, `${address}/${instance.record.owner}`) !== 0) return;
    if (decrease(this.#claimants, address) === 1) this.#conflicts -= 1;
  }

  #noteDeparture(service: string, departure: Departed): void {
    if (this.#departures.size >= departuresMax) {
      const [oldest] = this.#departures.keys();
      if (oldest !== undefined) this.#departures.delete(oldest);
    }
    this.#departures.set(service, departure);
  }
}

/** @returns what is left; nothing is kept of a zero */
function decrease(counts: ForkableMap<string, number>, key: string): number {
  const left = (counts.get(key) ?? 0) - 1;
  if (left > 0) counts.set(key, left);
  else counts.delete(key);
  return left;
}

function addressKey(instance: Instance): string {
  const { group, name } = instance.record;
  return `${group}/${name}/${instanceAddress(instance)}`;
}
