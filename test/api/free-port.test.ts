import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { findFreePort } from '../../src/api/free-port.ts';

t.test('the port can be listened on', async (t) => {
  const port = await findFreePort('127.0.0.1', () => false);
  const server = createServer().listen(port, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  t.equal((server.address() as AddressInfo).port, port);
});

t.test('a port that somebody has been given already is passed over', async (t) => {
  const offered: number[] = [];
  const isTaken = (port: number): boolean => offered.push(port) < 3;
  t.equal(await findFreePort('127.0.0.1', isTaken), offered[2]);
});

t.test('a port that somebody listens on is not offered', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const { port: used } = server.address() as AddressInfo;
  const offered: number[] = [];
  const note = (port: number): boolean => offered.push(port) < 20;
  await findFreePort('127.0.0.1', note);
  t.equal(offered.length, 20);
  t.notOk(offered.includes(used));
});

t.test('after 20 ports that are all taken it gives up and says what to do', async (t) => {
  const offered: number[] = [];
  const isTaken = (port: number): boolean => offered.push(port) > 0;
  await t.rejects(findFreePort('127.0.0.1', isTaken), {
    code: 'RESOURCE_EXHAUSTED',
    reason: 'NO_FREE_PORT',
    message: 'no free port was found at 127.0.0.1 in 20 attempts: give a port',
  });
  t.equal(offered.length, 20);
});

t.test('the ports of another host are not known here', async (t) => {
  // TEST-NET-1 (RFC 5737): no host has it.
  await t.rejects(
    findFreePort('192.0.2.1', () => false),
    {
      code: 'INVALID_ARGUMENT',
      reason: 'PORT_WITHOUT_HOST',
      message:
        '192.0.2.1 is no address of this host, so its free ports are not known here: give a port',
    },
  );
});
