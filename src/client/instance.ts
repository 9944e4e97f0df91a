/**
 * An instance as applications see it: plain, frozen, without protobuf in it.
 */
import { formatAddress } from '../base/address.ts';
import { DiscoError } from '../base/error.ts';
import { disco } from '../gen/discovery.js';
import { memberStateFromProto } from './daemon-status.ts';
import type { MemberState } from './daemon-status.ts';
import { reportFromProto, type CheckReport } from './check.ts';

/** How an instance is, as its owner says. */
export type Health = 'passing' | 'warning' | 'critical' | 'maintenance';

/** A further port of an instance, such as the one of its metrics. */
export interface Endpoint {
  /** Unlike those of the instance's other endpoints. */
  readonly name: string;
  /** A literal IP or a host name. */
  readonly ip: string;
  readonly port: number;
}

/** Why an instance is out of use, by the word of its node's operator. */
export interface Maintenance {
  /** For people; may be empty. */
  readonly reason: string;
  /** What its health would be without. */
  readonly health: Health;
}

/** One running copy of a service. Frozen: instances are shared between callers. */
export interface Instance {
  readonly group: string;
  readonly name: string;
  /** A literal IP or a host name. */
  readonly ip: string;
  readonly port: number;
  /** Unique among the owner's instances of this group and name. */
  readonly instanceId: string;
  /** Peer id of the node that registered it. */
  readonly owner: string;
  /** That node's name, for people. */
  readonly node: string;
  readonly health: Health;
  /** Microseconds since the epoch, strictly rising per owner. */
  readonly lastUpdate: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  readonly version: string;
  /** 0: the instance need not send heartbeats. */
  readonly ttlMs: number;
  /** Another owner claims the same group, name and address. */
  readonly conflict: boolean;
  /** Its node fell silent; it is shown because most of its service did so at once. */
  readonly held: boolean;
  /** How much of the calls it is meant to get beside its likes: 1 to 65535. */
  readonly weight: number;
  /** Where it runs; empty: nobody said. */
  readonly zone: string;
  readonly endpoints: readonly Endpoint[];
  /** How the asked daemon sees its node; undefined in a view, which is not told each change of it. */
  readonly ownerState: MemberState | undefined;
  /** With the health `maintenance`: why, and the health beneath; else undefined. */
  readonly maintenance: Maintenance | undefined;
  /**
   * Its checks and what they found: in answers of get() and list() alone, and only of the daemon
   * that it was registered at, which runs them.
   */
  readonly checks?: readonly CheckReport[];
}

/** Where nobody knows of weights, all weigh the same. */
const weightUnsaid = 100;

const wireHealth = disco.v1.Health;

const healthByNumber: ReadonlyMap<number, Health> = new Map([
  // The simplest server knows no health: what it lists is there.
  [wireHealth.HEALTH_UNSPECIFIED, 'passing'],
  [wireHealth.HEALTH_PASSING, 'passing'],
  [wireHealth.HEALTH_WARNING, 'warning'],
  [wireHealth.HEALTH_CRITICAL, 'critical'],
  [wireHealth.HEALTH_MAINTENANCE, 'maintenance'],
]);

const numberByHealth: Readonly<Record<Health, disco.v1.Health>> = {
  passing: wireHealth.HEALTH_PASSING,
  warning: wireHealth.HEALTH_WARNING,
  critical: wireHealth.HEALTH_CRITICAL,
  maintenance: wireHealth.HEALTH_MAINTENANCE,
};

/** A health that this client does not know is critical: nobody is sent there by mistake. */
export function healthFromProto(value: number | null | undefined): Health {
  return healthByNumber.get(value ?? 0) ?? 'critical';
}

/** @throws DiscoError INVALID_ARGUMENT/USAGE, or a filter that is misspelt would list everything */
export function healthToProto(health: Health): disco.v1.Health {
  const known: disco.v1.Health | undefined = numberByHealth[health];
  if (known !== undefined) return known;
  const names = Object.keys(numberByHealth).join(', ');
  const sentence = `health is ${JSON.stringify(health)}; expected one of ${names}`;
  throw new DiscoError('INVALID_ARGUMENT', 'USAGE', sentence);
}

/** Copies: nothing of the message is kept. */
export function instanceFromProto(message: disco.v1.ServiceInstance.$Properties): Instance {
  return Object.freeze({
    group: message.group ?? '',
    name: message.name ?? '',
    ip: message.ip ?? '',
    port: message.port ?? 0,
    instanceId: message.instanceId ?? '',
    owner: message.owner ?? '',
    node: message.node ?? '',
    health: healthFromProto(message.health),
    lastUpdate: Number(message.lastUpdate ?? 0),
    metadata: Object.freeze({ ...message.metadata }),
    tags: Object.freeze([...(message.tags ?? [])]),
    version: message.version ?? '',
    ttlMs: Number(message.ttlMs ?? 0),
    conflict: message.conflict ?? false,
    held: message.held ?? false,
    weight: message.weight || weightUnsaid,
    zone: message.zone ?? '',
    endpoints: Object.freeze((message.endpoints ?? []).map(endpointFromProto)),
    ownerState: memberStateFromProto(message.ownerState),
    maintenance: message.maintenance ? maintenanceFromProto(message.maintenance) : undefined,
    ...((message.checks ?? []).length > 0 && {
      checks: Object.freeze((message.checks ?? []).map(reportFromProto)),
    }),
  });
}

function endpointFromProto(message: disco.v1.Endpoint.$Properties): Endpoint {
  const { name, ip, port } = message;
  return Object.freeze({ name: name ?? '', ip: ip ?? '', port: port ?? 0 });
}

function maintenanceFromProto(message: disco.v1.Maintenance.$Properties): Maintenance {
  return Object.freeze({ reason: message.reason ?? '', health: healthFromProto(message.health) });
}

/** Equal for two statements about the same instance, and only then. */
export function instanceKey(instance: Instance): string {
  return JSON.stringify([instance.group, instance.name, instance.instanceId, instance.owner]);
}

/** The order of every list: group, name, instanceId, owner, by code unit. */
export function compareInstances(a: Instance, b: Instance): number {
  return (
    compareText(a.group, b.group) ||
    compareText(a.name, b.name) ||
    compareText(a.instanceId, b.instanceId) ||
    compareText(a.owner, b.owner)
  );
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** `ip:port`, with brackets around an IPv6 address: what a URL or a grpc-js target takes. */
export function instanceAddress({ ip, port }: Pick<Instance, 'ip' | 'port'>): string {
  return formatAddress({ host: ip, port });
}
