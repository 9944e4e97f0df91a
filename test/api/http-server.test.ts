/** The API over HTTP: the classic three, health, and what a web page must not get through with. */
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { HttpServer } from '../../src/api/http-server.ts';
import { parseAddress } from '../../src/base/address.ts';
import { silentLog } from '../../src/base/log.ts';
import { makeFacts, makeSealed, signerOf } from '../record/fixtures.ts';
import { Node } from './fixture.ts';

interface Answer {
  readonly status: number | undefined;
  readonly body: unknown;
}

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is. */
  readonly body?: string;
}

class Http {
  readonly node = new Node();
  readonly logged: object[] = [];
  #port = 0;

  static async start(t: Test, names: readonly string[] = []): Promise<Http> {
    const http = new Http();
    const log = { ...silentLog, error: (fields: object) => void http.logged.push(fields) };
    const server = new HttpServer(http.node.service, '127.0.0.1:0', names, log);
    http.#port = parseAddress(await server.start()).port;
    t.teardown(() => server.stop());
    return http;
  }

  get host(): string {
    return `127.0.0.1:${this.#port}`;
  }

  async ask(path: string, { method = 'GET', headers = {}, body }: Asked = {}): Promise<Answer> {
    const options = { host: '127.0.0.1', port: this.#port, path, method, headers, agent: false };
    const request = httpRequest(options).end(body);
    const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const { statusCode } = response as { statusCode?: number };
    return { status: statusCode, body: text === '' ? undefined : JSON.parse(text) };
  }

  post(path: string, body: unknown): Promise<Answer> {
    const headers = { 'content-type': 'application/json' };
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return this.ask(path, { method: 'POST', headers, body: text });
  }

  /** Bytes as a client that keeps to no rule sends them; answers all that comes back. */
  async raw(bytes: Buffer): Promise<string> {
    const socket = connect(this.#port, '127.0.0.1');
    socket.end(bytes);
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  }
}

const refused = (status: number, code: string, reason: string, message: string): Answer => ({
  status,
  body: { error: { code, reason, message } },
});
const badBody = (message: string): Answer =>
  refused(400, 'INVALID_ARGUMENT', 'INVALID_BODY', message);
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const shape = '{"address": "host:port", "app_name": "group/name"}';

t.test('an instance is registered at either of the classic paths, and listed', async (t) => {
  const http = await Http.start(t);
  const { self } = http.node;
  for (const [path, port] of [
    ['/registry/register_instance', 5001],
    ['/register/register_instance', 5002],
  ] as const) {
    const address = `10.0.0.7:${port}`;
    const sent = { address, app_name: 'math/add', last_update: 1 };
    const { status, body } = await http.post(path, sent);
    t.equal(status, 200);
    t.match(body, {
      ip: '10.0.0.7',
      port,
      instanceId: address,
      owner: self,
      conflict: false,
    });
  }
  const seconds = http.node.clock.now().wallMicros / 1_000_000;
  const { status, body } = await http.ask('/registry/list');
  t.equal(status, 200);
  const listed = body as Record<string, { app_name: string; last_update: number }>;
  t.strictSame(Object.keys(listed), ['10.0.0.7:5001', '10.0.0.7:5002']);
  for (const entry of Object.values(listed)) {
    t.strictSame(Object.keys(entry), ['app_name', 'last_update']);
    t.equal(entry.app_name, 'math/add');
    t.ok(Math.abs(entry.last_update - seconds) < 1, 'stamped by the daemon, in seconds');
  }
});

t.test('what is in maintenance is left out of the classic list, which has no health', async (t) => {
  const http = await Http.start(t);
  for (const address of ['10.0.0.7:1', '10.0.0.7:2'])
    await http.post('/registry/register_instance', { address, app_name: 'math/add' });
  const target = { group: 'math', name: 'add', instanceId: '10.0.0.7:1' };
  await http.node.service.setMaintenance({ ...target, on: true });
  const { body } = await http.ask('/registry/list');
  t.strictSame(Object.keys(body as object), ['10.0.0.7:2']);
});

t.test('an app_name without a slash goes to the group default', async (t) => {
  const http = await Http.start(t);
  await http.post('/registry/register_instance', { address: '[::1]:80', app_name: 'add' });
  t.match(http.node.registry.index.list('default'), [{ record: { name: 'add', ip: '::1' } }]);
  t.match((await http.ask('/registry/list')).body, { '[::1]:80': { app_name: 'default/add' } });
});

t.test('of two owners of one address the newest live one is listed', async (t) => {
  const http = await Http.start(t);
  const now = http.node.clock.now().wallMicros;
  const of = (key: number, fields: Parameters<typeof makeSealed>[0]) =>
    makeSealed({ owner: signerOf(key).owner, ip: '10.0.0.7', port: 80, ...fields });
  http.node.hear(2, [of(2, { name: 'old', lastUpdate: now - 2 })]);
  http.node.hear(3, [of(3, { name: 'new', lastUpdate: now - 1 })]);
  http.node.hear(4, [of(4, { name: 'sick', lastUpdate: now, health: 'critical' })]);
  const listed = async (): Promise<unknown> => (await http.ask('/registry/list')).body;
  t.strictSame(await listed(), {
    '10.0.0.7:80': { app_name: 'shop/new', last_update: (now - 1) / 1_000_000 },
  });
  http.node.hear(3, [], makeFacts({ left: true }));
  t.match(await listed(), { '10.0.0.7:80': { app_name: 'shop/old' } });
});

t.test('perform_update is one step of gossip: with whom, and what changed', async (t) => {
  const http = await Http.start(t);
  const { owner } = signerOf(2);
  t.strictSame(await http.ask('/registry/perform_update'), {
    status: 200,
    body: { exchanges: [] },
  });
  http.node.hear(2, []);
  http.node.control.reports = [{ peer: owner, outcome: 'changed', changed: [owner] }];
  t.strictSame((await http.ask('/registry/perform_update')).body, {
    exchanges: [{ peerId: owner, name: 'node-2', outcome: 'changed', ownersChanged: [owner] }],
  });
});

t.test('healthz is 200 while the process lives, readyz 503 until it is ready', async (t) => {
  const http = await Http.start(t);
  http.node.control.state = { isReady: false, why: 'joining: trying seed-1' };
  t.strictSame(await http.ask('/healthz'), { status: 200, body: { status: 'ok' } });
  t.strictSame(await http.ask('/readyz'), {
    status: 503,
    body: { ready: false, readiness: 'joining: trying seed-1' },
  });
  http.node.control.state = { isReady: true, why: 'reconciled with a peer' };
  t.strictSame(await http.ask('/readyz'), {
    status: 200,
    body: { ready: true, readiness: 'reconciled with a peer' },
  });
  t.strictSame(await http.ask('/healthz', { method: 'HEAD' }), { status: 200, body: undefined });
});

t.test('a Host that is not ours is refused: a rebound name, 0.0.0.0, another IP', async (t) => {
  const http = await Http.start(t);
  const port = http.host.split(':')[1];
  for (const host of [
    'evil.example',
    `rebound.example:${port}`,
    `0.0.0.0:${port}`,
    '192.168.1.10',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '[::]',
  ])
    t.strictSame(
      await http.ask('/registry/list', { headers: { host } }),
      refused(
        403,
        'PERMISSION_DENIED',
        'HOST_NOT_ALLOWED',
        `the Host header names "${host}": call this API by an IP address of its host, as localhost, or by a name given with --http-hosts`,
      ),
      host,
    );
  for (const host of [http.host, 'localhost', `localhost:${port}`, '[::1]:80'])
    t.match(await http.ask('/healthz', { headers: { host } }), { status: 200 }, host);
});

t.test('a request without any Host, and a Host with a line break, are refused', async (t) => {
  const http = await Http.start(t);
  const none = await http.raw(Buffer.from('GET /healthz HTTP/1.0\r\n\r\n'));
  t.match(none, /^HTTP\/1\.1 403 [\s\S]*"the Host header names \\"\\"/);
  const head = 'GET /healthz HTTP/1.1\r\nConnection: close\r\nHost: a';
  const nextLine = Buffer.concat([
    Buffer.from(head),
    Buffer.from([0x85]),
    Buffer.from('b\r\n\r\n'),
  ]);
  const answer = await http.raw(nextLine);
  t.match(answer, /^HTTP\/1\.1 403 /);
  const { error } = JSON.parse(answer.split('\r\n\r\n')[1] ?? '') as { error: { message: string } };
  t.match(error.message, String.raw`"a\u0085b"`);
  t.notMatch(error.message, unsafe);
});

t.test('a name that the operator gave may be called, and no other', async (t) => {
  const http = await Http.start(t, ['disco.internal']);
  t.match(await http.ask('/healthz', { headers: { host: 'disco.internal:80' } }), { status: 200 });
  t.match(await http.ask('/healthz', { headers: { host: 'x.disco.internal' } }), { status: 403 });
});

t.test('a page of another origin gets nothing, whatever it asks for', async (t) => {
  const http = await Http.start(t);
  const sentence = (origin: string): string =>
    `requests of pages from "${origin}" are not answered: this API is for programs on its host`;
  for (const origin of ['https://evil.example', 'null', `https://${http.host}`, 'http://localhost'])
    for (const path of ['/registry/list', '/nowhere'])
      t.strictSame(
        await http.ask(path, { headers: { origin } }),
        refused(403, 'PERMISSION_DENIED', 'ORIGIN_FORBIDDEN', sentence(origin)),
        `${origin} ${path}`,
      );
  t.match(await http.ask('/registry/list', { headers: { origin: `http://${http.host}` } }), {
    status: 200,
  });
  const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
  t.match(await http.ask('/registry/register_instance', { method: 'OPTIONS', headers }), {
    status: 403,
  });
});

t.test('a body that a form of another page could send is refused', async (t) => {
  const http = await Http.start(t);
  const body = JSON.stringify({ address: '10.0.0.7:80', app_name: 'math/add' });
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', ''])
    t.strictSame(
      await http.ask('/registry/register_instance', {
        method: 'POST',
        headers: type === '' ? {} : { 'content-type': type },
        body,
      }),
      badBody('send a JSON body with Content-Type: application/json'),
      type,
    );
  t.equal(http.node.registry.index.count, 0);
  const headers = { 'content-type': 'application/json; charset=utf-8' };
  const options = { method: 'POST', headers, body };
  t.match(await http.ask('/registry/register_instance', options), { status: 200 });
});

t.test('a body that is no JSON object, or lacks what is needed, is refused', async (t) => {
  const http = await Http.start(t);
  const unreadable = 'the body cannot be read: send one JSON object';
  const asIn = `address and app_name must be strings, as in ${shape}`;
  for (const [sent, message] of [
    ['{"address": "x\n', unreadable],
    ['', unreadable],
    ['{"__proto__": {"a": 1}}', unreadable],
    ['null', `the body must be a JSON object like ${shape}`],
    ['"10.0.0.7:80"', `the body must be a JSON object like ${shape}`],
    ['[]', asIn],
    ['{"address": "10.0.0.7:80"}', asIn],
    ['{"address": 80, "app_name": "math/add"}', asIn],
  ] as const)
    t.strictSame(await http.post('/registry/register_instance', sent), badBody(message), sent);
});

t.test('a body over the bound of 256 KiB is refused, one at it is not', async (t) => {
  const http = await Http.start(t);
  const bytesMax = 256 * 1024;
  const frame = JSON.stringify({ address: '10.0.0.7:80', app_name: 'math/add', last_update: '' });
  const pad = (length: number): string => frame.replace('""', `"${'x'.repeat(length)}"`);
  const room = bytesMax - frame.length;
  t.match(await http.post('/registry/register_instance', pad(room)), { status: 200 });
  t.strictSame(
    await http.post('/registry/register_instance', pad(room + 1)),
    badBody(`the body is larger than the ${bytesMax} bytes allowed`),
  );
});

t.test('names and addresses are checked as everywhere, in one line', async (t) => {
  const http = await Http.start(t);
  const nameRule = 'names are 1 to 128 of letters, digits, ".", "_" and "-", and not "__proto__"';
  const address = '10.0.0.7:80';
  for (const [sent, reason, message] of [
    [{ address, app_name: 'a/b/c' }, 'INVALID_NAME', `name is "b/c": ${nameRule}`],
    [{ address, app_name: '/add' }, 'INVALID_NAME', `group is empty: ${nameRule}`],
    [{ address, app_name: 'a\nb' }, 'INVALID_NAME', String.raw`name is "a\nb": ${nameRule}`],
    [
      { address: 'a\nb:80', app_name: 'add' },
      'INVALID_ADDRESS',
      String.raw`address is "a\nb:80": write host:port or [IPv6]:port`,
    ],
    [
      { address: '10.0.0.7', app_name: 'add' },
      'INVALID_ADDRESS',
      'address is "10.0.0.7": write host:port or [IPv6]:port',
    ],
    [
      { address: '10.0.0.7:65536', app_name: 'add' },
      'INVALID_ADDRESS',
      'address is "10.0.0.7:65536": write host:port or [IPv6]:port',
    ],
    [
      { address: 'my_host:80', app_name: 'add' },
      'INVALID_ADDRESS',
      'ip is "my_host": give a literal IPv4 or IPv6 address without a zone, or a host name',
    ],
    [
      { address: '192.0.2.1:0', app_name: 'add' },
      'PORT_WITHOUT_HOST',
      '192.0.2.1 is no address of this host, so its free ports are not known here: give a port',
    ],
  ] as const) {
    const answer = await http.post('/registry/register_instance', sent);
    t.strictSame(answer, refused(400, 'INVALID_ARGUMENT', reason, message));
    t.notMatch(message, unsafe);
  }
});

t.test('a full disk is 429, a stopping daemon 503', async (t) => {
  const http = await Http.start(t);
  const sent = { address: '10.0.0.7:80', app_name: 'add' };
  http.node.store.isFull = true;
  t.match(await http.post('/registry/register_instance', sent), {
    status: 429,
    body: { error: { code: 'RESOURCE_EXHAUSTED', reason: 'DISK', message: /^cannot write/ } },
  });
  http.node.service.close();
  t.match(await http.post('/registry/register_instance', sent), {
    status: 503,
    body: { error: { code: 'UNAVAILABLE', reason: 'STOPPING' } },
  });
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
    new HttpServer(new Node().service, address, [], silentLog).start();
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
