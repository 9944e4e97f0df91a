/**
 * Visibility: which instances are shown, and the events when that changes.
 *
 * An instance is shown while its record is live and its owner is alive or suspect. Death hides, it
 * does not delete: the records stay, and are shown again when the owner returns.
 */
import type { OwnerState } from '../record/merge.ts';
import type { SealedRecord, ServiceRecord } from '../record/record.ts';
import type { DownReason, Instance, InstanceEvent, UpReason } from './instance.ts';
import type { ServiceIndex } from './service-index.ts';

/** What happened to one owner's state: the sets before and after, and whether they are shown. */
export interface Transition {
  readonly next: OwnerState;
  readonly puts: readonly SealedRecord[];
  readonly removes: readonly SealedRecord[];
  readonly wasShown: boolean;
  readonly isShown: boolean;
  /** Why all of it goes, when the owner is no longer shown. */
  readonly hiddenBecause: DownReason;
}

/** Brings the index up to date and tells what changed for those who look. */
export function show(
  index: ServiceIndex,
  transition: Transition,
  wallMicros: number,
): InstanceEvent[] {
  const { next, puts, removes, wasShown, isShown, hiddenBecause } = transition;
  const node = next.head.head.facts.name;
  const events: InstanceEvent[] = [];
  const down = (record: ServiceRecord, reason: DownReason): void => {
    const shown = index.get(record.group, record.name, record.owner, record.instanceId);
    if (shown === undefined) return;
    index.remove(shown, { at: wallMicros, reason });
    events.push({ kind: 'down', instance: shown, reason });
  };
  const up = (record: ServiceRecord, returning: boolean): void => {
    const shown = index.get(record.group, record.name, record.owner, record.instanceId);
    const first: UpReason = returning ? 'owner_back' : 'registered';
    const instance: Instance = { record, node };
    index.put(instance);
    events.push({ kind: 'up', instance, reason: shown === undefined ? first : 'updated' });
  };

  if (!isShown) {
    if (wasShown) {
      for (const { record } of removes) down(record, hiddenBecause);
      for (const { record } of next.set.records()) down(record, hiddenBecause);
    }
    return events;
  }
  for (const { record } of removes) down(record, 'replaced');
  const changed = wasShown ? puts : next.set.records();
  for (const { record } of changed)
    if (record.deleted) down(record, 'deregistered');
    else up(record, !wasShown);
  return events;
}
