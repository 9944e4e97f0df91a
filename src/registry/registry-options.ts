/** What a registry may be given beside what it needs: sharing and forking, for simulations. */
import type { Now } from '../base/clock.ts';
import type { Registration, Store } from '../store/store.ts';
import type { Holdings } from './holdings.ts';
import type { Identity } from './own-state.ts';
import type { Sharing } from './sharing.ts';

export interface RegistryOptions {
  /** Keeps equal values once among the registries of a process; without it, nothing is shared. */
  readonly sharing?: Sharing;
  /** What it goes on with, instead of loading what the store holds: for `fork`. */
  readonly start?: {
    readonly holdings: Holdings;
    readonly registrations: readonly Registration[];
  };
}

export interface ForkOptions {
  /** Of an owner that is held. */
  readonly identity: Identity;
  /** Holds what the forked registry's store does. */
  readonly store: Store;
  readonly now: Now;
}
