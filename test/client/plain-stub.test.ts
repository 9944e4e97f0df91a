import { once } from 'node:events';
import { createServer as createHttp1 } from 'node:http';
import * as http2 from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import t, { type Test } from 'tap';
import { PlainStub } from '../../src/client/plain-stub.ts';
import { stubContract } from '../contract/stub-contract.ts';
import { FakeDaemon } from './fake-daemon.ts';

stubContract(t, (daemon, deadlineMs) => new PlainStub(daemon, deadlineMs));

async function stubAt(t: Test, server: Server): Promise<PlainStub> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const stub = new PlainStub({ address: `127.0.0.1:${port}`, source: 'as given' }, 5_000);
  t.teardown(() => {
    stub.close();
    server.close();
  });
  return stub;
}

/** A server that answers each call with these headers, bytes and trailers. */
function answering(
  headers: http2.OutgoingHttpHeaders,
  body: Buffer,
  trailers?: http2.OutgoingHttpHeaders,
): Server {
  return http2.createServer().on('stream', (stream) => {
    stream.respond(headers, { waitForTrailers: trailers !== undefined });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers ?? {}));
    stream.end(body);
  }) as unknown as Server;
}

const ours = { ':status': 200, 'content-type': 'application/grpc' };
const done = { 'grpc-status': '0' };
const message = (length: number, flag = 0): Buffer => {
  const bytes = Buffer.alloc(5 + length);
  bytes[0] = flag;
  bytes.writeUInt32BE(length, 1);
  return bytes;
};

t.test('what is no gRPC is no daemon, whatever else it is', async (t) => {
  const old = createHttp1((_request, response) => response.end('hello'));
  const web = answering({ ':status': 404 }, Buffer.from('not here'));
  const busy = answering({ ':status': 503 }, Buffer.from('later'));
  for (const server of [old, web, busy]) {
    const stub = await stubAt(t, server);
    await t.rejects(stub.unary('Status', {}), { message: /no disco daemon/, reason: 'NO_DAEMON' });
  }
});

t.test('an answer that is not one whole message is a mistake, and is told so', async (t) => {
  const answers = [
    Buffer.alloc(0),
    Buffer.alloc(3),
    message(4).subarray(0, 7),
    message(2, 1),
    Buffer.concat([message(0), message(0)]),
  ];
  for (const body of answers) {
    const stub = await stubAt(t, answering(ours, body, done));
    await t.rejects(stub.unary('Status', {}), { code: 'INTERNAL', message: /not one message/ });
  }
});

t.test('bytes that are no message of ours are a mistake, too', async (t) => {
  const body = Buffer.concat([Buffer.from([0, 0, 0, 0, 1]), Buffer.from([0xff])]);
  const stub = await stubAt(t, answering(ours, body, done));
  await t.rejects(stub.unary('Status', {}), { code: 'INTERNAL', reason: 'BUG' });
});

t.test('a sentence is percent-encoded on its way, and shown as it is when it is not', async (t) => {
  for (const [sent, shown] of [
    ['caf%C3%A9 100%25', 'café 100%'],
    ['100% of it', '100% of it'],
  ]) {
    const headers = { ...ours, 'grpc-status': '5', 'grpc-message': sent, 'disco-reason': 'X' };
    const stub = await stubAt(t, answering(headers, Buffer.alloc(0)));
    await t.rejects(stub.unary('Get', {}), { code: 'NOT_FOUND', reason: 'X', message: shown });
  }
});

t.test('all calls go over one connection', async (t) => {
  let connections = 0;
  const server = answering(ours, message(0), done);
  server.on('connection', () => void (connections += 1));
  const stub = await stubAt(t, server);
  await Promise.all([stub.unary('Status', {}), stub.unary('Members', {})]);
  await stub.unary('List', {});
  t.equal(connections, 1);
});

t.test('closing it ends the calls under way', async (t) => {
  const daemon = await FakeDaemon.start((run) => t.teardown(run));
  daemon.hang('Members');
  const stub = new PlainStub({ address: daemon.address, source: 'as given' }, 5_000);
  const call = stub.unary('Members', {});
  stub.close();
  await t.rejects(call, { code: 'UNAVAILABLE' });
});
