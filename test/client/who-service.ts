/** A gRPC service of one method, which says which server has answered, and channels to it. */
import * as grpc from '@grpc/grpc-js';
import type { Test } from 'tap';

const whoMethod = {
  path: '/test.Who/Who',
  requestStream: false,
  responseStream: false,
  requestSerialize: (text: string) => Buffer.from(text),
  requestDeserialize: (bytes: Buffer) => bytes.toString(),
  responseSerialize: (text: string) => Buffer.from(text),
  responseDeserialize: (bytes: Buffer) => bytes.toString(),
};

export interface WhoServer {
  readonly server: grpc.Server;
  readonly port: number;
}

/**
 * On a port of the system's choice, until the test ends.
 *
 * @param before each answer, told what the call takes this host for; the answer waits for it
 */
export async function serveWho(
  t: Test,
  id: string,
  before: (host: string) => unknown = () => undefined,
): Promise<WhoServer> {
  const server = new grpc.Server({ 'grpc.enable_channelz': 0 });
  server.addService(
    { Who: whoMethod },
    {
      Who: (call: grpc.ServerUnaryCall<string, string>, callback: grpc.sendUnaryData<string>) => {
        void Promise.resolve(before(call.getHost())).then(() => callback(null, id));
      },
    },
  );
  t.teardown(() => server.forceShutdown());
  const credentials = grpc.ServerCredentials.createInsecure();
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { server, port };
}

/** A channel until the test ends, and a call on it: who answers? */
export function openChannel(t: Test, options: grpc.ClientOptions, target: string) {
  const client = new grpc.Client(target, grpc.credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.initial_reconnect_backoff_ms': 100,
    ...options,
  });
  t.teardown(() => client.close());
  const { path, requestSerialize, responseDeserialize } = whoMethod;
  const who = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const deadline = Date.now() + 5_000;
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        'who?',
        { deadline },
        (error, answer = '') => (error === null ? resolve(answer) : reject(error)),
      );
    });
  return { client, who };
}
