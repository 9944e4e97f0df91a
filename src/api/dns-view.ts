/**
 * ServiceView: one service as DNS tells it, ready to be copied into answers.
 *
 * It is made of the list of instances that the index gives out, which is another one after each
 * change: who holds a view finds by one comparison whether it still holds. Parts are made when they
 * are first asked for.
 */
import type { Endpoint } from '../record/record.ts';
import type { Instance } from '../registry/instance.ts';
import { addressBytes } from './dns-address.ts';
import { instanceLabels, ownedLabel, safeLabel, wireName, zoneLabel } from './dns-labels.ts';
import { recordType } from './dns-query.ts';
import type { ServiceName } from './dns-tree.ts';

/** What is told first, and what after it: those of the asked daemon's zone, and all others. */
export interface Ranked<Told> {
  readonly near: readonly Told[];
  readonly far: readonly Told[];
}

/** Where a name leads: the data of a record, and its type. */
export interface Target {
  readonly type: number;
  readonly data: Uint8Array;
}

/** The data of one record of an answer. */
export interface Piece {
  readonly data: Uint8Array;
  /** Of a SRV record: that of its target, unless that is a host name which others know. */
  readonly address?: Target;
}

/** Where in the data of a SRV record its target's name stands. */
export const srvTargetOffset = 6;

/** Protocols of RFC 2782 stand for the port of the instance itself. */
const protocols = ['tcp', 'udp'];
const priorityNear = 0;
const priorityFar = 1;
const stringBytesMax = 255;

export class ServiceView {
  readonly service: ServiceName;
  readonly instances: readonly Instance[];
  /** Those that Get would pick from: the passing ones, or the warning ones when none passes. */
  readonly healthy: readonly Instance[];
  readonly #zone: string;
  /** Ids that more than one owner uses. */
  readonly #shared: ReadonlySet<string>;
  #labels: ReadonlyMap<string, readonly Instance[]> | undefined;
  #targets: Ranked<Target> | undefined;
  readonly #addresses = new Map<number, Ranked<Piece>>();
  readonly #ports = new Map<string, Ranked<Piece>>();

  /** @param zone whose instances are told first; empty: none */
  constructor(service: ServiceName, instances: readonly Instance[], zone: string) {
    this.service = service;
    this.instances = instances;
    const passing = instances.filter(({ record }) => record.health === 'passing');
    const warning = instances.filter(({ record }) => record.health === 'warning');
    this.healthy = passing.length > 0 ? passing : warning;
    this.#zone = zone;
    const seen = new Set<string>();
    const twice = instances.filter(({ record }) => seen.size === seen.add(record.instanceId).size);
    this.#shared = new Set(twice.map(({ record }) => record.instanceId));
  }

  /**
   * Of the healthy ones: the data of A or AAAA records, each once; with CNAME those that are
   * registered with a host name.
   */
  addresses(type: number): Ranked<Piece> {
    const made = this.#addresses.get(type);
    if (made !== undefined) return made;
    const { near, far } = this.#leading();
    const seen = new Set<string>();
    const pieces = (targets: readonly Target[]): Piece[] =>
      targets
        .filter((target) => target.type === type)
        .filter(({ data }) => seen.size !== seen.add(data.join()).size)
        .map(({ data }) => ({ data }));
    const found = { near: pieces(near), far: pieces(far) };
    this.#addresses.set(type, found);
    return found;
  }

  /**
   * Of the healthy ones: the data of SRV records.
   *
   * @param endpoint as it is asked for, in lower case; undefined: the port of the instance itself
   * @returns undefined when no instance has such an endpoint, be it healthy or not
   */
  ports(endpoint?: string): Ranked<Piece> | undefined {
    const made = this.#ports.get(endpoint ?? '');
    if (made !== undefined) return made;
    const hasIt = (instance: Instance): boolean => endpointOf(instance, endpoint) !== undefined;
    const isProtocol = endpoint === undefined || protocols.includes(endpoint);
    const asked = this.instances.some(hasIt) ? endpoint : undefined;
    if (asked === undefined && !isProtocol) return undefined;
    const having = asked === undefined ? this.healthy : this.healthy.filter(hasIt);
    const found = this.#rank(having, (instance, rank) => this.#port(instance, rank, asked));
    this.#ports.set(endpoint ?? '', found);
    return found;
  }

  /** The data of TXT records. */
  texts(): Ranked<Piece> {
    return this.#rank(this.healthy, (instance) => ({ data: textOf(instance) }));
  }

  /** Those that are called so, healthy or not; `label` in lower case. */
  named(label: string): readonly Instance[] {
    this.#labels ??= byLabel(this.instances);
    return this.#labels.get(label) ?? [];
  }

  /** The SRV record of one instance. */
  portOf(instance: Instance): Piece {
    return this.#port(instance, this.#isNear(instance) ? priorityNear : priorityFar, undefined);
  }

  /** The name of an instance, whole: one that leads to it alone. */
  nameOf({ record }: Instance): string[] {
    const { instanceId, owner } = record;
    const label = this.#shared.has(instanceId)
      ? ownedLabel(instanceId, owner)
      : safeLabel(instanceId);
    const { group, name } = this.service;
    return [label, safeLabel(name), safeLabel(group), zoneLabel];
  }

  #leading(): Ranked<Target> {
    return (this.#targets ??= this.#rank(this.healthy, ({ record }) => targetOf(record.ip)));
  }

  #port(instance: Instance, rank: number, label: string | undefined): Piece {
    const { record } = instance;
    const endpoint = endpointOf(instance, label);
    const isElsewhere = endpoint !== undefined && endpoint.ip !== '' && endpoint.ip !== record.ip;
    const target = targetOf(isElsewhere ? endpoint.ip : record.ip);
    const own = this.nameOf(instance);
    const name = isElsewhere ? [safeLabel(endpoint.name), ...own] : own;
    const isHost = target.type === recordType.CNAME;
    const targetName = isHost ? target.data : wireName(name);
    const data = Buffer.alloc(srvTargetOffset + targetName.length);
    data.writeUInt16BE(rank, 0);
    data.writeUInt16BE(record.weight, 2);
    data.writeUInt16BE(endpoint?.port ?? record.port, 4);
    data.set(targetName, srvTargetOffset);
    return isHost ? { data } : { data, address: target };
  }

  #rank<Told>(
    instances: readonly Instance[],
    make: (instance: Instance, rank: number) => Told,
  ): Ranked<Told> {
    const near: Told[] = [];
    const far: Told[] = [];
    for (const instance of instances)
      if (this.#isNear(instance)) near.push(make(instance, priorityNear));
      else far.push(make(instance, priorityFar));
    return { near, far };
  }

  /** Without a zone all are as near. */
  #isNear({ record }: Instance): boolean {
    return this.#zone === '' || record.zone === this.#zone;
  }
}

/** An address, or the host name that leads to one. */
export function targetOf(ip: string): Target {
  const data = addressBytes(ip);
  if (data === undefined) return { type: recordType.CNAME, data: wireName(ip.split('.')) };
  return { type: data.length === 4 ? recordType.A : recordType.AAAA, data };
}

/** What an instance says of itself, as strings of a TXT record; longer ones are left out. */
export function textOf({ record, node }: Instance): Uint8Array {
  const { instanceId, health, version, zone, weight, tags, metadata } = record;
  const texts = [
    `id=${instanceId}`,
    `node=${node}`,
    `health=${health}`,
    `weight=${weight}`,
    ...(version === '' ? [] : [`version=${version}`]),
    ...(zone === '' ? [] : [`zone=${zone}`]),
    ...tags.map((tag) => `tag=${tag}`),
    ...Object.entries(metadata).map(([key, value]) => `meta.${key}=${value}`),
  ];
  const strings = texts.map((text) => Buffer.from(text));
  const fitting = strings.filter(({ length }) => length <= stringBytesMax);
  return Buffer.concat(fitting.flatMap((bytes) => [Buffer.from([bytes.length]), bytes]));
}

/** The endpoint of an instance that a label means; its name in either spelling. */
export function endpointOf({ record }: Instance, label?: string): Endpoint | undefined {
  if (label === undefined) return undefined;
  return record.endpoints.find(
    ({ name }) => name.toLowerCase() === label || safeLabel(name) === label,
  );
}

function byLabel(instances: readonly Instance[]): ReadonlyMap<string, readonly Instance[]> {
  const found = new Map<string, Instance[]>();
  for (const instance of instances) {
    const { instanceId, owner } = instance.record;
    for (const label of instanceLabels(instanceId, owner)) {
      const others = found.get(label);
      if (others === undefined) found.set(label, [instance]);
      else others.push(instance);
    }
  }
  return found;
}
