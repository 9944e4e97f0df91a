/**
 * Visibility: which instances are shown, and the events when that changes.
 *
 * An instance is shown while its record is live and its owner is alive or suspect. Death hides, it
 * does not delete: the records stay, and are shown again when the owner returns.
 */
import { isShown } from '../membership/member.ts';
import type { MemberState } from '../membership/member.ts';
import type { OwnerState } from '../record/merge.ts';
import type { SealedRecord, ServiceRecord } from '../record/record.ts';
import type { DownReason, Instance, InstanceEvent, UpReason } from './instance.ts';
import type { ServiceIndex } from './service-index.ts';

/** An owner's way to its next state: what its records did. */
export interface Passage {
  readonly next: OwnerState;
  readonly puts: readonly SealedRecord[];
  readonly removes: readonly SealedRecord[];
}

/** What happened to one owner: to its records, and to its state as a member. */
export interface Transition extends Passage {
  /** Undefined when it was not known before. */
  readonly before: MemberState | undefined;
  /** Undefined when it is known no more. */
  readonly after: MemberState | undefined;
}

/** Brings the index up to date and tells what changed for those who look. */
export function show(
  index: ServiceIndex,
  transition: Transition,
  wallMicros: number,
): InstanceEvent[] {
  const { next, puts, removes, before, after } = transition;
  const wasShown = before !== undefined && isShown(before);
  const node = next.head.head.facts.name;
  const events: InstanceEvent[] = [];
  const down = (record: ServiceRecord, reason: DownReason): void => {
    const shown = index.get(record.group, record.name, record.owner, record.instanceId);
    if (shown === undefined) return;
    index.remove(shown, { at: wallMicros, reason });
    events.push({ kind: 'down', instance: shown, reason });
  };
  const first: UpReason = before === undefined || wasShown ? 'registered' : 'owner_back';
  const up = (record: ServiceRecord): void => {
    const shown = index.get(record.group, record.name, record.owner, record.instanceId);
    const instance: Instance = { record, node };
    index.put(instance);
    events.push({ kind: 'up', instance, reason: shown === undefined ? first : 'updated' });
  };

  if (after === undefined || !isShown(after)) {
    const reason = hiddenBecause(after);
    if (wasShown)
      for (const { record } of [...removes, ...next.set.records()]) down(record, reason);
    return events;
  }
  // A tombstone among them was given up in the same passage in which it was made.
  for (const { record } of removes) down(record, record.deleted ? 'deregistered' : 'replaced');
  const changed = wasShown ? puts : next.set.records();
  for (const { record } of changed)
    if (record.deleted) down(record, 'deregistered');
    else up(record);
  return events;
}

function hiddenBecause(state: MemberState | undefined): DownReason {
  if (state === undefined) return 'expired';
  return state === 'left' ? 'owner_left' : 'owner_dead';
}
