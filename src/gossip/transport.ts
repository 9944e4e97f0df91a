/**
 * Transport: how bytes get to other nodes. Two bodies (libp2p, memory), one contract suite.
 *
 * - `linked` comes once for a peer before any of its messages, `unlinked` once after the last.
 * - Messages of one peer arrive whole, in order, each once; a link may break at any time, and what
 *   was under way is then lost without a word. No message is empty: to send one is a mistake in the
 *   code, since readers of length-prefixed frames are free to pass over it.
 * - A published rumor may arrive twice, late or never; it is passed on only when accepted.
 * - `dial` answers exactly once. A dial to a peer that is linked already succeeds.
 * - Nothing queues without a bound: `send` to a peer that does not read says false and drops.
 */
import type { OwnerId } from '../record/owner.ts';
import type { DialFailure, DialTarget, RumorVerdict } from './context.ts';

export type DialOutcome =
  | { readonly kind: 'dialed'; readonly peer: OwnerId }
  | { readonly kind: 'failed'; readonly how: DialFailure };

export interface TransportHandler {
  linked(peer: OwnerId): void;
  unlinked(peer: OwnerId): void;
  message(peer: OwnerId, bytes: Uint8Array): void;
  rumor(peer: OwnerId, bytes: Uint8Array): RumorVerdict;
}

export interface Transport {
  /**
   * Begins to listen.
   *
   * @returns multiaddrs that it listens on, with the real port and without a peer id
   * @throws DiscoError FAILED_PRECONDITION: PORT_IN_USE, ADDRESS_UNAVAILABLE
   */
  start(handler: TransportHandler): Promise<readonly string[]>;
  dial(target: DialTarget, timeoutMs: number, done: (outcome: DialOutcome) => void): void;
  /** @returns false when the message was dropped */
  send(peer: OwnerId, bytes: Uint8Array): boolean;
  publish(bytes: Uint8Array): void;
  /** Closes the link after what was sent is out; `unlinked` follows. */
  hangUp(peer: OwnerId): void;
  stop(): Promise<void>;
}
