/**
 * What a daemon says of itself and of its cluster, as plain values.
 */
import { disco } from '../gen/discovery.js';
import { holdFromProto } from './hold.ts';
import type { Hold } from './hold.ts';

/** What a node thinks of another. */
export type MemberState = 'alive' | 'suspect' | 'dead' | 'left';

/** A node as the asked daemon sees it. */
export interface Member {
  readonly peerId: string;
  readonly name: string;
  readonly state: MemberState;
  /** Multiaddrs at which it gossips. */
  readonly addresses: readonly string[];
  /** Raised by the member itself at a start and to refute. */
  readonly incarnation: number;
  /** Microseconds since the epoch, by the member's clock. */
  readonly lastUpdate: number;
  /** Since when the asked daemon holds it for `state`; microseconds since the epoch. */
  readonly stateSince: number;
  readonly version: string;
  /** The asked daemon itself. */
  readonly self: boolean;
  /** The asked daemon holds a connection to it. */
  readonly linked: boolean;
  readonly instances: number;
  /** Round trip over that connection, smoothed; undefined when it is not known. */
  readonly rttMicros: number | undefined;
  /** Nodes that say of it, in its present life, that they cannot reach it. */
  readonly accusers: readonly Accuser[];
  /** Why the whole node is in maintenance; empty: it is not. */
  readonly maintenance: string;
}

/** A node that says of a member that it cannot reach it. */
export interface Accuser {
  readonly peerId: string;
  /** Empty when the asked daemon does not know that node. */
  readonly name: string;
  /** 'refused': its connection broke and nobody listens at its address; 'silent': no answer. */
  readonly reason: string;
  /** Microseconds since the epoch, by the accuser's clock. */
  readonly since: number;
  /** It said so again after the suspicion time. */
  readonly confirmed: boolean;
}

/** What `watchMembers` tells. */
export type MembersEvent =
  /** As it is now: each of those of the beginning, then whichever changed. */
  | { readonly kind: 'member'; readonly member: Member }
  /** Those of the beginning are complete. */
  | { readonly kind: 'snapshot_end' }
  /** Nothing is known of it any more; as it was told last. */
  | { readonly kind: 'forgotten'; readonly member: Member };

/** The registration files of a daemon. */
export interface ServiceFiles {
  readonly directory: string;
  readonly files: number;
  /** Registered by them. */
  readonly instances: number;
  /** What is wrong with all of them; empty: nothing. */
  readonly problem: string;
  /** Those that are refused: 100 of them at most. What they said when good stays registered. */
  readonly bad: readonly { readonly file: string; readonly problem: string }[];
  /** How many they are in all. */
  readonly filesBad: number;
}

/** What was put into maintenance at a daemon: the whole node, a service, or an instance. */
export interface MaintenanceRule {
  /** '' with an empty name: the whole node. */
  readonly group: string;
  readonly name: string;
  /** '': all instances of the service that were and will be registered there. */
  readonly instanceId: string;
  readonly reason: string;
  /** Microseconds since the epoch. */
  readonly since: number;
}

/** One daemon. */
export interface DaemonStatus {
  readonly peerId: string;
  readonly name: string;
  readonly cluster: string;
  readonly version: string;
  readonly pid: number;
  /** Microseconds since the epoch. */
  readonly startedAt: number;
  /** It has compared notes with a peer, or has given up waiting for one. */
  readonly ready: boolean;
  /** Why it is ready, or what it waits for. */
  readonly readiness: string;
  readonly listen: readonly string[];
  readonly advertise: readonly string[];
  readonly grpc: string;
  readonly http: string;
  /** Where DNS is answered, or `off`. */
  readonly dns: string;
  readonly dataDir: string;
  readonly membersAlive: number;
  readonly membersDead: number;
  readonly links: number;
  readonly instances: number;
  readonly instancesOwn: number;
  /** This node's local order of changes. */
  readonly revision: number;
  /** Milliseconds since the last completed reconcile; undefined before the first. */
  readonly sinceReconcileMs: number | undefined;
  /** What was received and refused, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** What was done, by name. */
  readonly counted: Readonly<Record<string, number>>;
  /** Services whose last good answer is held: 100 of them at most. */
  readonly holding: readonly Hold[];
  /** How many they are in all. */
  readonly servicesHolding: number;
  /** Every link is lost: what this daemon knows may be old. */
  readonly isolated: boolean;
  /** Undefined of a daemon that knows no such files. */
  readonly serviceFiles: ServiceFiles | undefined;
  /** What was put into maintenance there: 100 of them at most. */
  readonly maintenance: readonly MaintenanceRule[];
  /** How many they are in all. */
  readonly maintenanceRules: number;
  /** Where its host is; empty: nobody said, or an older daemon. */
  readonly zone: string;
  /** What it logs, by area; none of an older daemon. */
  readonly logLevels: Readonly<Record<string, string>>;
}

/** One exchange of a step of gossip. */
export interface GossipExchange {
  readonly peerId: string;
  readonly name: string;
  readonly outcome: 'in_sync' | 'changed' | 'failed';
  /** Peer ids of the owners whose records changed at the asked daemon. */
  readonly ownersChanged: readonly string[];
}

const wireState = disco.v1.Member.State;

const stateByNumber: ReadonlyMap<number, MemberState> = new Map([
  [wireState.ALIVE, 'alive'],
  [wireState.SUSPECT, 'suspect'],
  [wireState.DEAD, 'dead'],
  [wireState.LEFT, 'left'],
]);

/** Undefined when nothing is said of it. */
export function memberStateFromProto(value: number | null | undefined): MemberState | undefined {
  return stateByNumber.get(value ?? 0);
}

export function memberFromProto(message: disco.v1.Member.$Properties): Member {
  return {
    peerId: message.peerId ?? '',
    name: message.name ?? '',
    // Unspecified or of a newer daemon: known, but not known to be well.
    state: memberStateFromProto(message.state) ?? 'suspect',
    addresses: [...(message.addresses ?? [])],
    incarnation: Number(message.incarnation ?? 0),
    lastUpdate: Number(message.lastUpdate ?? 0),
    stateSince: Number(message.stateSince ?? 0),
    version: message.version ?? '',
    self: message.self ?? false,
    linked: message.linked ?? false,
    instances: message.instances ?? 0,
    rttMicros: optionalNumber(message.rttMicros),
    accusers: (message.accusers ?? []).map(accuserFromProto),
    maintenance: message.maintenance ?? '',
  };
}

function accuserFromProto(message: disco.v1.Accuser.$Properties): Accuser {
  return {
    peerId: message.peerId ?? '',
    name: message.name ?? '',
    reason: message.reason ?? '',
    since: Number(message.since ?? 0),
    confirmed: message.confirmed ?? false,
  };
}

/** Undefined for a kind that only a newer daemon knows. */
export function membersEventFromProto(
  message: disco.v1.MembersEvent.$Properties,
): MembersEvent | undefined {
  const { Kind } = disco.v1.MembersEvent;
  const member = memberFromProto(message.member ?? {});
  switch (message.kind) {
    case Kind.MEMBER:
      return { kind: 'member', member };
    case Kind.SNAPSHOT_END:
      return { kind: 'snapshot_end' };
    case Kind.FORGOTTEN:
      return { kind: 'forgotten', member };
    default:
      return undefined;
  }
}

/** Takes a decoded answer: every field without presence is there. */
export function statusFromProto(message: disco.v1.StatusResponse): DaemonStatus {
  return {
    peerId: message.peerId,
    name: message.name,
    cluster: message.cluster,
    version: message.version,
    pid: message.pid,
    startedAt: Number(message.startedAt),
    ready: message.ready,
    readiness: message.readiness,
    listen: [...message.listen],
    advertise: [...message.advertise],
    grpc: message.grpc,
    http: message.http,
    dns: message.dns,
    dataDir: message.dataDir,
    membersAlive: message.membersAlive,
    membersDead: message.membersDead,
    links: message.links,
    instances: message.instances,
    instancesOwn: message.instancesOwn,
    revision: Number(message.revision),
    sinceReconcileMs: optionalNumber(message.sinceReconcileMs),
    refused: numbersOf(message.refused),
    counted: numbersOf(message.counted),
    holding: message.holding.map(holdFromProto),
    servicesHolding: message.servicesHolding,
    isolated: message.isolated,
    serviceFiles: message.serviceFiles ? serviceFilesFromProto(message.serviceFiles) : undefined,
    maintenance: message.maintenance.map(ruleFromProto),
    maintenanceRules: message.maintenanceRules,
    zone: message.zone,
    logLevels: { ...message.logLevels },
  };
}

function ruleFromProto(message: disco.v1.MaintenanceRule.$Properties): MaintenanceRule {
  return {
    group: message.group ?? '',
    name: message.name ?? '',
    instanceId: message.instanceId ?? '',
    reason: message.reason ?? '',
    since: Number(message.since ?? 0),
  };
}

function serviceFilesFromProto(message: disco.v1.ServiceFiles.$Properties): ServiceFiles {
  return {
    directory: message.directory ?? '',
    files: message.files ?? 0,
    instances: message.instances ?? 0,
    problem: message.problem ?? '',
    bad: (message.bad ?? []).map(({ file, problem }) => ({
      file: file ?? '',
      problem: problem ?? '',
    })),
    filesBad: message.filesBad ?? 0,
  };
}

export function exchangeFromProto(
  message: disco.v1.GossipResponse.Exchange.$Properties,
): GossipExchange {
  const outcome = message.outcome;
  return {
    peerId: message.peerId ?? '',
    name: message.name ?? '',
    outcome: outcome === 'in_sync' || outcome === 'changed' ? outcome : 'failed',
    ownersChanged: [...(message.ownersChanged ?? [])],
  };
}

/** A 64-bit field as a number; exact up to 2^53, and microseconds since the epoch stay below. */
export function optionalNumber(value: unknown): number | undefined {
  return value === undefined || value === null ? undefined : Number(value);
}

function numbersOf(map: Readonly<Record<string, unknown>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, Number(value)]));
}
