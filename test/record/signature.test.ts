import { generateKeyPairSync, sign } from 'node:crypto';
import t from 'tap';
import { ownerFromKey } from '../../src/record/owner.ts';
import {
  ed25519SignerOf,
  ed25519Verifier,
  isSignedBy,
  signatureBytes,
} from '../../src/record/signature.ts';
import { flipBit, signerOf } from './fixtures.ts';

const body = Buffer.from('what was said');
const signer = signerOf(1);
const signature = signer.sign('disco/v1/head', 'test', body);

t.test('a signature holds for its owner, domain, cluster and bytes', (t) => {
  t.equal(signature.length, signatureBytes);
  t.equal(ed25519Verifier.verify(signer.owner, 'disco/v1/head', 'test', body, signature), true);
  t.strictSame(signer.sign('disco/v1/head', 'test', body), signature, 'Ed25519 uses no chance');
  t.end();
});

t.test('a signature is worth nothing for another owner, domain, cluster or body', (t) => {
  const { verify } = ed25519Verifier;
  const { owner } = signer;
  t.equal(verify(signerOf(2).owner, 'disco/v1/head', 'test', body, signature), false);
  t.equal(verify(owner, 'disco/v1/digest', 'test', body, signature), false);
  t.equal(verify(owner, 'disco/v1/head', 'tes', body, signature), false);
  t.equal(verify(owner, 'disco/v1/head', 'test', Buffer.concat([body, body]), signature), false);
  t.equal(verify(owner, 'disco/v1/head', 'test', new Uint8Array(0), signature), false);
  t.end();
});

t.test('letters cannot move between the cluster and the body', (t) => {
  const split = signer.sign('disco/v1/head', 'ab', Buffer.from('c'));
  const { verify } = ed25519Verifier;
  t.equal(verify(signer.owner, 'disco/v1/head', 'a', Buffer.from('bc'), split), false);
  t.equal(verify(signer.owner, 'disco/v1/head', 'abc', new Uint8Array(0), split), false);
  t.end();
});

t.test('every bit of a signature counts', (t) => {
  const { verify } = ed25519Verifier;
  for (let bit = 0; bit < signatureBytes * 8; bit++)
    t.notOk(verify(signer.owner, 'disco/v1/head', 'test', body, flipBit(signature, bit)));
  t.end();
});

t.test('a signature of another length, or of no owner at all, is none and throws nothing', (t) => {
  const { verify } = ed25519Verifier;
  const longer = Buffer.concat([signature, Uint8Array.of(0)]);
  t.equal(verify(signer.owner, 'disco/v1/head', 'test', body, longer), false);
  t.equal(verify(signer.owner, 'disco/v1/head', 'test', body, new Uint8Array(0)), false);
  t.equal(verify('nobody', 'disco/v1/head', 'test', body, signature), false);
  t.end();
});

t.test('a key that is no point of the curve verifies nothing and throws nothing', (t) => {
  for (const byte of [0x00, 0x02, 0x7f, 0xff]) {
    const owner = ownerFromKey(new Uint8Array(32).fill(byte));
    t.equal(ed25519Verifier.verify(owner, 'disco/v1/head', 'test', body, signature), false);
  }
  t.end();
});

t.test('the same seed is the same key, and its signatures are real ones', (t) => {
  const [one, again] = [1, 1].map((byte) => ed25519SignerOf(new Uint8Array(32).fill(byte)));
  t.equal(one?.owner, again?.owner);
  t.not(ed25519SignerOf(new Uint8Array(32).fill(2)).owner, one?.owner);
  const made = one?.sign('disco/v1/head', 'test', body) ?? new Uint8Array(0);
  t.ok(ed25519Verifier.verify(one?.owner ?? '', 'disco/v1/head', 'test', body, made));
  t.end();
});

t.test('a key that is no node signs too, and nothing else than its signature holds', (t) => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const key = spki.subarray(spki.length - 32);
  const made = sign(null, body, privateKey);
  t.equal(isSignedBy(key, body, made), true);
  t.equal(isSignedBy(key, Buffer.from('what was not said'), made), false);
  t.equal(isSignedBy(flipBit(key, 9), body, made), false);
  t.equal(isSignedBy(key, body, flipBit(made, 100)), false);
  for (const wrong of [new Uint8Array(), made.subarray(1), Buffer.concat([made, made])])
    t.equal(isSignedBy(key, body, wrong), false);
  for (const wrong of [new Uint8Array(), key.subarray(1), Buffer.concat([key, key])])
    t.equal(isSignedBy(wrong, body, made), false);
  t.end();
});
