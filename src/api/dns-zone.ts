/**
 * DnsZone: which name below `disco.` means what, as the registry stands at the moment of asking.
 *
 *   add.math                        the service
 *   _add._tcp.math, _tcp.add.math   its SRV records, RFC 2782's way (the protocol before the service)
 *   _add._metrics.math, _metrics._tcp.add.math     those of one of its endpoints
 *   10-0-0-5-5001-1bdabb89.add.math an instance of it
 *   math                            there, with nothing of its own
 *
 * A name that SRV records lead to means its instance and nothing else, also where a service has dots
 * in its name and could be spelled so.
 *
 * It follows the change feed, and catches up when it is asked: while nobody asks it costs nothing.
 */
import { compareInstances, instanceKey } from '../registry/instance.ts';
import type { Instance, InstanceEvent } from '../registry/instance.ts';
import type { Registry } from '../registry/registry.ts';
import { addressKey } from './dns-address.ts';
import { NameTree } from './dns-tree.ts';
import type { ServiceName } from './dns-tree.ts';
import { endpointOf, ServiceView } from './dns-view.ts';

const eventsAtOnce = 10_000;
/** Mixed into the name of a port: of RFC 2782. */
const protocolLabels = ['_tcp', '_udp'];

export type Found =
  | { readonly kind: 'service'; readonly view: ServiceView }
  /** SRV records alone; `endpoint` undefined: of the instances' own ports. */
  | { readonly kind: 'port'; readonly view: ServiceView; readonly endpoint: string | undefined }
  /** More than one when two owners use one id. */
  | {
      readonly kind: 'instances';
      readonly view: ServiceView;
      readonly instances: readonly Instance[];
    }
  /** An endpoint's own address, which is not that of its instance. */
  | { readonly kind: 'address'; readonly ip: string }
  /** Nothing of its own, but names below it. */
  | { readonly kind: 'parent' };

export class DnsZone {
  readonly #registry: Registry;
  readonly #zone: string;
  #tree = new NameTree();
  /** Good for as long as the list that it is made of is the present one. */
  readonly #views = new WeakMap<readonly Instance[], ServiceView>();
  #revision = -1;
  /** Instances by address; made when an address is first asked for. */
  #book: AddressBook | undefined;

  /** @param zone that of this daemon; empty: none */
  constructor(registry: Registry, zone: string) {
    this.#registry = registry;
    this.#zone = zone;
  }

  /** @param labels below the zone, in lower case, from the left; at least one */
  find(labels: readonly string[]): Found | undefined {
    this.#catchUp();
    const port = this.#findPort(labels);
    if (port !== undefined) return port;
    const { target, instances } = this.#findInstance(labels);
    if (target !== undefined) return target;
    const whole = this.#tree.find(labels);
    if (whole?.service !== undefined) return { kind: 'service', view: this.view(whole.service) };
    if (instances !== undefined) return instances;
    const isAbove = whole !== undefined || this.#isAbovePorts(labels);
    return isAbove ? { kind: 'parent' } : undefined;
  }

  /** Instances at an address, sorted. */
  at(key: string): readonly Instance[] {
    if (this.#book === undefined) {
      this.#book = new AddressBook();
      this.#revision = -1;
    }
    this.#catchUp();
    return this.#book.at(key);
  }

  view(service: ServiceName): ServiceView {
    const instances = this.#registry.index.service(service.group, service.name);
    const made = this.#views.get(instances);
    if (made !== undefined) return made;
    const view = new ServiceView(service, instances, this.#zone);
    this.#views.set(instances, view);
    return view;
  }

  /** What begins with an underscore, and has SRV records. */
  #findPort(labels: readonly string[]): Found | undefined {
    const [first = '', second = '', ...rest] = labels;
    if (!first.startsWith('_')) return undefined;
    if (second.startsWith('_')) {
      const named = this.#viewOf([first.slice(1), ...rest]);
      if (named !== undefined) return portOf(named, second.slice(1));
      const isOfService = protocolLabels.includes(second);
      const below = isOfService ? this.#viewOf(rest) : undefined;
      return below && portOf(below, first.slice(1));
    }
    const view = protocolLabels.includes(first) ? this.#viewOf([second, ...rest]) : undefined;
    return view && { kind: 'port', view, endpoint: undefined };
  }

  /** `_tcp.math` is above `_add._tcp.math`. */
  #isAbovePorts([first = '', ...rest]: readonly string[]): boolean {
    if (!first.startsWith('_') || rest.length === 0) return false;
    const above = this.#tree.find(rest);
    return above !== undefined && above.service === undefined;
  }

  /** `target`: by the name that SRV records lead to; `instances`: by another that fits. */
  #findInstance(labels: readonly string[]): { target?: Found; instances?: Found } {
    const [first = '', second = '', ...rest] = labels;
    const view = this.#viewOf([second, ...rest]);
    const instances = view?.named(first) ?? [];
    if (view !== undefined && instances.length > 0) {
      const found = { kind: 'instances', view, instances } as const;
      return isOwnName(view, instances[0], labels) ? { target: found } : { instances: found };
    }
    const below = this.#viewOf(rest);
    const [instance] = below?.named(second) ?? [];
    const ip = instance && endpointOf(instance, first)?.ip;
    if (below === undefined || ip === undefined || ip === '') return {};
    const found = { kind: 'address', ip } as const;
    return isOwnName(below, instance, labels.slice(1)) ? { target: found } : { instances: found };
  }

  #viewOf(labels: readonly string[]): ServiceView | undefined {
    const service = labels.length < 2 ? undefined : this.#tree.find(labels)?.service;
    return service && this.view(service);
  }

  #catchUp(): void {
    const { feed, index } = this.#registry;
    while (this.#revision !== feed.revision) {
      const answer = this.#revision < 0 ? undefined : feed.read(this.#revision, eventsAtOnce);
      if (answer?.kind === 'changes') {
        for (const { events } of answer.changes) for (const event of events) this.#note(event);
        this.#revision = answer.revision;
        continue;
      }
      this.#tree = new NameTree();
      if (this.#book !== undefined) this.#book = new AddressBook();
      for (const instance of index.list()) this.#note({ kind: 'up', instance });
      this.#revision = feed.revision;
    }
  }

  #note({ kind, instance }: Pick<InstanceEvent, 'kind' | 'instance'>): void {
    const { group, name } = instance.record;
    this.#tree.set(instance.record, this.#registry.index.unsorted(group, name).size > 0);
    this.#book?.note(kind, instance);
  }
}

function portOf(view: ServiceView, endpoint: string): Found | undefined {
  return view.ports(endpoint) === undefined ? undefined : { kind: 'port', view, endpoint };
}

function isOwnName(
  view: ServiceView,
  instance: Instance | undefined,
  labels: readonly string[],
): boolean {
  const own = instance && view.nameOf(instance);
  return own !== undefined && own.slice(0, -1).join('.') === labels.join('.');
}

/** Instances by their address. */
class AddressBook {
  readonly #byAddress = new Map<string, Map<string, Instance>>();
  readonly #addresses = new Map<string, string>();

  at(address: string): readonly Instance[] {
    return [...(this.#byAddress.get(address)?.values() ?? [])].sort(compareInstances);
  }

  note(kind: InstanceEvent['kind'], instance: Instance): void {
    const { group, name, owner, instanceId, ip } = instance.record;
    const key = `${group}/${name}/${instanceKey(owner, instanceId)}`;
    this.#drop(key);
    const address = kind === 'up' ? addressKey(ip) : undefined;
    if (address === undefined) return;
    this.#addresses.set(key, address);
    const there = this.#byAddress.get(address) ?? new Map<string, Instance>();
    this.#byAddress.set(address, there.set(key, instance));
  }

  #drop(key: string): void {
    const address = this.#addresses.get(key);
    if (address === undefined) return;
    this.#addresses.delete(key);
    const there = this.#byAddress.get(address);
    there?.delete(key);
    if (there?.size === 0) this.#byAddress.delete(address);
  }
}
