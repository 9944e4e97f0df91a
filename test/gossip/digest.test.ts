import t from 'tap';
import { countOf, digestSymbols, openDigest, sealDigest } from '../../src/gossip/digest.ts';
import type { Digest } from '../../src/gossip/digest.ts';
import { elementKey, elementOf } from '../../src/gossip/element.ts';
import { encodeFrame } from '../../src/gossip/message.ts';
import { Sketch } from '../../src/gossip/sketch.ts';
import { sha256 } from '../../src/record/hash.ts';
import { ed25519Verifier } from '../../src/record/signature.ts';
import { signerOf } from './cluster.ts';

const [signer, other] = [signerOf(1), signerOf(2)];

function digestOf(elements: number, salt?: Uint8Array): Digest {
  const sketch = new Sketch(16);
  const key = elementKey(Buffer.alloc(16, 7));
  for (let index = 0; index < elements; index++)
    sketch.add(elementOf(sha256(`element ${index}`), key));
  return {
    time: 1_800_000_000_000_000,
    exchange: 70_000,
    setHash: sketch.setHash(),
    symbols: sketch.symbols(0, digestSymbols),
    salt,
  };
}

/** Byte arrays of all kinds as text. */
function plain(digest: Digest | undefined): unknown {
  const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');
  const { setHash, symbols, salt, ...rest } = digest ?? digestOf(0);
  return { ...rest, setHash: hex(setHash), symbols: hex(symbols), salt: hex(salt) };
}

t.test('a sealed digest opens for its cluster and sender, and for no other', (t) => {
  for (const digest of [digestOf(3), digestOf(0), digestOf(5, Buffer.alloc(16, 9))]) {
    const sealed = sealDigest(digest, 'c', signer);
    const open = (peer: string, cluster: string, of = sealed): unknown =>
      openDigest(of, peer, cluster, ed25519Verifier);
    const opened = openDigest(sealed, signer.owner, 'c', ed25519Verifier);
    const value = opened.kind === 'opened' ? opened.value : undefined;
    t.strictSame(plain(value), plain(digest));
    t.match(open(signer.owner, 'd'), { kind: 'refused', reason: 'BAD_SIGNATURE' });
    t.match(open(other.owner, 'c'), { kind: 'refused', reason: 'BAD_SIGNATURE' });
    const garbage = { body: Buffer.from('garbage'), signature: sealed.signature };
    t.match(open(signer.owner, 'c', garbage), { kind: 'refused', reason: 'MALFORMED' });
  }
  t.end();
});

t.test('a digest with a part too short or too long is malformed', (t) => {
  const whole = digestOf(3);
  const short = Buffer.alloc(15);
  const wrongs: Partial<Digest>[] = [
    { setHash: short },
    { symbols: short },
    { symbols: Buffer.alloc(100) },
    { salt: short },
    { time: 0 },
  ];
  for (const wrong of wrongs) {
    const sealed = sealDigest({ ...whole, ...wrong }, 'c', signer);
    const opened = openDigest(sealed, signer.owner, 'c', ed25519Verifier);
    t.match(opened, { kind: 'refused', reason: 'MALFORMED' }, Object.keys(wrong).join());
  }
  t.end();
});

t.test(
  'a body of 256 bytes is read, whatever a later version adds, and one byte more is not',
  (t) => {
    const { body } = sealDigest(digestOf(3), 'c', signer);
    const openedOf = (bytes: number): string => {
      // Field 15, a string of that length.
      const rest = bytes - body.length - 3;
      const tag = Buffer.from([0x7a, (rest & 0x7f) | 0x80, rest >> 7]);
      const longer = Buffer.concat([body, tag, Buffer.alloc(rest)]);
      t.equal(longer.length, bytes);
      const sealed = { body: longer, signature: signer.sign('disco/v1/digest', 'c', longer) };
      const opened = openDigest(sealed, signer.owner, 'c', ed25519Verifier);
      return opened.kind === 'refused' ? opened.reason : opened.kind;
    };
    t.equal(openedOf(256), 'opened');
    t.equal(openedOf(257), 'MALFORMED');
    t.end();
  },
);

t.test('a digest takes at most 200 bytes, the same for 10 and for 100,000 heads', (t) => {
  const sizes = [10, 1_000, 100_000].map((count) => {
    const digest = digestOf(count);
    t.equal(countOf(digest), count);
    const sealed = sealDigest(digest, 'a-cluster-with-a-long-name', signer);
    return encodeFrame({ kind: 'digest', sealed }).length;
  });
  t.strictSame(new Set(sizes).size, 1);
  t.ok((sizes[0] as number) + 2 <= 200, `${sizes[0]} bytes and a length of two`);
  t.end();
});
