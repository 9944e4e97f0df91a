// One operation, served over gRPC as math/<operation>:   node service.js add
import { promisify } from 'node:util';
import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { Disco } from 'disco';

const operations = {
  add: (left, right) => left + right,
  sub: (left, right) => left - right,
  mul: (left, right) => left * right,
  div: (left, right) => left / right,
};
const name = process.argv[2];
const operation = operations[name];
if (operation === undefined) throw new Error('usage: node service.js add|sub|mul|div');

const { math } = grpc.loadPackageDefinition(loadSync(`${import.meta.dirname}/math.proto`));
const server = new grpc.Server();
server.addService(math.v1.Operation.service, {
  Apply({ request: { left, right } }, callback) {
    callback(null, { value: operation(left, right) });
  },
});
const listen = promisify(server.bindAsync.bind(server));
const port = await listen('0.0.0.0:0', grpc.ServerCredentials.createInsecure());

const disco = await Disco.connect();
await disco.register({ group: 'math', name, port });
console.log(`math/${name} is served at port ${port}`);

process.once('SIGTERM', async () => {
  await disco.close(); // deregisters, so that nobody begins a call here
  server.tryShutdown(() => process.exit()); // once the calls under way have ended
});
