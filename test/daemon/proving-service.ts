/**
 * A service as a process of its own, for tests that kill it: it proves who it is over HTTP and over
 * gRPC, and answers ordinary checks. Registered without a lease, so that nothing but its checks ever
 * tells that it is gone.
 *
 *   node proving-service.ts DAEMON-ADDRESS      prints {"http": PORT, "grpc": PORT} when registered
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { Disco, GrpcIdentity, HttpIdentity } from '../../src/client/index.ts';
import type { CheckOptions, RegisterOptions } from '../../src/client/index.ts';

/** Half a second for an answer, and a busy machine is no reason to fail. */
const often = { intervalMs: 500, failuresBeforeCritical: 50 };
const here = { group: 'shop', ip: '127.0.0.1', ttlMs: 0 };

const overHttp = new HttpIdentity(often);
const httpServer = createServer((request, response) =>
  overHttp.handle(request, response, () => response.end('A')),
).listen(0, '127.0.0.1');
await once(httpServer, 'listening');
const http = (httpServer.address() as AddressInfo).port;

const overGrpc = new GrpcIdentity(often);
const grpcServer = new grpc.Server();
grpcServer.addService(...overGrpc.service);
new HealthImplementation({ '': 'SERVING' }).addToServer(grpcServer);
const port = await new Promise<number>((resolve, reject) => {
  grpcServer.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
    error === null ? resolve(bound) : reject(error),
  );
});

const disco = await Disco.connect({ address: process.argv[2] });
const plain: readonly CheckOptions[] = [
  { kind: 'tcp', ...often },
  { kind: 'http', path: '/healthz', ...often },
];
const wishes: readonly RegisterOptions[] = [
  { ...here, name: 'plain-http', port: http, checks: plain },
  { ...here, name: 'plain-grpc', port, checks: [{ kind: 'grpc', ...often }] },
  { ...here, name: 'proven-http', port: http, identity: overHttp },
  { ...here, name: 'proven-grpc', port, identity: overGrpc },
];
for (const wish of wishes) await disco.register(wish);
console.log(JSON.stringify({ http, grpc: port }));
