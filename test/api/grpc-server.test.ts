/** How the API is carried over gRPC: listening, health, reflection, and clients of every kind. */
import { once } from 'node:events';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { ServiceDefinition } from '@grpc/proto-loader';
import { protoPath as healthProto } from 'grpc-health-check';
import protobuf from 'protobufjs';
import t, { type Test } from 'tap';
import { GrpcServer } from '../../src/api/grpc-server.ts';
import { silentLog } from '../../src/base/log.ts';
import { ApiClient, Node, refusalOf, serve } from './fixture.ts';

const service = 'disco.v1.Discovery';
const bounds = { watchersMax: 10, watchLagMax: 100 };

type Method = grpc.MethodDefinition<object, object>;

function methodsOf(file: string, name: string): Record<string, Method> {
  const loaded = loadSync(file, { longs: String, enums: String, defaults: true, oneofs: true });
  return loaded[name] as ServiceDefinition as unknown as Record<string, Method>;
}

function unary(client: grpc.Client, method: Method, request: object): Promise<object> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      (error, answer) => (error === null ? resolve(answer as object) : reject(error)),
    );
  });
}

/** A folder with a short path, as sockets need it. */
function folder(t: Test): string {
  const path = fs.mkdtempSync(join(tmpdir(), 'disco-api-'));
  t.teardown(() => fs.rmSync(path, { recursive: true, force: true }));
  return path;
}

function serverAt(t: Test, ...addresses: string[]): GrpcServer {
  const server = new GrpcServer(new Node().service, { addresses, ...bounds }, silentLog);
  t.teardown(() => server.stop(0));
  return server;
}

const { Check, Watch } = methodsOf(healthProto, 'grpc.health.v1.Health') as {
  Check: Method;
  Watch: Method;
};

t.test('grpc.health.v1 Check answers NOT_SERVING before the node is ready', async (t) => {
  const { client, server } = await serve(t);
  for (const name of ['', service])
    t.match(await unary(client, Check, { service: name }), { status: 'NOT_SERVING' }, name);
  server.setReady(true);
  for (const name of ['', service])
    t.match(await unary(client, Check, { service: name }), { status: 'SERVING' }, name);
  const refusal = refusalOf(await unary(client, Check, { service: 'x' }).catch((e: unknown) => e));
  t.equal(refusal.code, 'NOT_FOUND');
});

t.test('grpc.health.v1 Watch tells when the node turns ready', async (t) => {
  const { client, server } = await serve(t);
  const { path, requestSerialize, responseDeserialize } = Watch;
  const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {
    service,
  });
  call.on('error', () => undefined);
  t.match(await once(call, 'data'), [{ status: 'NOT_SERVING' }]);
  server.setReady(true);
  t.match(await once(call, 'data'), [{ status: 'SERVING' }]);
  call.cancel();
});

t.test('reflection lists the services, and knows their messages', async (t) => {
  const { client } = await serve(t);
  const reflection = createRequire(import.meta.url).resolve('@grpc/reflection');
  const proto = join(reflection, '../../proto/grpc/reflection/v1/reflection.proto');
  const definition = methodsOf(proto, 'grpc.reflection.v1.ServerReflection');
  const info = definition['ServerReflectionInfo'] as Method;
  const call = client.makeBidiStreamRequest(
    info.path,
    info.requestSerialize,
    info.responseDeserialize,
  );
  call.write({ listServices: '' });
  const [listed] = (await once(call, 'data')) as [
    { listServicesResponse: { service: { name: string }[] } },
  ];
  t.strictSame(listed.listServicesResponse.service.map(({ name }) => name).toSorted(), [
    service,
    'grpc.health.v1.Health',
  ]);
  call.write({ fileContainingSymbol: 'disco.v1.RegisterRequest' });
  const [described] = (await once(call, 'data')) as [
    { fileDescriptorResponse: { fileDescriptorProto: Buffer[] } },
  ];
  const bytes = Buffer.concat(described.fileDescriptorResponse.fileDescriptorProto).toString();
  t.match(bytes, 'deregister_after_ms');
  call.write({ fileContainingSymbol: 'grpc.health.v1.Health' });
  t.match(await once(call, 'data'), [
    { fileDescriptorResponse: { fileDescriptorProto: [Buffer] } },
  ]);
  call.end();
});

t.test('the unix socket is its user’s alone, and answers', async (t) => {
  const path = join(folder(t), 's');
  const { bound, client } = await serve(t, { addresses: [`unix:${path}`] });
  t.strictSame(bound, [`unix:${path}`]);
  t.equal(fs.statSync(path).mode & 0o777, 0o600);
  t.match(await client.call('Status', {}), { name: 'node-1' });
});

t.test('it listens on several addresses, and says which ports it was given', async (t) => {
  const path = join(folder(t), 's');
  const server = serverAt(t, '127.0.0.1:0', '127.0.0.1:0', `unix:${path}`);
  const bound = await server.start();
  t.match(bound, [/^127\.0\.0\.1:[1-9]\d*$/, /^127\.0\.0\.1:[1-9]\d*$/, `unix:${path}`]);
  t.equal(new Set(bound).size, bound.length);
  for (const address of bound) {
    const client = new ApiClient(address);
    t.teardown(() => client.close());
    t.match(await client.call('Status', {}), { name: 'node-1' }, address);
  }
});

t.test('the socket of a daemon that died is taken over', async (t) => {
  const path = join(folder(t), 's');
  const dead = createServer().listen(path);
  await once(dead, 'listening');
  fs.linkSync(path, `${path}.kept`);
  await new Promise((resolve) => dead.close(resolve));
  fs.renameSync(`${path}.kept`, path);
  t.ok(fs.statSync(path).isSocket(), 'a socket that nobody answers');
  const { client } = await serve(t, { addresses: [`unix:${path}`] });
  t.match(await client.call('Status', {}), { name: 'node-1' });
});

t.test('the socket of another daemon that lives is left to it', async (t) => {
  const address = `unix:${join(folder(t), 's')}`;
  const { client } = await serve(t, { addresses: [address] });
  await t.rejects(serverAt(t, address).start(), {
    code: 'FAILED_PRECONDITION',
    reason: 'PORT_IN_USE',
    message: `the gRPC address ${address} is in use by another process: stop that one, or give another --grpc (port 0 picks a free one)`,
  });
  t.match(await client.call('Status', {}), { name: 'node-1' }, 'it still answers');
});

t.test('a file that is no socket is never taken away for one', async (t) => {
  const path = join(folder(t), 'notes.txt');
  fs.writeFileSync(path, 'precious');
  await t.rejects(serverAt(t, `unix:${path}`).start(), {
    code: 'FAILED_PRECONDITION',
    reason: 'ADDRESS_UNAVAILABLE',
    message: `${path} is there and is no socket: move it away, or give another --grpc`,
  });
  t.equal(fs.readFileSync(path, 'utf8'), 'precious');
});

t.test('a socket path that the system does not take is refused by its length', async (t) => {
  const path = join(folder(t), 'x'.repeat(100));
  await t.rejects(serverAt(t, `unix:${path}`).start(), {
    code: 'FAILED_PRECONDITION',
    reason: 'ADDRESS_UNAVAILABLE',
    message:
      /^the unix socket \S+ has a path of more than 107 bytes, .*: give a shorter --data-dir/,
  });
});

t.test('a socket in a folder that is not there is refused', async (t) => {
  const path = join(folder(t), 'none', 's');
  await t.rejects(serverAt(t, `unix:${path}`).start(), {
    code: 'FAILED_PRECONDITION',
    reason: 'ADDRESS_UNAVAILABLE',
    message: `there is no folder for the unix socket ${path}: make it, or give another --grpc`,
  });
});

t.test('a port in use and an address of another host are told with the flag', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.teardown(() => other.close());
  const used = `127.0.0.1:${(other.address() as AddressInfo).port}`;
  await t.rejects(serverAt(t, used).start(), {
    code: 'FAILED_PRECONDITION',
    reason: 'PORT_IN_USE',
    message: `the gRPC address ${used} is in use by another process: stop that one, or give another --grpc (port 0 picks a free one)`,
  });
  // TEST-NET-1 (RFC 5737): no host has it.
  await t.rejects(serverAt(t, '192.0.2.1:0').start(), {
    code: 'FAILED_PRECONDITION',
    reason: 'ADDRESS_UNAVAILABLE',
    message:
      /^cannot listen for gRPC on 192\.0\.2\.1:0 \(.*\): give an address of this host with --grpc$/,
  });
});

t.test('bytes that are no message of ours are the caller’s error', async (t) => {
  const { client } = await serve(t);
  const raw = (bytes: Buffer): Buffer => bytes;
  const refusal = await new Promise((resolve) => {
    const bytes = Buffer.from('08ff', 'hex');
    client.makeUnaryRequest(`/${service}/Register`, raw, raw, bytes, resolve);
  });
  t.strictSame(refusalOf(refusal), {
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_BODY',
    sentence:
      'the request of Register cannot be decoded: use the messages of proto/disco/v1/discovery.proto',
  });
  const call = client.makeServerStreamRequest(`/${service}/Watch`, raw, raw, Buffer.from([8]));
  const [error] = (await once(call.resume(), 'error')) as [unknown];
  t.match(refusalOf(error), { code: 'INVALID_ARGUMENT', reason: 'INVALID_BODY' });
});

t.test('a mistake of this daemon is told without its details, which are logged', async (t) => {
  const node = new Node();
  node.control.describe = () => {
    throw new TypeError('x is not a function\n    at secret.ts');
  };
  const logged: object[] = [];
  const log = { ...silentLog, error: (fields: object) => void logged.push(fields) };
  const server = new GrpcServer(node.service, { addresses: ['127.0.0.1:0'], ...bounds }, log);
  const [address] = await server.start();
  const client = new ApiClient(address as string);
  t.teardown(async () => {
    client.close();
    await server.stop(0);
  });
  t.strictSame(await client.refusal('Status', {}), {
    code: 'INTERNAL',
    reason: 'BUG',
    sentence: 'this daemon made a mistake; its log says which',
  });
  t.match(logged, [{ error: /^x is not a function/ }]);
});

t.test('stopping lets the call under way end, and takes no more', async (t) => {
  const { client, node, server } = await serve(t);
  const asked = Promise.withResolvers<void>();
  const round = Promise.withResolvers<[]>();
  node.control.round = () => {
    asked.resolve();
    return round.promise;
  };
  const answer = client.call('Gossip', {});
  await asked.promise;
  const stopped = server.stop(60_000);
  round.resolve([]);
  t.strictSame((await answer).exchanges, []);
  await stopped;
  t.match(await client.refusal('Status', {}), { code: 'UNAVAILABLE', reason: 'none' });
});

/** What the author of the simplest client wrote down: nothing but the classic fields. */
const cutDown = `
syntax = "proto3";
package disco.v1;
message RegisterRequest { string group = 1; string name = 2; string ip = 3; uint32 port = 4; }
message RegisterResponse { string ip = 1; uint32 port = 2; }
message DeregisterRequest { string group = 1; string name = 2; string ip = 3; uint32 port = 4; }
message DeregisterResponse {}
message GetRequest { string group = 1; string name = 2; }
message ListRequest {}
message ListByGroupRequest { string group = 1; }
message ServiceInstance { string group = 1; string name = 2; string ip = 3; uint32 port = 4; }
message ListResponse { repeated ServiceInstance instances = 1; }
`;

const { root } = protobuf.parse(cutDown);

function minimal(client: grpc.Client, name: string, request: object, response: string) {
  const requestType = root.lookupType(`disco.v1.${name}Request`);
  const responseType = root.lookupType(`disco.v1.${response}`);
  return unary(
    client,
    {
      path: `/${service}/${name}`,
      requestStream: false,
      responseStream: false,
      requestSerialize: (value) => Buffer.from(requestType.encode(value).finish()),
      requestDeserialize: (bytes) => requestType.decode(bytes),
      responseSerialize: (value) => Buffer.from(responseType.encode(value).finish()),
      responseDeserialize: (bytes) => responseType.toObject(responseType.decode(bytes)),
    },
    request,
  );
}

t.test('the simplest client registers, gets, lists, lists by group, deregisters', async (t) => {
  const { client } = await serve(t);
  const add = { group: 'math', name: 'add' };
  const given = { ...add, ip: '10.0.0.7', port: 5001 };
  t.strictSame(await minimal(client, 'Register', given, 'RegisterResponse'), {
    ip: '10.0.0.7',
    port: 5001,
  });
  t.strictSame(await minimal(client, 'Get', add, 'ServiceInstance'), given);
  const sub = { group: 'math', name: 'sub' };
  const picked = (await minimal(client, 'Register', sub, 'RegisterResponse')) as { port: number };
  t.match(picked, { ip: '127.0.0.1' });
  t.ok(picked.port > 0, 'the daemon has picked a port');
  const other = { group: 'shop', name: 'cart', ip: '::1', port: 80 };
  await minimal(client, 'Register', other, 'RegisterResponse');
  const instances = [given, { ...sub, ip: '127.0.0.1', port: picked.port }, other];
  t.strictSame(await minimal(client, 'List', {}, 'ListResponse'), { instances });
  t.strictSame(await minimal(client, 'ListByGroup', { group: 'math' }, 'ListResponse'), {
    instances: instances.slice(0, 2),
  });
  t.strictSame(await minimal(client, 'Deregister', sub, 'DeregisterResponse'), {});
  t.strictSame(await minimal(client, 'ListByGroup', { group: 'math' }, 'ListResponse'), {
    instances: [given],
  });
});
