/**
 * Ed25519 seal and open with a domain string, so that a signature made for one kind of message,
 * or for one cluster, is worth nothing for another (as libp2p's signed envelopes, RFC 0002).
 *
 * Signed bytes: domain, NUL, cluster, NUL, body.
 */
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { keyOfOwner, ownerFromKey, publicKeyBytes } from './owner.ts';
import type { OwnerId } from './owner.ts';

export type Domain =
  | 'disco/v1/head'
  | 'disco/v1/digest'
  | 'disco/v1/token'
  | 'disco/v1/accusation'
  | 'disco/v1/dismissal';

export const signatureBytes = 64;

/** Whoever holds the private key. */
export interface Signer {
  readonly owner: OwnerId;
  /** 64 bytes over (domain, cluster, body). */
  sign(domain: Domain, cluster: string, body: Uint8Array): Uint8Array;
}

/** Checks signatures; the simulator may put a cheaper scheme behind it. */
export interface Verifier {
  verify(
    owner: OwnerId,
    domain: Domain,
    cluster: string,
    body: Uint8Array,
    signature: Uint8Array,
  ): boolean;
}

/** SubjectPublicKeyInfo of an Ed25519 key, up to the key itself (RFC 8410). */
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');

/** @param privateKey an Ed25519 private key; its public half is the owner */
export function ed25519Signer(privateKey: KeyObject): Signer {
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  const owner = ownerFromKey(spki.subarray(spki.length - publicKeyBytes));
  return {
    owner,
    sign: (domain, cluster, body) => sign(null, signedBytes(domain, cluster, body), privateKey),
  };
}

/** PKCS #8 of an Ed25519 private key, up to the seed itself (RFC 8410). */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/** @param seed 32 bytes: the same seed is the same key */
export function ed25519SignerOf(seed: Uint8Array): Signer {
  const key = Buffer.concat([pkcs8Prefix, seed]);
  return ed25519Signer(createPrivateKey({ key, format: 'der', type: 'pkcs8' }));
}

/**
 * Whether a message bears the Ed25519 signature of a key that is no node's.
 *
 * @param publicKey 32 bytes
 */
export function isSignedBy(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (publicKey.length !== publicKeyBytes || signature.length !== signatureBytes) return false;
  return verify(null, message, keyOf(publicKey), signature);
}

const keyCache = new Map<OwnerId, KeyObject>();
const keyCacheMax = 20_000;

export const ed25519Verifier: Verifier = {
  verify: (owner, domain, cluster, body, signature) => {
    if (signature.length !== signatureBytes) return false;
    const key = publicKeyOf(owner);
    return key !== undefined && verify(null, signedBytes(domain, cluster, body), key, signature);
  },
};

function publicKeyOf(owner: OwnerId): KeyObject | undefined {
  const known = keyCache.get(owner);
  if (known !== undefined) return known;
  const raw = keyOfOwner(owner);
  if (raw === undefined) return undefined;
  const key = keyOf(raw);
  if (keyCache.size >= keyCacheMax) keyCache.clear();
  keyCache.set(owner, key);
  return key;
}

function keyOf(raw: Uint8Array): KeyObject {
  const key = Buffer.concat([spkiPrefix, raw]);
  return createPublicKey({ key, format: 'der', type: 'spki' });
}

function signedBytes(domain: Domain, cluster: string, body: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${domain}\0${cluster}\0`), body]);
}
