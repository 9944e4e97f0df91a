/** Exit codes: the table, and each of them from the real program. */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import * as grpc from '@grpc/grpc-js';
import t from 'tap';
import { DiscoError } from '../../src/base/error.ts';
import type { ErrorCode, ErrorReason } from '../../src/base/error.ts';
import { CliError, exitOf } from '../../src/cli/exit.ts';
import { makeSealed, signerOf } from '../record/fixtures.ts';
import { disco, serveApi } from './fixture.ts';

t.test('each code of an error has its exit code, and reasons go before codes', (t) => {
  const rows: readonly (readonly [ErrorCode, ErrorReason, number])[] = [
    ['INVALID_ARGUMENT', 'INVALID_NAME', 2],
    ['INVALID_ARGUMENT', 'CONFIG', 2],
    ['NOT_FOUND', 'UNKNOWN_SERVICE', 3],
    ['UNAVAILABLE', 'NO_DAEMON', 4],
    ['UNAVAILABLE', 'TIMEOUT', 4],
    ['FAILED_PRECONDITION', 'NO_DAEMON', 4],
    ['PERMISSION_DENIED', 'HOST_NOT_ALLOWED', 5],
    ['FAILED_PRECONDITION', 'NOT_OWNED_HERE', 5],
    ['FAILED_PRECONDITION', 'DATA_DIR_IN_USE', 5],
    ['RESOURCE_EXHAUSTED', 'TOO_MANY_RECORDS', 5],
    ['RESOURCE_EXHAUSTED', 'DISK', 1],
    ['FAILED_PRECONDITION', 'PORT_IN_USE', 1],
    ['FAILED_PRECONDITION', 'KEY_UNREADABLE', 1],
    ['FAILED_PRECONDITION', 'DATABASE_DAMAGED', 1],
    ['INTERNAL', 'BUG', 1],
  ];
  for (const [code, reason, exitCode] of rows) {
    const exit = exitOf(new DiscoError(code, reason, 'a sentence'));
    t.strictSame(exit, { exitCode, sentence: 'a sentence' }, `${code}/${reason}`);
  }
  t.end();
});

t.test('an error of the program brings its own code, any other is a failure', (t) => {
  t.strictSame(exitOf(new CliError(3, 'not there')), { exitCode: 3, sentence: 'not there' });
  t.strictSame(exitOf(new TypeError('oops')), { exitCode: 1, sentence: 'oops' });
  t.strictSame(exitOf('thrown'), { exitCode: 1, sentence: 'thrown' });
  t.end();
});

t.test('0: an empty list is an answer', async (t) => {
  const { run } = await serveApi(t);
  t.strictSame(await run('list'), {
    code: 0,
    signal: null,
    stdout: '',
    stderr: 'disco: no instances\n',
  });
});

t.test('1: what was asked for did not succeed', async (t) => {
  const { run, node } = await serveApi(t);
  node.control.state = { isReady: false, why: 'joining: trying seed-1' };
  const health = await run('health');
  t.match(health, { code: 1, stdout: 'not ready: joining: trying seed-1\n', stderr: '' });
  node.store.isFull = true;
  const full = await run('register', 'math', 'add', '--port', '5001');
  t.match(full, { code: 1, stdout: '', stderr: /^disco: cannot write to disco\.sqlite/ });
});

t.test('2: wrong usage, whether the program sees it or the daemon', async (t) => {
  const { run } = await serveApi(t);
  const [flag, argument, port, name] = await Promise.all([
    run('list', '--nonsense'),
    run('get'),
    run('register', 'math', 'add', '--port', 'http'),
    run('get', 'ma th/add'),
  ]);
  t.match(flag, { code: 2, stdout: '', stderr: "error: unknown option '--nonsense'\n" });
  t.match(argument, { code: 2, stderr: "error: missing required argument 'service'\n" });
  t.match(port, {
    code: 2,
    stderr: 'disco: --port http: write a port from 1 to 65535, or leave it out\n',
  });
  t.match(name, { code: 2, stdout: '', stderr: /^disco: group is "ma th": names are 1 to 128 / });
});

t.test('3: an unknown get, and a deregister of what is not there', async (t) => {
  const { run } = await serveApi(t);
  const [unknown, gone] = await Promise.all([
    run('get', 'math/add'),
    run('deregister', 'math/add'),
  ]);
  t.match(unknown, {
    code: 3,
    stdout: '',
    stderr:
      'disco: math/add is not known: nobody registered it, or the news has not come here yet; "disco list" shows what is known\n',
  });
  t.match(gone, {
    code: 3,
    stdout: '',
    stderr: 'disco: math/add is not registered at this daemon: "disco list" shows what is\n',
  });
});

t.test('4: nobody answers there', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const [tcp, socket] = await Promise.all([
    disco(t, ['list', '--addr', `127.0.0.1:${port}`]),
    disco(t, ['status'], { env: { DISCO_ADDR: 'unix:/nonexistent/disco.sock' } }),
  ]);
  t.match(tcp, {
    code: 4,
    stdout: '',
    stderr: `disco: no disco daemon answers at 127.0.0.1:${port} (as given); run \`disco start\` on this host, or name another address with DISCO_ADDR\n`,
  });
  t.match(socket, { code: 4, stderr: /at unix:\/nonexistent\/disco\.sock \(from DISCO_ADDR\)/ });
});

t.test('4: what answers there is no daemon', async (t) => {
  const server = new grpc.Server();
  const address = await new Promise<string>((resolve) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (_error, port) =>
      resolve(`127.0.0.1:${port}`),
    );
  });
  t.teardown(() => server.forceShutdown());
  t.match(await disco(t, ['list', '--addr', address]), {
    code: 4,
    stdout: '',
    stderr: /^disco: what answers at \S+ \(as given\) does not know List: it is no disco daemon/,
  });
});

t.test('5: the daemon refuses', async (t) => {
  const { run, node } = await serveApi(t);
  const { owner } = signerOf(2);
  node.hear(2, [makeSealed({ owner, group: 'math', name: 'add', instanceId: 'far' })]);
  t.match(await run('deregister', 'math/add'), {
    code: 5,
    stdout: '',
    stderr: `disco: math/add was registered at node "node-2" (${owner}), which alone can change it: ask that daemon\n`,
  });
});
