import { once } from 'node:events';
import fc from 'fast-check';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import t, { type Test } from 'tap';
import { framed } from '../../src/api/dns-exchange.ts';
import { answersMax, DnsStream, idleMs, questionBytesMax } from '../../src/api/dns-stream.ts';
import type { AnswerStream } from '../../src/api/dns-stream.ts';
import { VirtualClock } from '../../src/base/virtual-clock.ts';

const messageOf = (text: string): Buffer => Buffer.from(text.padEnd(12, '.'));
const echo: AnswerStream = (message) => message;

/** A client of a stream that answers so. */
async function open(t: Test, answer: AnswerStream) {
  const clock = new VirtualClock();
  const accepted = Promise.withResolvers<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    new DnsStream(socket, answer, clock);
    accepted.resolve(socket);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  t.teardown(() => {
    client.destroy();
    server.close();
  });
  return { clock, client, served: await accepted.promise };
}

/** The next messages that come back. */
async function take(client: Socket, count: number): Promise<string[]> {
  const found: string[] = [];
  let bytes = Buffer.alloc(0);
  while (found.length < count) {
    const [chunk] = (await once(client, 'data')) as [Buffer];
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) {
      const end = 2 + bytes.readUInt16BE(0);
      found.push(bytes.toString('latin1', 2, end));
      bytes = bytes.subarray(end);
    }
  }
  return found;
}

t.test('questions in one piece are answered in turn', async (t) => {
  const { client } = await open(t, echo);
  const texts = ['one', 'two', 'three'].map((text) => messageOf(text));
  client.write(Buffer.concat(texts.map(framed)));
  t.strictSame(await take(client, 3), texts.map(String));
});

t.test('a question is understood however it is cut', async (t) => {
  const { client, served } = await open(t, echo);
  const bytes = Buffer.concat([framed(messageOf('one')), framed(messageOf('two'))]);
  const answers = take(client, 2);
  for (const byte of bytes) {
    const arrived = once(served, 'data');
    client.write(Buffer.from([byte]));
    await arrived;
  }
  t.strictSame(await answers, [String(messageOf('one')), String(messageOf('two'))]);
});

t.test('many questions, cut anywhere, are all answered in turn', async (t) => {
  const { client } = await open(t, echo);
  const texts = fc.array(fc.stringMatching(/^[a-z]{12,60}$/), { minLength: 1, maxLength: 20 });
  const cuts = fc.array(fc.integer({ min: 1, max: 80 }), { minLength: 1, maxLength: 20 });
  const isAnswered = fc.asyncProperty(texts, cuts, async (questions, sizes) => {
    const bytes = Buffer.concat(questions.map((text) => framed(Buffer.from(text))));
    const answers = take(client, questions.length);
    for (let at = 0, turn = 0; at < bytes.length; turn++) {
      const size = sizes[turn % sizes.length] ?? 1;
      client.write(bytes.subarray(at, at + size));
      at += size;
      await new Promise((resolve) => void setImmediate(resolve));
    }
    return (await answers).join() === questions.join();
  });
  await fc.assert(isAnswered, { numRuns: 50 });
});

t.test('answers go out as they are ready', async (t) => {
  const slow = Promise.withResolvers<Buffer>();
  const { client } = await open(t, (message) => (message[0] === 0x73 ? slow.promise : message));
  client.write(Buffer.concat([framed(messageOf('slow')), framed(messageOf('fast'))]));
  t.strictSame(await take(client, 1), [String(messageOf('fast'))]);
  slow.resolve(messageOf('slow'));
  t.strictSame(await take(client, 1), [String(messageOf('slow'))]);
});

t.test('who says that nothing more comes gets the answers that are under way', async (t) => {
  const slow = Promise.withResolvers<Buffer>();
  const { client, served } = await open(t, () => slow.promise);
  client.end(framed(messageOf('slow')));
  await once(served, 'end');
  const answer = take(client, 1);
  slow.resolve(messageOf('done'));
  t.strictSame(await answer, [String(messageOf('done'))]);
  await once(client, 'close');
});

for (const length of [0, 11, questionBytesMax + 1])
  t.test(`a question of ${length} bytes ends the connection`, async (t) => {
    const { client } = await open(t, echo);
    const bytes = Buffer.alloc(2);
    bytes.writeUInt16BE(length, 0);
    client.write(bytes);
    await once(client, 'close');
  });

t.test('what cannot be answered ends the connection', async (t) => {
  const { client } = await open(t, () => undefined);
  client.write(framed(messageOf('x')));
  await once(client, 'close');
});

t.test('who does not finish a question is cut off, and who asks goes on', async (t) => {
  const { client, clock } = await open(t, echo);
  clock.advance(idleMs - 1);
  client.write(framed(messageOf('x')));
  await take(client, 1);
  clock.advance(idleMs - 1);
  client.write(framed(messageOf('y')));
  t.strictSame(await take(client, 1), [String(messageOf('y'))]);
  const closed = once(client, 'close');
  clock.advance(idleMs);
  await closed;
});

t.test(`no more than ${answersMax} answers are under way, and the rest follow`, async (t) => {
  const waiting: ((answer: Buffer) => void)[] = [];
  const full = Promise.withResolvers<void>();
  const { client } = await open(t, () => {
    const { promise, resolve } = Promise.withResolvers<Buffer>();
    waiting.push(resolve);
    if (waiting.length === answersMax) setImmediate(full.resolve);
    return promise;
  });
  const count = answersMax + 50;
  client.write(Buffer.concat(Array.from({ length: count }, () => framed(messageOf('x')))));
  await full.promise;
  t.equal(waiting.length, answersMax);
  let taken = 0;
  const answers = take(client, count);
  while (taken < count) {
    for (const answer of waiting.slice(taken)) {
      taken += 1;
      answer(messageOf('x'));
    }
    await new Promise((resolve) => void setImmediate(resolve));
  }
  t.equal((await answers).length, count);
});

t.test('who reads no answers is not read from, and gets all of them later', async (t) => {
  let asked = 0;
  const large = Buffer.alloc(60_000);
  const { client, served } = await open(t, () => {
    asked += 1;
    return large;
  });
  client.pause();
  const count = 2_000;
  client.write(Buffer.concat(Array.from({ length: count }, () => framed(messageOf('x')))));
  await once(served, 'pause');
  t.ok(asked < count, `${asked} were answered before`);
  t.ok(
    served.writableLength < 256 * 1024 + 2 * large.length,
    `${served.writableLength} bytes wait`,
  );
  client.resume();
  t.equal((await take(client, count)).length, count);
  t.equal(asked, count);
});
