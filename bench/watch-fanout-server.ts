/**
 * What a watch's fan-out is held against: grpc-js and nothing else. Whoever calls WATCH-PATH is
 * greeted with one message, and whatever is called at FAN-PATH is written, as it came, to all of
 * them.
 *
 *   node bench/watch-fanout-server.ts WATCH-PATH FAN-PATH ADDRESS…, with an IPC channel
 */
import * as grpc from '@grpc/grpc-js';
import { bareMethod, listen } from './bare-grpc.ts';

const [watchPath = '', fanPath = '', ...addresses] = process.argv.slice(2);
const streams = new Set<grpc.ServerWritableStream<Buffer, Buffer>>();

const server = new grpc.Server({ 'grpc.enable_channelz': 0 });
server.addService(
  { watch: bareMethod(watchPath, true), fan: bareMethod(fanPath, false) },
  {
    watch: (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
      streams.add(call);
      call.on('close', () => streams.delete(call));
      call.write(Buffer.alloc(1));
    },
    fan: (call: grpc.ServerUnaryCall<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) => {
      for (const stream of streams) stream.write(call.request);
      callback(null, Buffer.alloc(0));
    },
  },
);

process.on('disconnect', () => process.exit(0));
process.send?.(await listen(server, addresses));
