/**
 * What nodes say to each other, in memory; message.ts makes bytes of it (proto/disco/v1/gossip.proto
 * says what it is for).
 */
import type { Sealed } from '../record/head.ts';
import type { OwnerId } from '../record/owner.ts';
import type { Version } from './version.ts';

export interface Rumor {
  /** Undefined: it has nothing but accusations. */
  readonly head: Sealed | undefined;
  /** lastUpdate of the head on which `records` build. */
  readonly previous: number;
  readonly records: readonly Uint8Array[];
  /** Left out: none. */
  readonly accusations?: readonly Sealed[];
}

/** Part of one owner's records under one named head. */
export interface Delta {
  readonly kind: 'delta';
  readonly head: Sealed;
  readonly whole: boolean;
  readonly records: readonly Uint8Array[];
  readonly more: boolean;
}

export type Frame =
  | {
      readonly kind: 'hello';
      readonly cluster: string;
      readonly protocolMin: number;
      readonly protocolMax: number;
      /** Sender's wall clock, µs. */
      readonly time: number;
      readonly head: Sealed;
      readonly thoughtDead: boolean;
    }
  | { readonly kind: 'refusal'; readonly reason: string; readonly sentence: string }
  | { readonly kind: 'digest'; readonly sealed: Sealed }
  /** The answer to a digest that says the same as one's own. */
  | { readonly kind: 'same' }
  | {
      readonly kind: 'moreSymbols';
      readonly exchange: number;
      /** Empty in all but the first request. */
      readonly estimator: Uint8Array;
    }
  | {
      readonly kind: 'symbols';
      readonly exchange: number;
      /** Symbols before these. */
      readonly first: number;
      readonly symbols: Uint8Array;
    }
  | {
      readonly kind: 'difference';
      readonly exchange: number;
      /** Names of elements, 8 bytes each. */
      readonly want: Uint8Array;
      readonly have: readonly Version[];
    }
  | { readonly kind: 'beyond'; readonly exchange: number }
  | {
      readonly kind: 'pull';
      readonly exchange: number;
      /** Undefined: from the first owner. */
      readonly after: OwnerId | undefined;
      /** Undefined: to the last. */
      readonly until: OwnerId | undefined;
      readonly held: readonly Version[];
    }
  | {
      readonly kind: 'page';
      readonly exchange: number;
      readonly packed: Uint8Array;
      /** Undefined: that was the last. */
      readonly next: OwnerId | undefined;
      readonly want: readonly Version[];
    }
  | { readonly kind: 'busy'; readonly exchange: number }
  | Delta
  | { readonly kind: 'want'; readonly exchange: number; readonly owners: readonly Version[] }
  | { readonly kind: 'done'; readonly exchange: number; readonly more: boolean }
  | { readonly kind: 'rumor'; readonly rumor: Rumor }
  | { readonly kind: 'check'; readonly owner: OwnerId; readonly incarnation: number }
  | { readonly kind: 'bye'; readonly reason: string }
  | { readonly kind: 'neighbor'; readonly wanted: boolean }
  | { readonly kind: 'token'; readonly sealed: Sealed }
  | { readonly kind: 'accusation'; readonly sealed: Sealed }
  | { readonly kind: 'dismissal'; readonly sealed: Sealed }
  | ProbeFrame;

/** Those about who is alive, which the Vigil takes. */
export type VigilFrame = ProbeFrame | Extract<Frame, { kind: 'token' | 'accusation' }>;

/** Those that ask and tell who is there. */
export type ProbeFrame =
  | { readonly kind: 'ping' | 'pong'; readonly nonce: number }
  | { readonly kind: 'askVouch' | 'vouch'; readonly subject: OwnerId; readonly nonce: number };

/** Those of an exchange, which the Reconciler takes. */
export type ExchangeFrame = Exclude<
  Frame,
  VigilFrame | { kind: 'hello' | 'refusal' | 'rumor' | 'check' | 'bye' | 'neighbor' | 'dismissal' }
>;
