/** disco.fetch(): what the client adds to fetchFrom(), a view and its daemon. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'tap';
import { connected } from './connected.ts';
import { wireInstance } from './fake-daemon.ts';

test('fetch goes to an instance of the service that stands for the host', async (t) => {
  const { daemon, disco } = await connected(t);
  const server = createServer((request, response) => response.end(`served ${request.url}`));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  daemon.put(wireInstance({ port: (server.address() as AddressInfo).port }));
  // Whoever takes a fetch calls it without its object.
  const { fetch } = disco;
  const response = await fetch('http://add.math/sum?of=1');
  t.equal(await response.text(), 'served /sum?of=1');
  t.equal(await (await fetch(new URL('http://add.math/x'))).text(), 'served /x');
  t.equal(daemon.countOf('Watch'), 1);
  await daemon.stop();
  t.equal(await (await fetch('http://add.math/y')).text(), 'served /y', 'without the daemon too');
  await t.rejects(fetch('http://localhost/'), { code: 'INVALID_ARGUMENT', reason: 'INVALID_NAME' });
  await disco.close();
  await t.rejects(fetch('http://add.math/'), { code: 'FAILED_PRECONDITION', reason: 'STOPPING' });
});

test('fetch waits for a first list no longer than the client allows', async (t) => {
  const { daemon, disco } = await connected(t, { timeoutMs: 300 });
  daemon.holdSnapshots = true;
  await t.rejects(disco.fetch('http://add.math/'), {
    code: 'UNAVAILABLE',
    reason: 'TIMEOUT',
    message: /no first snapshot within 300 ms/,
  });
  const asked = daemon.next('Watch');
  const abort = new AbortController();
  const waiting = disco.fetch('http://add.math/', { signal: abort.signal });
  await asked;
  abort.abort(new Error('enough'));
  await t.rejects(waiting, { message: 'enough' });
});

test('fetch says when there is no such service', async (t) => {
  const { disco } = await connected(t);
  await t.rejects(disco.fetch('http://add.math/'), {
    code: 'NOT_FOUND',
    reason: 'UNKNOWN_SERVICE',
    message: /^no instance of math\/add is registered/,
  });
});
