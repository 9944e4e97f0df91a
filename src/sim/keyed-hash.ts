/**
 * Signatures of the simulator: a keyed hash behind the interfaces of the real ones, at a hundredth
 * of their cost.
 *
 * It refuses whatever the real scheme refuses by accident (a flipped bit, another owner, domain or
 * cluster) and nothing that an attacker computes: the key follows from the owner, and the hash is
 * one for speed (two lanes of MurmurHash3's 32-bit mixing, Appleby), not for secrecy.
 */
import { equalBytes, sha256 } from '../record/hash.ts';
import { keyOfOwner, ownerFromKey } from '../record/owner.ts';
import { signatureBytes } from '../record/signature.ts';
import type { Signer, Verifier } from '../record/signature.ts';

/** @param name equal names give equal owners */
export function keyedHashSigner(name: string): Signer {
  const owner = ownerFromKey(sha256('disco/sim/key', name));
  return { owner, sign: (domain, cluster, body) => tagOf(owner, domain, cluster, body) };
}

export const keyedHashVerifier: Verifier = {
  verify: (owner, domain, cluster, body, signature) => {
    if (signature.length !== signatureBytes || keyOfOwner(owner) === undefined) return false;
    return equalBytes(tagOf(owner, domain, cluster, body), signature);
  },
};

/** The same 8 bytes again and again, since signatures are 64 long. */
function tagOf(owner: string, domain: string, cluster: string, body: Uint8Array): Uint8Array {
  const lanes = { a: 0x9747b28c | 0, b: 0x2545f491 | 0 };
  for (const text of [owner, domain, cluster]) {
    for (let i = 0; i < text.length; i++) mix(lanes, text.charCodeAt(i));
    mix(lanes, -1 - text.length);
  }
  for (let i = 0; i < body.length; i++) mix(lanes, body[i] as number);
  mix(lanes, body.length);
  const words = new Int32Array(signatureBytes / 4);
  for (let word = 0; word < words.length; word += 2) {
    words[word] = lanes.a;
    words[word + 1] = lanes.b;
  }
  return new Uint8Array(words.buffer);
}

function mix(lanes: { a: number; b: number }, value: number): void {
  let k = Math.imul(value, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const a = lanes.a ^ k;
  lanes.a = (Math.imul((a << 13) | (a >>> 19), 5) + 0xe6546b64) | 0;
  lanes.b = Math.imul(lanes.b ^ lanes.a, 0x85ebca6b);
  lanes.b ^= lanes.b >>> 13;
}
