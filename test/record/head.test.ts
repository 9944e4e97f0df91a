import t from 'tap';
import Long from 'long';
import { compareBytes, sha256 } from '../../src/record/hash.ts';
import {
  compareHeads,
  detachHead,
  isEquivocation,
  isSignedByOwner,
  readHead,
} from '../../src/record/head.ts';
import { ed25519Verifier } from '../../src/record/signature.ts';
import type { RefusalReason } from '../../src/record/verdict.ts';
import { flipBit, headBytes, makeFacts, makeHead, makeState, rulesAtStart } from './fixtures.ts';
import { makeSealed, signedWithUnknownField, signerOf, startMicros, valueOf } from './fixtures.ts';

const refused = (reason: RefusalReason) => ({ kind: 'refused', reason });
const readBody = (body: Uint8Array) =>
  readHead({ body, signature: new Uint8Array(64) }, rulesAtStart);

t.test('a sealed head reads back as it was, with the hash of its body', (t) => {
  const facts = makeFacts({ left: true, addresses: ['/ip4/10.0.0.7/tcp/1', '/ip6/::1/tcp/2'] });
  const { head: sealed } = makeState([makeSealed()], { floor: 7, incarnation: 3, facts });
  const { body, signature } = sealed;
  const read = valueOf(readHead({ body, signature }, rulesAtStart));
  t.strictSame(read.head, sealed.head);
  t.strictSame(read.hash, sha256(sealed.body));
  t.equal(read.body, body, 'the very bytes are kept');
  t.equal(isSignedByOwner(read, ed25519Verifier), true);
  t.end();
});

t.test('a field that this version does not know stays under the signature', (t) => {
  const head = signedWithUnknownField(makeHead(), signerOf(1));
  const read = valueOf(readHead(head, rulesAtStart));
  t.equal(read.body, head.body);
  t.strictSame(read.head, makeHead().head);
  t.equal(isSignedByOwner(read, ed25519Verifier), true);
  t.end();
});

t.test('a head of the largest size is read, and one byte more is refused', (t) => {
  const head = makeHead();
  const headBytesMax = head.body.length;
  t.equal(readHead(head, { ...rulesAtStart, headBytesMax }).kind, 'opened');
  const tooLarge = readHead(head, { ...rulesAtStart, headBytesMax: headBytesMax - 1 });
  t.strictSame(tooLarge, refused('HEAD_TOO_LARGE'));
  t.end();
});

t.test('bytes that are no head are malformed', (t) => {
  const cases = {
    empty: new Uint8Array(0),
    garbage: Buffer.from('ffffffffffff', 'hex'),
    'short owner': headBytes({ owner: new Uint8Array(31) }),
    'short root': headBytes({ root: new Uint8Array(31) }),
    'long boot id': headBytes({ bootId: new Uint8Array(9) }),
    'no facts': headBytes({ facts: null }),
  };
  for (const [name, body] of Object.entries(cases))
    t.strictSame(readBody(body), refused('MALFORMED'), name);
  t.end();
});

t.test('a head of another cluster is refused by that name, however old it is', (t) => {
  t.strictSame(readBody(headBytes({ cluster: 'other' })), refused('WRONG_CLUSTER'));
  t.strictSame(readBody(headBytes({ cluster: '', lastUpdate: 1 })), refused('WRONG_CLUSTER'));
  t.end();
});

t.test('numbers out of their range are refused', (t) => {
  const cases = [
    { lastUpdate: 0 },
    { lastUpdate: Long.fromNumber(2 ** 53, true) },
    { incarnation: 0 },
    { incarnation: Long.MAX_UNSIGNED_VALUE },
    { floor: startMicros + 2 },
    { floor: Long.MAX_UNSIGNED_VALUE },
    { facts: { ...makeFacts(), addresses: [], startedAt: Long.MAX_UNSIGNED_VALUE } },
  ];
  for (const fields of cases) t.strictSame(readBody(headBytes(fields)), refused('OUT_OF_RANGE'));
  t.equal(readBody(headBytes({ floor: startMicros + 1 })).kind, 'opened', 'a floor at the head');
  t.end();
});

t.test('a head may be as far ahead and as old as the rules say, and no microsecond more', (t) => {
  const { latest, earliest } = rulesAtStart;
  t.equal(readBody(headBytes({ lastUpdate: latest })).kind, 'opened');
  t.strictSame(readBody(headBytes({ lastUpdate: latest + 1 })), refused('CLOCK_AHEAD'));
  const century = latest + 100 * 365 * 86_400_000_000;
  t.strictSame(readBody(headBytes({ lastUpdate: century })), refused('CLOCK_AHEAD'));
  t.equal(readBody(headBytes({ lastUpdate: earliest })).kind, 'opened');
  t.strictSame(readBody(headBytes({ lastUpdate: earliest - 1 })), refused('EXPIRED'));
  t.end();
});

t.test("a head is its owner's only with its owner's signature over the very bytes", (t) => {
  const head = makeHead();
  const signedBy = (change: object) => isSignedByOwner({ ...head, ...change }, ed25519Verifier);
  const elsewhere = signerOf(1).sign('disco/v1/head', 'other', head.body);
  t.equal(signedBy({}), true);
  t.equal(signedBy({ body: flipBit(head.body, 100) }), false);
  t.equal(signedBy({ signature: flipBit(head.signature, 0) }), false);
  t.equal(signedBy({ signature: new Uint8Array(0) }), false);
  t.equal(signedBy({ signature: elsewhere }), false, 'signed for another cluster');
  const byOther = signerOf(2).sign('disco/v1/head', head.head.cluster, head.body);
  t.equal(signedBy({ signature: byOther }), false, 'signed by another key');
  t.end();
});

t.test('the larger lastUpdate wins, whatever the incarnation', (t) => {
  const older = makeHead(undefined, { lastUpdate: 10, incarnation: 9 });
  const newer = makeHead(undefined, { lastUpdate: 11, incarnation: 1 });
  t.ok(compareHeads(newer, older) > 0);
  t.ok(compareHeads(older, newer) < 0);
  t.equal(compareHeads(older, makeHead(undefined, { lastUpdate: 10, incarnation: 9 })), 0);
  t.equal(isEquivocation(older, newer), false);
  t.end();
});

t.test('of two heads with one lastUpdate the larger hash wins, and it is an equivocation', (t) => {
  const a = makeHead(undefined, { incarnation: 1 });
  const b = makeHead(undefined, { incarnation: 2 });
  t.equal(Math.sign(compareHeads(a, b)), Math.sign(compareBytes(a.hash, b.hash)));
  t.equal(compareHeads(a, b), -compareHeads(b, a));
  t.equal(isEquivocation(a, b), true);
  t.equal(isEquivocation(a, makeHead(undefined, { incarnation: 1 })), false);
  t.end();
});

t.test(
  'a head that is known by its bytes is not decoded again, and still held to the rules',
  (t) => {
    const known = makeHead();
    const { body, signature } = known;
    t.equal(valueOf(readHead({ body, signature }, rulesAtStart, known)), known);
    const refused = (rules: Partial<typeof rulesAtStart>) =>
      readHead({ body, signature }, { ...rulesAtStart, ...rules }, known);
    t.match(refused({ headBytesMax: body.length - 1 }), { reason: 'HEAD_TOO_LARGE' });
    t.match(refused({ cluster: 'other' }), { reason: 'WRONG_CLUSTER' });
    t.match(refused({ latest: known.head.lastUpdate - 1 }), { reason: 'CLOCK_AHEAD' });
    t.match(refused({ earliest: known.head.lastUpdate + 1 }), { reason: 'EXPIRED' });
    t.end();
  },
);

t.test('a head that is kept holds on to no frame', (t) => {
  const { body, signature } = makeHead();
  const frame = Buffer.concat([body, signature, Buffer.alloc(5_000)]);
  const head = valueOf(
    readHead(
      {
        body: frame.subarray(0, body.length),
        signature: frame.subarray(body.length, body.length + signature.length),
      },
      rulesAtStart,
    ),
  );
  const kept = detachHead(head);
  const sizes = [kept.body, kept.signature, kept.head.root].map(({ buffer }) => buffer.byteLength);
  t.strictSame(sizes, [body.length, 64, 32]);
  t.strictSame(Buffer.from(kept.body), Buffer.from(body));
  t.equal(isSignedByOwner(kept, ed25519Verifier), true);
  t.end();
});
