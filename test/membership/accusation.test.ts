import fc from 'fast-check';
import { Writer } from 'protobufjs/minimal.js';
import t from 'tap';
import { disco } from '../../src/gen/gossip.js';
import {
  accusationReasons,
  confirmedClaim,
  isSignedByBoth,
  openToken,
  readAccusation,
  sealAccusation,
  sealToken,
  sinceOf,
  tokenLifeMs,
} from '../../src/membership/accusation.ts';
import type { SealedAccusation } from '../../src/membership/accusation.ts';
import { suspicionFloorMs } from '../../src/membership/jury.ts';
import type { Sealed } from '../../src/record/head.ts';
import { keyOfOwner } from '../../src/record/owner.ts';
import { sha256 } from '../../src/record/hash.ts';
import { ed25519Verifier } from '../../src/record/signature.ts';
import type { Opened } from '../../src/record/verdict.ts';
import { flipBit, signerOf, valueOf, withUnknownField } from '../record/fixtures.ts';
import { accuse, claimOf, cluster, startMicros } from './accusations.ts';

const wire = disco.gossip.v1;
const [subject, accuser, other] = [signerOf(1), signerOf(2), signerOf(3)];
const lifeMicros = tokenLifeMs * 1000;
const parties = { subject: subject.owner, observer: accuser.owner };
const token = { ...parties, issuedAt: startMicros };
const sealedToken = sealToken(token, cluster, subject);
const wide = { latest: Number.MAX_SAFE_INTEGER, earliest: 0 };

const read = (sealed: Sealed, rules = wide): Opened<SealedAccusation> =>
  readAccusation(sealed, rules);
const refusal = (reason: string): object => ({ kind: 'refused', reason });

/** The wire form of an honest accusation, with fields that its type would not allow. */
function accusationWith(fields: disco.gossip.v1.Accusation.$Properties): Sealed {
  const { reason: _, ...claim } = claimOf();
  const { body: tokenBody, signature: tokenSignature } = sealedToken;
  const honest = { token: { body: tokenBody, signature: tokenSignature }, ...claim, reason: 2 };
  const body = wire.Accusation.encode({ ...honest, ...fields }).finish();
  return { body, signature: accuser.sign('disco/v1/accusation', cluster, body) };
}

/** A token that its subject signed, whatever it says, in an accusation. */
function accusationBy(fields: disco.gossip.v1.Token.$Properties): Sealed {
  const observer = keyOfOwner(accuser.owner) as Uint8Array;
  const honest = { subject: keyOfOwner(subject.owner) as Uint8Array, observer };
  const body = wire.Token.encode({ ...honest, issuedAt: startMicros, ...fields }).finish();
  const signature = subject.sign('disco/v1/token', cluster, body);
  return accusationWith({ token: { body, signature } });
}

t.test('a token opens for its two parties and its cluster', (t) => {
  const open = (sealed: Sealed, of = parties, latest = startMicros, name = cluster): unknown =>
    openToken(sealed, of, latest, name, ed25519Verifier);
  t.match(open(sealedToken), { kind: 'opened', value: { token } });
  t.same(open(sealedToken, { ...parties, subject: other.owner }), refusal('OWNER_MISMATCH'));
  t.same(open(sealedToken, { ...parties, observer: other.owner }), refusal('OWNER_MISMATCH'));
  t.same(open(sealedToken, parties, startMicros - 1), refusal('CLOCK_AHEAD'));
  t.same(open(sealedToken, parties, startMicros, 'another'), refusal('BAD_SIGNATURE'));
  const forged = { ...sealedToken, signature: sealToken(token, 'another', subject).signature };
  t.same(open(forged), refusal('BAD_SIGNATURE'));
  t.same(open({ ...sealedToken, body: Buffer.from('garbage') }), refusal('MALFORMED'));
  t.end();
});

t.test(
  'a token of 192 bytes is read, whatever a later version adds, and one byte more is not',
  (t) => {
    const { body } = sealedToken;
    const openedOf = (bytes: number): Opened<unknown> => {
      const padding = Writer.create().uint32((15 << 3) | 2);
      padding.bytes(Buffer.alloc(bytes - body.length - 2));
      const longer = Buffer.concat([body, padding.finish()]);
      t.equal(longer.length, bytes);
      const signature = subject.sign('disco/v1/token', cluster, longer);
      const latest = startMicros + 1;
      return openToken({ body: longer, signature }, parties, latest, cluster, ed25519Verifier);
    };
    t.match(openedOf(192), { kind: 'opened' });
    t.same(openedOf(193), refusal('MALFORMED'));
    t.end();
  },
);

t.test('an accusation comes back as it was, with the hash of what was signed', (t) => {
  for (const reason of accusationReasons)
    for (const confirmed of [false, true]) {
      const claim = claimOf({ incarnation: 1_750_000_000, confirmed, reason });
      const sealed = sealAccusation(sealedToken, claim, cluster, accuser);
      const opened = valueOf(read({ body: sealed.body, signature: sealed.signature }));
      const said = { subject: subject.owner, accuser: accuser.owner, ...claim };
      t.strictSame(opened.accusation, said);
      t.strictSame(sealed.accusation, said);
      t.same(opened.hash, sha256(sealed.body));
      t.equal(isSignedByBoth(opened, cluster, ed25519Verifier), true);
      t.equal(isSignedByBoth(opened, 'another', ed25519Verifier), false);
    }
  t.end();
});

t.test('an accusation takes some 300 bytes, and no more memory than that', (t) => {
  const sealed = accuse(subject, accuser);
  t.ok(sealed.body.length + sealed.signature.length < 320, `${sealed.body.length} and 64`);
  const frame = Buffer.concat([Buffer.alloc(100_000), sealed.body]);
  const { body } = valueOf(read({ ...sealed, body: frame.subarray(100_000) }));
  t.ok(body.buffer.byteLength < 1_000, 'it is not part of the frame in which it came');
  t.end();
});

t.test('a bit turned over anywhere is malformed, out of range or badly signed', (t) => {
  const sealed = accuse(subject, accuser, { confirmed: true });
  let passed = 0;
  for (let bit = 0; bit < sealed.body.length * 8; bit++) {
    const altered = read({ ...sealed, body: flipBit(sealed.body, bit) });
    if (altered.kind === 'opened' && isSignedByBoth(altered.value, cluster, ed25519Verifier))
      passed += 1;
  }
  t.equal(passed, 0);
  const signature = flipBit(sealed.signature, 77);
  const altered = valueOf(read({ ...sealed, signature }));
  t.equal(isSignedByBoth(altered, cluster, ed25519Verifier), false);
  t.end();
});

t.test('nobody accuses with the token of another, or with one that he made himself', (t) => {
  const foreign = accusationWith({});
  const stolen = {
    ...foreign,
    signature: other.sign('disco/v1/accusation', cluster, foreign.body),
  };
  t.equal(isSignedByBoth(valueOf(read(stolen)), cluster, ed25519Verifier), false);
  const own = { body: sealedToken.body, signature: sealToken(token, 'x', subject).signature };
  const made = valueOf(read(accusationWith({ token: own })));
  t.equal(isSignedByBoth(made, cluster, ed25519Verifier), false);
  const asToken = { ...sealedToken, signature: subject.sign('disco/v1/head', cluster, own.body) };
  const wrongDomain = valueOf(read(accusationWith({ token: asToken })));
  t.equal(isSignedByBoth(wrongDomain, cluster, ed25519Verifier), false);
  t.end();
});

t.test('a field of a later version is kept and signed', (t) => {
  const body = withUnknownField(accusationWith({}).body);
  const sealed = { body, signature: accuser.sign('disco/v1/accusation', cluster, body) };
  const opened = valueOf(read(sealed));
  t.same(opened.body, body);
  t.equal(isSignedByBoth(opened, cluster, ed25519Verifier), true);
  t.match(read(accusationWith({ reason: 99 })), { value: { accusation: { reason: 'silent' } } });
  t.end();
});

const since = claimOf().since;
const floor = suspicionFloorMs * 1000;
const end = startMicros + lifeMicros;

/** What is wrong, the reason why it is refused, and what is wrong by a hair less. */
const table: readonly (readonly [string, string, Sealed, Sealed?])[] = [
  ['no token', 'MALFORMED', accusationWith({ token: null })],
  ['an empty token', 'MALFORMED', accusationWith({ token: {} })],
  ['a key of 31 bytes', 'MALFORMED', accusationBy({ subject: Buffer.alloc(31) })],
  ['an observer of 33 bytes', 'MALFORMED', accusationBy({ observer: Buffer.alloc(33) })],
  [
    'a token for oneself',
    'MALFORMED',
    accusationBy({ observer: keyOfOwner(subject.owner) ?? null }),
  ],
  ['a token of no time', 'MALFORMED', accusationBy({ issuedAt: 0 })],
  ['a token of 2^60', 'MALFORMED', accusationBy({ issuedAt: 2 ** 60 })],
  [
    'no incarnation',
    'OUT_OF_RANGE',
    accusationWith({ incarnation: 0 }),
    accusationWith({ incarnation: 1 }),
  ],
  ['an incarnation of 2^60', 'OUT_OF_RANGE', accusationWith({ incarnation: 2 ** 60 })],
  [
    'a suspicion from before the token',
    'OUT_OF_RANGE',
    accusationWith({ since: startMicros - 1 }),
    accusationWith({ since: startMicros }),
  ],
  [
    'signed before it began',
    'OUT_OF_RANGE',
    accusationWith({ at: since - 1 }),
    accusationWith({ at: since }),
  ],
  [
    'confirmed before any suspicion time is over',
    'OUT_OF_RANGE',
    accusationWith({ confirmed: true, at: since + floor - 1 }),
    accusationWith({ confirmed: true, at: since + floor }),
  ],
  [
    'signed after the token had ended',
    'TOKEN_EXPIRED',
    accusationWith({ at: end + 1 }),
    accusationWith({ at: end }),
  ],
];

for (const [what, reason, wrong, right] of table)
  t.test(`${what} is ${reason}`, (t) => {
    t.same(read(wrong), refusal(reason));
    if (right !== undefined) t.match(read(right), { kind: 'opened' });
    t.end();
  });

t.test('only the future and what everybody has forgotten are held against the own clock', (t) => {
  const sealed = accuse(subject, accuser, { confirmed: true });
  const { at } = sealed.accusation;
  t.match(read(sealed, { latest: at, earliest: at }), { kind: 'opened' });
  t.same(read(sealed, { latest: at - 1, earliest: 0 }), refusal('CLOCK_AHEAD'));
  t.same(read(sealed, { latest: at + 1, earliest: at + 1 }), refusal('EXPIRED'));
  t.end();
});

t.test('a body of 512 bytes is read, and one byte more is malformed', (t) => {
  const { body, signature } = accusationWith({});
  const padded = (bytes: number): Uint8Array => {
    const padding = Writer.create().uint32((100 << 3) | 2);
    // Its tag and its length take two bytes each.
    padding.bytes(Buffer.alloc(bytes - body.length - 4));
    return Buffer.concat([body, padding.finish()]);
  };
  t.equal(padded(512).length, 512);
  t.match(read({ body: padded(512), signature }), { kind: 'opened' });
  t.same(read({ body: padded(513), signature }), refusal('MALFORMED'));
  t.end();
});

t.test('any bytes are an accusation or malformed, never an exception', (t) => {
  const { body, signature } = accusationWith({});
  fc.assert(
    fc.property(fc.nat(body.length - 1), fc.uint8Array({ maxLength: 40 }), (start, noise) => {
      const altered = Buffer.concat([body.subarray(0, start), noise, body.subarray(start)]);
      read({ body: altered, signature });
      read({ body: noise, signature });
      openToken({ body: noise, signature }, parties, startMicros, cluster, ed25519Verifier);
    }),
    { numRuns: 1_000, seed: 1 },
  );
  t.pass('no exception');
  t.end();
});

t.test('an observer whose clock is behind accuses from when its token was issued', (t) => {
  t.equal(sinceOf(token, startMicros - 59_000_000), startMicros);
  t.equal(sinceOf(token, startMicros + 5), startMicros + 5);
  t.equal(sinceOf(token, end), end);
  t.equal(sinceOf(token, end + 1), undefined, 'the token is too old');
  t.end();
});

t.test('a confirmation is as much later as the suspicion took, whatever the clocks say', (t) => {
  const claim = claimOf({ incarnation: 4, reason: 'refused' });
  const confirmed = confirmedClaim(claim, token, 5_000.25);
  t.strictSame(confirmed, { ...claim, at: claim.since + 5_000_250, confirmed: true });
  const leftMs = (end - claim.since) / 1000;
  t.match(confirmedClaim(claim, token, leftMs), { at: end });
  t.equal(confirmedClaim(claim, token, leftMs + 1), undefined, 'the token is too old by then');
  t.end();
});

t.test('what no honest node would take is not sealed', (t) => {
  const seal = (claim: object, signer = accuser): (() => unknown) => {
    return () => sealAccusation(sealedToken, { ...claimOf(), ...claim }, cluster, signer);
  };
  t.throws(() => sealToken(token, cluster, accuser), /only a node itself/);
  t.throws(seal({}, other), /only the observer/);
  t.throws(seal({ since: startMicros - 1 }), /OUT_OF_RANGE/);
  t.throws(seal({ at: end + 1 }), /TOKEN_EXPIRED/);
  t.throws(seal({ confirmed: true, at: since + 1 }), /OUT_OF_RANGE/);
  t.end();
});
