/**
 * WatchWords: the messages of a Watch, in the form in which its stream takes them.
 *
 * An event is told to many streams at about the same time, and to all in the same words. So those
 * for gRPC are encoded by the first stream that tells an event, and copied by the others.
 */
import { disco } from '../gen/discovery.js';
import type { Instance, InstanceEvent } from '../registry/instance.ts';
import { instanceMessage } from './convert.ts';
import { encodedInstance } from './encoded-instance.ts';
import type { InstanceForm } from './encoded-instance.ts';

const { Kind } = disco.v1.WatchEvent;

/** Events whose words are kept: more than a reader that keeps up is told at a time. */
const keptMax = 256;

export type WatchMessage = disco.v1.WatchEvent.$Properties;

export interface WatchWords {
  /** Of a snapshot. */
  present(instance: Instance, isConflict: boolean): WatchMessage;
  /** @param cursor the place right behind the event: the same one whoever is told of it */
  happened(event: InstanceEvent, isConflict: boolean, cursor: string): WatchMessage;
}

/** Messages with all their fields. */
export const plainWords: WatchWords = {
  present: (instance, isConflict) => up(instanceMessage, instance, isConflict),
  happened: (event, isConflict, cursor) => tell(instanceMessage, event, isConflict, cursor),
};

/** Messages that hold their bytes, and are good for nothing but to be encoded. */
export class EncodedWords implements WatchWords {
  /** The last that were told, oldest first. */
  readonly #kept = new Map<InstanceEvent, { isConflict: boolean; message: WatchMessage }>();

  present(instance: Instance, isConflict: boolean): WatchMessage {
    return up(encodedInstance, instance, isConflict);
  }

  happened(event: InstanceEvent, isConflict: boolean, cursor: string): WatchMessage {
    const kept = this.#kept.get(event);
    if (kept?.isConflict === isConflict) return kept.message;
    const plain = tell(encodedInstance, event, isConflict, cursor);
    const message = { $unknowns: [disco.v1.WatchEvent.encode(plain).finish()] };
    this.#keep(event, { isConflict, message });
    return message;
  }

  #keep(event: InstanceEvent, words: { isConflict: boolean; message: WatchMessage }): void {
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= keptMax && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(event, words);
  }
}

function up(form: InstanceForm, instance: Instance, isConflict: boolean): WatchMessage {
  return { kind: Kind.UP, instance: form(instance, isConflict) };
}

function tell(
  form: InstanceForm,
  event: InstanceEvent,
  isConflict: boolean,
  cursor: string,
): WatchMessage {
  const instance = form(event.instance, isConflict);
  if (event.kind === 'up') return { kind: Kind.UP, instance, cursor };
  return { kind: Kind.DOWN, instance, cursor, reason: event.reason };
}
