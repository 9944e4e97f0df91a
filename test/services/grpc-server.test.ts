import * as grpc from '@grpc/grpc-js';
import { service as healthDefinition } from 'grpc-health-check';
import { test, type Test } from 'tap';
import { formatAddress } from '../../src/base/address.ts';
import { GrpcServer, refusal } from '../../src/services/grpc-server.ts';
import { operationDefinition } from '../../src/services/math-methods.ts';

// What grpc-js prints when it cannot bind would be noise between the results.
grpc.setLogVerbosity(grpc.logVerbosity.NONE);

const anyPort = { host: '127.0.0.1', port: 0 };

type Handlers = grpc.UntypedServiceImplementation;

function listen(t: Test, Apply: grpc.handleUnaryCall<unknown, unknown>): Promise<GrpcServer> {
  const handlers: Handlers = { Apply };
  return GrpcServer.listen(
    anyPort,
    new Map([['math.v1.Operation', [operationDefinition, handlers] as const]]),
  ).then((server) => {
    t.teardown(() => server.stop());
    return server;
  });
}

function clientOf(t: Test, server: GrpcServer): grpc.Client {
  const address = formatAddress(server.address);
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  t.teardown(() => client.close());
  return client;
}

function call(client: grpc.Client, method: grpc.MethodDefinition<never, never>, request: object) {
  return new Promise<unknown>((resolve, reject) => {
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize as (value: object) => Buffer,
      method.responseDeserialize,
      request,
      (error, answer) => (error === null ? resolve(answer) : reject(error)),
    );
  });
}

const { Apply } = operationDefinition;
const check = healthDefinition['Check'] as unknown as grpc.MethodDefinition<never, never>;

test('the system chooses the port, and calls arrive there', async (t) => {
  const server = await listen(t, (_call, callback) => callback(null, { value: 5 }));
  t.ok(server.address.port > 0);
  t.match(await call(clientOf(t, server), Apply as never, { left: 2, right: 3 }), { value: 5 });
});

test('grpc.health.v1 answers for the server and for each service', async (t) => {
  const server = await listen(t, (_call, callback) => callback(null, {}));
  const client = clientOf(t, server);
  for (const service of ['', 'math.v1.Operation']) {
    t.match(await call(client, check, { service }), { status: 'SERVING' }, service);
  }
  await t.rejects(call(client, check, { service: 'other' }), { message: /NOT_FOUND/ });
});

test('a refusal carries its code, its sentence and its reason', async (t) => {
  const refused = refusal(grpc.status.INVALID_ARGUMENT, 'ARITHMETIC', 'not by zero');
  const server = await listen(t, (_call, callback) => callback(refused));
  const answer = call(clientOf(t, server), Apply as never, {});
  const error = await answer.catch((thrown: unknown) => thrown as grpc.ServiceError);
  t.match(error, { code: grpc.status.INVALID_ARGUMENT, details: 'not by zero' });
  t.strictSame((error as grpc.ServiceError).metadata.get('disco-reason'), ['ARITHMETIC']);
});

test('stopping lets the call under way end and takes no more', async (t) => {
  const arrived = Promise.withResolvers<() => void>();
  const server = await listen(t, (_call, callback) =>
    arrived.resolve(() => callback(null, { value: 7 })),
  );
  const client = clientOf(t, server);
  const answer = call(client, Apply as never, {});
  const finish = await arrived.promise;
  const stopped = server.stop();
  finish();
  t.match(await answer, { value: 7 });
  await Promise.all([stopped, server.stop()]);
  await t.rejects(call(client, Apply as never, {}), { message: /UNAVAILABLE/ });
});

test('an address in use is an error with the words of the system', async (t) => {
  const first = await listen(t, (_call, callback) => callback(null, {}));
  await t.rejects(GrpcServer.listen(first.address, new Map()), {
    message: /cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE/,
  });
});
