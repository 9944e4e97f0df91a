/** The proof over HTTP, in every kind of server that it is meant for. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import fastify from 'fastify';
import { test, type Test } from 'tap';
import { HttpIdentity } from '../../src/client/http-identity.ts';

const nonce = Buffer.alloc(32, 7).toString('base64url');
const query = `nonce=${nonce}&owner=12D3&instance=math%2Fadd%2Fa`;
const as = { group: 'math', name: 'add', instanceId: 'a', ip: '127.0.0.1', port: 5001 };

function registered(options = {}): HttpIdentity {
  const identity = new HttpIdentity(options);
  identity.begin()(as);
  return identity;
}

async function listen(t: Test, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const serve = (t: Test, listener: RequestListener): Promise<string> =>
  listen(t, createServer(listener));

/** Who answers what: the proof, and something of the service's own. */
async function bothOf(url: string, { path }: HttpIdentity): Promise<unknown[]> {
  const proof = await fetch(`${url}${path}?${query}`);
  const { signature } = (await proof.json()) as { signature: string };
  const own = await fetch(`${url}/own`);
  return [proof.status, Buffer.from(signature, 'base64url').length, await own.text()];
}

test('in a plain server it answers its path and leaves the rest', async (t) => {
  const identity = registered();
  const url = await serve(t, (request, response) =>
    identity.handle(request, response, () => response.end('mine')),
  );
  t.strictSame(await bothOf(url, identity), [200, 64, 'mine']);
});

test('in Express it is a middleware', async (t) => {
  const identity = registered();
  const app = express();
  app.use(identity.handle);
  app.get('/own', (_, response) => void response.send('mine'));
  const url = await serve(t, app as RequestListener);
  t.strictSame(await bothOf(url, identity), [200, 64, 'mine']);
});

test('in Fastify it is a route that takes over the reply', async (t) => {
  const identity = registered();
  const app = fastify();
  app.get(identity.path, (request, reply) => {
    reply.hijack();
    identity.handle(request.raw, reply.raw);
  });
  app.get('/own', () => 'mine');
  t.teardown(() => app.close());
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  t.strictSame(await bothOf(url, identity), [200, 64, 'mine']);
});

test('by itself it serves nothing else, and its answers are not for caches', async (t) => {
  const identity = registered({ path: '/proof?of=me' });
  const url = await serve(t, identity.handle);
  const ask = async (path: string, method = 'GET') => {
    const response = await fetch(`${url}${path}`, { method });
    const text = await response.text();
    return [response.status, response.headers.get('cache-control'), text.slice(0, 14)];
  };
  t.strictSame(await ask(`/proof?of=me&${query}`), [200, 'no-store', '{"signature":"']);
  t.strictSame(await ask(`/proof?${query}`, 'POST'), [405, 'no-store', '{"error":"only']);
  t.strictSame(await ask('/own'), [404, 'no-store', '{"error":"what']);
  t.strictSame(await ask('/proof'), [400, 'no-store', '{"error":"expe']);
  const other = query.replace('add', 'sub');
  t.strictSame(await ask(`/proof?${other}`), [404, 'no-store', '{"error":"this']);
  const odd = query.replace(nonce, `${nonce}=`);
  t.strictSame(await ask(`/proof?${odd}`), [400, 'no-store', '{"error":"expe']);
});

test('what is not settled is unavailable, so that it is asked again', async (t) => {
  const identity = new HttpIdentity();
  const settle = identity.begin();
  const waiting = Array.from({ length: 64 }, () =>
    identity.answer({ nonce: new Uint8Array(32), owner: '12D3', instance: 'math/add/a' }),
  );
  const url = await serve(t, identity.handle);
  const response = await fetch(`${url}${identity.path}?${query}`);
  t.strictSame(
    [response.status, await response.json()],
    [503, { error: 'it is being registered' }],
  );
  settle(as);
  await Promise.all(waiting);
});

test('a server that lost patience first has answered, and nothing is thrown', async (t) => {
  const identity = new HttpIdentity();
  const settle = identity.begin();
  const url = await serve(t, (request, response) => {
    identity.handle(request, response);
    response.writeHead(504).end('too late');
  });
  const response = await fetch(`${url}${identity.path}?${query}`);
  settle(as);
  t.strictSame([response.status, await response.text()], [504, 'too late']);
  const { answer } = identity;
  t.match(
    await answer.call(identity, { nonce: new Uint8Array(32), owner: 'A', instance: 'math/add/a' }),
    { kind: 'signed' },
    'the late answer was dropped before this one',
  );
});

test('its check asks over HTTP', async (t) => {
  const { check, path } = new HttpIdentity({ intervalMs: 1_000, tls: true });
  t.strictSame(check, { kind: 'identity', path, intervalMs: 1_000, tls: true });
  t.equal(path, '/.well-known/disco-identity');
});
