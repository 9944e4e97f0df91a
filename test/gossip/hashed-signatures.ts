/** Signatures that anybody can make, of the right length: for tests with very many owners. */
import { createHash } from 'node:crypto';
import { sha256 } from '../../src/record/hash.ts';
import { ownerFromKey } from '../../src/record/owner.ts';
import type { Signer, Verifier } from '../../src/record/signature.ts';

export interface SignatureScheme {
  /** The signer of a number, the same in every run. */
  readonly signerOf: (number: number) => Signer;
  readonly verifier: Verifier;
}

function hashedSignature(owner: string, domain: string, cluster: string, body: Uint8Array): Buffer {
  return createHash('sha512').update(`${owner} ${domain} ${cluster}`).update(body).digest();
}

/** The owner with exactly this key. */
export function hashedSigner(key: Uint8Array): Signer {
  const owner = ownerFromKey(key);
  return { owner, sign: (...signed) => hashedSignature(owner, ...signed) };
}

export const hashedSignatures: SignatureScheme = {
  signerOf: (number) => hashedSigner(sha256(`hashed key ${number}`)),
  verifier: {
    verify: (owner, domain, cluster, body, signature) =>
      hashedSignature(owner, domain, cluster, body).equals(signature),
  },
};
