/** From what the registry knows to the messages of the API. */
import { disco } from '../gen/discovery.js';
import type { Health, Maintenance } from '../record/record.ts';
import type { Hold } from '../registry/brake.ts';
import type { Instance } from '../registry/instance.ts';
import type { MemberState } from '../membership/member.ts';
import type { Registry } from '../registry/registry.ts';
import type { OwnerId } from '../record/owner.ts';
import type { NodeControl, ServiceFilesReport } from './node-control.ts';

const { Health: WireHealth, Member: WireMember } = disco.v1;

/** Refused registration files that the status names. */
const badFilesShownMax = 100;

export const wireHealth: Readonly<Record<Health, disco.v1.Health>> = {
  passing: WireHealth.HEALTH_PASSING,
  warning: WireHealth.HEALTH_WARNING,
  critical: WireHealth.HEALTH_CRITICAL,
  maintenance: WireHealth.HEALTH_MAINTENANCE,
};

export const wireState: Readonly<Record<MemberState, disco.v1.Member.State>> = {
  alive: WireMember.State.ALIVE,
  suspect: WireMember.State.SUSPECT,
  dead: WireMember.State.DEAD,
  left: WireMember.State.LEFT,
};

export function instanceMessage(
  instance: Instance,
  isConflict: boolean,
): disco.v1.ServiceInstance.$Properties {
  const { record, node } = instance;
  return {
    group: record.group,
    name: record.name,
    ip: record.ip,
    port: record.port,
    instanceId: record.instanceId,
    owner: record.owner,
    node,
    health: wireHealth[record.health],
    lastUpdate: record.lastUpdate,
    metadata: record.metadata,
    tags: [...record.tags],
    version: record.version,
    ttlMs: record.ttlMs,
    conflict: isConflict,
    held: instance.isHeld === true,
    weight: record.weight,
    zone: record.zone,
    endpoints: record.endpoints.map(({ name, port, ip }) => ({
      name,
      port,
      ip: ip === '' ? record.ip : ip,
    })),
    ...(record.maintenance && { maintenance: maintenanceMessage(record.maintenance) }),
  };
}

function maintenanceMessage({ reason, health }: Maintenance): disco.v1.Maintenance.$Properties {
  return { reason, health: wireHealth[health] };
}

/** What is held and why, field by field. */
export function holdMessage(hold: Hold): disco.v1.Hold.$Properties {
  return { ...hold };
}

/** Registration files: how many, and 100 at most of those that are refused. */
export function filesMessage(report: ServiceFilesReport): disco.v1.ServiceFiles.$Properties {
  const { directory, files, instances, problem, bad } = report;
  const shown = bad.slice(0, badFilesShownMax).map((each) => ({ ...each }));
  return { directory, files, instances, problem, bad: shown, filesBad: bad.length };
}

/** What is told of members and is not theirs: how this node reaches them. */
export type MemberContacts = Pick<NodeControl, 'isLinked' | 'rttMs' | 'accusersOf'>;

/** One member; undefined when it is not known (any more). */
export function memberMessage(
  registry: Registry,
  contacts: MemberContacts,
  owner: OwnerId,
): disco.v1.Member.$Properties | undefined {
  const member = registry.member(owner);
  const held = registry.state(owner);
  if (member === undefined || held === undefined) return undefined;
  const { facts, lastUpdate } = held.head.head;
  const rttMs = contacts.rttMs(owner);
  const nameOf = (peer: OwnerId): string => registry.state(peer)?.head.head.facts.name ?? '';
  return {
    peerId: owner,
    name: facts.name,
    state: wireState[member.state],
    addresses: [...facts.addresses],
    incarnation: member.incarnation,
    lastUpdate,
    stateSince: member.since,
    version: facts.version,
    self: owner === registry.self,
    linked: contacts.isLinked(owner),
    instances: held.set.count - held.set.tombstones,
    maintenance: facts.maintenance ?? '',
    ...(rttMs === undefined ? {} : { rttMicros: Math.round(rttMs * 1000) }),
    accusers: contacts
      .accusersOf(owner)
      .map(({ accuser, ...said }) => ({ peerId: accuser, name: nameOf(accuser), ...said })),
  };
}

/** Every member that this node knows, itself first, then by name and peer id. */
export function memberMessages(
  registry: Registry,
  contacts: MemberContacts,
): disco.v1.Member.$Properties[] {
  const messages: disco.v1.Member.$Properties[] = [];
  for (const { owner } of registry.members()) {
    const message = memberMessage(registry, contacts, owner);
    if (message !== undefined) messages.push(message);
  }
  return messages.sort(
    (a, b) =>
      Number(b.self) - Number(a.self) ||
      compareText(a.name ?? '', b.name ?? '') ||
      compareText(a.peerId ?? '', b.peerId ?? ''),
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
