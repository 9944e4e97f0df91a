/**
 * Record: an owner's statement about one instance.
 *
 * A record has no authority of its own: it counts only under a head whose root commits to it.
 * Its bytes are those that the owner made; they are hashed as received and never encoded again.
 */
import type { Hash } from './hash.ts';
import type { OwnerId } from './owner.ts';

export const healths = ['passing', 'warning', 'critical', 'maintenance'] as const;
/** Health of an instance, as its owner states it. */
export type Health = (typeof healths)[number];

/** What an instance weighs that says nothing else: there is room below and above. */
export const weightDefault = 100;
export const weightMax = 65_535;
export const endpointsMax = 16;

/** A further port of an instance. */
export interface Endpoint {
  /** Unlike those of the instance's other endpoints. */
  readonly name: string;
  readonly port: number;
  /** Empty: that of the instance. */
  readonly ip: string;
}

/** What a record says that nobody set: it takes no bytes. */
export const plainFields = { weight: weightDefault, zone: '', endpoints: [] } as const;

export interface Maintenance {
  /** For people. */
  readonly reason: string;
  /** What the health would be without it. */
  readonly health: Health;
}

export interface ServiceRecord {
  readonly owner: OwnerId;
  readonly group: string;
  readonly name: string;
  readonly instanceId: string;
  /** Microseconds since the epoch, strictly rising over all that the owner writes. */
  readonly lastUpdate: number;
  /** A tombstone: says that the instance is gone. */
  readonly deleted: boolean;
  readonly ip: string;
  readonly port: number;
  readonly health: Health;
  /** 0: no ttl. */
  readonly ttlMs: number;
  readonly version: string;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  /** How much of the calls it is meant to get beside its likes: 1 to `weightMax`. */
  readonly weight: number;
  /** A name, or empty: nobody said. */
  readonly zone: string;
  /** At most `endpointsMax`. */
  readonly endpoints: readonly Endpoint[];
  /** Only with the health `maintenance`; left out there when it did not fit. See health.ts. */
  readonly maintenance?: Maintenance;
}

/** `group/name/instanceId`: unique within one owner, since none of the three holds a slash. */
export type RecordKey = string;

export function recordKey(group: string, name: string, instanceId: string): RecordKey {
  return `${group}/${name}/${instanceId}`;
}

/** A record with the bytes that its owner made. */
export interface SealedRecord {
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes. */
  readonly hash: Hash;
  readonly key: RecordKey;
  /** Where it lies in the hash tree: the first byte of the SHA-256 of its key. */
  readonly bucket: number;
  readonly record: ServiceRecord;
}
