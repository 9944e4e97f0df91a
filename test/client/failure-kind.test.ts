import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Metadata, status } from '@grpc/grpc-js';
import { test } from 'tap';
import { DiscoError } from '../../src/base/error.ts';
import { failureKind, type FailureKind } from '../../src/client/failure-kind.ts';

const system = (code: string, syscall?: string): Error =>
  Object.assign(new Error(code), { code, syscall });
const wrapped = (cause: unknown, depth: number): unknown =>
  depth === 0 ? cause : wrapped(new TypeError('fetch failed', { cause }), depth - 1);
const grpcError = (code: status): Error =>
  Object.assign(new Error('grpc'), { code, details: '', metadata: new Metadata() });

const table: readonly [say: string, error: unknown, kind: FailureKind][] = [
  ['a refused connection', system('ECONNREFUSED', 'connect'), 'unsent'],
  ['a host that is not there', system('EHOSTUNREACH', 'connect'), 'unsent'],
  ['a name that is not there', system('ENOTFOUND', 'getaddrinfo'), 'unsent'],
  ['a connection that took too long', system('ETIMEDOUT', 'connect'), 'unsent'],
  ['the same by undici', wrapped(system('UND_ERR_CONNECT_TIMEOUT'), 1), 'unsent'],
  ['a silence after it stood', system('ETIMEDOUT', 'read'), 'lost'],
  ['a connection that broke', system('ECONNRESET', 'read'), 'lost'],
  ['the other side gone while we wrote', system('EPIPE', 'write'), 'lost'],
  ['a broken connection inside of fetch', wrapped(system('UND_ERR_SOCKET'), 1), 'lost'],
  ['five causes deep', wrapped(system('ECONNRESET'), 4), 'lost'],
  ['deeper than anybody looks', wrapped(system('ECONNRESET'), 5), 'answer'],
  ['gRPC: unavailable', grpcError(status.UNAVAILABLE), 'lost'],
  ['gRPC: no answer in time', grpcError(status.DEADLINE_EXCEEDED), 'lost'],
  ['gRPC: a refusal', grpcError(status.INVALID_ARGUMENT), 'answer'],
  ['gRPC: cancelled by ourselves', grpcError(status.CANCELLED), 'answer'],
  ['a number that is no gRPC status', Object.assign(new Error('no'), { code: 14 }), 'answer'],
  ['an attempt that took too long', new DiscoError('UNAVAILABLE', 'TIMEOUT', 'slow'), 'lost'],
  ['an error of the application', new Error('no such user'), 'answer'],
  ['what is no error at all', 'ECONNREFUSED', 'answer'],
  ['nothing', undefined, 'answer'],
];

for (const [say, error, kind] of table) {
  test(`${say}: ${kind}`, (t) => {
    t.equal(failureKind(error), kind);
    t.end();
  });
}

async function portOf(onSocket: 'destroy' | 'closed'): Promise<[number, () => void]> {
  const server = createServer((socket) => socket.once('data', () => socket.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  if (onSocket === 'closed') await new Promise((resolve) => server.close(resolve));
  return [port, () => server.close()];
}

test('what fetch itself throws is understood', async (t) => {
  const [closed] = await portOf('closed');
  const refused: unknown = await fetch(`http://127.0.0.1:${closed}/`).catch((error) => error);
  t.equal(failureKind(refused), 'unsent');
  const [broken, stop] = await portOf('destroy');
  t.teardown(stop);
  const reset: unknown = await fetch(`http://127.0.0.1:${broken}/`).catch((error) => error);
  t.equal(failureKind(reset), 'lost');
});
