/** What a registry is made with. */
import type { Now } from '../base/clock.ts';
import type { MaintenanceRule, Registration, Store } from '../store/store.ts';
import type { BrakeConfig } from './brake.ts';
import type { Holdings } from './holdings.ts';
import type { Identity, OwnBounds } from './own-state.ts';
import type { ReaperConfig } from './reaper.ts';
import type { ReceptionConfig } from './reception.ts';
import type { Sharing } from './sharing.ts';

/** Bounds and times of the registry; all of them are keys of the daemon's config. */
export interface RegistryConfig extends OwnBounds, ReceptionConfig, ReaperConfig, BrakeConfig {
  readonly headRefreshMs: number;
  readonly changeFeedMax: number;
}

/** What it may be given beside what it needs: sharing and forking, for simulations. */
export interface RegistryOptions {
  /** Keeps equal values once among the registries of a process; without it, nothing is shared. */
  readonly sharing?: Sharing;
  /** What it goes on with, instead of loading what the store holds: for `fork`. */
  readonly start?: {
    readonly holdings: Holdings;
    readonly registrations: readonly Registration[];
    readonly maintenance: readonly MaintenanceRule[];
  };
}

export interface ForkOptions {
  /** Of an owner that is held. */
  readonly identity: Identity;
  /** Holds what the forked registry's store does. */
  readonly store: Store;
  readonly now: Now;
}
