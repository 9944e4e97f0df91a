/**
 * What was registered without an ip is at this host's address, and that may be another one than in the
 * life before: a lease of DHCP, a pod that was made anew. What stayed behind would lead callers to
 * whoever has the address now.
 */
import { placedAt } from '../api/placement.ts';
import { bucketOf } from '../record/encoding.ts';
import { healthBeneath } from '../record/health.ts';
import { recordKey } from '../record/record.ts';
import type { RecordKey } from '../record/record.ts';
import type { Mutation } from '../registry/own-state.ts';
import type { Registry } from '../registry/registry.ts';
import type { Registration } from '../store/store.ts';

/**
 * What moves own registrations to the address of the host, none that are there already. Those of
 * registration files are left to the files.
 *
 * @param hostAddress at which peers reach this host; one that means nothing to others moves nothing
 */
export function movesTo(hostAddress: string, registry: Registry): Mutation[] {
  const mutations: Mutation[] = [];
  for (const [key, registration] of registry.registrations()) {
    const moved =
      registration.source === undefined ? placedNow(registration, hostAddress) : undefined;
    if (moved === undefined || moved.ip === registration.ip) continue;
    const { group, name, instanceId } = moved;
    const newKey = recordKey(group, name, instanceId);
    // Before it is registered anew: there may be no room for one more.
    if (newKey !== key) mutations.push({ kind: 'deregister', key });
    const rule = newKey === key ? undefined : registry.maintenance.get(registration);
    // What was taken out of use stays so under its new id.
    if (rule !== undefined)
      for (const moving of [
        { ...rule, reason: '' },
        { ...rule, instanceId },
      ])
        mutations.push({ kind: 'maintenance', rule: moving });
    // Whoever registered there knew the address.
    if (newKey !== key && registry.registration(newKey) !== undefined) continue;
    mutations.push({ kind: 'register', registration: moved });
    const health = healthOf(key, registry);
    if (health !== 'passing') mutations.push({ kind: 'health', key: newKey, health });
  }
  return mutations;
}

function placedNow(registration: Registration, hostAddress: string): Registration | undefined {
  const { follows, ...wish } = registration;
  if (follows === undefined) return undefined;
  const id = follows === 'ip and id' ? { instanceId: '' } : {};
  try {
    return { ...placedAt({ ...wish, ip: '', ...id }, hostAddress), follows };
  } catch {
    // Better where it was than nowhere: it can be registered again when the host has an address.
    return undefined;
  }
}

/** A move heals nobody. */
function healthOf(key: RecordKey, registry: Registry) {
  const record = registry.state(registry.self)?.set.get(key, bucketOf(key))?.record;
  return record === undefined ? 'passing' : healthBeneath(record);
}
