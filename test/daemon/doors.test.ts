import { Resolver } from 'node:dns/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { seededRandom } from '../../src/base/random.ts';
import { defaults } from '../../src/daemon/config-options.ts';
import type { Config } from '../../src/daemon/config.ts';
import { Doors } from '../../src/daemon/doors.ts';
import { Node } from '../api/fixture.ts';

const any = '127.0.0.1:0';

function make(t: Test, change: Partial<Config>): Doors {
  const { service, clock } = new Node();
  const config = { ...defaults, dataDir: '', name: 'node-1', ...change };
  const tools = { clock, random: seededRandom(7), log: silentLog, metrics: undefined };
  const doors = new Doors(service, config, tools);
  t.teardown(() => doors.close());
  return doors;
}

t.test('each door that is not off has its real port once it is open', async (t) => {
  const doors = make(t, { grpc: [any], http: any, dns: any });
  t.strictSame(doors.addresses, { grpc: [], http: 'off', dns: 'off' });
  await doors.open();
  const { grpc, http, dns } = doors.addresses;
  for (const address of [...grpc, http, dns]) t.match(address, /^127\.0\.0\.1:[1-9]\d*$/);
  t.equal((await fetch(`http://${http}/healthz`)).status, 200);
});

t.test('a door that is off is none', async (t) => {
  const doors = make(t, { grpc: [any], http: 'off', dns: 'off' });
  await doors.open();
  t.match(doors.addresses, { http: 'off', dns: 'off' });
  t.strictSame(doors.counted, []);
});

t.test('what DNS refused is counted', async (t) => {
  const doors = make(t, { grpc: [any], http: 'off', dns: any });
  await doors.open();
  const resolver = new Resolver();
  resolver.setServers([doors.addresses.dns]);
  await t.rejects(resolver.resolve4('example.com'), { code: 'EREFUSED' });
  t.ok(doors.counted.some(([name, count]) => name.startsWith('dns_') && count > 0));
});

t.test('a port that is taken is told, and what was opened can be closed', async (t) => {
  const other = createServer();
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.teardown(() => void other.close());
  const { port } = other.address() as AddressInfo;
  const doors = make(t, { grpc: [any], http: `127.0.0.1:${port}`, dns: 'off' });
  await t.rejects(doors.open(), { code: 'FAILED_PRECONDITION', message: /is in use by another/ });
  await doors.close();
  t.match(doors.addresses.grpc[0], /^127\.0\.0\.1:\d+$/, 'which was open already');
});
