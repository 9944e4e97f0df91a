/**
 * RecordSet: all records that an owner's head commits to, with their root.
 *
 *        root = H( 16 branch digests )
 *       /    |    \
 *   branch ...   branch = H( 16 bucket digests )
 *   /  |  \
 *  bucket ...  = H( hashes of its records, in the order of their keys )
 *
 * A value, never changed: `with` gives a new set that shares every bucket it did not touch. So an
 * owner moves from head to head by swapping one reference, and many simulated nodes can hold one
 * set. The bucket of a record is the first byte of the SHA-256 of its key; an empty bucket or
 * branch counts as 32 zero bytes.
 */
import { hashBytes, sha256 } from './hash.ts';
import type { Hash } from './hash.ts';
import type { RecordKey, SealedRecord } from './record.ts';

interface Bucket {
  readonly digest: Hash;
  /** The largest lastUpdate in it. */
  readonly newest: number;
  /** Sorted by key. */
  readonly records: readonly SealedRecord[];
}

interface Branch {
  readonly digest: Hash;
  /** The largest lastUpdate in it. */
  readonly newest: number;
  readonly buckets: readonly (Bucket | undefined)[];
}

interface Totals {
  count: number;
  tombstones: number;
  bytes: number;
}

const width = 16;
const noDigest: Hash = new Uint8Array(hashBytes);
const noChildren: readonly undefined[] = Array.from({ length: width }, () => undefined);

export class RecordSet {
  readonly root: Hash;
  /** Records in the set, tombstones too. */
  readonly count: number;
  /** How many of them say that an instance is gone. */
  readonly tombstones: number;
  /** Their encoded size in all. */
  readonly bytes: number;
  readonly #branches: readonly (Branch | undefined)[];

  private constructor(branches: readonly (Branch | undefined)[], totals: Totals) {
    this.#branches = branches;
    this.root = digestOf('disco/v1/root', branches);
    this.count = totals.count;
    this.tombstones = totals.tombstones;
    this.bytes = totals.bytes;
  }

  static readonly empty = new RecordSet(noChildren, { count: 0, tombstones: 0, bytes: 0 });

  /** @param bucket that of the key, as in `bucketOf` */
  get(key: RecordKey, bucket: number): SealedRecord | undefined {
    const records = this.#branches[bucket >> 4]?.buckets[bucket & 15]?.records;
    return records?.find((record) => record.key === key);
  }

  /** Every record, by bucket and then by key: the same order for equal sets. */
  *records(): Generator<SealedRecord> {
    for (const branch of this.#branches)
      for (const bucket of branch?.buckets ?? noChildren) yield* bucket?.records ?? [];
  }

  /** The records above a lastUpdate, in the same order; only buckets that hold such are walked. */
  *since(lastUpdate: number): Generator<SealedRecord> {
    for (const branch of this.#branches) {
      if (branch === undefined || branch.newest <= lastUpdate) continue;
      for (const bucket of branch.buckets) {
        if (bucket === undefined || bucket.newest <= lastUpdate) continue;
        for (const sealed of bucket.records)
          if (sealed.record.lastUpdate > lastUpdate) yield sealed;
      }
    }
  }

  /** The set with `puts` in (each replacing what had its key) and `removes` out. */
  with(puts: readonly SealedRecord[], removes: readonly SealedRecord[]): RecordSet {
    if (puts.length === 0 && removes.length === 0) return this;
    const touched = new Map<number, Map<RecordKey, SealedRecord>>();
    const edit = (bucket: number): Map<RecordKey, SealedRecord> => {
      let records = touched.get(bucket);
      if (records === undefined) {
        const old = this.#branches[bucket >> 4]?.buckets[bucket & 15]?.records ?? [];
        records = new Map(old.map((record) => [record.key, record]));
        touched.set(bucket, records);
      }
      return records;
    };
    const totals = { count: this.count, tombstones: this.tombstones, bytes: this.bytes };
    for (const { key, bucket } of removes) take(edit(bucket), key, totals);
    for (const put of puts) {
      const records = edit(put.bucket);
      take(records, put.key, totals);
      records.set(put.key, put);
      tally(totals, put, 1);
    }
    return new RecordSet(replaceBuckets(this.#branches, touched), totals);
  }
}

function take(records: Map<RecordKey, SealedRecord>, key: RecordKey, totals: Totals): void {
  const old = records.get(key);
  if (old === undefined) return;
  records.delete(key);
  tally(totals, old, -1);
}

function tally(totals: Totals, sealed: SealedRecord, sign: 1 | -1): void {
  totals.count += sign;
  totals.tombstones += sealed.record.deleted ? sign : 0;
  totals.bytes += sign * sealed.bytes.length;
}

function replaceBuckets(
  branches: readonly (Branch | undefined)[],
  touched: ReadonlyMap<number, ReadonlyMap<RecordKey, SealedRecord>>,
): (Branch | undefined)[] {
  const next = [...branches];
  const edited = new Map<number, (Bucket | undefined)[]>();
  for (const [index, records] of touched) {
    const buckets = edited.get(index >> 4) ?? [...(branches[index >> 4]?.buckets ?? noChildren)];
    buckets[index & 15] = makeBucket([...records.values()]);
    edited.set(index >> 4, buckets);
  }
  for (const [index, buckets] of edited) {
    next[index] = makeBranch(buckets);
  }
  return next;
}

function makeBranch(buckets: readonly (Bucket | undefined)[]): Branch | undefined {
  if (buckets.every((bucket) => bucket === undefined)) return undefined;
  let newest = 0;
  for (const bucket of buckets) if (bucket !== undefined) newest = Math.max(newest, bucket.newest);
  return { buckets, newest, digest: digestOf('disco/v1/branch', buckets) };
}

function makeBucket(records: SealedRecord[]): Bucket | undefined {
  if (records.length === 0) return undefined;
  records.sort((a, b) => (a.key < b.key ? -1 : 1));
  let newest = 0;
  for (const { record } of records) newest = Math.max(newest, record.lastUpdate);
  const digest = sha256('disco/v1/bucket', ...records.map((record) => record.hash));
  return { records, newest, digest };
}

function digestOf(domain: string, children: readonly ({ digest: Hash } | undefined)[]): Hash {
  return sha256(domain, ...children.map((child) => child?.digest ?? noDigest));
}
