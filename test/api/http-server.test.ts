/** The HTTP server: what is at no path, what went wrong, and how it begins and ends. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { HttpServer } from '../../src/api/http-server.ts';
import { silentLog } from '../../src/base/log.ts';
import { Node } from './fixture.ts';
import { Http, plainOptions } from './http-fixture.ts';
import type { Answer } from './http-fixture.ts';

const refused = (status: number, code: string, reason: string, message: string): Answer => ({
  status,
  body: { error: { code, reason, message } },
});

t.test('an unknown path is 404, and so is a known one with another method', async (t) => {
  const http = await Http.start(t);
  const unknown = (what: string): Answer =>
    refused(404, 'NOT_FOUND', 'UNKNOWN_PATH', `there is nothing at ${what}`);
  t.strictSame(await http.ask('/nowhere?x=1'), unknown('GET "/nowhere?x=1"'));
  t.strictSame(
    await http.ask('/registry/register_instance'),
    unknown('GET "/registry/register_instance"'),
  );
  t.strictSame(await http.post('/registry/list', {}), unknown('POST "/registry/list"'));
  const long = `/${'x'.repeat(3_000)}`;
  t.strictSame(await http.ask(long), unknown(`GET "${long.slice(0, 60)}… (3001 characters)"`));
  t.strictSame(await http.ask('/%zz'), unknown('GET "/%zz"'), 'not even a URL');
  t.match(await http.ask('/%zz', { headers: { host: 'evil.example' } }), { status: 403 });
});

t.test('a mistake of this daemon is told without its details, which are logged', async (t) => {
  const http = await Http.start(t);
  http.node.control.readiness = () => {
    throw new TypeError('x is not a function');
  };
  t.strictSame(
    await http.ask('/readyz'),
    refused(500, 'INTERNAL', 'BUG', 'this daemon made a mistake; its log says which'),
  );
  t.match(http.logged, [{ error: 'x is not a function' }]);
});

t.test('a port in use and an address of another host are told with the flag', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.teardown(() => other.close());
  const used = `127.0.0.1:${(other.address() as AddressInfo).port}`;
  const at = (address: string): Promise<string> =>
    new HttpServer(new Node().service, { ...plainOptions, address }, silentLog).start();
  await t.rejects(at(used), {
    code: 'FAILED_PRECONDITION',
    reason: 'PORT_IN_USE',
    message: `the HTTP address ${used} is in use by another process: stop that one, or give another --http (port 0 picks a free one, off for none)`,
  });
  // TEST-NET-1 (RFC 5737): no host has it.
  await t.rejects(at('192.0.2.1:0'), {
    code: 'FAILED_PRECONDITION',
    reason: 'ADDRESS_UNAVAILABLE',
    message:
      /^cannot listen for HTTP on 192\.0\.2\.1:0 \(.*\): give an address of this host with --http, or off$/,
  });
});

t.test('of /v1 an error is a problem, of the classic paths what it always was', async (t) => {
  const http = await Http.start(t);
  const { status, headers, bytes } = await http.whole('/v1/nothing?x=1');
  t.equal(status, 404);
  t.match(headers, {
    'content-type': /^application\/problem\+json/,
    'cache-control': 'no-store',
  });
  t.strictSame(JSON.parse(bytes.toString()), {
    type: 'urn:disco:problem:unknown-path',
    title: 'Unknown path',
    status: 404,
    detail: 'there is nothing at GET "/v1/nothing?x=1", see /openapi.json',
    code: 'NOT_FOUND',
    reason: 'UNKNOWN_PATH',
  });
  for (const path of ['/v1', '/v1/', '/v1?x', '/v1/services/a/b/c', '/v1/%zz'])
    t.match(await http.ask(path), { status: 404, body: { reason: 'UNKNOWN_PATH' } }, path);
  for (const path of ['/v10', '/v1services', '/registry/v1/'])
    t.match(
      await http.ask(path),
      { status: 404, body: { error: { reason: 'UNKNOWN_PATH' } } },
      path,
    );
  t.match(await http.post('/v1/register', '{"group'), {
    status: 400,
    body: { reason: 'INVALID_BODY', detail: 'the body cannot be read: send one JSON object' },
  });
});

t.test('a mistake of this daemon under /v1 is a problem without its details', async (t) => {
  const http = await Http.start(t);
  http.node.control.round = () => Promise.reject(new TypeError('x is not a function'));
  t.match(await http.post('/v1/gossip', {}), {
    status: 500,
    body: { reason: 'BUG', detail: 'this daemon made a mistake; its log says which' },
  });
  t.match(http.logged, [{ error: 'x is not a function' }]);
});

t.test('a reader of a stream is told that the daemon stops, and where it was', async (t) => {
  const http = await Http.start(t);
  const stream = await http.stream(t, '/v1/watch');
  const [, end] = await stream.events(2);
  t.match(end, { event: 'snapshot_end', id: /^\w+-\d+$/ });
  await http.server.stop();
  t.match(await stream.rest(), [
    {
      event: 'end',
      data: {
        type: 'urn:disco:problem:stopping',
        status: 503,
        code: 'UNAVAILABLE',
        reason: 'STOPPING',
        detail: 'this daemon is stopping: resume with the last event id once it is back',
      },
    },
  ]);
  t.equal(http.node.service.watchers.taken, 0);
});

t.test('what others add is served behind the same fence, with gzip', async (t) => {
  const text = 'disco_up 1\n'.repeat(200);
  const http = await Http.start(t, {
    routes: [
      (app) => app.get('/metrics', (_request, reply) => reply.type('text/plain').send(text)),
    ],
  });
  const plain = await http.whole('/metrics');
  t.equal(plain.bytes.toString(), text);
  const packed = await http.whole('/metrics', { headers: { 'accept-encoding': 'gzip' } });
  t.equal(packed.headers['content-encoding'], 'gzip');
  t.equal(gunzipSync(packed.bytes).toString(), text);
});
