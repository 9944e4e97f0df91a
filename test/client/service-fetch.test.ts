import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { test, type Test } from 'tap';
import { fetchFrom, parseServiceUrl, signalOf, urlText } from '../../src/client/service-fetch.ts';
import { FakeSource, instanceOf } from './fake-source.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A server for each handler, and a balancer that takes them in turn, the first one first. */
async function setUp(t: Test, ...handlers: readonly Handler[]) {
  const seen: number[] = [];
  const instances = [];
  for (const [id, handler] of handlers.entries()) {
    const server = createServer((request, response) => {
      seen.push(id);
      handler(request, response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.teardown(() => {
      server.closeAllConnections();
      server.close();
    });
    instances.push(instanceOf(id, { port: (server.address() as AddressInfo).port }));
  }
  const source = new FakeSource(...instances);
  const balancer = source.balancer('round_robin');
  for (let left = handlers.length; left > 0; left--) {
    const next = balancer.next();
    if (next?.instanceId === `i${handlers.length - 1}`) break;
  }
  const get = (path: string, init?: RequestInit): Promise<Response> => {
    const url = `http://add.math${path}`;
    return fetchFrom(balancer, parseServiceUrl(url), url, init);
  };
  return { seen, balancer, source, get };
}

const ok: Handler = (request, response) => response.end(`${request.method} ${request.url}`);
const hangUp: Handler = (request) => request.socket.destroy();
const answer =
  (status: number): Handler =>
  (_, response) =>
    response.writeHead(status).end(`status ${status}`);

test('a service stands in the place of the host: name, dot, group', (t) => {
  const url = parseServiceUrl('http://Add_2.v1.math/a/b?c=d#e');
  t.match(url, { name: 'Add_2.v1', group: 'math' });
  t.equal(url.at('10.0.0.1:80'), 'http://10.0.0.1:80/a/b?c=d#e');
  t.equal(parseServiceUrl('https://add.math').at('[::1]:1'), 'https://[::1]:1');
  t.equal(parseServiceUrl('http://add.math?q').at('h:1'), 'http://h:1?q');
  t.end();
});

for (const url of [
  'http://add',
  'http://add.math:80/',
  'http://me@add.math/',
  'http://.math/',
  'http://add./',
  'http:///add/math',
  'http://[::1]/',
  'ftp://add.math/',
  'add.math/path',
  '/path',
  '',
]) {
  test(`${JSON.stringify(url)} names no service`, (t) => {
    t.throws(() => parseServiceUrl(url), {
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_NAME',
      message: /expected http:\/\/NAME\.GROUP\/path/,
    });
    t.end();
  });
}

test('texts, URLs and Requests say alike where to and until when', (t) => {
  const url = 'http://add.math/x';
  const { signal } = new AbortController();
  t.equal(urlText(url), url);
  t.equal(urlText(new URL(url)), url);
  t.equal(urlText(new Request(url)), url);
  t.equal(signalOf(url), undefined);
  t.equal(signalOf(url, { signal }), signal);
  t.ok(signalOf(new Request(url)));
  t.equal(signalOf(new Request(url), { signal }), signal);
  t.end();
});

test('the answer is that of an instance', async (t) => {
  const { get } = await setUp(t, ok);
  const response = await get('/sum?a=1', { headers: { accept: 'text/plain' } });
  t.equal(await response.text(), 'GET /sum?a=1');
});

test('each turn goes to the next instance', async (t) => {
  const { get, seen } = await setUp(t, ok, ok);
  for (let nth = 0; nth < 4; nth++) await (await get('/')).text();
  t.strictSame(seen, [0, 1, 0, 1]);
});

for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'put']) {
  test(`${method} is repeated elsewhere when the connection breaks`, async (t) => {
    const { get, seen } = await setUp(t, hangUp, ok);
    const response = await get('/', { method });
    t.equal(response.status, 200);
    t.strictSame(seen, [0, 1]);
  });
}

for (const method of ['POST', 'PATCH']) {
  test(`${method} is not repeated when the connection breaks`, async (t) => {
    const { get, seen } = await setUp(t, hangUp, ok);
    await t.rejects(get('/', { method, body: 'x' }), { name: 'TypeError' });
    t.strictSame(seen, [0]);
  });

  test(`${method} goes elsewhere when nobody listens`, async (t) => {
    const echo: Handler = (request, response) => request.pipe(response);
    const { source, balancer } = await setUp(t, echo);
    const closed = createServer();
    closed.listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    source.put(instanceOf(7, { port }));
    for (let nth = 0; nth < 4; nth++) {
      const url = 'http://add.math/';
      const init = { method, body: 'x' };
      const response = await fetchFrom(balancer, parseServiceUrl(url), url, init);
      t.equal(await response.text(), 'x');
    }
  });
}

for (const status of [502, 503, 504]) {
  test(`${status} is repeated elsewhere, and given back when there is no better`, async (t) => {
    const { get, seen } = await setUp(t, answer(status), ok);
    t.equal((await get('/')).status, 200);
    t.strictSame(seen, [0, 1]);
    const poor = await setUp(t, answer(status), answer(status));
    const response = await poor.get('/');
    t.equal(response.status, status);
    t.equal(await response.text(), `status ${status}`);
    const post = await setUp(t, answer(status), ok);
    t.equal((await post.get('/', { method: 'POST', body: 'x' })).status, status);
    t.strictSame(post.seen, [0]);
  });
}

for (const status of [400, 404, 500]) {
  test(`${status} is an answer`, async (t) => {
    const { get, seen } = await setUp(t, answer(status), ok);
    t.equal((await get('/')).status, status);
    t.strictSame(seen, [0]);
  });
}

test('a worse failure after a 503 is what is told', async (t) => {
  const { get } = await setUp(t, answer(503), hangUp);
  await t.rejects(get('/'), { name: 'TypeError' });
});

const bodies: readonly [say: string, body: () => RequestInit['body'], times: number][] = [
  ['a text', () => 'x', 2],
  ['bytes', () => new Uint8Array([120]), 2],
  ['a buffer', () => new Uint8Array([120]).buffer, 2],
  ['parameters', () => new URLSearchParams('x=1'), 2],
  ['a blob', () => new Blob(['x']), 2],
  ['a form', () => new FormData(), 2],
  ['a stream', () => new Blob(['x']).stream(), 1],
];

for (const [say, body, times] of bodies) {
  test(`${say} as the body is sent ${times === 1 ? 'once' : 'again'}`, async (t) => {
    const drain: Handler = (request, response) =>
      void text(request).then(() => answer(503)(request, response));
    const { get, seen } = await setUp(t, drain, drain);
    const init = { method: 'PUT', body: body() ?? null, duplex: 'half' } as RequestInit;
    t.equal((await get('/', init)).status, 503);
    t.equal(seen.length, times);
  });
}

test('a Request keeps its method, headers and body', async (t) => {
  const handler: Handler = (request, response) => {
    void text(request).then((body) =>
      response.end(`${request.method} ${request.url} ${String(request.headers['x-a'])} ${body}`),
    );
  };
  const { balancer } = await setUp(t, handler);
  const request = new Request('http://add.math/p', {
    method: 'POST',
    headers: { 'x-a': 'b' },
    body: 'data',
  });
  const response = await fetchFrom(balancer, parseServiceUrl(request.url), request);
  t.equal(await response.text(), 'POST /p b data');
});

test('a Request without a body is repeated, and ended by its own signal', async (t) => {
  const { balancer, seen } = await setUp(t, hangUp, ok);
  const request = new Request('http://add.math/p');
  const response = await fetchFrom(balancer, parseServiceUrl(request.url), request);
  t.equal(await response.text(), 'GET /p');
  t.strictSame(seen, [0, 1]);
  const aborted = new Request('http://add.math/p', { signal: AbortSignal.abort(new Error('no')) });
  await t.rejects(fetchFrom(balancer, parseServiceUrl(aborted.url), aborted), { message: 'no' });
});

test('aborting ends a request under way, and a body that is still coming', async (t) => {
  const asked = Promise.withResolvers<void>();
  const silent = await setUp(t, () => asked.resolve());
  const first = new AbortController();
  const waiting = silent.get('/', { signal: first.signal });
  await asked.promise;
  first.abort(new Error('enough'));
  await t.rejects(waiting, { message: 'enough' });

  const slow = await setUp(t, (_, response) => void response.writeHead(200).write('begun'));
  const second = new AbortController();
  const response = await slow.get('/', { signal: second.signal });
  const reading = response.text();
  second.abort(new Error('enough'));
  await t.rejects(reading, { message: 'enough' });
});

test('with an SDK of OpenTelemetry each attempt is a span of its own within the call', async (t) => {
  const { isParent, namesOf, takeSpans } = await import('../base/span-recorder.ts');
  const told: (string | undefined)[] = [];
  const telling: Handler = (request, response) => {
    told.push(request.headers['traceparent']?.toString());
    ok(request, response);
  };
  const { get } = await setUp(t, hangUp, telling);
  t.equal((await get('/sum')).status, 200);
  const spans = takeSpans();
  t.strictSame(namesOf(spans), ['CLIENT GET', 'CLIENT GET', 'INTERNAL call math/add']);
  const [first, second, call] = spans;
  t.ok(isParent(call, first) && isParent(call, second));
  t.strictSame(told, [`00-${call?.spanContext().traceId}-${second?.spanContext().spanId}-01`]);
  t.equal(second?.attributes['http.request.resend_count'], 1);
  t.match(call?.attributes, { 'disco.attempts': 2, 'disco.instance': 'i1' });
});
