/**
 * What a Get is held against: grpc-js and nothing else. It answers every call with the same bytes,
 * which it is given and never looks at.
 *
 *   node bench/get-cost-server.ts METHOD-PATH ANSWER-IN-BASE64 ADDRESS…, with an IPC channel
 */
import * as grpc from '@grpc/grpc-js';
import { bareMethod, listen } from './bare-grpc.ts';

const [path = '', encoded = '', ...addresses] = process.argv.slice(2);
const answer = Buffer.from(encoded, 'base64');

const server = new grpc.Server({ 'grpc.enable_channelz': 0 });
server.addService(
  { answer: bareMethod(path, false) },
  {
    answer: (_call: unknown, callback: grpc.sendUnaryData<Buffer>) => callback(null, answer),
  },
);

process.on('disconnect', () => process.exit(0));
process.send?.(await listen(server, addresses));
