import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { freePort } from './daemon-process.ts';
import { DelayProxy, heldBytesMax, type DelayProxyOptions } from './delay-proxy.ts';

const host = '127.0.0.1';
const jittery = { delayMs: 8, jitter: 0.9 };

interface Line {
  readonly proxy: DelayProxy;
  readonly client: Socket;
  /** The other end, where the target accepted it. */
  readonly target: Socket;
}

async function listen(t: Test): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.listen(0, host);
  await once(server, 'listening');
  t.teardown(() => server.close());
  return server;
}

async function startProxy(t: Test, options: DelayProxyOptions): Promise<DelayProxy> {
  const proxy = await DelayProxy.start(options);
  t.teardown(() => proxy.stop());
  return proxy;
}

function dial(t: Test, port: number): Socket {
  const client = connect({ port, host, allowHalfOpen: true, noDelay: true });
  t.teardown(() => client.destroy());
  return client;
}

/** One connection through a proxy. */
async function lineOf(t: Test, options: Omit<DelayProxyOptions, 'targetPort'>): Promise<Line> {
  const server = await listen(t);
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const targetPort = (server.address() as AddressInfo).port;
  const proxy = await startProxy(t, { targetPort, ...options });
  const client = dial(t, proxy.port);
  const [target] = await accepted;
  t.teardown(() => target.destroy());
  return { proxy, client, target };
}

async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

async function errorOf(socket: Socket): Promise<string | undefined> {
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  return error.code;
}

t.test('bytes come out as they went in, each way, however much their delays differ', async (t) => {
  const { client, target } = await lineOf(t, jittery);
  const texts = ['there', 'back'].map((way) =>
    Array.from({ length: 300 }, (_, index) => `${way} ${index}\n`),
  );
  const read = [readAll(target), readAll(client)];
  for (const [index, socket] of [client, target].entries())
    for (const text of texts[index] ?? [])
      await new Promise<unknown>((resolve) => socket.write(text, resolve));
  client.end();
  target.end();
  t.strictSame(
    await Promise.all(read),
    texts.map((lines) => lines.join('')),
  );
});

t.test('an answer takes a delay there and a delay back', async (t) => {
  const delayMs = 30;
  const { client, target } = await lineOf(t, { delayMs });
  target.pipe(target);
  const sentMs = performance.now();
  client.write('ping');
  await once(client, 'data');
  // Half a millisecond each way is what rounding to whole ticks may take off.
  t.ok(performance.now() - sentMs >= 2 * delayMs - 1);
});

t.test('a direction that ended leaves the other one open', async (t) => {
  const { client, target } = await lineOf(t, jittery);
  client.end('question');
  t.equal(await readAll(target), 'question');
  target.end('answer');
  t.equal(await readAll(client), 'answer');
});

t.test('a reset on one side is a reset on the other, and leaves nothing behind', async (t) => {
  const { proxy, client, target } = await lineOf(t, jittery);
  const seen = errorOf(client);
  target.resetAndDestroy();
  t.equal(await seen, 'ECONNRESET');
  const other = dial(t, proxy.port);
  // Whatever was before it has been dealt with once the next connection is through.
  other.on('error', () => undefined);
  await once(other, 'connect');
  t.equal(proxy.accepted, 2);
  t.ok(proxy.open <= 1);
});

t.test('a target that refuses is a reset for who dialed', async (t) => {
  const proxy = await startProxy(t, { targetPort: await freePort(), delayMs: 1 });
  t.equal(await errorOf(dial(t, proxy.port)), 'ECONNRESET');
});

t.test('nothing passes a cut, and what was held goes on when it is mended', async (t) => {
  const { proxy, client, target } = await lineOf(t, jittery);
  const heard: string[] = [];
  target.on('data', (bytes: Buffer) => heard.push(bytes.toString()));
  proxy.cut();
  client.write('held ');
  const { client: other, target: otherTarget } = await lineOf(t, { delayMs: 40 });
  // A line of its own that takes longer than the cut one could.
  other.end('clock');
  await readAll(otherTarget);
  t.strictSame(heard, []);
  const ended = once(target, 'end');
  proxy.mend();
  client.end('back');
  await ended;
  t.equal(heard.join(''), 'held back');
});

t.test('a cut that refuses resets new connections', async (t) => {
  const { proxy } = await lineOf(t, jittery);
  proxy.cut({ isRefusing: true });
  t.equal(await errorOf(dial(t, proxy.port)), 'ECONNRESET');
});

t.test('a target that does not read holds up the sender, not memory', async (t) => {
  const { proxy, client, target } = await lineOf(t, { delayMs: 1 });
  target.pause();
  const size = 24 * heldBytesMax;
  client.end(Buffer.alloc(size, 'x'));
  let heldMost = 0;
  // What the kernel's buffers do not take, up to the bound, is held by the proxy.
  while (heldMost < heldBytesMax) {
    await new Promise((resolve) => setImmediate(resolve));
    heldMost = Math.max(heldMost, proxy.heldBytes);
  }
  let got = 0;
  for await (const chunk of target) {
    got += (chunk as Buffer).length;
    heldMost = Math.max(heldMost, proxy.heldBytes);
  }
  t.equal(got, size);
  // One read of the socket may cross the bound.
  t.ok(heldMost < heldBytesMax + 256 * 1024, `${heldMost} bytes`);
});
