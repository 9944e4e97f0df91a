/** Servers to be checked: on loopback, on a port that the system picks, gone with the test. */
import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import * as net from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import type { CheckTarget } from '../../src/health/target.ts';

/** Of a name that is not where it is used: nobody who verifies takes it. */
export const stranger = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgFI8Be5JanGSEiBtb
g5D4wOOxLDLJh3ZEqJejvJC6+G2hRANCAAQEB+RudRLYpp6QyKlpzPkIsMWSL/c0
QFqRtPIj/wu0m1XjFOtr4lCbRZTqtvTAo59BzSRsXwZyLH+mbeUfpv1m
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBjjCCATWgAwIBAgIUJWJ5fY748aS3qtwyfI6pvA7IkkUwCgYIKoZIzj0EAwIw
HDEaMBgGA1UEAwwRZWxzZXdoZXJlLmludmFsaWQwIBcNMjYxMTIxMTg0NzI1WhgP
MjEyNjEwMjgxODQ3MjVaMBwxGjAYBgNVBAMMEWVsc2V3aGVyZS5pbnZhbGlkMFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEBAfkbnUS2KaekMipacz5CLDFki/3NEBa
kbTyI/8LtJtV4xTra+JQm0WU6rb0wKOfQc0kbF8Gcix/pm3lH6b9ZqNTMFEwHQYD
VR0OBBYEFLlG+/1jSaeWR0M4AA8+g0FCuyHDMB8GA1UdIwQYMBaAFLlG+/1jSaeW
R0M4AA8+g0FCuyHDMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIg
EI0zo3MxoYFZNmYdLUWisDGWDLP+hBtoRCn6jFa+ePACIByaLXFGZcEmd1pcawzW
4fq0sMrv/TWF0sJo0H2ZB1qb
-----END CERTIFICATE-----
`,
};

async function listen(t: Test, server: net.Server, ip: string): Promise<CheckTarget> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, ip);
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { ip, port: (server.address() as AddressInfo).port };
}

export function serveTcp(
  t: Test,
  answer: (socket: net.Socket) => void = () => undefined,
): Promise<CheckTarget> {
  return listen(t, net.createServer(answer), '127.0.0.1');
}

export function serveHttp(
  t: Test,
  answer: http.RequestListener,
  ip = '127.0.0.1',
): Promise<CheckTarget> {
  return listen(t, http.createServer(answer), ip);
}

export function serveHttps(t: Test, answer: http.RequestListener): Promise<CheckTarget> {
  return listen(t, https.createServer(stranger, answer), '127.0.0.1');
}

/** Where nobody listens: a port that was somebody's a moment ago. */
export async function refusing(t: Test): Promise<CheckTarget> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  t.comment(`nobody listens at ${port}`);
  return { ip: '127.0.0.1', port };
}
