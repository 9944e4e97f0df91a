/**
 * An instance as applications see it: plain, frozen, without protobuf in it.
 */
import { formatAddress } from '../base/address.ts';
import { disco } from '../gen/discovery.js';
import { reportFromProto, type CheckReport } from './check.ts';

/** How an instance is, as its owner says. */
export type Health = 'passing' | 'warning' | 'critical' | 'maintenance';

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
  /**
   * Its checks and what they found: in answers of get() and list() alone, and only of the daemon
   * that it was registered at, which runs them.
   */
  readonly checks?: readonly CheckReport[];
}

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

export function healthToProto(health: Health): disco.v1.Health {
  return numberByHealth[health];
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
    ...((message.checks ?? []).length > 0 && {
      checks: Object.freeze((message.checks ?? []).map(reportFromProto)),
    }),
  });
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
