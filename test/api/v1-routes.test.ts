/** What all routes of /v1 have in common. */
import { gunzipSync, gzipSync } from 'node:zlib';
import t from 'tap';
import { Http } from './http-fixture.ts';

t.test('a path that is known says how it is asked', async (t) => {
  const http = await Http.start(t);
  const headers = { 'content-type': 'application/json' };
  for (const [method, path, allow] of [
    ['POST', '/v1/services', 'GET, HEAD'],
    ['DELETE', '/v1/services/math/add', 'GET, HEAD'],
    ['PUT', '/v1/register', 'POST'],
    ['GET', '/v1/register', 'POST'],
    ['POST', '/v1/watch', 'GET'],
  ] as const) {
    const hasBody = method === 'POST' || method === 'PUT';
    const answer = await http.whole(path, { method, headers, ...(hasBody && { body: '{}' }) });
    t.equal(answer.status, 405, `${method} ${path}`);
    t.equal(answer.headers.allow, allow);
    t.match(JSON.parse(answer.bytes.toString()), {
      reason: 'METHOD_NOT_ALLOWED',
      detail: `${method} is nothing that can be done with "${path}": use ${allow.split(',')[0] ?? ''}`,
    });
  }
});

t.test(
  'answers are JSON that nobody stores, but for lists, which are asked for again',
  async (t) => {
    const http = await Http.start(t);
    for (const [path, cache] of [
      ['/v1/status', 'no-store'],
      ['/v1/members', 'no-store'],
      ['/v1/services', 'no-cache'],
      ['/openapi.json', 'no-cache'],
    ] as const) {
      const { headers } = await http.whole(path);
      t.match(headers, { 'content-type': /^application\/json/, 'cache-control': cache }, path);
    }
  },
);

t.test('HEAD tells what GET would, without the body', async (t) => {
  const http = await Http.start(t);
  await http.register(5001);
  for (const path of ['/v1/services', '/v1/status']) {
    const got = await http.whole(path);
    const head = await http.whole(path, { method: 'HEAD' });
    t.equal(head.status, 200);
    t.equal(head.bytes.length, 0);
    t.equal(head.headers['content-length'], String(got.bytes.length));
    t.equal(head.headers.etag, got.headers.etag);
  }
});

t.test('long answers are gzipped for who accepts it, and for nobody else', async (t) => {
  const http = await Http.start(t);
  for (let port = 1; port <= 20; port += 1) await http.register(port);
  const ask = (encoding: string, path = '/v1/services') =>
    http.whole(path, encoding === '' ? {} : { headers: { 'accept-encoding': encoding } });
  const plain = await ask('');
  t.equal(plain.headers['content-encoding'], undefined);
  for (const encoding of ['gzip', 'br;q=1, gzip;q=0.8', '*']) {
    const packed = await ask(encoding);
    t.equal(packed.headers['content-encoding'], 'gzip', encoding);
    t.match(packed.headers.vary, /accept-encoding/);
    t.equal(packed.headers.etag, plain.headers.etag);
    t.ok(packed.bytes.length < plain.bytes.length / 2);
    t.strictSame(gunzipSync(packed.bytes), plain.bytes);
  }
  for (const encoding of ['identity', 'br', 'gzip;q=0'])
    t.equal((await ask(encoding)).headers['content-encoding'], undefined, encoding);
  t.equal((await ask('gzip', '/v1/services?group=none')).headers['content-encoding'], undefined);
  const stream = await http.stream(t, '/v1/watch', { 'accept-encoding': 'gzip' });
  t.equal(stream.response.headers['content-encoding'], undefined);
  t.equal((await stream.events(1)).length, 1);
});

t.test('a body is taken as it is: one that is packed cannot pass the bound', async (t) => {
  const http = await Http.start(t);
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
  const bomb = gzipSync(JSON.stringify({ group: 'math', name: 'x'.repeat(1_000_000) }));
  const answer = await fetch(`${http.url}/v1/register`, { method: 'POST', headers, body: bomb });
  t.equal(answer.status, 400);
  t.match(await answer.json(), { detail: 'the body cannot be read: send one JSON object' });
  const large = JSON.stringify({ group: 'x'.repeat(300_000) });
  t.match(await http.post('/v1/register', large), {
    status: 400,
    body: { detail: 'the body is larger than the 262144 bytes allowed' },
  });
});
