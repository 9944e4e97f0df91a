import t from 'tap';
import { compareBytes, detached, equalBytes, hashBytes, sha256 } from '../../src/record/hash.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

t.test('sha256 gives the digests of FIPS 180-4', (t) => {
  t.equal(hex(sha256('')), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  t.equal(hex(sha256('abc')), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  t.equal(sha256('abc').length, hashBytes);
  t.end();
});

t.test('parts are hashed as if laid end to end, text as UTF-8', (t) => {
  const whole = sha256('abcé');
  t.strictSame(sha256('ab', 'cé'), whole);
  t.strictSame(sha256('ab', Buffer.from('cé')), whole);
  t.strictSame(sha256(Buffer.from('abcé')), whole);
  t.strictSame(sha256('', 'abcé', new Uint8Array(0)), whole);
  t.strictSame(sha256(), sha256(''));
  t.end();
});

t.test('byte strings are ordered by their first difference, then by length', (t) => {
  const ordered = [[], [0], [0, 0], [0, 1], [1], [127, 255], [128], [255]].map((bytes) =>
    Uint8Array.from(bytes),
  );
  for (const [i, a] of ordered.entries())
    for (const [j, b] of ordered.entries())
      t.equal(Math.sign(compareBytes(a, b)), Math.sign(i - j));
  t.end();
});

t.test('equal bytes are equal whatever holds them; a longer string is another', (t) => {
  t.equal(equalBytes(Buffer.from('ab'), new TextEncoder().encode('ab')), true);
  t.equal(equalBytes(Buffer.from('ab'), Buffer.from('abc')), false);
  t.equal(equalBytes(Buffer.from('ab'), Buffer.from('ac')), false);
  t.end();
});

t.test('detached bytes keep no large buffer alive, and what stands alone is not copied', (t) => {
  const frame = new Uint8Array(1_000).fill(7);
  const part = frame.subarray(10, 30);
  const alone = detached(part);
  t.strictSame([...alone], [...part]);
  t.equal(alone.buffer.byteLength, 20);
  t.equal(detached(alone), alone);
  const most = frame.subarray(0, 500);
  t.equal(detached(most), most);
  t.end();
});
