/** Whom a check asks, and what is to be found there. */
import type { OwnerId } from '../record/owner.ts';
import type { CheckOutcome } from '../registry/check-state.ts';
import type { Check } from '../store/store.ts';

/** Where an instance says that it is. */
export interface CheckTarget {
  readonly ip: string;
  readonly port: number;
  /** Who is to be there; a check of kind identity needs it. */
  readonly expected?: ExpectedInstance;
}

/** What a process was registered as, by which daemon, and the key that proves it. */
export interface ExpectedInstance {
  readonly group: string;
  readonly name: string;
  readonly instanceId: string;
  readonly owner: OwnerId;
  /** Ed25519, 32 bytes in base64url. */
  readonly key: string;
}

/** Asks a target once. Rejects when there was no answer, also when the signal ended it. */
export type AskTarget = (
  target: CheckTarget,
  check: Check,
  signal: AbortSignal,
) => Promise<CheckOutcome>;
