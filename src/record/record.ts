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
