/** Round trips of records and heads, with fields of later versions, and with bits turned over. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import t from 'tap';
import { disco } from '../../src/gen/gossip.js';
import { openRecord, sealRecord } from '../../src/record/encoding.ts';
import { isSignedByOwner, readHead } from '../../src/record/head.ts';
import type { Head } from '../../src/record/head.ts';
import { isName } from '../../src/record/names.ts';
import { endpointsMax, healths, plainFields } from '../../src/record/record.ts';
import { weightDefault, weightMax } from '../../src/record/record.ts';
import type { ServiceRecord } from '../../src/record/record.ts';
import { ed25519Verifier } from '../../src/record/signature.ts';
import { at, flipBit, makeHead, rulesAtStart, signedWithUnknownField } from '../record/fixtures.ts';
import { signerOf, startMicros, valueOf, withUnknownField } from '../record/fixtures.ts';
import { deregister, Owner, register, sendWhole, shown, startNode } from '../registry/fixtures.ts';
import { holds } from './histories.ts';

/** Objects like those of a decoder, not without a prototype. */
function plainRecord<T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) {
  return fc.record<T>(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

const name = fc.stringMatching(/^[A-Za-z0-9._-]{1,128}$/).filter(isName);
const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('db', 'db.internal', 'a-1.b'));
// A string that UTF-8 can hold: no half of a surrogate pair.
const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const stamp = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });

const record: fc.Arbitrary<ServiceRecord> = plainRecord({
  owner: fc.integer({ min: 1, max: 5 }).map((key) => signerOf(key).owner),
  group: name,
  name,
  instanceId: name,
  lastUpdate: stamp,
  deleted: fc.boolean(),
  ip: host,
  port: fc.integer({ min: 1, max: 65_535 }),
  health: fc.constantFrom(...healths),
  ttlMs: fc.nat(),
  version: text,
  tags: fc.array(text, { maxLength: 4 }),
  metadata: fc.dictionary(
    text.filter((key) => key !== '__proto__'),
    text,
    { maxKeys: 4, noNullPrototype: true },
  ),
  // What nobody set comes often: it is how records of earlier releases read.
  weight: fc.oneof(fc.constant(weightDefault), fc.integer({ min: 1, max: weightMax })),
  zone: fc.oneof(fc.constant(''), name),
  endpoints: fc.uniqueArray(
    plainRecord({
      name,
      port: fc.integer({ min: 1, max: 65_535 }),
      ip: fc.oneof(fc.constant(''), host),
    }),
    { selector: (endpoint) => endpoint.name, maxLength: endpointsMax },
  ),
});

const maintained: fc.Arbitrary<ServiceRecord> = fc
  .tuple(record, text, fc.constantFrom(...healths))
  .map(([fields, reason, health]) => ({
    ...fields,
    health: 'maintenance',
    maintenance: { reason, health },
  }));

const headFields: fc.Arbitrary<Partial<Head>> = plainRecord({
  lastUpdate: fc.integer({ min: startMicros - 9_999, max: startMicros + 9_999 }),
  incarnation: stamp,
  bootId: fc.stringMatching(/^[0-9a-f]{16}$/),
  floor: fc.nat(startMicros - 9_999),
  count: fc.nat(),
  facts: plainRecord({
    name: text,
    addresses: fc.array(text, { maxLength: 5 }),
    startedAt: fc.nat(Number.MAX_SAFE_INTEGER),
    protocolMin: fc.nat(9),
    protocolMax: fc.nat(9),
    left: fc.boolean(),
    version: text,
    maintenance: fc.constantFrom('kernel update', 'ünïcode'),
  }),
});

t.test('any record opens to what was sealed, and its bytes are passed on as they came', (t) => {
  holds(
    t,
    200,
    fc.property(fc.oneof(record, maintained), (fields) => {
      const sealed = sealRecord(fields);
      const opened = valueOf(openRecord(sealed.bytes, 8_192));
      assert.deepEqual(opened.record, fields);
      assert.equal(opened.bytes, sealed.bytes);
      const later = withUnknownField(sealed.bytes);
      const fromLater = valueOf(openRecord(later, 8_192));
      assert.deepEqual(fromLater.record, fields);
      assert.equal(fromLater.bytes, later);
      assert.notDeepEqual(fromLater.hash, sealed.hash);
    }),
  );
  t.end();
});

t.test('what nobody set of weight, zone and endpoints takes no bytes, whatever the record', (t) => {
  const { Record } = disco.gossip.v1;
  holds(
    t,
    200,
    fc.property(record, (fields) => {
      const { bytes } = sealRecord({ ...fields, ...plainFields });
      const { weight: _w, zone: _z, endpoints: _e, ...message } = Record.decode(bytes);
      assert.deepEqual(Buffer.from(Record.encode(message).finish()), Buffer.from(bytes));
      const told = sealRecord(fields).bytes;
      const isPlain = isDeepStrictEqual({ ...fields, ...plainFields }, fields);
      assert.equal(told.length > bytes.length, !isPlain);
    }),
  );
  t.end();
});

t.test('any head reads as it was signed, and verifies over the bytes as they came', (t) => {
  const signer = signerOf(3);
  holds(
    t,
    100,
    fc.property(headFields, (fields) => {
      const head = makeHead(undefined, fields, signer);
      for (const sealed of [head, signedWithUnknownField(head, signer)]) {
        const { body, signature } = sealed;
        const read = valueOf(readHead({ body, signature }, rulesAtStart));
        assert.deepEqual(read.head, head.head);
        assert.equal(read.body, body);
        assert.equal(isSignedByOwner(read, ed25519Verifier), true);
      }
    }),
  );
  t.end();
});

t.test('any bytes at all are opened or refused, and never thrown at', (t) => {
  const bytes = fc.uint8Array({ maxLength: 300 });
  holds(
    t,
    500,
    fc.property(bytes, (garbage) => {
      assert.match(openRecord(garbage, 8_192).kind, /^(opened|refused)$/);
      const head = readHead({ body: garbage, signature: garbage }, rulesAtStart);
      assert.equal(head.kind, 'refused');
    }),
  );
  t.end();
});

/** A node that holds an owner's first state, and that owner's next one. */
function setUp() {
  const node = startNode();
  const owner = new Owner(2);
  const held = owner.move([register('a'), register('b')], at(1)).next;
  sendWhole(node, held, at(1));
  const { next, puts } = owner.move([register('a', { port: 81 }), deregister('b')], at(2));
  const records = puts.map(({ bytes }) => bytes) as [Uint8Array, Uint8Array];
  return { node, owner, held, next, records };
}

t.test('one flipped bit of a head changes nothing, and is refused or stale', (t) => {
  const { node, owner, held, next, records } = setUp();
  const { revision } = node.feed;
  const { body, signature } = next.head;
  const kinds = new Map<string, number>();
  const bits = (body.length + signature.length) * 8;
  for (let bit = 0; bit < bits; bit++) {
    const flipped = flipBit(Buffer.concat([body, signature]), bit);
    const head = {
      body: flipped.subarray(0, body.length),
      signature: flipped.subarray(body.length),
    };
    const { kind } = node.receive(head, records, false, at(3));
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  t.strictSame([...kinds.keys()].sort(), ['refused', 'stale']);
  const refusals = node.refusals.entries().reduce((sum, [, count]) => sum + count, 0);
  t.equal(refusals, kinds.get('refused'), 'each refusal is counted');
  t.ok((kinds.get('stale') ?? 0) < 60, 'only bits of lastUpdate can make a head look older');
  t.equal(node.state(owner.id)?.head.hash.toString(), held.head.hash.toString());
  t.equal([...node.owners()].length, 2, 'nobody new came of it');
  t.equal(node.feed.revision, revision);
  t.equal(node.receive(next.head, records, false, at(3)).kind, 'applied');
  t.end();
});

t.test('one flipped bit of a record changes nothing, and is refused or a gap', (t) => {
  const { node, owner, held, next, records } = setUp();
  const { revision } = node.feed;
  const [first, second] = records;
  const whole = [...next.set.records()].map(({ bytes }) => bytes);
  const kinds = new Map<string, number>();
  for (let bit = 0; bit < first.length * 8; bit++) {
    const delta = node.receive(next.head, [flipBit(first, bit), second], false, at(3));
    kinds.set(`delta ${delta.kind}`, (kinds.get(`delta ${delta.kind}`) ?? 0) + 1);
    const others = whole.filter((bytes) => Buffer.compare(bytes, first) !== 0);
    const all = node.receive(next.head, [flipBit(first, bit), ...others], true, at(3));
    kinds.set(`whole ${all.kind}`, (kinds.get(`whole ${all.kind}`) ?? 0) + 1);
  }
  t.strictSame([...kinds.keys()].sort(), ['delta gap', 'delta refused', 'whole refused']);
  const refusals = node.refusals.entries().reduce((sum, [, count]) => sum + count, 0);
  t.equal(refusals, kinds.get('delta refused')! + kinds.get('whole refused')!);
  t.equal(node.state(owner.id)?.head.hash.toString(), held.head.hash.toString());
  t.strictSame(shown(node), ['a', 'b']);
  t.equal(node.feed.revision, revision);
  t.equal(node.receive(next.head, records, false, at(3)).kind, 'applied');
  t.end();
});
