import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import t from 'tap';
import { sha256 } from '../../src/record/hash.ts';
import { keyOfOwner, ownerFromKey } from '../../src/record/owner.ts';
import { keySeed, signerOf } from './fixtures.ts';

t.test('an owner is called by the very peer id that libp2p gives its key', async (t) => {
  for (let number = 1; number <= 20; number++) {
    const privateKey = await generateKeyPairFromSeed('Ed25519', keySeed(number));
    const owner = ownerFromKey(privateKey.publicKey.raw);
    t.equal(owner, peerIdFromPrivateKey(privateKey).toString());
    t.equal(owner, signerOf(number).owner);
    t.strictSame(keyOfOwner(owner), Uint8Array.from(privateKey.publicKey.raw));
  }
});

t.test('text that is no Ed25519 peer id has no key', (t) => {
  const { owner } = signerOf(1);
  const bad = [
    '',
    'garbage',
    '0OIl',
    owner.slice(1),
    owner.slice(0, -1),
    `${owner}1`,
    `1${owner}`,
    ` ${owner}`,
    'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
    '16Uiu2HAmPvwLBDCqoLx8EvYkgWWsPCL91Tbtnu1FTV9iYS2ArhQX',
    'z'.repeat(1_000_000),
  ];
  for (const text of bad) t.equal(keyOfOwner(text), undefined, text.slice(0, 60));
  t.end();
});

t.test('names and keys stay right after more owners than are remembered', (t) => {
  const keyOf = (number: number): Uint8Array => sha256(`key ${number}`);
  const first = ownerFromKey(keyOf(0));
  const owners = new Set(Array.from({ length: 20_050 }, (_, i) => ownerFromKey(keyOf(i))));
  t.equal(owners.size, 20_050);
  t.equal(ownerFromKey(keyOf(0)), first);
  t.strictSame(keyOfOwner(first), Uint8Array.from(keyOf(0)));
  t.end();
});
