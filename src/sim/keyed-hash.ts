/**
 * Signatures of the simulator: a keyed hash behind the interfaces of the real ones, at a fiftieth
 * of their cost.
 *
 * It refuses whatever the real scheme refuses by accident (a flipped bit, another owner, domain or
 * cluster) and nothing that an attacker computes: the key follows from the owner.
 */
import { equalBytes, sha256 } from '../record/hash.ts';
import { keyOfOwner, ownerFromKey } from '../record/owner.ts';
import { signatureBytes } from '../record/signature.ts';
import type { Domain, Signer, Verifier } from '../record/signature.ts';

/** @param name equal names give equal owners */
export function keyedHashSigner(name: string): Signer {
  const key = sha256('disco/sim/key', name);
  return {
    owner: ownerFromKey(key),
    sign: (domain, cluster, body) => tagOf(key, domain, cluster, body),
  };
}

export const keyedHashVerifier: Verifier = {
  verify: (owner, domain, cluster, body, signature) => {
    if (signature.length !== signatureBytes) return false;
    const key = keyOfOwner(owner);
    return key !== undefined && equalBytes(tagOf(key, domain, cluster, body), signature);
  },
};

/** Twice the same 32 bytes, since signatures are 64 long. */
function tagOf(key: Uint8Array, domain: Domain, cluster: string, body: Uint8Array): Uint8Array {
  const half = sha256(key, `${domain}\0${cluster}\0`, body);
  const tag = new Uint8Array(signatureBytes);
  tag.set(half);
  tag.set(half, half.length);
  return tag;
}
