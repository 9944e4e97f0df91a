/**
 * Visibility: which instances are shown, and the events when that changes.
 *
 * An instance is shown while its record is live and its owner is alive or suspect. Death hides, it
 * does not delete: the records stay, and are shown again when the owner returns. When most of a
 * service falls silent at once the brake holds it, and what is held is shown and marked.
 */
import type { Now } from '../base/clock.ts';
import { isShown } from '../membership/member.ts';
import type { DeathCause, MemberState } from '../membership/member.ts';
import type { OwnerState } from '../record/merge.ts';
import type { SealedRecord, ServiceRecord } from '../record/record.ts';
import type { Brake } from './brake.ts';
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
  /** What is said of its end just now, whether that is news or not. */
  readonly death: DeathCause | undefined;
}

/** What is shown, and what keeps it from vanishing all at once. */
export interface View {
  readonly index: ServiceIndex;
  readonly brake: Brake;
}

/** Brings the view up to date and tells what changed for those who look. */
export function show(view: View, transition: Transition, now: Now): InstanceEvent[] {
  const { before, after, death } = transition;
  const wasShown = before !== undefined && isShown(before);
  const change = new ViewChange(view, transition.next.head.head.facts.name, now);
  if (after !== undefined && isShown(after)) showOwner(change, transition, wasShown);
  else if (wasShown && after === 'dead' && death === 'silent')
    change.fallSilent(transition.next.set.records());
  else if (!wasShown && after === 'dead' && death !== 'refused') followHeld(change, transition);
  else if (wasShown || !view.brake.isIdle) hideOwner(change, transition);
  return change.events;
}

function showOwner(change: ViewChange, transition: Transition, wasShown: boolean): void {
  const { next, puts, removes, before } = transition;
  const first: UpReason = before === undefined || wasShown ? 'registered' : 'owner_back';
  // A tombstone among them was given up in the same passage in which it was made.
  for (const { record } of removes)
    change.down(record, record.deleted ? 'deregistered' : 'replaced');
  const changed = wasShown ? puts : next.set.records();
  for (const { record } of changed)
    if (record.deleted) change.gone(record);
    else change.up(record, first);
}

/** A dead owner's word from before: it shows nothing, but what is held goes by it. */
function followHeld(change: ViewChange, { puts, removes }: Transition): void {
  for (const { record } of removes)
    change.down(record, record.deleted ? 'deregistered' : 'replaced');
  for (const { record } of puts)
    if (record.deleted) change.down(record, 'deregistered');
    else change.update(record);
}

function hideOwner(change: ViewChange, { next, removes, after }: Transition): void {
  const reason = hiddenBecause(after);
  for (const { record } of [...removes, ...next.set.records()]) change.down(record, reason);
}

/** One change of the view: what is done to it, and the events that tell of it. */
class ViewChange {
  readonly events: InstanceEvent[] = [];
  readonly #view: View;
  readonly #node: string;
  readonly #now: Now;

  constructor(view: View, node: string, now: Now) {
    this.#view = view;
    this.#node = node;
    this.#now = now;
  }

  up(record: ServiceRecord, first: UpReason): void {
    this.#view.brake.forget(record);
    const shown = this.#shown(record);
    const instance: Instance = { record, node: this.#node };
    const isFirst = shown === undefined || shown.isHeld === true;
    this.#put(instance, isFirst ? first : 'updated');
  }

  down(record: ServiceRecord, reason: DownReason): void {
    this.#view.brake.forget(record);
    this.#hide(record, reason);
  }

  /** A tombstone: of what is shown here, or went before it could be. */
  gone(record: ServiceRecord): void {
    this.down(record, 'deregistered');
    const { instanceId, lastUpdate } = record;
    const reason = 'deregistered';
    this.#view.index.noteGone(record, { at: lastUpdate, reason, instanceId, node: this.#node });
  }

  /** All that one owner has is hidden or held, service by service. */
  fallSilent(records: Iterable<SealedRecord>): void {
    const services = new Map<string, [Instance, ...Instance[]]>();
    for (const { record } of records) {
      const shown = this.#shown(record);
      if (shown === undefined) continue;
      const service = `${record.group}/${record.name}`;
      const lost = services.get(service);
      if (lost === undefined) services.set(service, [shown]);
      else lost.push(shown);
    }
    const { index, brake } = this.#view;
    for (const lost of services.values()) {
      const { group, name } = lost[0].record;
      const held = brake.lose({ group, name }, lost, index.unsorted(group, name), this.#now);
      for (const instance of held) this.#put({ ...instance, isHeld: true }, 'held');
      if (held.length === 0) for (const { record } of lost) this.#hide(record, 'owner_dead');
    }
  }

  /** A newer statement about what is held; what is not stays hidden. */
  update(record: ServiceRecord): void {
    const instance: Instance = { record, node: this.#node };
    if (this.#view.brake.update(instance)) this.#put({ ...instance, isHeld: true }, 'updated');
  }

  #put(instance: Instance, reason: UpReason): void {
    this.#view.index.put(instance);
    this.events.push({ kind: 'up', instance, reason });
  }

  #hide(record: ServiceRecord, reason: DownReason): void {
    const instance = this.#shown(record);
    if (instance === undefined) return;
    this.#view.index.remove(instance, { at: this.#now.wallMicros, reason });
    this.events.push({ kind: 'down', instance, reason });
  }

  #shown({ group, name, owner, instanceId }: ServiceRecord): Instance | undefined {
    return this.#view.index.get(group, name, owner, instanceId);
  }
}

/** Hides what was held for as long as it may be, and tells of it. */
export function letGo({ index, brake }: View, now: Now): InstanceEvent[] {
  const over = brake.tick((group, name) => index.unsorted(group, name).size, now);
  return over.map((lost) => {
    index.remove(lost, { at: now.wallMicros, reason: 'owner_dead' });
    return { kind: 'down', instance: { ...lost, isHeld: true }, reason: 'owner_dead' };
  });
}

function hiddenBecause(state: MemberState | undefined): DownReason {
  if (state === undefined) return 'expired';
  return state === 'left' ? 'owner_left' : 'owner_dead';
}
