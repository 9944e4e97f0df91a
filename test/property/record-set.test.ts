/** RecordSet against a dumb twin: a Map, sorted, with the root computed from scratch. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import t from 'tap';
import { sha256 } from '../../src/record/hash.ts';
import type { Hash } from '../../src/record/hash.ts';
import { RecordSet } from '../../src/record/record-set.ts';
import type { SealedRecord } from '../../src/record/record.ts';
import { makeSealed, makeTombstone } from '../record/fixtures.ts';
import { holds } from './histories.ts';

const sealed: fc.Arbitrary<SealedRecord> = fc
  .record({ id: fc.nat(60), port: fc.integer({ min: 1, max: 3 }), deleted: fc.boolean() })
  .map(({ id, port, deleted }) => {
    const make = deleted ? makeTombstone : makeSealed;
    return make({ instanceId: `i${id}`, port, lastUpdate: port });
  });

const edits = fc.array(
  fc.record({ puts: fc.array(sealed, { maxLength: 12 }), removes: fc.array(sealed) }),
  { maxLength: 12 },
);

const none = new Uint8Array(32);

/** The definition of the root, word for word, over everything at once. */
function rootOf(records: ReadonlyMap<string, SealedRecord>): Hash {
  const sorted = [...records.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  const bucketDigest = (bucket: number): Hash => {
    const hashes = sorted.filter(({ key }) => sha256(key)[0] === bucket).map(({ hash }) => hash);
    return hashes.length === 0 ? none : sha256('disco/v1/bucket', ...hashes);
  };
  const branches = Array.from({ length: 16 }, (_, branch) => {
    const buckets = Array.from({ length: 16 }, (_, index) => bucketDigest(branch * 16 + index));
    return buckets.every((digest) => digest === none)
      ? none
      : sha256('disco/v1/branch', ...buckets);
  });
  return sha256('disco/v1/root', ...branches);
}

t.test('a set edited in any way equals its dumb twin', (t) => {
  holds(
    t,
    150,
    fc.property(edits, (steps) => {
      let set = RecordSet.empty;
      const twin = new Map<string, SealedRecord>();
      for (const { puts, removes } of steps) {
        set = set.with(puts, removes);
        for (const { key } of removes) twin.delete(key);
        for (const put of puts) twin.set(put.key, put);
      }
      const held = [...twin.values()];
      assert.deepEqual(Buffer.from(set.root), Buffer.from(rootOf(twin)));
      assert.equal(set.count, twin.size);
      assert.equal(set.tombstones, held.filter(({ record }) => record.deleted).length);
      assert.equal(
        set.bytes,
        held.reduce((sum, { bytes }) => sum + bytes.length, 0),
      );
      assert.deepEqual([...set.records()].map(({ key }) => key).sort(), [...twin.keys()].sort());
      for (const one of held) assert.equal(set.get(one.key, one.bucket), one);
    }),
  );
  t.end();
});

t.test('a set with one thing changed has another root', (t) => {
  holds(
    t,
    200,
    fc.property(fc.array(sealed), sealed, (records, other) => {
      const set = RecordSet.empty.with(records, []);
      const held = set.get(other.key, other.bucket);
      const isSame = held !== undefined && Buffer.compare(held.hash, other.hash) === 0;
      const roots = [set.with([other], []).root, set.root];
      assert.equal(Buffer.compare(roots[0]!, roots[1]!) === 0, isSame);
    }),
  );
  t.end();
});
