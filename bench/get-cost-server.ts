/**
 * What a Get is held against: grpc-js and nothing else. It answers every call with the same bytes,
 * which it is given and never looks at.
 *
 *   node bench/get-cost-server.ts METHOD-PATH ANSWER-IN-BASE64 ADDRESS…, with an IPC channel
 */
import * as grpc from '@grpc/grpc-js';

const [path = '', encoded = '', ...addresses] = process.argv.slice(2);
const answer = Buffer.from(encoded, 'base64');
const asIs = (bytes: Buffer): Buffer => bytes;

const server = new grpc.Server({ 'grpc.enable_channelz': 0 });
const method = {
  path,
  requestStream: false,
  responseStream: false,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
};
server.addService(
  { answer: method },
  {
    answer: (_call: unknown, callback: grpc.sendUnaryData<Buffer>) => callback(null, answer),
  },
);

const bound: string[] = [];
for (const address of addresses) bound.push(await bind(address));
process.on('disconnect', () => process.exit(0));
process.send?.(bound);

/** @returns the address with its real port */
function bind(address: string): Promise<string> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(address.replace(/:0$/, `:${port}`));
      else reject(error);
    });
  });
}
