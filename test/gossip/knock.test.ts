import { createServer, Socket } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { once } from 'node:events';
import t from 'tap';
import type { Test } from 'tap';
import { knock } from '../../src/gossip/knock.ts';

const patienceMs = 10_000;

const ask = (addresses: readonly string[]): Promise<string> =>
  new Promise((resolve) => knock(addresses, patienceMs, resolve));

async function listen(t: Test): Promise<{ server: Server; address: string }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => void server.close());
  return { server, address: `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}` };
}

/** An address at which nobody listens any more. */
async function left(t: Test): Promise<string> {
  const { server, address } = await listen(t);
  server.close();
  await once(server, 'close');
  return address;
}

t.test('whoever listens is found, and is not kept', async (t) => {
  const { server, address } = await listen(t);
  const ended = once(server, 'connection').then(([socket]) => once(socket.resume(), 'close'));
  t.equal(await ask([address]), 'open');
  await ended;
});

t.test('where nobody listens it is refused; one of several who does is enough', async (t) => {
  const [nobody, nobodyEither] = [await left(t), await left(t)];
  t.equal(await ask([nobody]), 'refused');
  t.equal(await ask([nobody, nobodyEither]), 'refused');
  t.equal(await ask([nobody, (await listen(t)).address]), 'open');
});

t.test('what is no IP and TCP address is for a real dial to find out', async (t) => {
  t.equal(await ask([]), 'open');
  t.equal(await ask(['/dns4/localhost/tcp/1']), 'open');
  t.equal(await ask([await left(t), '/dns4/localhost/tcp/1']), 'open');
});

t.test('who says nothing in time is late', async (t) => {
  const sockets: Socket[] = [];
  const dropping = (): Socket => {
    const socket = new Socket();
    sockets.push(socket);
    return socket;
  };
  const addresses = ['/ip4/10.0.0.1/tcp/1', '/ip6/2001:db8::1/tcp/1'];
  const answer = await new Promise((resolve) => knock(addresses, 1, resolve, dropping));
  t.equal(answer, 'timeout');
  t.strictSame(
    sockets.map(({ destroyed }) => destroyed),
    [true, true],
  );
});
