/**
 * Instance: a record as this node shows it, and why it comes or goes.
 */
import { hostPort } from '../record/names.ts';
import type { OwnerId } from '../record/owner.ts';
import type { ServiceRecord } from '../record/record.ts';

export interface Instance {
  readonly record: ServiceRecord;
  /** Name of the node that registered it, for people. */
  readonly node: string;
  /** Its owner fell silent; it is shown because its service is held (see brake.ts). */
  readonly isHeld?: true;
}

export type UpReason = 'registered' | 'updated' | 'owner_back' | 'held';
export type DownReason = 'deregistered' | 'owner_left' | 'owner_dead' | 'expired' | 'replaced';

export type InstanceEvent =
  | { readonly kind: 'up'; readonly instance: Instance; readonly reason: UpReason }
  | { readonly kind: 'down'; readonly instance: Instance; readonly reason: DownReason };

/** Names one instance among those of all owners. */
export function instanceKey(owner: OwnerId, instanceId: string): string {
  return `${instanceId}/${owner}`;
}

/** `ip:port`, IPv6 in brackets. */
export function instanceAddress({ record }: Instance): string {
  return hostPort(record.ip, record.port);
}

/** By group, name, instance id, owner: the order of every list. */
export function compareInstances(a: Instance, b: Instance): number {
  return (
    compareText(a.record.group, b.record.group) ||
    compareText(a.record.name, b.record.name) ||
    compareText(a.record.instanceId, b.record.instanceId) ||
    compareText(a.record.owner, b.record.owner)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
