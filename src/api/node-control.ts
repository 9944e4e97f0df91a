/**
 * NodeControl: what the API asks of the daemon around it. The API does not know gossip; the daemon
 * puts the two together.
 */
import type { LogLevels } from '../base/log.ts';
import type { Accuser } from '../membership/member.ts';
import type { OwnerId } from '../record/owner.ts';
import type { RecordKey } from '../record/record.ts';
import type { CheckReport } from '../registry/check-state.ts';

/** What does not change while the daemon runs. */
export interface NodeDescription {
  readonly name: string;
  readonly cluster: string;
  /** Where this host is; empty: nobody said. */
  readonly zone: string;
  readonly version: string;
  readonly pid: number;
  /** Microseconds since the epoch. */
  readonly startedAt: number;
  readonly listen: readonly string[];
  readonly advertise: readonly string[];
  readonly grpc: readonly string[];
  readonly http: string;
  readonly dns: string;
  readonly dataDir: string;
}

/** How one exchange of digests went. */
export interface RoundReport {
  readonly peer: OwnerId;
  readonly outcome: string;
  /** Owners whose records changed here. */
  readonly changed: readonly OwnerId[];
}

/** What became of the registration files. */
export interface ServiceFilesReport {
  /** Where they are. */
  readonly directory: string;
  readonly files: number;
  /** Registered by them. */
  readonly instances: number;
  /** What is wrong with all of them, as a sentence; empty: nothing. */
  readonly problem: string;
  /** Those that are refused, by name, and why. */
  readonly bad: readonly { readonly file: string; readonly problem: string }[];
}

export interface NodeControl {
  describe(): NodeDescription;
  /** Why the node is ready, or what it waits for. */
  readiness(): { readonly isReady: boolean; readonly why: string };
  /** Milliseconds since the last completed reconcile; undefined before the first. */
  sinceReconcileMs(): number | undefined;
  /** Answers may lack instances: others are known, and none of them was heard yet. */
  isPartial(): boolean;
  /** Every link is lost: what is known here may be old. */
  isIsolated(): boolean;
  linkCount(): number;
  isLinked(peer: OwnerId): boolean;
  /** Smoothed round trip of the link with a member, ms; undefined without one. */
  rttMs(owner: OwnerId): number | undefined;
  /** Who says of a member, in its present life, that it cannot be reached. */
  accusersOf(owner: OwnerId): readonly Accuser[];
  /** Calls `wake` with a member whose link or accusers changed, until the answer is called. */
  followMembers(wake: (owner: OwnerId) => void): () => void;
  /** Says everywhere that a dead member will not come back. Nothing happens to one that is not. */
  dismiss(owner: OwnerId): void;
  /** The checks of an instance that was registered here, and what they found last. */
  checkReports(key: RecordKey): readonly CheckReport[];
  /** What was done, by name. */
  counted(): Record<string, number>;
  /** One round of gossip now. */
  round(): Promise<readonly RoundReport[]>;
  /** Leaves the cluster and stops; returns at once. */
  leave(): void;
  serviceFiles(): ServiceFilesReport;
  logLevels(): LogLevels;
  /** Areas that are not named keep theirs; `isReset`: go back to the configuration first. */
  setLogLevels(change: Partial<LogLevels>, isReset: boolean): void;
  /** The address at which peers can reach this host. */
  hostAddress(): string;
}
