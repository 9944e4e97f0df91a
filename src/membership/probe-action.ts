/** ProbeAction: what a Prober has its host do, and what it has to be told of a link's end. */
import type { OwnerId } from '../record/owner.ts';

/** Nonces of pings and of questions to vouch lie below it. */
export const nonceEnd = 2 ** 32;

/** What the host is to do, in order. */
export type ProbeAction =
  | { readonly kind: 'ping' | 'pong'; readonly peer: OwnerId; readonly nonce: number }
  | {
      readonly kind: 'askVouch';
      readonly through: OwnerId;
      readonly subject: OwnerId;
      readonly nonce: number;
    }
  | {
      readonly kind: 'vouch';
      readonly to: OwnerId;
      readonly subject: OwnerId;
      readonly nonce: number;
    }
  /** Somebody asked for it and there is no link; once it is greeted, `linked` vouches. */
  | { readonly kind: 'dialFor'; readonly subject: OwnerId }
  /** It owes an answer for longer than it should, and others are asked about it. */
  | { readonly kind: 'late'; readonly peer: OwnerId }
  /** It answers neither this node nor those that were asked. */
  | { readonly kind: 'silent'; readonly peer: OwnerId }
  /** It had been silent, and is not any more. */
  | { readonly kind: 'speaks'; readonly peer: OwnerId };

/** How a link went: broken, or by the will of either end. */
export type LinkEnd = 'lost' | 'ended';
