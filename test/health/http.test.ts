import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import t from 'tap';
import { runCheck } from '../../src/health/run-check.ts';
import { outputCharsMax } from '../../src/registry/check-state.ts';
import type { Check } from '../../src/store/store.ts';
import { makeCheck } from '../contract/store-contract.ts';
import { refusing, serveHttp, serveHttps, serveTcp } from './servers.ts';

const { signal } = new AbortController();
const asHttp = (fields: Partial<Check> = {}): Check =>
  makeCheck({ kind: 'http', path: '/healthz', method: 'GET', timeoutMs: 10_000, ...fields });

t.test('it asks for the path with the method, at the address that was declared', async (t) => {
  const seen = Promise.withResolvers<IncomingMessage>();
  const target = await serveHttp(t, (request, response) => {
    seen.resolve(request);
    response.end('all good\n');
  });
  const check = asHttp({ path: '/healthz?deep=1', method: 'OPTIONS' });
  const passed = { hasPassed: true, output: '200 OK: all good' };
  t.strictSame(await runCheck(target, check, signal), passed);
  const { method, url, headers } = await seen.promise;
  t.strictSame([method, url], ['OPTIONS', '/healthz?deep=1']);
  const host = `${target.ip}:${target.port}`;
  t.match(headers, { host, 'user-agent': 'disco-check', connection: 'close' });
});

const statuses: readonly (readonly [number, number, boolean, string])[] = [
  [200, 0, true, '200 OK'],
  [204, 0, true, '204 No Content'],
  [299, 0, true, '299 unknown'],
  [300, 0, false, '300 Multiple Choices, expected 200 to 299'],
  [404, 0, false, '404 Not Found, expected 200 to 299'],
  [503, 0, false, '503 Service Unavailable, expected 200 to 299'],
  [401, 401, true, '401 Unauthorized'],
  [200, 204, false, '200 OK, expected 204'],
];

for (const [status, expectedStatus, hasPassed, output] of statuses) {
  const wish = expectedStatus === 0 ? 'any success' : expectedStatus;
  t.test(`${status} where ${wish} is expected ${hasPassed ? 'passes' : 'fails'}`, async (t) => {
    const target = await serveHttp(t, (_, response) => void response.writeHead(status).end());
    const outcome = await runCheck(target, asHttp({ expectedStatus }), signal);
    t.strictSame(outcome, { hasPassed, output });
  });
}

t.test('a redirect fails, is shown, and is not followed', async (t) => {
  let visits = 0;
  const elsewhere = await serveHttp(t, (_, response) => {
    visits += 1;
    response.end();
  });
  const location = `http://${elsewhere.ip}:${elsewhere.port}/`;
  const target = await serveHttp(t, (_, response) => {
    response.writeHead(302, { location }).end();
  });
  const shown = `302 Found (redirects to ${location} are not followed), expected 200 to 299`;
  t.strictSame(await runCheck(target, asHttp(), signal), { hasPassed: false, output: shown });
  t.match(await runCheck(target, asHttp({ expectedStatus: 302 }), signal), { hasPassed: true });
  t.equal(visits, 0);
});

t.test('of an answer without end the begin is shown, and then it hangs up', async (t) => {
  const hungUp = Promise.withResolvers<void>();
  const target = await serveHttp(t, (_, response) => {
    const more = (): void => {
      while (response.write('x'.repeat(1_000)));
    };
    response.on('drain', more);
    response.on('close', hungUp.resolve);
    more();
  });
  const { hasPassed, output } = await runCheck(target, asHttp(), signal);
  t.equal(hasPassed, true);
  t.equal(output.length, outputCharsMax);
  t.match(output, /^200 OK: x+…$/);
  await hungUp.promise;
});

t.test('an answer that breaks off is a failure, whatever its status', async (t) => {
  const target = await serveHttp(t, (_, response) => {
    response.writeHead(200, { 'content-length': 10 });
    response.write('abc', () => response.destroy());
  });
  t.match(await runCheck(target, asHttp(), signal), { hasPassed: false, output: 'aborted' });
});

t.test('what is no HTTP is a failure that says so', async (t) => {
  const target = await serveTcp(t, (socket) => socket.end('SSH-2.0-OpenSSH_9\r\n'));
  const { hasPassed, output } = await runCheck(target, asHttp(), signal);
  t.equal(hasPassed, false);
  t.match(output, 'Expected HTTP/');
});

t.test('a flood of headers is a failure, and not kept', async (t) => {
  const target = await serveTcp(t, (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(1_000_000)}`);
  });
  const { hasPassed, output } = await runCheck(target, asHttp(), signal);
  t.equal(hasPassed, false);
  t.match(output, 'Header overflow');
});

t.test('a server that never answers, or never ends its answer, fails in time', async (t) => {
  const check = asHttp({ timeoutMs: 20 });
  const late = { hasPassed: false, output: 'no answer within 20 ms' };
  const silent = await serveHttp(t, () => undefined);
  t.strictSame(await runCheck(silent, check, signal), late);
  const trickling = await serveHttp(t, (_, response) => void response.write('x'));
  t.strictSame(await runCheck(trickling, check, signal), late);
});

t.test('where nobody listens it fails', async (t) => {
  const target = await refusing(t);
  const output = `connect ECONNREFUSED 127.0.0.1:${target.port}`;
  t.strictSame(await runCheck(target, asHttp(), signal), { hasPassed: false, output });
});

t.test(
  'over TLS the certificate of a stranger is good enough, and plain HTTP is not',
  async (t) => {
    const target = await serveHttps(t, (_, response) => void response.end('ok'));
    const check = asHttp({ tls: true });
    t.strictSame(await runCheck(target, check, signal), { hasPassed: true, output: '200 OK: ok' });
    const plain = await serveHttp(t, (_, response) => void response.end('ok'));
    t.match(await runCheck(plain, check, signal), { hasPassed: false });
  },
);

t.test('an IPv6 address is in brackets in the Host header', async (t) => {
  const hosts: (string | undefined)[] = [];
  const target = await serveHttp(
    t,
    (request, response) => {
      hosts.push(request.headers.host);
      response.end();
    },
    '::1',
  );
  t.match(await runCheck(target, asHttp(), signal), { hasPassed: true });
  t.strictSame(hosts, [`[::1]:${target.port}`]);
});

t.test('a run that is stopped hangs up', async (t) => {
  const stop = new AbortController();
  const asked = Promise.withResolvers<IncomingMessage>();
  const target = await serveHttp(t, asked.resolve);
  const running = runCheck(target, asHttp(), stop.signal);
  const { socket } = await asked.promise;
  const closed = once(socket, 'close');
  stop.abort();
  t.match(await running, { hasPassed: false });
  await closed;
});
