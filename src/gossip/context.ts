/**
 * What the parts of the engine share, what it takes in and what it asks its host to do.
 *
 * The engine never waits, reads a clock or touches a socket: `step(input, now) -> effects`. The
 * daemon hosts it on libp2p, tests and the simulator on a network in memory.
 */
import type { Counters } from '../base/counters.ts';
import type { Now } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { OwnerId } from '../record/owner.ts';
import type { Verifier } from '../record/signature.ts';
import type { Identity } from '../registry/own-state.ts';
import type { Registry } from '../registry/registry.ts';

/** Times and numbers of the protocol; all of them are keys of the daemon's config. */
export interface GossipConfig {
  readonly gossipIntervalMs: number;
  readonly gossipK: number;
  readonly probeIntervalMs: number;
  readonly rumorIntervalMs: number;
  readonly dialTimeoutMs: number;
  readonly joinTimeoutMs: number;
  readonly pendingDialsMax: number;
  readonly neighborsK: number;
  readonly reapAfterMs: number;
  readonly headRefreshMs: number;
  readonly clockAheadMs: number;
  /** Go by the peers' time when our clock is behind it too; ahead of it, we always do. */
  readonly trustPeerClock: boolean;
}

/** Whom to dial: a known node, or whoever answers at an address. */
export interface DialTarget {
  readonly peer?: OwnerId;
  /** Multiaddrs without a peer id. */
  readonly addresses: readonly string[];
  /** It is likely that nobody listens there any more: to be found out in the cheapest way first. */
  readonly isDoubted?: boolean;
}

/** Why a dial did not lead to a link. */
export type DialFailure = 'refused' | 'timeout' | 'unreachable' | 'self' | 'other_peer';

export type Input =
  | { readonly kind: 'start' }
  /** The time named by the last `wakeAt` has come. */
  | { readonly kind: 'wake' }
  /** One round of gossip now, asked for by a person. */
  | { readonly kind: 'round' }
  | { readonly kind: 'linked'; readonly peer: OwnerId }
  | { readonly kind: 'unlinked'; readonly peer: OwnerId }
  | { readonly kind: 'dialed'; readonly target: DialTarget; readonly peer: OwnerId }
  | { readonly kind: 'dialFailed'; readonly target: DialTarget; readonly how: DialFailure }
  /** A frame on the stream from a peer. */
  | { readonly kind: 'message'; readonly peer: OwnerId; readonly bytes: Uint8Array }
  /** A rumor from the broadcast topic, as handed on by `peer`. */
  | { readonly kind: 'rumor'; readonly peer: OwnerId; readonly bytes: Uint8Array }
  /** The own state has a new head. */
  | { readonly kind: 'changed' }
  /** An operator says that a dead member will not come back. */
  | { readonly kind: 'dismiss'; readonly subject: OwnerId };

export type Effect =
  | { readonly kind: 'send'; readonly peer: OwnerId; readonly bytes: Uint8Array }
  | { readonly kind: 'publish'; readonly bytes: Uint8Array }
  | { readonly kind: 'dial'; readonly target: DialTarget; readonly timeoutMs: number }
  | { readonly kind: 'hangUp'; readonly peer: OwnerId }
  /** The answer to a `rumor` input: pass it on, keep it to ourselves, or blame who sent it. */
  | { readonly kind: 'judge'; readonly verdict: RumorVerdict }
  /** Replaces the time named before. Monotonic ms. */
  | { readonly kind: 'wakeAt'; readonly monoMs: number }
  /** Replaces what is added to the host's wall clock, µs. */
  | { readonly kind: 'adjustClock'; readonly correctionMicros: number }
  /** For the log and for those who wait; changes nothing. */
  | { readonly kind: 'event'; readonly event: GossipEvent };

export type RumorVerdict = 'accept' | 'ignore' | 'reject';

export type GossipEvent =
  | { readonly kind: 'ready'; readonly why: string; readonly isWarning: boolean }
  | { readonly kind: 'linkRefused'; readonly peer: OwnerId; readonly sentence: string }
  | {
      readonly kind: 'exchanged';
      readonly peer: OwnerId;
      readonly exchange: number;
      readonly outcome: ExchangeOutcome;
      /** Owners whose records changed here. */
      readonly changed: readonly OwnerId[];
    }
  | { readonly kind: 'exchangeStarted'; readonly peer: OwnerId; readonly exchange: number }
  /** A head of our own was above what we held: we went above it, with records that it brought. */
  | { readonly kind: 'reclaimed'; readonly seen: number; readonly adopted: number }
  /** Another process runs with our key: it stays, and this one has to end. */
  | { readonly kind: 'duplicateOwner'; readonly bootId: string }
  /** Another process runs with our key: it has to end, and this one stays. */
  | { readonly kind: 'copyMet'; readonly bootId: string }
  /** What is wrong with this host's clock, for people; undefined: it is right again. */
  | { readonly kind: 'clock'; readonly trouble: string | undefined }
  /** A dead member counts as one that left: an operator at the node `by` said so. */
  | { readonly kind: 'dismissed'; readonly subject: OwnerId; readonly by: OwnerId };

export type ExchangeOutcome = 'in_sync' | 'changed' | 'failed';

export interface GossipContext {
  readonly registry: Registry;
  readonly identity: Identity;
  readonly verifier: Verifier;
  readonly config: GossipConfig;
  readonly random: Random;
  /** What was done, by name. */
  readonly counters: Counters;
  /** Time of the present step. */
  readonly now: Now;
  emit(effect: Effect): void;
}
