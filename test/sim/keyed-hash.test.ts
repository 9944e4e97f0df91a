import { test } from 'tap';
import { keyedHashSigner, keyedHashVerifier } from '../../src/sim/keyed-hash.ts';

const [signer, other] = [keyedHashSigner('one'), keyedHashSigner('two')];
const body = Uint8Array.of(1, 2, 3);
const signature = signer.sign('disco/v1/head', 'sim', body);

test('a signature holds for its owner, domain, cluster and body, and for no other', (t) => {
  const { verify } = keyedHashVerifier;
  t.ok(verify(signer.owner, 'disco/v1/head', 'sim', body, signature));
  t.notOk(verify(other.owner, 'disco/v1/head', 'sim', body, signature));
  t.notOk(verify(signer.owner, 'disco/v1/digest', 'sim', body, signature));
  t.notOk(verify(signer.owner, 'disco/v1/head', 'sim2', body, signature));
  t.notOk(verify(signer.owner, 'disco/v1/head', 'sim', Uint8Array.of(1, 2, 4), signature));
  t.notOk(verify('nobody', 'disco/v1/head', 'sim', body, signature));
  t.notOk(verify(signer.owner, 'disco/v1/head', 'sim', body, signature.subarray(1)));
  t.end();
});

test(`each of ${signature.length * 8} bits of a signature counts`, (t) => {
  t.equal(signature.length, 64);
  const accepted = Array.from({ length: signature.length * 8 }, (_, bit) => {
    const flipped = Uint8Array.from(signature);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    return keyedHashVerifier.verify(signer.owner, 'disco/v1/head', 'sim', body, flipped);
  });
  t.notOk(accepted.includes(true));
  t.end();
});
