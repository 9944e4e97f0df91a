import * as grpc from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import t, { type Test } from 'tap';
import { runCheck } from '../../src/health/run-check.ts';
import type { CheckTarget } from '../../src/health/target.ts';
import type { Check } from '../../src/store/store.ts';
import { makeCheck } from '../contract/store-contract.ts';
import { refusing, serveHttp, serveTcp, stranger } from './servers.ts';

const { signal } = new AbortController();
const asGrpc = (fields: Partial<Check> = {}): Check =>
  makeCheck({ kind: 'grpc', timeoutMs: 10_000, ...fields });

interface Served {
  readonly health?: HealthImplementation;
  readonly credentials?: grpc.ServerCredentials;
  readonly ip?: string;
}

async function serveGrpc(t: Test, served: Served = {}): Promise<CheckTarget> {
  const {
    health,
    credentials = grpc.ServerCredentials.createInsecure(),
    ip = '127.0.0.1',
  } = served;
  const server = new grpc.Server({ 'grpc.enable_channelz': 0 });
  health?.addToServer(server);
  const host = ip.includes(':') ? `[${ip}]` : ip;
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${host}:0`, credentials, (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  t.teardown(() => server.forceShutdown());
  return { ip, port };
}

t.test('SERVING passes, anything else fails and is shown', async (t) => {
  const health = new HealthImplementation({ '': 'SERVING', 'math.Add': 'NOT_SERVING' });
  const target = await serveGrpc(t, { health });
  const ask = (path: string) => runCheck(target, asGrpc({ path }), signal);
  t.strictSame(await ask(''), { hasPassed: true, output: 'SERVING' });
  t.strictSame(await ask('math.Add'), { hasPassed: false, output: 'NOT_SERVING' });
  t.match(await ask('math.Sub'), { hasPassed: false, output: /^NOT_FOUND: / });
  health.setStatus('math.Add', 'SERVING');
  t.match(await ask('math.Add'), { hasPassed: true });
});

t.test('a server without the health service is told from one that is down', async (t) => {
  const bare = await serveGrpc(t);
  const unimplemented = /^UNIMPLEMENTED \(the server does not serve grpc\.health\.v1\.Health\): /;
  t.match(await runCheck(bare, asGrpc(), signal), { hasPassed: false, output: unimplemented });
  const gone = await refusing(t);
  const refused = { hasPassed: false, output: /^UNAVAILABLE: .*ECONNREFUSED/ };
  t.match(await runCheck(gone, asGrpc(), signal), refused);
});

t.test('a server that takes the connection and says nothing fails in time', async (t) => {
  const target = await serveTcp(t);
  const late = { hasPassed: false, output: 'no answer within 50 ms' };
  t.strictSame(await runCheck(target, asGrpc({ timeoutMs: 50 }), signal), late);
});

t.test('what is no gRPC is a failure', async (t) => {
  const target = await serveHttp(t, (_, response) => void response.end('hello'));
  t.match(await runCheck(target, asGrpc(), signal), { hasPassed: false });
});

t.test('over TLS the certificate of a stranger is good enough', async (t) => {
  const pair = { private_key: Buffer.from(stranger.key), cert_chain: Buffer.from(stranger.cert) };
  const credentials = grpc.ServerCredentials.createSsl(null, [pair]);
  const health = new HealthImplementation({ '': 'SERVING' });
  const target = await serveGrpc(t, { health, credentials });
  const warned = t.capture(process, 'emitWarning');
  t.match(await runCheck(target, asGrpc({ tls: true }), signal), { hasPassed: true });
  t.equal(warned().length, 0, 'no address is sent as a name');
  t.match(await runCheck(target, asGrpc({ timeoutMs: 200 }), signal), { hasPassed: false });
});

t.test('IPv6 addresses and host names are found, past any proxy', async (t) => {
  const before = process.env['http_proxy'];
  process.env['http_proxy'] = 'http://127.0.0.1:1';
  t.teardown(() => {
    if (before === undefined) delete process.env['http_proxy'];
    else process.env['http_proxy'] = before;
  });
  const health = new HealthImplementation({ '': 'SERVING' });
  const six = await serveGrpc(t, { health, ip: '::1' });
  t.match(await runCheck(six, asGrpc(), signal), { hasPassed: true });
  const { port } = await serveGrpc(t, { health });
  t.match(await runCheck({ ip: 'localhost', port }, asGrpc(), signal), { hasPassed: true });
});

t.test('a run that is stopped ends', async (t) => {
  const stop = new AbortController();
  const connected = Promise.withResolvers<unknown>();
  const target = await serveTcp(t, connected.resolve);
  const running = runCheck(target, asGrpc(), stop.signal);
  await connected.promise;
  stop.abort();
  t.match(await running, { hasPassed: false });
  t.match(await runCheck(target, asGrpc(), stop.signal), { hasPassed: false });
});
