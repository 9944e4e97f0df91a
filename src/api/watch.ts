/**
 * Watch: a snapshot, an end mark, then changes, each with a cursor.
 *
 *   cursor known ────────────────────────────────▶ changes after it
 *   no cursor, or lost ─▶ BEGIN, UP…, END(cursor) ─▶ changes after it
 *
 * A watcher reads the registry's feed from where it is, as fast as its stream takes it, and is
 * woken only when there is more. Of what it reads at a time it tells each instance once, as it is
 * at the end of that: who is slow, or comes back, is not led through every state on the way. One
 * that falls too far behind all the same is told so, and can resume.
 *
 * What waits for it are references into the feed, of about `batchEventsMax` events; messages are
 * made as the stream takes them.
 */
import { DiscoError } from '../base/error.ts';
import { disco } from '../gen/discovery.js';
import type { Change } from '../registry/change-feed.ts';
import { instanceKey } from '../registry/instance.ts';
import type { Instance, InstanceEvent } from '../registry/instance.ts';
import type { Registry } from '../registry/registry.ts';
import { Pump } from './pump.ts';
import type { PumpSink } from './pump.ts';
import { checkFilterName, invalid } from './validate.ts';
import { plainWords } from './watch-words.ts';
import type { WatchMessage, WatchWords } from './watch-words.ts';

const { Kind } = disco.v1.WatchEvent;

/** Of what was missed, so much is read, and told without repetition, at a time. */
const batchEventsMax = 1_000;

export type { WatchMessage } from './watch-words.ts';

/** Where the events go: a gRPC call, or a test. */
export interface WatchSink extends PumpSink<WatchMessage> {
  /** Ends the stream with an error. */
  fail(error: DiscoError): void;
}

/**
 * A place in the changes of one database, written `id-revision`, or `id-revision.skip` amid the
 * events of one change: all up to `revision` is told, and `skip` events of the change after it.
 */
interface Cursor {
  readonly databaseId: string;
  readonly revision: number;
  readonly skip: number;
}

/** An event that is told, and the place right behind it. */
interface Told {
  readonly event: InstanceEvent;
  readonly revision: number;
  readonly skip: number;
}

export class WatchSession {
  readonly #registry: Registry;
  readonly #group: string | undefined;
  readonly #name: string | undefined;
  readonly #sink: WatchSink;
  readonly #lagMax: number;
  readonly #words: WatchWords;
  /** Made already, not taken by the sink yet; refilled only when empty. */
  #queue: Iterator<WatchMessage> = [][Symbol.iterator]();
  #revision = 0;
  /** Events of the change after `#revision` that were told already. */
  #skip = 0;
  readonly #pump: Pump<WatchMessage>;
  #unfollow: () => void = () => undefined;

  /**
   * @param lagMax revisions that a watcher may be behind
   * @param words in the form that the sink takes; those of gRPC are shared by all its streams
   */
  constructor(
    registry: Registry,
    request: disco.v1.WatchRequest.$Properties,
    sink: WatchSink,
    lagMax: number,
    words: WatchWords = plainWords,
  ) {
    this.#registry = registry;
    this.#group = checkFilterName('group', request.group ?? '');
    this.#name = checkFilterName('name', request.name ?? '');
    this.#sink = sink;
    this.#pump = new Pump(sink, () => this.#next());
    this.#lagMax = lagMax;
    this.#words = words;
    this.#begin(request.cursor ?? '');
  }

  start(): void {
    this.#unfollow = this.#registry.feed.follow(() => {
      this.#pump.wake();
      this.#checkLag();
    });
    this.#pump.run();
  }

  /** The sink takes more again. */
  resume(): void {
    this.#pump.resume();
  }

  close(): void {
    this.#pump.close();
    this.#unfollow();
  }

  #begin(text: string): void {
    const { feed, databaseId } = this.#registry;
    const cursor = text === '' ? undefined : readCursor(text);
    if (cursor?.databaseId === databaseId && feed.read(cursor.revision, 1).kind === 'changes') {
      this.#revision = cursor.revision;
      this.#skip = cursor.skip;
    } else {
      this.#revision = feed.revision;
      this.#queue = this.#snapshot();
    }
  }

  #next(): WatchMessage | undefined {
    for (;;) {
      const next = this.#queue.next();
      if (next.done !== true) return next.value;
      if (!this.#refill()) return undefined;
    }
  }

  /** @returns false when there is nothing to write */
  #refill(): boolean {
    const { feed } = this.#registry;
    if (feed.revision === this.#revision) return false;
    const answer = feed.read(this.#revision, batchEventsMax);
    if (answer.kind === 'lost') return this.#tooSlow();
    if (answer.changes.length === 0) return false;
    const told = this.#newest(answer.changes);
    this.#revision = answer.revision;
    this.#queue = this.#messages(told);
    return true;
  }

  #checkLag(): void {
    if (this.#pump.isFull && this.#registry.feed.revision - this.#revision > this.#lagMax)
      this.#tooSlow();
  }

  #tooSlow(): false {
    if (this.#pump.isClosed) return false;
    this.close();
    const sentence = `this watcher fell more than ${this.#lagMax} changes behind: resume with the last cursor, and read faster or watch less`;
    this.#sink.fail(new DiscoError('RESOURCE_EXHAUSTED', 'WATCH_TOO_SLOW', sentence));
    return false;
  }

  *#snapshot(): Generator<WatchMessage> {
    const instances = this.#registry.index.list(this.#group, this.#name);
    const cursor = this.#cursor(this.#revision);
    yield { kind: Kind.SNAPSHOT_BEGIN };
    for (const instance of instances)
      yield this.#words.present(instance, this.#isConflict(instance));
    yield { kind: Kind.SNAPSHOT_END, cursor };
  }

  #isWatched({ record }: Instance): boolean {
    return (
      (this.#group === undefined || record.group === this.#group) &&
      (this.#name === undefined || record.name === this.#name)
    );
  }

  /**
   * Events in their order, but for those after which the same instance has another one. Leaving
   * them out is safe for who resumes in between: the cursor lies before the other one.
   */
  #newest(changes: readonly Change[]): Iterable<Told> {
    const told = new Map<string, Told>();
    for (const { revision, events } of changes) {
      const skip = this.#skip;
      this.#skip = 0;
      for (const [index, event] of events.entries()) {
        if (index < skip || !this.#isWatched(event.instance)) continue;
        const key = keyOf(event.instance);
        // Behind all others, as it comes now.
        told.delete(key);
        const isLast = index + 1 === events.length;
        told.set(key, {
          event,
          revision: isLast ? revision : revision - 1,
          skip: isLast ? 0 : index + 1,
        });
      }
    }
    return told.values();
  }

  *#messages(told: Iterable<Told>): Generator<WatchMessage> {
    for (const { event, revision, skip } of told) {
      const cursor = this.#cursor(revision, skip);
      yield this.#words.happened(event, this.#isConflict(event.instance), cursor);
    }
  }

  #isConflict(instance: Instance): boolean {
    return this.#registry.index.isConflict(instance);
  }

  #cursor(revision: number, skip = 0): string {
    return `${this.#registry.databaseId}-${revision}${skip === 0 ? '' : `.${skip}`}`;
  }
}

function keyOf({ record }: Instance): string {
  return `${record.group}/${record.name}/${instanceKey(record.owner, record.instanceId)}`;
}

function readCursor(text: string): Cursor {
  const match = /^([A-Za-z0-9]{1,64})-(\d{1,16})(?:\.(\d{1,9}))?$/.exec(text);
  if (match === null) {
    const sentence = 'cursor is none that this API gave out: use that of the last event, or none';
    throw invalid('INVALID_CURSOR', sentence);
  }
  const [, databaseId = '', revision, skip = '0'] = match;
  return { databaseId, revision: Number(revision), skip: Number(skip) };
}
