/**
 * The instances that a watch has told of: pure, fed event by event.
 *
 * Invariant: what `list()` shows is always a whole answer. A fresh snapshot is gathered aside
 * (`staging`) and takes the place of the old list at its end mark; a stream cut in between leaves
 * the old list as it was, and the old cursor, so that the next stream begins where this one did.
 */
import { DiscoError } from '../base/error.ts';
import { disco } from '../gen/discovery.js';
import { compareInstances, instanceFromProto, instanceKey } from './instance.ts';
import type { Instance } from './instance.ts';

/** A change of the list. */
export type InstanceChange =
  /** Appeared or changed; `previous` is what was known of it before. */
  | { readonly kind: 'up'; readonly instance: Instance; readonly previous: Instance | undefined }
  /**
   * Gone or hidden. `reason` is the daemon's (deregistered, owner_left, owner_dead, expired,
   * replaced …), or `snapshot` when a fresh snapshot no longer had it.
   */
  | { readonly kind: 'down'; readonly instance: Instance; readonly reason: string };

const noChanges: readonly InstanceChange[] = [];
const { SNAPSHOT_BEGIN, SNAPSHOT_END, UP, DOWN } = disco.v1.WatchEvent.Kind;

export class InstanceTable {
  readonly #instancesMax: number;
  #current = new Map<string, Instance>();
  #staging: Map<string, Instance> | undefined;
  #sorted: readonly Instance[] | undefined;
  #cursor = '';
  #complete = false;

  /** @param instancesMax how many instances the list may hold; one more is an error */
  constructor(instancesMax: number) {
    this.#instancesMax = instancesMax;
  }

  /** Where to resume; empty: from a fresh snapshot. */
  get cursor(): string {
    return this.#cursor;
  }

  /** A first snapshot has been seen to its end. */
  get complete(): boolean {
    return this.#complete;
  }

  /** A snapshot has begun and not ended: the daemon knows more than the list shows. */
  get inSnapshot(): boolean {
    return this.#staging !== undefined;
  }

  /** Sorted by group, name, instanceId, owner; the same array until something changes. */
  list(): readonly Instance[] {
    this.#sorted ??= Object.freeze([...this.#current.values()].sort(compareInstances));
    return this.#sorted;
  }

  /**
   * Takes one event.
   *
   * @returns what changed in the list, in the order of the events; nothing inside a snapshot
   * @throws DiscoError RESOURCE_EXHAUSTED/TOO_MANY_RECORDS when the list would outgrow its bound
   */
  apply(event: disco.v1.WatchEvent.$Properties): readonly InstanceChange[] {
    const cursor = event.cursor ?? '';
    switch (event.kind) {
      case SNAPSHOT_BEGIN:
        this.#staging = new Map();
        return noChanges;
      case SNAPSHOT_END:
        return this.#finishSnapshot(cursor);
      case UP:
      case DOWN:
        return this.#applyInstance(event, cursor);
      default:
        // A kind of a newer daemon: nothing that this client could show.
        return noChanges;
    }
  }

  /** The stream ended: a half-received snapshot is worth nothing. */
  cut(): void {
    this.#staging = undefined;
  }

  /** Asks for a fresh snapshot next time. */
  forgetCursor(): void {
    this.#cursor = '';
  }

  #applyInstance(
    event: disco.v1.WatchEvent.$Properties,
    cursor: string,
  ): readonly InstanceChange[] {
    if (!event.instance) return noChanges;
    const instance = instanceFromProto(event.instance);
    const key = instanceKey(instance);
    const target = this.#staging ?? this.#current;
    const previous = target.get(key);
    if (event.kind === UP) {
      if (previous === undefined && target.size >= this.#instancesMax) throw this.#tooMany();
      target.set(key, instance);
    } else {
      target.delete(key);
    }
    if (this.#staging !== undefined) return noChanges;
    if (cursor !== '') this.#cursor = cursor;
    if (event.kind === UP) {
      this.#sorted = undefined;
      return [{ kind: 'up', instance, previous }];
    }
    if (previous === undefined) return noChanges;
    this.#sorted = undefined;
    return [{ kind: 'down', instance: previous, reason: event.reason ?? '' }];
  }

  #finishSnapshot(cursor: string): readonly InstanceChange[] {
    if (cursor !== '') this.#cursor = cursor;
    this.#complete = true;
    const fresh = this.#staging;
    if (fresh === undefined) return noChanges;
    const changes: InstanceChange[] = [];
    for (const [key, previous] of this.#current) {
      if (!fresh.has(key)) changes.push({ kind: 'down', instance: previous, reason: 'snapshot' });
    }
    for (const [key, instance] of fresh) {
      const previous = this.#current.get(key);
      if (previous !== undefined && sameStatement(previous, instance)) fresh.set(key, previous);
      else changes.push({ kind: 'up', instance, previous });
    }
    this.#current = fresh;
    this.#staging = undefined;
    this.#sorted = undefined;
    return changes;
  }

  #tooMany(): DiscoError {
    return new DiscoError(
      'RESOURCE_EXHAUSTED',
      'TOO_MANY_RECORDS',
      `this watch covers more than ${this.#instancesMax} instances; ` +
        'watch one group or one service of it, or raise instancesMax',
    );
  }
}

/** All that can differ while lastUpdate does not is what the daemon itself adds. */
function sameStatement(a: Instance, b: Instance): boolean {
  return (
    a.lastUpdate === b.lastUpdate &&
    a.health === b.health &&
    a.conflict === b.conflict &&
    a.held === b.held &&
    a.node === b.node &&
    a.ip === b.ip &&
    a.port === b.port
  );
}
