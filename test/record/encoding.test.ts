import t from 'tap';
import Long from 'long';
import {
  bucketOf,
  openRecord,
  openRecords,
  safeInteger,
  sealRecord,
} from '../../src/record/encoding.ts';
import type { disco } from '../../src/gen/gossip.js';
import { sha256 } from '../../src/record/hash.ts';
import { healths } from '../../src/record/record.ts';
import type { RefusalReason } from '../../src/record/verdict.ts';
import { makeRecord, makeSealed, makeTombstone, recordBytes, valueOf } from './fixtures.ts';
import { withUnknownField } from './fixtures.ts';

const bytesMax = 8_192;
const refused = (reason: RefusalReason) => ({ kind: 'refused', reason });

t.test('a sealed record opens to the same record, bytes, hash, key and bucket', (t) => {
  for (const health of healths) {
    const sealed = sealRecord(makeRecord({ health, ttlMs: 30_000, ip: '::1' }));
    const reopened = valueOf(openRecord(sealed.bytes, bytesMax));
    t.strictSame(reopened.record, sealed.record);
    t.strictSame(reopened.hash, sha256(sealed.bytes));
    t.equal(reopened.bytes, sealed.bytes, 'the very bytes are kept');
    t.equal(reopened.key, 'shop/cart/cart-1');
    t.equal(reopened.bucket, bucketOf('shop/cart/cart-1'));
  }
  t.end();
});

t.test('a record without weight, zone and endpoints has the bytes that it had before them', (t) => {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  const key = '0a20ed9b0554743f8a3620556a7b4b9a7d97cc7260f66c6183e9ec5da763a6cfd6d0';
  const live =
    '120473686f701a04636172742206636172742d312880c0ed82daf38d033a0831302e302e302e3740903f48015a05312e322e336204626c75656a090a047a6f6e65120161';
  const gone = '120473686f701a04636172742206636172742d312880c0ed82daf38d03300148015a05312e322e33';
  t.equal(hex(makeSealed().bytes), key + live);
  t.equal(hex(makeTombstone().bytes), key + gone);
  const { record } = valueOf(openRecord(Buffer.from(key + live, 'hex'), bytesMax));
  t.match(record, { weight: 100, zone: '', endpoints: [] }, 'what an earlier release meant');
  t.end();
});

t.test('weight, zone and endpoints open as they were sealed', (t) => {
  const endpoints = [
    { name: 'metrics', port: 9_100, ip: '' },
    { name: 'admin', port: 65_535, ip: '::1' },
  ];
  const sealed = makeSealed({ weight: 65_535, zone: 'eu-1', endpoints });
  t.strictSame(valueOf(openRecord(sealed.bytes, bytesMax)).record, sealed.record);
  t.equal(valueOf(openRecord(recordBytes({ weight: 0 }), bytesMax)).record.weight, 100);
  t.end();
});

t.test('a weight, a zone or endpoints that nobody may register are refused', (t) => {
  const metrics = { name: 'metrics', port: 9_100 };
  const many = Array.from({ length: 17 }, (_, index) => ({ name: `e${index}`, port: 80 }));
  const endpoints = many.slice(0, 16);
  t.equal(openRecord(recordBytes({ endpoints }), bytesMax).kind, 'opened');
  const cases: [disco.gossip.v1.Record.$Properties, RefusalReason][] = [
    [{ weight: 65_536 }, 'OUT_OF_RANGE'],
    [{ zone: 'a b' }, 'INVALID_NAME'],
    [{ zone: 'z'.repeat(129) }, 'INVALID_NAME'],
    [{ endpoints: many }, 'OUT_OF_RANGE'],
    [{ endpoints: [{ ...metrics, name: '' }] }, 'INVALID_NAME'],
    [{ endpoints: [{ ...metrics, name: '__proto__' }] }, 'INVALID_NAME'],
    [{ endpoints: [metrics, metrics] }, 'INVALID_NAME'],
    [{ endpoints: [{ ...metrics, port: 0 }] }, 'OUT_OF_RANGE'],
    [{ endpoints: [{ ...metrics, port: 65_536 }] }, 'OUT_OF_RANGE'],
    [{ endpoints: [{ ...metrics, ip: 'a b' }] }, 'OUT_OF_RANGE'],
  ];
  for (const [fields, reason] of cases)
    t.strictSame(openRecord(recordBytes(fields), bytesMax), refused(reason), reason);
  t.end();
});

t.test('the bucket is the first byte of the hash of the key', (t) => {
  t.equal(bucketOf('abc'), 0xba);
  t.equal(bucketOf(''), 0xe3);
  t.end();
});

t.test('a tombstone needs neither host nor port', (t) => {
  const tombstone = makeTombstone();
  t.strictSame(valueOf(openRecord(tombstone.bytes, bytesMax)).record, tombstone.record);
  t.end();
});

t.test('a field that this version does not know stays in the bytes', (t) => {
  const sealed = makeSealed();
  const bytes = withUnknownField(sealed.bytes);
  const reopened = valueOf(openRecord(bytes, bytesMax));
  t.equal(reopened.bytes, bytes);
  t.strictSame(reopened.record, sealed.record);
  t.strictNotSame(reopened.hash, sealed.hash);
  t.end();
});

t.test('a record of the largest size opens, and one byte more is refused', (t) => {
  const { bytes } = makeSealed();
  t.equal(openRecord(bytes, bytes.length).kind, 'opened');
  t.strictSame(openRecord(bytes, bytes.length - 1), refused('RECORD_TOO_LARGE'));
  t.end();
});

t.test('bytes that are no record are malformed', (t) => {
  const cases = {
    empty: new Uint8Array(0),
    garbage: Buffer.from('ffffffffffff', 'hex'),
    cut: makeSealed().bytes.subarray(0, 37),
    'short owner': recordBytes({ owner: new Uint8Array(31) }),
    'long owner': recordBytes({ owner: new Uint8Array(33) }),
  };
  for (const [name, bytes] of Object.entries(cases))
    t.strictSame(openRecord(bytes, bytesMax), refused('MALFORMED'), name);
  t.end();
});

t.test('names that could not be told apart, or break a key, are refused', (t) => {
  const cases = [
    { group: '' },
    { group: 'a/b' },
    { name: '' },
    { name: 'a b' },
    { name: '__proto__' },
    { name: 'x'.repeat(129) },
    { instanceId: '' },
    { instanceId: 'a/b' },
    { instanceId: '\n' },
  ];
  for (const fields of cases)
    t.strictSame(openRecord(recordBytes(fields), bytesMax), refused('INVALID_NAME'));
  t.end();
});

t.test('numbers and addresses out of their range are refused', (t) => {
  const beyondSafe = Long.fromNumber(2 ** 53, true);
  const cases = [
    { lastUpdate: 0 },
    { lastUpdate: beyondSafe },
    { lastUpdate: Long.MAX_UNSIGNED_VALUE },
    { ttlMs: beyondSafe },
    { port: 0 },
    { port: 65_536 },
    { ip: '' },
    { ip: '10.0.0.256' },
    { ip: 'a b' },
    { deleted: true, lastUpdate: 0 },
  ];
  for (const fields of cases)
    t.strictSame(openRecord(recordBytes(fields), bytesMax), refused('OUT_OF_RANGE'));
  t.end();
});

t.test('the largest safe lastUpdate and ttl are read exactly', (t) => {
  const most = Number.MAX_SAFE_INTEGER;
  const bytes = recordBytes({ lastUpdate: most, ttlMs: most });
  const { record } = valueOf(openRecord(bytes, bytesMax));
  t.equal(record.lastUpdate, most);
  t.equal(record.ttlMs, most);
  t.end();
});

t.test('a health that this version does not know reads as critical', (t) => {
  for (const health of [0, 5, 4_000_000_000]) {
    const { record } = valueOf(openRecord(recordBytes({ health }), bytesMax));
    t.equal(record.health, 'critical');
  }
  t.end();
});

t.test('metadata cannot reach the prototype of anything', (t) => {
  const metadata = JSON.parse('{"__proto__": "evil", "constructor": "x"}') as {
    [k: string]: string;
  };
  const { record } = valueOf(openRecord(recordBytes({ metadata }), bytesMax));
  t.equal(Object.getPrototypeOf(record.metadata), Object.prototype);
  t.equal(record.metadata['constructor'], 'x');
  t.end();
});

t.test('a 64-bit field is a number when it is safe, and NaN when it is not', (t) => {
  t.equal(safeInteger(7), 7);
  t.equal(safeInteger(Long.fromNumber(7)), 7);
  t.equal(safeInteger(Long.fromNumber(Number.MAX_SAFE_INTEGER)), Number.MAX_SAFE_INTEGER);
  t.ok(Number.isNaN(safeInteger(Long.fromString('9007199254740993'))));
  t.ok(Number.isNaN(safeInteger(2 ** 53)));
  t.ok(Number.isNaN(safeInteger(1.5)));
  t.end();
});

t.test('many records are opened in order, or all refused for the first that is', (t) => {
  const sealed = ['a', 'b'].map((instanceId) => makeSealed({ instanceId }));
  const bytes = sealed.map((one) => one.bytes);
  t.strictSame(
    valueOf(openRecords(bytes, 8_192)).map(({ key }) => key),
    sealed.map(({ key }) => key),
  );
  t.strictSame(valueOf(openRecords([], 8_192)), []);
  const garbage = Buffer.from('ff', 'hex');
  const refused = { kind: 'refused', reason: 'MALFORMED' };
  t.strictSame(openRecords([...bytes, garbage], 8_192), refused);
  t.strictSame(openRecords([garbage, ...bytes], 10), refused);
  t.end();
});

t.test('a record that is known by its bytes is not opened again, but for its size', (t) => {
  const known = makeSealed();
  const opened = openRecords([known.bytes], 8_192, () => known);
  t.equal(valueOf(opened)[0], known);
  const small = openRecords([known.bytes], known.bytes.length - 1, () => known);
  t.strictSame(small, refused('RECORD_TOO_LARGE'));
  t.end();
});

t.test('a reason for maintenance counts only with that health, and is not needed for it', (t) => {
  const open = (fields: Parameters<typeof recordBytes>[0]) =>
    valueOf(openRecord(recordBytes(fields), 8_192)).record;
  const maintenance = { reason: 'why', health: 9 };
  t.notOk('maintenance' in open({ health: 1, maintenance }));
  t.notOk('maintenance' in open({ health: 4 }));
  const beneath = open({ health: 4, maintenance });
  t.match(beneath, { health: 'maintenance', maintenance: { reason: 'why', health: 'critical' } });
  t.end();
});
