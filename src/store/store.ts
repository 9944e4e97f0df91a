/**
 * Store: the only disk.
 *
 * What a store promises, on SQLite and in memory alike (one contract suite runs on both):
 *
 * - `commit` writes a whole batch or nothing, and when it returns the batch survives a power cut.
 * - Bytes of heads and records come back exactly as they were given.
 * - `load` gives what the commits before it left, in any order.
 * - A store belongs to one cluster; its `databaseId` is made once and dies with the file.
 *
 * It knows nothing of merging: which head wins is decided above, in the registry.
 */
import type { Sealed, SealedHead } from '../record/head.ts';
import type { OwnerId } from '../record/owner.ts';
import type { Endpoint, SealedRecord } from '../record/record.ts';

/** How an instance is checked by the daemon that holds it; nothing is left to defaults. */
export interface Check {
  readonly kind: 'tcp' | 'http' | 'grpc' | 'identity';
  /**
   * http: path and query, from `/`; grpc: the service asked about, '' for the whole server;
   * identity: path and query over HTTP, '' over gRPC.
   */
  readonly path: string;
  /** http; 0: any of 200 to 299. */
  readonly expectedStatus: number;
  /** http; '' for the other kinds. */
  readonly method: string;
  /** All but tcp. */
  readonly tls: boolean;
  readonly intervalMs: number;
  /** At most `intervalMs`. */
  readonly timeoutMs: number;
  readonly initialDelayMs: number;
  /** In a row, at least 1; so are the next two. */
  readonly successesBeforePassing: number;
  /** At most `failuresBeforeCritical`. */
  readonly failuresBeforeWarning: number;
  readonly failuresBeforeCritical: number;
}

/** A service instance as it was asked for at this daemon: desired state, local, never gossiped. */
export interface Registration {
  readonly group: string;
  readonly name: string;
  readonly instanceId: string;
  readonly ip: string;
  readonly port: number;
  /** 0: none. */
  readonly ttlMs: number;
  /** After turning critical; 0: never. */
  readonly deregisterAfterMs: number;
  /** Absent: none, as in the rows that earlier versions wrote. */
  readonly checks?: readonly Check[];
  /** Ed25519, 32 bytes in base64url: there with a check of kind identity, and only with one. */
  readonly identityKey?: string;
  readonly version: string;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly weight: number;
  /** Empty: that of this daemon, whichever it is when the record is made. */
  readonly zone: string;
  readonly endpoints: readonly Endpoint[];
  /** Name of the registration file that asks for it; left out: a client of the API did. */
  readonly source?: string;
  /** What was left to the daemon and so follows the host's address; absent: nothing. */
  readonly follows?: 'ip' | 'ip and id';
}

/** What an operator took out of use: '' for group and name is the whole node, for the id a service. */
export interface MaintenanceRule {
  readonly group: string;
  readonly name: string;
  readonly instanceId: string;
  /** For people; never empty. */
  readonly reason: string;
  /** Wall clock, µs. */
  readonly since: number;
}

/** A node met in this life or an earlier one: the second way back into the cluster. */
export interface RememberedPeer {
  readonly owner: OwnerId;
  /** Multiaddrs. */
  readonly addresses: readonly string[];
  /** It was thought dead. */
  readonly isDead: boolean;
  /** Wall clock, µs. */
  readonly seenAt: number;
}

export interface StoredOwner {
  readonly owner: OwnerId;
  readonly head: Sealed;
  readonly records: readonly Uint8Array[];
}

export interface Stored {
  /** Local order of changes up to which the store has seen them. */
  readonly revision: number;
  readonly owners: readonly StoredOwner[];
  readonly registrations: readonly Registration[];
  readonly peers: readonly RememberedPeer[];
  readonly maintenance: readonly MaintenanceRule[];
}

/** One owner's move from head to head. */
export interface OwnerWrite {
  readonly owner: OwnerId;
  readonly head: SealedHead;
  readonly puts: readonly SealedRecord[];
  readonly removes: readonly SealedRecord[];
}

/** Empty lists are left out. */
export interface Batch {
  readonly revision: number;
  readonly owners?: readonly OwnerWrite[];
  /** Owners of whom nothing from before this batch is kept; `owners` is written after that. */
  readonly forgottenOwners?: readonly OwnerId[];
  readonly registrations?: readonly Registration[];
  /** By group, name and instanceId. */
  readonly droppedRegistrations?: readonly Pick<Registration, 'group' | 'name' | 'instanceId'>[];
  readonly peers?: readonly RememberedPeer[];
  readonly forgottenPeers?: readonly OwnerId[];
  /** All there are from now on. */
  readonly maintenance?: readonly MaintenanceRule[];
}

export interface Store {
  /** Random, made with the database; a cursor of another database is worth nothing here. */
  readonly databaseId: string;
  load(): Stored;
  /** @throws DiscoError RESOURCE_EXHAUSTED/DISK when it cannot be written; nothing is then changed */
  commit(batch: Batch): void;
  close(): void;
}
