/**
 * The four steps of an address that changes hands (dapr/components-contrib issue 2489), with every
 * kind of check: A registers on a port and dies without a word, B takes the port, ordinary checks stay
 * green and callers of A reach B. Only the identity check tells.
 */
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import * as grpc from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import t, { type Test } from 'tap';
import { parseAddress } from '../../src/base/address.ts';
import { assert } from '../../src/base/assert.ts';
import { Disco, HttpIdentity } from '../../src/client/index.ts';
import { disco as wire } from '../../src/gen/discovery.js';
import { cleanEnv, startDaemon } from '../cli/fixture.ts';
import type { RunningDaemon } from '../cli/fixture.ts';

const service = fileURLToPath(new URL('proving-service.ts', import.meta.url));
const { HEALTH_PASSING, HEALTH_CRITICAL } = wire.v1.Health;
const reason = 'identity_mismatch';
/** Half a second for an answer, and a busy machine is no reason to fail. */
const patient = { intervalMs: 500, failuresBeforeCritical: 50 };

/** A in a process of its own; where its servers are. */
async function startA(t: Test, address: string) {
  const child = spawn(process.execPath, [service, address], { env: cleanEnv() });
  t.teardown(() => child.kill('SIGKILL'));
  const errors: string[] = [];
  child.stderr.on('data', (bytes: Buffer) => errors.push(bytes.toString()));
  for await (const line of createInterface({ input: child.stdout })) {
    const { http, grpc } = JSON.parse(line) as { readonly http: number; readonly grpc: number };
    const die = async (): Promise<void> => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    };
    return { http, grpc, die };
  }
  throw new Error(`the service has ended: ${errors.join('')}`);
}

async function serveHttp(t: Test, port: number, answer: RequestListener): Promise<number> {
  const server = createServer(answer).listen(port, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** B, which knows nothing of disco and answers whoever asks; resolves once it was checked. */
async function takeOver(t: Test, ports: { readonly http: number; readonly grpc: number }) {
  const checked = Promise.withResolvers<void>();
  await serveHttp(t, ports.http, (request, response) => {
    if (request.url === '/healthz') checked.resolve();
    response.end('B');
  });
  const server = new grpc.Server();
  new HealthImplementation({ '': 'SERVING' }).addToServer(server);
  const credentials = grpc.ServerCredentials.createInsecure();
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${ports.grpc}`, credentials, (error) =>
      error === null ? resolve() : reject(error),
    );
  });
  t.teardown(() => server.forceShutdown());
  return checked.promise;
}

/** Waits until a daemon tells that a service of the shop has a health. */
function follow(t: Test, { stub }: RunningDaemon) {
  const healths = new Map<string, number>();
  const events = stub.serverStream('Watch', { group: 'shop' })[Symbol.asyncIterator]();
  t.teardown(() => events.return?.());
  return async (health: number, ...names: readonly string[]): Promise<void> => {
    while (!names.every((name) => healths.get(name) === health)) {
      const { value, done } = await events.next();
      assert(done !== true, 'the stream goes on');
      const { instance } = value;
      if (instance) healths.set(instance.name ?? '', instance.health ?? 0);
    }
  };
}

t.test(
  'an address that changes hands: ordinary checks stay green, the identity is not proved',
  async (t) => {
    const first = await startDaemon(t);
    const seed = parseAddress(first.daemon.describe().listen[0] ?? '');
    const second = await startDaemon(t, { seeds: [seed], change: { name: 'node-2' } });
    const until = follow(t, second);
    const names = ['plain-http', 'plain-grpc', 'proven-http', 'proven-grpc'];

    // 1. A registers.
    const a = await startA(t, first.address);
    await until(HEALTH_PASSING, ...names);
    // 2. A dies and deregisters nothing.
    await a.die();
    // 3. B takes its place.
    const checked = takeOver(t, a);
    // 4. Whoever looks A up is sent to B, and B is not A.
    await until(HEALTH_CRITICAL, 'proven-http', 'proven-grpc');
    await checked;
    const client = await Disco.connect({ address: second.address });
    t.teardown(() => client.close());
    await until(HEALTH_PASSING, 'plain-http', 'plain-grpc');
    const misled = await client.fetch('http://plain-http.shop/');
    t.equal(await misled.text(), 'B', 'an ordinary check has seen nothing');
    for (const name of ['proven-http', 'proven-grpc'])
      await t.rejects(client.get('shop', name), {
        code: 'NOT_FOUND',
        reason: 'NO_HEALTHY_INSTANCE',
      });
    await t.rejects(client.fetch('http://proven-http.shop/'), {
      code: 'NOT_FOUND',
      reason: 'NO_HEALTHY_INSTANCE',
    });

    const owner = await Disco.connect({ address: first.address });
    t.teardown(() => owner.close());
    for (const [name, why] of [
      [
        'proven-http',
        /^identity_mismatch: no proof .*: \/\.well-known\/disco-identity answers 200/,
      ],
      ['proven-grpc', /^identity_mismatch: no proof .*: UNIMPLEMENTED: /],
    ] as const) {
      const { instances } = await owner.list({ group: 'shop', name });
      const results = instances[0]?.checks?.[0]?.results ?? [];
      const proof = results.find((result) => result.reason !== '');
      t.match(proof, { reason, output: why, passed: false });
      const message = new RegExp(`another process answers at 127.0.0.1:\\d+ \\(${reason}\\)`);
      await t.rejects(owner.get('shop', name), { reason: 'NO_HEALTHY_INSTANCE', message });
    }
  },
);

t.test(
  'the key outlives the daemon, and a restarted service is known by its new one',
  async (t) => {
    const first = await startDaemon(t);
    const add = { group: 'shop', name: 'cart', ip: '127.0.0.1', ttlMs: 0 };
    const shown = { identity: new HttpIdentity(patient) };
    const challenges = new EventEmitter();
    const port = await serveHttp(t, 0, (request, response) => {
      challenges.emit('asked');
      shown.identity.handle(request, response);
    });
    const client = await Disco.connect({ address: first.address });
    t.teardown(() => client.close());
    await client.register({ ...add, port, identity: shown.identity });
    await follow(t, first)(HEALTH_PASSING, 'cart');
    await first.daemon.stop();

    const again = await startDaemon(t, { change: { dataDir: first.config.dataDir } });
    const until = follow(t, again);
    const outputs = async (): Promise<unknown[]> => {
      const { instances } = await again.stub.unary('List', { group: 'shop' });
      return (instances[0]?.checks?.[0]?.results ?? []).map(({ output }) => output);
    };
    await until(HEALTH_PASSING, 'cart');
    // By the second run the first is over.
    await once(challenges, 'asked');
    await once(challenges, 'asked');
    t.ok((await outputs()).includes('proved with its key'));
    // Another process at the address, as far as a key can tell.
    shown.identity = new HttpIdentity(patient);
    await until(HEALTH_CRITICAL, 'cart');
    t.ok((await outputs()).some((output) => String(output).startsWith(reason)));
    const restarted = await Disco.connect({ address: again.address });
    t.teardown(() => restarted.close());
    await restarted.register({ ...add, port, identity: shown.identity });
    await until(HEALTH_PASSING, 'cart');
    t.ok((await outputs()).includes('proved with its key'));
    t.notOk((await outputs()).some((output) => String(output).startsWith(reason)));
  },
);
