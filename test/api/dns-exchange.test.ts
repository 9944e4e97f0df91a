import { createSocket } from 'node:dgram';
import type { RemoteInfo } from 'node:dgram';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { askByDatagram, askByStream, framed } from '../../src/api/dns-exchange.ts';
import type { Ask } from '../../src/api/dns-exchange.ts';
import { VirtualClock } from '../../src/base/virtual-clock.ts';
import { question, read } from './dns-fixture.ts';

type Reply = (query: Buffer, send: (answer: Buffer) => void, peer: RemoteInfo) => void;

const answerTo = (query: Buffer, change?: (bytes: Buffer) => void): Buffer => {
  const answer = Buffer.from(query);
  answer.writeUInt16BE(0x8180, 2);
  change?.(answer);
  return answer;
};

async function udpServer(t: Test, reply: Reply): Promise<number> {
  const socket = createSocket('udp4');
  socket.on('message', (query, peer) =>
    reply(query, (answer) => socket.send(answer, peer.port, peer.address), peer),
  );
  await new Promise<void>((resolve) => void socket.bind(0, '127.0.0.1', resolve));
  t.teardown(() => socket.close());
  return socket.address().port;
}

async function tcpServer(t: Test, reply: (query: Buffer) => Buffer | undefined): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      const answer = reply(chunk.subarray(2));
      if (answer === undefined) socket.destroy();
      // In two pieces.
      else socket.write(answer.subarray(0, 1), () => socket.write(answer.subarray(1)));
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => void server.close());
  return (server.address() as AddressInfo).port;
}

function askOf(port: number, change: Partial<Ask> = {}): Ask {
  const { bytes, questionEnd } = read(question('Example.com', 'A'));
  const server = { host: '127.0.0.1', port };
  const { signal } = new AbortController();
  return {
    bytes,
    questionEnd,
    server,
    timeoutMs: 100,
    clock: new VirtualClock(),
    signal,
    ...change,
  };
}

t.test('a datagram is asked and answered, from another port each time', async (t) => {
  const ports = new Set<number>();
  const port = await udpServer(t, (query, send, peer) => {
    ports.add(peer.port);
    send(answerTo(query));
  });
  for (let round = 0; round < 4; round++) {
    const answer = await askByDatagram(askOf(port));
    t.equal(answer?.readUInt16BE(2), 0x8180);
  }
  t.ok(ports.size > 1);
});

t.test('what is no answer to this question is passed over', async (t) => {
  const wrong: ((bytes: Buffer) => void)[] = [
    (bytes) => bytes.writeUInt16BE(8, 0),
    (bytes) => bytes.writeUInt16BE(0x0100, 2),
    (bytes) => bytes.writeUInt16BE(0, 4),
    (bytes) => bytes.write('f', 13),
    (bytes) => bytes.writeUInt16BE(28, bytes.length - 4),
  ];
  const port = await udpServer(t, (query, send) => {
    for (const change of wrong) send(answerTo(query, change));
    send(Buffer.alloc(3));
    send(answerTo(query, (bytes) => bytes.write('eXAMPLE', 13)));
  });
  const answer = await askByDatagram(askOf(port));
  t.equal(answer?.toString('latin1', 13, 20), 'eXAMPLE', 'the case of letters is no difference');
});

t.test('without an answer in time there is none', async (t) => {
  const clock = new VirtualClock();
  const port = await udpServer(t, () => void clock.advance(100));
  t.equal(await askByDatagram(askOf(port, { clock })), undefined);
});

t.test('a port where nobody listens is no answer at once', async (t) => {
  const port = await new Promise<number>((resolve) => {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1', () => {
      const { port: free } = socket.address();
      socket.close(() => resolve(free));
    });
  });
  t.equal(await askByDatagram(askOf(port)), undefined);
  t.equal(await askByStream(askOf(port)), undefined);
});

t.test('whoever ends it has no answer', async (t) => {
  const ending = new AbortController();
  const port = await udpServer(t, () => ending.abort());
  t.equal(await askByDatagram(askOf(port, { signal: ending.signal })), undefined);
  t.equal(await askByDatagram(askOf(port, { signal: ending.signal })), undefined, 'nor later');
  t.equal(await askByStream(askOf(port, { signal: ending.signal })), undefined);
});

t.test('a stream is asked and answered, also in pieces', async (t) => {
  const port = await tcpServer(t, (query) => framed(answerTo(query)));
  t.equal((await askByStream(askOf(port)))?.readUInt16BE(2), 0x8180);
});

t.test('a stream that ends, or answers something else, is no answer', async (t) => {
  t.equal(await askByStream(askOf(await tcpServer(t, () => undefined))), undefined);
  const port = await tcpServer(t, (query) =>
    framed(answerTo(query, (bytes) => bytes.writeUInt16BE(8, 0))),
  );
  t.equal(await askByStream(askOf(port)), undefined);
});
