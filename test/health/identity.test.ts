/** The identity check against everything that can stand at an address. */
import * as grpc from '@grpc/grpc-js';
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import * as net from 'node:net';
import t, { type Test } from 'tap';
import { base64url } from '../../src/base/challenge.ts';
import { GrpcIdentity } from '../../src/client/grpc-identity.ts';
import { HttpIdentity } from '../../src/client/http-identity.ts';
import type { Identity } from '../../src/client/identity.ts';
import { runCheck } from '../../src/health/run-check.ts';
import type { CheckTarget } from '../../src/health/target.ts';
import type { Check } from '../../src/store/store.ts';
import { makeCheck } from '../contract/store-contract.ts';
import { signerOf } from '../record/fixtures.ts';
import { refusing, serveHttp, serveHttps, serveTcp, stranger } from './servers.ts';

const { signal } = new AbortController();
const { owner } = signerOf(1);
const add = { group: 'math', name: 'add', instanceId: 'a' };
const { path } = new HttpIdentity();

const asked = (fields: Partial<Check> = {}): Check =>
  makeCheck({ kind: 'identity', path, timeoutMs: 10_000, ...fields });

/** A target at which the holder of an identity is expected. */
const held = ({ publicKey }: Identity, { ip, port }: CheckTarget): CheckTarget => {
  return { ip, port, expected: { ...add, owner, key: base64url(publicKey) } };
};

/** What an identity is told when it was registered at an address. */
const register = (identity: Identity, { ip, port }: CheckTarget, as = add): void =>
  identity.begin()({ ...as, ip, port });

async function serveGrpc(
  t: Test,
  service?: GrpcIdentity['service'],
  credentials = grpc.ServerCredentials.createInsecure(),
): Promise<CheckTarget> {
  const server = new grpc.Server({ 'grpc.enable_channelz': 0 });
  if (service !== undefined) server.addService(...service);
  t.teardown(() => server.forceShutdown());
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, port) =>
      error === null ? resolve({ ip: '127.0.0.1', port }) : reject(error),
    );
  });
}

const passed = { hasPassed: true, output: 'proved with its key' };
/** Not the registered process, whatever else is said. */
const mismatch = (why: RegExp | string) => ({
  hasPassed: false,
  reason: 'identity_mismatch',
  output: why,
});
const failure = (output: RegExp | string) => ({ hasPassed: false, reason: undefined, output });
const begin = 'identity_mismatch: no proof that this is the process that was registered: ';

t.test('the registered process passes over HTTP and over gRPC, each time anew', async (t) => {
  const http = new HttpIdentity();
  const overHttp = await serveHttp(t, http.handle);
  register(http, overHttp);
  const rpc = new GrpcIdentity();
  const overGrpc = await serveGrpc(t, rpc.service);
  register(rpc, overGrpc);
  for (let run = 0; run < 2; run++) {
    t.strictSame(await runCheck(held(http, overHttp), asked(), signal), passed);
    t.strictSame(await runCheck(held(rpc, overGrpc), asked({ path: '' }), signal), passed);
  }
});

t.test('over TLS and at a path of its own, with a query, it passes too', async (t) => {
  const identity = new HttpIdentity({ path: '/proof?of=me', tls: true });
  const target = await serveHttps(t, identity.handle);
  register(identity, target);
  const check = asked({ path: identity.path, tls: true });
  t.strictSame(await runCheck(held(identity, target), check, signal), passed);
  const pair = { private_key: Buffer.from(stranger.key), cert_chain: Buffer.from(stranger.cert) };
  const overGrpc = new GrpcIdentity({ tls: true });
  const secure = await serveGrpc(
    t,
    overGrpc.service,
    grpc.ServerCredentials.createSsl(null, [pair]),
  );
  register(overGrpc, secure);
  const asGrpc = asked({ path: '', tls: true });
  t.strictSame(await runCheck(held(overGrpc, secure), asGrpc, signal), passed);
});

t.test('another process of the same kind, with a key of its own, does not', async (t) => {
  const other = new HttpIdentity();
  const target = await serveHttp(t, other.handle);
  register(other, target);
  const overGrpc = new GrpcIdentity();
  const grpcTarget = await serveGrpc(t, overGrpc.service);
  register(overGrpc, grpcTarget);
  const gone = new HttpIdentity();
  const why = `${begin}it signs with another key, or as another instance`;
  t.strictSame(await runCheck(held(gone, target), asked(), signal), mismatch(why));
  const byGrpc = await runCheck(held(gone, grpcTarget), asked({ path: '' }), signal);
  t.strictSame(byGrpc, mismatch(why));
});

t.test('the right key at another address, for another instance or owner is no proof', async (t) => {
  const identity = new HttpIdentity();
  const target = await serveHttp(t, identity.handle);
  register(identity, { ...target, port: target.port ^ 1 });
  const expected = held(identity, target);
  t.match(await runCheck(expected, asked(), signal), mismatch(/signs with another key/));
  register(identity, target, { ...add, instanceId: 'b' });
  register(identity, target);
  t.strictSame(await runCheck(expected, asked(), signal), passed);
  const asB = { ...expected, expected: { ...add, owner, key: '', instanceId: 'c' } };
  t.match(await runCheck(asB, asked(), signal), mismatch(/ 404 Not Found: .*is not registered as/));
});

t.test('an answer that was good once is good for nothing again', async (t) => {
  const identity = new HttpIdentity();
  const answers: string[] = [];
  const replay: RequestListener = (request, response) => {
    const [old] = answers;
    if (old !== undefined) return void response.end(old);
    const end = response.end.bind(response);
    response.end = ((body: string) => {
      answers.push(body);
      return end(body);
    }) as typeof response.end;
    identity.handle(request, response);
  };
  const target = await serveHttp(t, replay);
  register(identity, target);
  t.strictSame(await runCheck(held(identity, target), asked(), signal), passed);
  const again = await runCheck(held(identity, target), asked(), signal);
  t.match(again, mismatch(/signs with another key/));
  t.equal(answers.length, 1);
});

const strangers: readonly (readonly [say: string, status: number, body: string, why: RegExp])[] = [
  ['knows no such path', 404, 'no such page', /disco-identity answers 404 Not Found: no such page/],
  ['answers everything', 200, '<h1>Welcome</h1>', /answers 200 OK: <h1>Welcome/],
  ['answers everything in JSON', 200, '{"signature": 7}', /answers 200 OK: /],
  ['answers nothing at all', 200, 'null', /answers 200 OK: null/],
  ['wants to know who asks', 401, '', /answers 401 Unauthorized$/],
  ['sends elsewhere', 302, '', /answers 302 Found$/],
  ['writes a signature otherwise', 200, '{"signature": "AA=="}', /answers 200 OK/],
  ['signs with a signature of no length', 200, '{"signature": ""}', /signs with another key/],
];
for (const [say, status, body, why] of strangers)
  t.test(`a stranger who ${say} is one`, async (t) => {
    const target = await serveHttp(t, (_, response) => {
      response.writeHead(status, { location: '/elsewhere' }).end(body);
    });
    const outcome = await runCheck(held(new HttpIdentity(), target), asked(), signal);
    t.match(outcome, mismatch(why));
    t.ok(outcome.output.startsWith(begin));
  });

t.test('a gRPC server that knows of no identity is a stranger', async (t) => {
  const target = await serveGrpc(t);
  const outcome = await runCheck(held(new GrpcIdentity(), target), asked({ path: '' }), signal);
  t.match(outcome, mismatch(/registered: UNIMPLEMENTED: /));
});

t.test('what does not speak HTTP is a stranger to one who asks over HTTP', async (t) => {
  const target = await serveTcp(t, (socket) => socket.end('-ERR unknown command\r\n'));
  const outcome = await runCheck(held(new HttpIdentity(), target), asked(), signal);
  t.match(outcome, mismatch(/it does not speak HTTP$/));
});

t.test('a web server is a stranger to one who asks over gRPC, and so is any other', async (t) => {
  const web = await serveHttp(t, (_, response) => void response.end('hello'));
  const chatty = await serveTcp(t, (socket) => socket.write('220 mail.invalid ESMTP\r\n'));
  for (const target of [web, chatty]) {
    const outcome = await runCheck(held(new GrpcIdentity(), target), asked({ path: '' }), signal);
    t.match(outcome, mismatch(/it does not speak gRPC$/));
  }
});

t.test('no answer is a failure like others: it says nothing of who is there', async (t) => {
  const identity = new HttpIdentity();
  const gone = held(identity, await refusing(t));
  t.match(await runCheck(gone, asked(), signal), failure(/ECONNREFUSED/));
  t.match(await runCheck(gone, asked({ path: '' }), signal), failure(/^UNAVAILABLE: /));
  const silent = held(identity, await serveTcp(t));
  const late = failure('no answer within 50 ms');
  t.match(await runCheck(silent, asked({ timeoutMs: 50 }), signal), late);
  t.match(await runCheck(silent, asked({ timeoutMs: 50, path: '' }), signal), late);
  const broken = held(identity, await serveTcp(t, (socket) => socket.end()));
  t.match(await runCheck(broken, asked(), signal), failure(/socket hang up|ECONNRESET/));
  const cut = await serveTcp(t, (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-le'));
  t.match(await runCheck(held(identity, cut), asked(), signal), { reason: undefined });
});

t.test('trouble that the registered process may have is a failure like others', async (t) => {
  const identity = new HttpIdentity();
  for (const status of [500, 502, 503, 429, 408]) {
    const target = await serveHttp(t, (_, response) => response.writeHead(status).end('sorry'));
    const outcome = await runCheck(held(identity, target), asked(), signal);
    t.match(outcome, failure(new RegExp(`^${status} .*: sorry$`)));
  }
  const { RESOURCE_EXHAUSTED, INTERNAL, UNKNOWN } = grpc.status;
  for (const code of [RESOURCE_EXHAUSTED, INTERNAL, UNKNOWN]) {
    const busy = new GrpcIdentity();
    const [definition] = busy.service;
    const target = await serveGrpc(t, [
      definition,
      { Challenge: (_, callback) => callback({ code, details: 'sorry' }) },
    ]);
    const outcome = await runCheck(held(busy, target), asked({ path: '' }), signal);
    t.match(outcome, failure(`${grpc.status[code]}: sorry`));
  }
});

t.test('a process that is still registering answers once it is registered', async (t) => {
  const identity = new HttpIdentity();
  const arrived = Promise.withResolvers<void>();
  const target = await serveHttp(t, (request, response) => {
    identity.handle(request, response);
    arrived.resolve();
  });
  const settle = identity.begin();
  const running = runCheck(held(identity, target), asked(), signal);
  await arrived.promise;
  settle({ ...add, ip: target.ip, port: target.port });
  t.strictSame(await running, passed);
});

t.test('a run that is stopped ends, whoever is asked', async (t) => {
  const identity = new HttpIdentity();
  const server = net.createServer().listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  for (const way of [path, '']) {
    const connected = once(server, 'connection');
    const stopped = new AbortController();
    const target = held(identity, { ip: '127.0.0.1', port });
    const running = runCheck(target, asked({ path: way }), stopped.signal);
    const [socket] = (await connected) as [net.Socket];
    stopped.abort();
    t.match(await running, { hasPassed: false, reason: undefined });
    socket.destroy();
  }
});
