/**
 * The transport contract around another transport, counting what goes through by kind of frame.
 *
 * Bytes are those of the frames and rumors themselves: what noise, yamux, gossipsub and TCP add, and
 * the copies of a rumor that gossipsub sends and drops, are not among them.
 */
import type { OwnerId } from '../record/owner.ts';
import type { DialTarget, RumorVerdict } from './context.ts';
import type { DialOutcome, Transport, TransportHandler } from './transport.ts';

/** By the field of `Frame` in proto/disco/v1/gossip.proto that it is. */
const kindOfField: readonly (string | undefined)[] = [
  undefined,
  'hello',
  'refusal',
  'digest',
  'delta',
  'want',
  'done',
  'rumor',
  'check',
  'bye',
  'more_symbols',
  'symbols',
  'difference',
  'beyond',
  'pull',
  'page',
  'busy',
  'same',
  undefined,
  undefined,
  'neighbor',
  'token',
  'accusation',
  'ping',
  'pong',
  'ask_vouch',
  'vouch',
  'dismissal',
];
const broadcast = kindOfField.length;
const other = broadcast + 1;

/** What went one way of one kind. */
export interface KindTraffic {
  /** A field of the wire's `Frame`, `broadcast`, or `other` for what a later version has. */
  readonly kind: string;
  readonly frames: number;
  readonly bytes: number;
}

/** Frames and bytes of one direction, by kind. */
class Traffic {
  readonly #frames = new Float64Array(other + 1);
  readonly #bytes = new Float64Array(other + 1);

  note(kind: number, bytes: number): void {
    this.#frames[kind] = (this.#frames[kind] ?? 0) + 1;
    this.#bytes[kind] = (this.#bytes[kind] ?? 0) + bytes;
  }

  /** Every kind there is, also those of which nothing went yet. */
  kinds(): KindTraffic[] {
    return [...kindOfField, 'broadcast', 'other'].flatMap((kind, index) => {
      if (kind === undefined) return [];
      return [{ kind, frames: this.#frames[index] ?? 0, bytes: this.#bytes[index] ?? 0 }];
    });
  }
}

/** Counts what a transport sends and receives; O(1) and without an allocation a frame. */
export class MeteredTransport implements Transport, TransportHandler {
  readonly sent = new Traffic();
  readonly received = new Traffic();
  readonly #transport: Transport;
  #handler: TransportHandler | undefined;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  start(handler: TransportHandler): Promise<readonly string[]> {
    this.#handler = handler;
    return this.#transport.start(this);
  }

  dial(target: DialTarget, timeoutMs: number, done: (outcome: DialOutcome) => void): void {
    this.#transport.dial(target, timeoutMs, done);
  }

  send(peer: OwnerId, bytes: Uint8Array): boolean {
    const isSent = this.#transport.send(peer, bytes);
    if (isSent) this.sent.note(fieldOf(bytes), bytes.length);
    return isSent;
  }

  publish(bytes: Uint8Array): void {
    this.sent.note(broadcast, bytes.length);
    this.#transport.publish(bytes);
  }

  hangUp(peer: OwnerId): void {
    this.#transport.hangUp(peer);
  }

  stop(): Promise<void> {
    return this.#transport.stop();
  }

  linked(peer: OwnerId): void {
    this.#handler?.linked(peer);
  }

  unlinked(peer: OwnerId): void {
    this.#handler?.unlinked(peer);
  }

  message(peer: OwnerId, bytes: Uint8Array): void {
    this.received.note(fieldOf(bytes), bytes.length);
    this.#handler?.message(peer, bytes);
  }

  rumor(peer: OwnerId, bytes: Uint8Array): RumorVerdict {
    this.received.note(broadcast, bytes.length);
    return this.#handler?.rumor(peer, bytes) ?? 'ignore';
  }
}

/** The first field of the message, which has no other. Nothing is decoded. */
function fieldOf(bytes: Uint8Array): number {
  const first = bytes[0] ?? 0;
  const second = bytes[1] ?? 0;
  const field = first < 128 ? first >> 3 : ((first & 127) | ((second & 127) << 7)) >> 3;
  return kindOfField[field] === undefined ? other : field;
}
