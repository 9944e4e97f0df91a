/** The bare grpc-js servers of the benchmarks: bytes in, bytes out, and nothing in between. */
import * as grpc from '@grpc/grpc-js';

export const asIs = (bytes: Buffer): Buffer => bytes;

/** A method whose messages are bytes that nobody looks at. */
export function bareMethod(
  path: string,
  responseStream: boolean,
): grpc.MethodDefinition<Buffer, Buffer> {
  return {
    path,
    requestStream: false,
    responseStream,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
}

/** Begins to listen; answers the addresses with their real ports. */
export async function listen(
  server: grpc.Server,
  addresses: readonly string[],
): Promise<readonly string[]> {
  const bound: string[] = [];
  for (const address of addresses) bound.push(await bind(server, address));
  return bound;
}

function bind(server: grpc.Server, address: string): Promise<string> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(address.replace(/:0$/, `:${port}`));
      else reject(error);
    });
  });
}
