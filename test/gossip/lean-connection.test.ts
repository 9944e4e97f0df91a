import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { generateKeyPair } from '@libp2p/crypto/keys';
import type { ConnectionEncrypter, MultiaddrConnection, Stream } from '@libp2p/interface';
import { multiaddrConnectionPair } from '@libp2p/utils';
import t from 'tap';
import type { Test } from 'tap';
import { leanNoise, leanYamux } from '../../src/gossip/lean-connection.ts';

type Sent = Parameters<MultiaddrConnection['send']>[0];

/** All that it hands to its socket from now on. */
function recorded(connection: MultiaddrConnection): Sent[] {
  const sent: Sent[] = [];
  const send = connection.send.bind(connection);
  connection.send = (data) => {
    sent.push(data);
    return send(data);
  };
  return sent;
}

async function encrypter(make: typeof noise): Promise<ConnectionEncrypter> {
  const silent = Object.assign(() => undefined, { enabled: false });
  const log = Object.assign(silent, { trace: silent, error: silent, newScope: () => log });
  const privateKey = await generateKeyPair('Ed25519');
  const upgrader = { getStreamMuxers: () => new Map() };
  return make()({ privateKey, upgrader, logger: { forComponent: () => log } } as never);
}

/** What one encrypted message of ten bytes is to the socket, and to the other end. */
async function sendSecured(make: typeof noise): Promise<{ sent: Sent[]; heard: Uint8Array }> {
  const [near, far] = multiaddrConnectionPair();
  const sent = recorded(near);
  const [one, other] = await Promise.all([encrypter(make), encrypter(make)]);
  const [here, there] = await Promise.all([one.secureOutbound(near), other.secureInbound(far)]);
  sent.length = 0;
  const heard = new Promise<Uint8Array>((resolve) => {
    there.connection.addEventListener('message', ({ data }) => resolve(data.subarray()));
  });
  here.connection.send(new Uint8Array(10).fill(7));
  return { sent, heard: await heard };
}

t.test('an encrypted message is written in one piece, which noise alone does not do', async (t) => {
  const lean = await sendSecured(leanNoise);
  t.strictSame(
    [...lean.heard],
    Array.from({ length: 10 }, () => 7),
  );
  t.equal(lean.sent.length, 1);
  t.ok(lean.sent[0] instanceof Uint8Array);
  t.equal(lean.sent[0]?.byteLength, 2 + 10 + 16, 'length, message, tag');
  const plain = await sendSecured(noise);
  t.notOk(plain.sent[0] instanceof Uint8Array, 'a list of pieces');
});

interface Ends {
  readonly from: Stream;
  readonly to: Stream;
  /** What the reading end sent. */
  readonly answers: Sent[];
  /** Bytes that were read. */
  readonly read: () => number;
}

async function streamOf(t: Test, make: typeof yamux): Promise<Ends> {
  const [near, far] = multiaddrConnectionPair();
  t.teardown(() => [near, far].forEach((end) => end.abort(new Error('the test is over'))));
  const answers = recorded(far);
  const [writing, reading] = [make()(), make()()];
  const opening = writing.createStreamMuxer(near);
  const opened = new Promise<Stream>((resolve) => {
    const muxer = reading.createStreamMuxer(far);
    muxer.addEventListener('stream', ({ detail }) => resolve(detail));
  });
  const from = await opening.createStream();
  let bytes = 0;
  const to = await opened;
  to.addEventListener('message', ({ data }) => void (bytes += data.byteLength));
  return { from, to, answers, read: () => bytes };
}

async function write({ from }: Ends, sizes: readonly number[]): Promise<void> {
  for (const size of sizes) {
    if (from.send(new Uint8Array(size))) continue;
    await new Promise((resolve) => from.addEventListener('drain', resolve, { once: true }));
  }
}

/** Until that much was read, or nothing more comes. */
async function readAll(ends: Ends, bytes: number): Promise<number> {
  for (let turn = 0; turn < 10_000 && ends.read() < bytes; turn++)
    await new Promise((resolve) => setImmediate(resolve));
  return ends.read();
}

t.test('a stream of small frames is answered once in 64 KiB, by yamux each time', async (t) => {
  const sizes = Array.from({ length: 1_000 }, () => 100);
  const lean = await streamOf(t, leanYamux);
  await write(lean, sizes);
  t.equal(await readAll(lean, 100_000), 100_000);
  t.ok(lean.answers.length <= 5, `${lean.answers.length} answers`);
  const plain = await streamOf(t, yamux);
  await write(plain, sizes);
  t.equal(await readAll(plain, 100_000), 100_000);
  t.ok(plain.answers.length >= 1_000, `${plain.answers.length} answers`);
});

t.test('whatever is written arrives, many windows of it', async (t) => {
  const ends = await streamOf(t, leanYamux);
  const sizes = Array.from({ length: 100 }, (_, index) => (index % 5 === 0 ? 200_000 : 3_000));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  await Promise.all([write(ends, sizes), readAll(ends, bytes)]);
  t.equal(await readAll(ends, bytes), bytes);
});

t.test('a stream that was paused goes on', async (t) => {
  const ends = await streamOf(t, leanYamux);
  await write(ends, [1_000]);
  t.equal(await readAll(ends, 1_000), 1_000);
  ends.to.pause();
  const writing = write(ends, [200_000, 200_000, 200_000]);
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
  t.equal(ends.read(), 1_000);
  ends.to.resume();
  await writing;
  t.equal(await readAll(ends, 601_000), 601_000);
});
