/** What a web page in somebody's browser must not get through with, at every door. */
import t, { type Test } from 'tap';
import { Http } from './http-fixture.ts';
import type { Answer } from './http-fixture.ts';

const refused = (status: number, code: string, reason: string, message: string): Answer => ({
  status,
  body: { error: { code, reason, message } },
});
const badBody = (message: string): Answer =>
  refused(400, 'INVALID_ARGUMENT', 'INVALID_BODY', message);
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

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
  const http = await Http.start(t, { names: ['disco.internal'] });
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

/** One path behind each door, and all that answer a GET. */
const doors = ['/registry/list', '/healthz', '/v1/services', '/v1/watch', '/openapi.json', '/more'];

const withMore = (t: Test): Promise<Http> =>
  Http.start(t, { routes: [(app) => app.get('/more', () => 'as of metrics')] });

t.test('the fence stands before every door: /v1, streams, and what others add', async (t) => {
  const http = await withMore(t);
  for (const path of doors)
    for (const [headers, reason] of [
      [{ host: 'evil.example' }, 'HOST_NOT_ALLOWED'],
      [{ origin: 'https://evil.example' }, 'ORIGIN_FORBIDDEN'],
      [{ 'sec-fetch-site': 'cross-site' }, 'ORIGIN_FORBIDDEN'],
    ] as const) {
      const { status, headers: answered, bytes } = await http.whole(path, { headers });
      t.equal(status, 403, `${path} ${reason}`);
      t.match(answered['content-type'], /^application\/(problem\+)?json/, path);
      t.match(bytes.toString(), `"reason":"${reason}"`, path);
    }
  t.equal(http.node.service.watchers.taken, 0, 'no stream was opened');
});

t.test('what a browser says to come from another site, or port, is refused', async (t) => {
  const http = await Http.start(t);
  for (const site of ['cross-site', 'same-site', 'new-word'])
    t.strictSame(
      await http.ask('/registry/list', { headers: { 'sec-fetch-site': site } }),
      refused(
        403,
        'PERMISSION_DENIED',
        'ORIGIN_FORBIDDEN',
        `requests of pages from another site ("${site}") are not answered: this API is for programs on its host`,
      ),
    );
  for (const site of ['same-origin', 'none'])
    t.match(await http.ask('/v1/services', { headers: { 'sec-fetch-site': site } }), {
      status: 200,
    });
});

t.test('the body of a POST to /v1 must be JSON, as a page cannot send it unasked', async (t) => {
  const http = await Http.start(t);
  const body = JSON.stringify({ group: 'math', name: 'add', ip: '10.0.0.7', port: 80 });
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', ''])
    for (const path of ['/v1/register', '/v1/leave'])
      t.match(
        await http.ask(path, {
          method: 'POST',
          headers: type === '' ? {} : { 'content-type': type },
          body,
        }),
        {
          status: 400,
          body: { reason: 'INVALID_BODY', detail: /Content-Type: application\/json/ },
        },
        `${path} ${type}`,
      );
  t.equal(http.node.registry.index.count, 0);
  t.equal(http.node.control.leaves, 0);
});

t.test('no answer has CORS headers, and none may be sniffed or embedded elsewhere', async (t) => {
  const http = await withMore(t);
  const own = { origin: http.url, 'access-control-request-method': 'POST' };
  const asked = doors
    .filter((path) => path !== '/v1/watch')
    .flatMap((path) => [
      { path, headers: {} },
      { path, headers: own },
      { path, headers: { origin: 'https://evil.example' } },
    ]);
  for (const { path, headers } of [
    ...asked,
    { path: '/nowhere', headers: own },
    { path: '/%zz', headers: own },
  ]) {
    const answer = await http.whole(path, { headers });
    t.match(answer.headers, {
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
    });
    t.strictSame(
      Object.keys(answer.headers).filter((name) => name.startsWith('access-control')),
      [],
    );
  }
  const { response } = await http.stream(t, '/v1/watch', own);
  t.match(response.headers, { 'x-content-type-options': 'nosniff' });
  t.equal(response.headers['access-control-allow-origin'], undefined);
  const headers = { ...own, 'content-type': 'application/json' };
  const options = await http.whole('/v1/register', { method: 'OPTIONS', headers });
  t.equal(options.status, 405);
  t.equal(options.headers['access-control-allow-methods'], undefined);
});
