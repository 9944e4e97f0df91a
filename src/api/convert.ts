/** From what the registry knows to the messages of the API. */
import { disco } from '../gen/discovery.js';
import type { Health } from '../record/record.ts';
import type { Instance } from '../registry/instance.ts';
import type { MemberState } from '../membership/member.ts';
import type { Registry } from '../registry/registry.ts';

const { Health: WireHealth, Member: WireMember } = disco.v1;

export const wireHealth: Readonly<Record<Health, disco.v1.Health>> = {
  passing: WireHealth.HEALTH_PASSING,
  warning: WireHealth.HEALTH_WARNING,
  critical: WireHealth.HEALTH_CRITICAL,
  maintenance: WireHealth.HEALTH_MAINTENANCE,
};

const wireState: Readonly<Record<MemberState, disco.v1.Member.State>> = {
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
  };
}

/** Every member that this node knows, itself first, then by name and peer id. */
export function memberMessages(
  registry: Registry,
  isLinked: (peer: string) => boolean,
): disco.v1.Member.$Properties[] {
  const messages: disco.v1.Member.$Properties[] = [];
  for (const { owner, state, incarnation, since } of registry.members()) {
    const held = registry.state(owner);
    if (held === undefined) continue;
    const { facts, lastUpdate } = held.head.head;
    messages.push({
      peerId: owner,
      name: facts.name,
      state: wireState[state],
      addresses: [...facts.addresses],
      incarnation,
      lastUpdate,
      stateSince: since,
      version: facts.version,
      self: owner === registry.self,
      linked: isLinked(owner),
      instances: held.set.count - held.set.tombstones,
    });
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
