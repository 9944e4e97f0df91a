/** Server-Sent Events on one response. */
import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { EventStream } from '../../src/api/event-stream.ts';
import { StreamReader } from './http-fixture.ts';

/** A response of a server, and who asked for it and reads it, or does not. */
async function connected(t: Test): Promise<{ response: ServerResponse; answer: IncomingMessage }> {
  const server = createServer().listen(0, '127.0.0.1');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  const request = get({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  request.on('error', () => undefined);
  const [, response] = (await once(server, 'request')) as [IncomingMessage, ServerResponse];
  const answered = once(request, 'response');
  new EventStream(response).begin({ 'x-own': 'yes' });
  const [answer] = (await answered) as [IncomingMessage];
  answer.on('error', () => undefined);
  return { response, answer };
}

t.test('an event is its name, its id and a line of JSON', async (t) => {
  const { response, answer } = await connected(t);
  t.match(answer.headers, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-own': 'yes',
  });
  const reader = new StreamReader(answer);
  const stream = new EventStream(response);
  t.strictSame(await reader.next(), { retry: '1000' });
  stream.send({ event: 'up', id: 'x-1', data: { text: 'a\nb\r\n\u2028' } });
  stream.send({ event: 'up', id: '', data: {} });
  stream.send({ event: 'up', data: {} });
  t.strictSame(await reader.events(3), [
    { event: 'up', id: 'x-1', data: { text: 'a\nb\r\n\u2028' } },
    { event: 'up', data: {} },
    { event: 'up', data: {} },
  ]);
});

t.test('a stream that was quiet since the last look shows that it lives', async (t) => {
  const { response, answer } = await connected(t);
  const reader = new StreamReader(answer);
  const stream = new EventStream(response);
  stream.keepAlive();
  stream.keepAlive();
  stream.send({ event: 'up', data: {} });
  stream.keepAlive();
  stream.keepAlive();
  await stream.end({ event: 'end', data: {} }, 10_000);
  t.strictSame(await reader.rest(), [
    { retry: '1000' },
    { comment: 'keep-alive' },
    { event: 'up', data: {} },
    { comment: 'keep-alive' },
    { event: 'end', data: {} },
  ]);
});

const large = { event: 'up', data: { text: 'x'.repeat(64 * 1024) } };

/** Sends until the reader, who reads nothing, is full; how many that took. */
function fill(stream: EventStream): number {
  for (let sent = 1; ; sent += 1) if (!stream.send(large)) return sent;
}

t.test('a reader that is full says so, gets no comments, and goes on when it reads', async (t) => {
  const { response, answer } = await connected(t);
  const stream = new EventStream(response);
  const sent = fill(stream);
  stream.keepAlive();
  stream.keepAlive();
  const drained = once(response, 'drain');
  const reader = new StreamReader(answer);
  t.equal((await reader.events(sent)).length, sent);
  await drained;
  await stream.end({ event: 'end', data: {} }, 10_000);
  t.strictSame(await reader.rest(), [{ event: 'end', data: {} }]);
});

t.test('who takes nothing when the stream ends is cut off after a while', async (t) => {
  const { response, answer } = await connected(t);
  const stream = new EventStream(response);
  for (let more = 0; more < 400; more += 1) fill(stream);
  const closed = new Promise((resolve) => answer.once('close', resolve));
  await stream.end({ event: 'end', data: {} }, 20);
  t.equal(response.destroyed, true);
  answer.resume();
  await closed;
  t.equal(answer.complete, false);
});
