/** What a doctor looks at: the facts that its findings are made of. Types alone. */
import type { Address } from '../base/address.ts';
import type { DaemonStatus, Member } from '../client/daemon-status.ts';
import type { Config } from '../daemon/config.ts';

/** The daemon that was asked, or why none answered. */
export type DaemonFacts =
  | { readonly kind: 'running'; readonly status: DaemonStatus; readonly members: readonly Member[] }
  | { readonly kind: 'away'; readonly problem: string };

/** What `disco start` would go by here. */
export type SettingsFacts =
  | { readonly kind: 'read'; readonly config: Config; readonly seeds: readonly Address[] }
  | { readonly kind: 'bad'; readonly problem: string };

/** Where something listens, or would. */
export interface PortFacts {
  /** gossip, gRPC or HTTP */
  readonly what: string;
  readonly flag: string;
  readonly address: string;
  /** answers, silent: it was dialed; free, taken, unusable: it was tried to listen there. */
  readonly state: 'answers' | 'silent' | 'free' | 'taken' | 'unusable';
  readonly problem: string;
}

export interface SeedFacts {
  readonly address: Address;
  /** The IP addresses of its name; itself when it is one; empty: the name is not known. */
  readonly ips: readonly string[];
  readonly isReached: boolean;
  readonly problem: string;
}

export interface DataDirFacts {
  readonly path: string;
  readonly state: 'absent' | 'there' | 'hidden' | 'no-folder';
  readonly isWritable: boolean;
  /** The bits of its permissions. */
  readonly mode: number;
  /** Of the key; undefined without one. */
  readonly keyMode: number | undefined;
  /** The pid in its lock, when such a process runs. */
  readonly holder: number | undefined;
}

export interface DiskFacts {
  readonly path: string;
  readonly freeBytes: number;
  /** Undefined of a file system that does not count them. */
  readonly freeFiles: number | undefined;
}

export interface OpenFilesFacts {
  readonly limit: number;
  /** Undefined when that may not be seen. */
  readonly open: number | undefined;
}

export interface Facts {
  /** As `process.versions.node`. */
  readonly nodeVersion: string;
  /** The release of this program. */
  readonly version: string;
  readonly settings: SettingsFacts;
  readonly daemon: DaemonFacts;
  readonly dataDir: DataDirFacts | undefined;
  readonly disk: DiskFacts | undefined;
  readonly openFiles: OpenFilesFacts | undefined;
  readonly ports: readonly PortFacts[];
  readonly seeds: readonly SeedFacts[];
  /** Whether something keeps this host's clock; undefined: nobody here knows. */
  readonly isClockKept: boolean | undefined;
}
