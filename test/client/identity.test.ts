import { createPublicKey, verify } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'tap';
import { provenBytes } from '../../src/base/challenge.ts';
import { Identity } from '../../src/client/identity.ts';

const as = { group: 'math', name: 'add', instanceId: 'a', ip: '10.0.0.7', port: 5001 };
const instance = 'math/add/a';
const owner = '12D3KooW';
const nonce = new Uint8Array(32).fill(7);
const asked = { nonce, owner, instance };
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');

/** As whoever has the public key alone sees it. */
function isProof(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const key = Buffer.concat([spkiPrefix, publicKey]);
  const verifier = createPublicKey({ key, format: 'der', type: 'spki' });
  return verify(null, message, verifier, signature);
}

async function signatureOf(identity: Identity, challenge = asked): Promise<Uint8Array> {
  const answer = await identity.answer(challenge);
  if (answer.kind !== 'signed') throw new Error(`${answer.kind}: ${answer.why}`);
  return answer.signature;
}

test('what was registered is signed, with the nonce and the daemon that asks', async (t) => {
  const identity = new Identity('');
  identity.begin()(as);
  const signature = await signatureOf(identity);
  t.equal(isProof(identity.publicKey, provenBytes(as, owner, nonce), signature), true);
  t.equal(isProof(identity.publicKey, provenBytes(as, 'other', nonce), signature), false);
  t.equal(isProof(new Identity('').publicKey, provenBytes(as, owner, nonce), signature), false);
  const other = await signatureOf(identity, { ...asked, nonce: new Uint8Array(16) });
  t.notSame(other, signature);
});

test('each identity has a key of its own, and one may stand for several instances', async (t) => {
  const [one, other] = [new Identity(''), new Identity('')];
  t.notSame(one.publicKey, other.publicKey);
  t.equal(one.publicKey.length, 32);
  const second = { ...as, name: 'sub', port: 5002 };
  one.begin()(as);
  one.begin()(second);
  const signature = await signatureOf(one, { ...asked, instance: 'math/sub/a' });
  t.equal(isProof(one.publicKey, provenBytes(second, owner, nonce), signature), true);
});

test('what it was not registered as, or is no more, is refused', async (t) => {
  const identity = new Identity('');
  const refused = { kind: 'not_me', why: 'this process is not registered as that instance' };
  t.strictSame(await identity.answer(asked), refused);
  identity.begin()(as);
  t.strictSame(await identity.answer({ ...asked, instance: 'math/add/b' }), refused);
  identity.end({ ...as });
  t.ok(await signatureOf(identity), 'another registration of that name has ended');
  identity.end(as);
  t.strictSame(await identity.answer(asked), refused);
  identity.begin()();
  t.strictSame(await identity.answer(asked), refused, 'a registration that failed is none');
});

test('a malformed challenge is not signed', async (t) => {
  const identity = new Identity('');
  identity.begin()(as);
  const bad = [
    { ...asked, nonce: new Uint8Array(15) },
    { ...asked, nonce: new Uint8Array(65) },
    { ...asked, owner: '' },
    { ...asked, owner: 'a\nb' },
    { ...asked, owner: 'x'.repeat(129) },
  ];
  for (const challenge of bad) {
    const why = 'expected a nonce of 16 to 64 bytes and a peer id';
    t.strictSame(await identity.answer(challenge), { kind: 'malformed', why });
  }
});

test('a challenge that comes before the daemon has answered waits for it', async (t) => {
  const identity = new Identity('');
  const settle = identity.begin();
  const answered: string[] = [];
  const waiting = identity.answer(asked).then(({ kind }) => answered.push(kind));
  await turn();
  t.strictSame(answered, []);
  settle(as);
  await waiting;
  t.strictSame(answered, ['signed']);
});

test('many that wait are not all waited with, and those may ask again', async (t) => {
  const identity = new Identity('');
  const settle = identity.begin();
  const waiting = Array.from({ length: 64 }, () => identity.answer(asked));
  const one = { kind: 'not_yet', why: 'it is being registered' };
  t.strictSame(await identity.answer(asked), one);
  settle(as);
  for (const answer of await Promise.all(waiting)) t.equal(answer.kind, 'signed');
  t.equal((await identity.answer(asked)).kind, 'signed');
});

test('a daemon that does not answer is not waited for for ever', async (t) => {
  const identity = new Identity('');
  identity.begin();
  const before = performance.now();
  t.equal((await identity.answer(asked)).kind, 'not_yet');
  t.ok(performance.now() - before < 30_000);
});

test('a child process that was handed the key answers in its parent’s stead', async (t) => {
  const parent = new Identity('/proof', { intervalMs: 5_000 });
  const child = new Identity('', { handover: parent.handOver(as) });
  t.strictSame(child.publicKey, parent.publicKey);
  const signature = await signatureOf(child);
  t.equal(isProof(parent.publicKey, provenBytes(as, owner, nonce), signature), true);
  const seed = Buffer.alloc(31).toString('base64url');
  for (const handover of ['', '{}', 'null', '[]', JSON.stringify({ ...as, seed })])
    t.throws(() => new Identity('', { handover }), {
      code: 'INVALID_ARGUMENT',
      reason: 'CONFIG',
      message: /^handover is not what `disco register` puts into DISCO_IDENTITY: /,
    });
});

test('what is checked is asked of the daemon, and the key is no part of it', async (t) => {
  const identity = new Identity('/proof', { tls: true, intervalMs: 5_000 });
  const check = { kind: 'identity', path: '/proof', tls: true, intervalMs: 5_000 };
  t.strictSame(identity.check, check);
  t.strictSame(new Identity('', { handover: identity.handOver(as) }).check, {
    kind: 'identity',
    path: '',
  });
});
