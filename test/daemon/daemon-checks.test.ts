/** Checks from end to end: a service that is asked, a daemon that asks, another that hears of it. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { assert } from '../../src/base/assert.ts';
import { parseAddress } from '../../src/base/address.ts';
import { disco } from '../../src/gen/discovery.js';
import { startDaemon } from '../cli/fixture.ts';
import type { RunningDaemon } from '../cli/fixture.ts';

const { Health } = disco.v1;
const { HTTP, TCP } = disco.v1.Check.Kind;
const add = { group: 'math', name: 'add' };
const often = { intervalMs: 200, timeoutMs: 200 };
/** A busy machine is no reason to fail: one slow run neither counts nor is what is looked at. */
const patient = { ...often, failuresBeforeWarning: 3 };

/** A service that answers /healthz with the status that a test says. */
async function serve(t: Test) {
  const service = { status: 200, port: 0, stop: async () => undefined as unknown };
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/healthz' ? service.status : 404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  service.port = (server.address() as AddressInfo).port;
  service.stop = () => {
    server.closeAllConnections();
    server.close();
    return once(server, 'close');
  };
  t.teardown(() => server.close());
  return service;
}

/** Reads Watch until math/add is told with a health, or gone (0). */
function follow(t: Test, { stub }: RunningDaemon) {
  const events = stub.serverStream('Watch', add)[Symbol.asyncIterator]();
  t.teardown(() => events.return?.());
  return async (health: number): Promise<void> => {
    for (;;) {
      const { value, done } = await events.next();
      assert(done !== true, 'the stream goes on');
      const isDown = value.kind === disco.v1.WatchEvent.Kind.DOWN;
      if (isDown ? health === 0 : value.instance?.health === health) return;
    }
  };
}

t.test('a service that falters and recovers is seen to at another daemon', async (t) => {
  const service = await serve(t);
  const first = await startDaemon(t);
  const seed = parseAddress(first.daemon.describe().listen[0] ?? '');
  const second = await startDaemon(t, { seeds: [seed], change: { name: 'node-2' } });
  const until = follow(t, second);
  const checks = [
    { kind: TCP, ...patient },
    { kind: HTTP, path: '/healthz', ...often },
  ];
  await first.stub.unary('Register', { ...add, ip: '127.0.0.1', port: service.port, checks });
  await until(Health.HEALTH_PASSING);
  service.status = 503;
  await until(Health.HEALTH_WARNING);
  await until(Health.HEALTH_CRITICAL);
  const { instances } = await first.stub.unary('List', add);
  t.match(instances[0]?.checks, [
    { check: { kind: TCP }, health: Health.HEALTH_PASSING },
    { check: { kind: HTTP, path: '/healthz' }, health: Health.HEALTH_CRITICAL },
  ]);
  const output = '503 Service Unavailable, expected 200 to 299';
  const results = instances[0]?.checks?.[1]?.results ?? [];
  t.equal(results[0]?.status, Health.HEALTH_CRITICAL);
  t.ok(results.some((result) => result.output === output));
  const elsewhere = await second.stub.unary('List', add);
  t.match(elsewhere.instances, [{ health: Health.HEALTH_CRITICAL, checks: [] }]);
  service.status = 204;
  await until(Health.HEALTH_PASSING);
  await service.stop();
  await until(Health.HEALTH_CRITICAL);
  await t.rejects(second.stub.unary('Get', add), {
    code: 'NOT_FOUND',
    reason: 'NO_HEALTHY_INSTANCE',
  });
});

t.test('checks outlive the daemon, and so does the health that they found', async (t) => {
  const service = await serve(t);
  const first = await startDaemon(t);
  const passing = follow(t, first);
  const checks = [{ kind: HTTP, path: '/healthz', ...patient }];
  const here = { ...add, ip: '127.0.0.1', port: service.port };
  await first.stub.unary('Register', { ...here, checks, deregisterAfterMs: 200 });
  await passing(Health.HEALTH_PASSING);
  await first.daemon.stop();
  const again = await startDaemon(t, { change: { dataDir: first.config.dataDir } });
  t.match(await again.stub.unary('Get', add), { health: Health.HEALTH_PASSING });
  const until = follow(t, again);
  await service.stop();
  await until(Health.HEALTH_CRITICAL);
  await until(0);
  await t.rejects(again.stub.unary('Get', add), { code: 'NOT_FOUND', reason: 'SERVICE_GONE' });
});
