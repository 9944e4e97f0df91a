import t from 'tap';
import { base64url, fromBase64url, identityDefinition } from '../../src/base/challenge.ts';
import { nonceBytesMax, nonceBytesMin, provenBytes } from '../../src/base/challenge.ts';

const as = { group: 'math', name: 'add', instanceId: 'a', ip: '10.0.0.7', port: 5001 };
const nonce = Uint8Array.from({ length: nonceBytesMin }, (_, index) => 250 + index);
const text = (...given: Parameters<typeof provenBytes>): string =>
  Buffer.from(provenBytes(...given)).toString();

t.test('what is signed is the lines that the proto file promises', (t) => {
  const lines = ['math', 'add', 'a', '10.0.0.7:5001', '12D3', base64url(nonce)];
  t.equal(text(as, '12D3', nonce), `disco identity v1\n${lines.join('\n')}\n`);
  t.match(text({ ...as, ip: '::1' }, '12D3', nonce), /\n\[::1\]:5001\n/);
  t.end();
});

t.test('whatever is another challenge is signed as other bytes', (t) => {
  const others = [
    text(as, '12D3', nonce),
    text({ ...as, group: 'shop' }, '12D3', nonce),
    text({ ...as, name: 'sub' }, '12D3', nonce),
    text({ ...as, instanceId: 'b' }, '12D3', nonce),
    text({ ...as, ip: '10.0.0.8' }, '12D3', nonce),
    text({ ...as, port: 5002 }, '12D3', nonce),
    text({ ...as, group: 'mat', name: 'hadd' }, '12D3', nonce),
    text(as, '12D4', nonce),
    text(as, '12D3', nonce.toReversed()),
  ];
  t.equal(new Set(others).size, others.length);
  t.end();
});

t.test('bytes are written in one way, and whatever is written in another is none', (t) => {
  for (const bytes of [new Uint8Array(), Uint8Array.of(0), Uint8Array.of(251, 255, 254), nonce]) {
    t.strictSame(Buffer.from(fromBase64url(base64url(bytes)) ?? []), Buffer.from(bytes));
    t.match(base64url(bytes), /^[\w-]*$/);
  }
  for (const odd of ['AA==', 'A', 'AB', '+/8', 'a b', '\n', 'ü'])
    t.equal(fromBase64url(odd), undefined, odd);
  // A part of a larger buffer is that part alone.
  t.equal(base64url(Buffer.from('xabcx').subarray(1, 4)), base64url(Buffer.from('abc')));
  t.end();
});

t.test('a challenge survives the way over gRPC', (t) => {
  const { requestSerialize, requestDeserialize, path } = identityDefinition.Challenge;
  const sent = { nonce: new Uint8Array(nonceBytesMax).fill(7), owner: '12D3', group: 'math' };
  const got = requestDeserialize(requestSerialize({ ...sent, name: 'add', instanceId: 'a' }));
  t.match(got, { owner: '12D3', group: 'math', name: 'add', instanceId: 'a' });
  t.strictSame(Buffer.from(got.nonce), Buffer.from(sent.nonce));
  t.equal(path, '/disco.v1.Identity/Challenge');
  t.end();
});
