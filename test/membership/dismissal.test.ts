import t from 'tap';
import { disco } from '../../src/gen/gossip.js';
import {
  isSignedByDismisser,
  readDismissal,
  sealDismissal,
} from '../../src/membership/dismissal.ts';
import type { SealedDismissal } from '../../src/membership/dismissal.ts';
import { keyOfOwner } from '../../src/record/owner.ts';
import { ed25519Verifier } from '../../src/record/signature.ts';
import { signerOf, startMicros, unknownField, valueOf } from '../record/fixtures.ts';

const [signer, subject] = [signerOf(1), signerOf(2).owner];
const rules = { latest: startMicros + 1_000, earliest: startMicros - 1_000 };
const said = { subject, incarnation: 7, at: startMicros };

const isSigned = (sealed: SealedDismissal, cluster = 'c'): boolean =>
  isSignedByDismisser(sealed, cluster, ed25519Verifier);

/** The wire form, with fields that its type would not allow. */
function bodyOf(fields: disco.gossip.v1.Dismissal.$Properties): Uint8Array {
  const [key, by] = [subject, signer.owner].map((owner) => keyOfOwner(owner) as Uint8Array);
  const honest = { subject: key as Uint8Array, by: by as Uint8Array, incarnation: 7, at: said.at };
  return disco.gossip.v1.Dismissal.encode({ ...honest, ...fields }).finish();
}

function reasonOf(body: Uint8Array): string {
  const read = readDismissal({ body, signature: Buffer.alloc(64) }, rules);
  return read.kind === 'refused' ? read.reason : 'opened';
}

t.test('a dismissal comes back as it was said, signed for its cluster and no other', (t) => {
  const sealed = sealDismissal(said, 'c', signer);
  t.strictSame(sealed.dismissal, { ...said, by: signer.owner });
  const read = valueOf(readDismissal(sealed, rules));
  t.strictSame(read.dismissal, sealed.dismissal);
  t.ok(isSigned(read));
  t.notOk(isSigned(read, 'd'));
  const forged = { ...read, dismissal: { ...read.dismissal, by: signerOf(3).owner } };
  t.notOk(isSigned(forged), 'nobody signs for another');
  t.end();
});

t.test('what a later version adds is kept, and signed as well', (t) => {
  const body = Buffer.concat([sealDismissal(said, 'c', signer).body, unknownField]);
  const signature = signer.sign('disco/v1/dismissal', 'c', body);
  const read = valueOf(readDismissal({ body, signature }, rules));
  t.same(read.body, body);
  t.ok(isSigned(read));
  t.end();
});

t.test('a signature for another kind of message is worth nothing', (t) => {
  const { body } = sealDismissal(said, 'c', signer);
  const signature = signer.sign('disco/v1/head', 'c', body);
  t.notOk(isSigned(valueOf(readDismissal({ body, signature }, rules))));
  t.end();
});

t.test('what cannot be a dismissal is refused with its reason', (t) => {
  t.equal(reasonOf(bodyOf({})), 'opened');
  t.equal(reasonOf(Buffer.from('noise')), 'MALFORMED');
  t.equal(reasonOf(new Uint8Array(0)), 'MALFORMED');
  t.equal(reasonOf(bodyOf({ subject: Buffer.alloc(31) })), 'MALFORMED');
  t.equal(reasonOf(bodyOf({ by: Buffer.alloc(33) })), 'MALFORMED');
  t.equal(reasonOf(bodyOf({ incarnation: 0 })), 'OUT_OF_RANGE');
  t.equal(reasonOf(bodyOf({ incarnation: 2 ** 60 })), 'OUT_OF_RANGE');
  t.equal(reasonOf(bodyOf({ at: 0 })), 'OUT_OF_RANGE');
  t.end();
});

t.test('it is taken from the horizon to as far ahead as clocks may be', (t) => {
  t.equal(reasonOf(bodyOf({ at: rules.latest })), 'opened');
  t.equal(reasonOf(bodyOf({ at: rules.latest + 1 })), 'CLOCK_AHEAD');
  t.equal(reasonOf(bodyOf({ at: rules.earliest })), 'opened');
  t.equal(reasonOf(bodyOf({ at: rules.earliest - 1 })), 'EXPIRED');
  t.end();
});

t.test('a body may be 256 bytes long, and not one more', (t) => {
  const filled = (bytes: number): Uint8Array => {
    // Field 15, a string of that length.
    const short = bodyOf({});
    const rest = bytes - short.length - 3;
    return Buffer.concat([short, Buffer.from([0x7a, rest | 0x80, rest >> 7]), Buffer.alloc(rest)]);
  };
  t.strictSame([filled(256).length, filled(257).length], [256, 257]);
  t.equal(reasonOf(filled(256)), 'opened');
  t.equal(reasonOf(filled(257)), 'MALFORMED');
  t.end();
});
