/** Applications that keep calling while the daemon beside them is killed, and comes back. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import { test, type Test } from 'tap';
import { registerDiscoResolver } from '../../src/client/grpc-resolver.ts';
import { Disco } from '../../src/client/index.ts';
import { Cluster, eventually, type Node } from './cluster.ts';

const whoMethod = {
  path: '/test.Who/Who',
  requestStream: false,
  responseStream: false,
  requestSerialize: (text: string) => Buffer.from(text),
  requestDeserialize: (bytes: Buffer) => bytes.toString(),
  responseSerialize: (text: string) => Buffer.from(text),
  responseDeserialize: (bytes: Buffer) => bytes.toString(),
};

async function serveHttp(t: Test, id: string): Promise<number> {
  const server = createServer((_, response) => response.end(id));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function serveGrpc(t: Test, id: string): Promise<number> {
  const server = new grpc.Server();
  server.addService(
    { Who: whoMethod },
    { Who: (_call: unknown, callback: grpc.sendUnaryData<string>) => callback(null, id) },
  );
  t.teardown(() => server.forceShutdown());
  const credentials = grpc.ServerCredentials.createInsecure();
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
}

/** Calls without a pause; notes who answered since it was last asked, and every failure. */
class Load {
  readonly failures: unknown[] = [];
  calls = 0;
  readonly #running: Promise<void>;
  #answers = new Set<string>();
  #isOver = false;

  constructor(call: () => Promise<string>) {
    this.#running = this.#run(call);
  }

  /** Resolves when exactly these have answered in a while. */
  async servedBy(...ids: readonly string[]): Promise<void> {
    const wanted = ids.toSorted().join();
    await eventually(`calls are answered by ${wanted}`, async () => {
      this.#answers = new Set();
      const until = this.calls + 8 * ids.length;
      await eventually('calls go on', () => this.calls >= until);
      return [...this.#answers].toSorted().join() === wanted;
    });
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #run(call: () => Promise<string>): Promise<void> {
    while (!this.#isOver) {
      this.calls += 1;
      await call().then(
        (answer) => this.#answers.add(answer),
        (error: unknown) => this.failures.push(error),
      );
    }
  }
}

function channelTo(t: Test, target: string): () => Promise<string> {
  const client = new grpc.Client(target, grpc.credentials.createInsecure());
  t.teardown(() => client.close());
  const { path, requestSerialize, responseDeserialize } = whoMethod;
  return () =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        'who?',
        (error, answer = '') => (error === null ? resolve(answer) : reject(error)),
      );
    });
}

test('no call fails because the daemon is killed, away, back, or learns something new', async (t) => {
  const cluster = new Cluster(t);
  const [there, here] = (await cluster.startMany(['there', 'here'])) as [Node, Node];
  const add = async (id: string): Promise<void> => {
    const [http, rpc] = await Promise.all([serveHttp(t, id), serveGrpc(t, id)]);
    await there.register({ group: 'app', name: 'web', port: http });
    await there.register({ group: 'app', name: 'rpc', port: rpc });
  };
  await Promise.all([add('a'), add('b')]);
  await here.sees((all) => all.length === 4);

  const disco = await Disco.connect({ dataDir: here.dataDir });
  t.teardown(() => disco.close());
  registerDiscoResolver(disco);
  const loads = [
    new Load(async () => (await disco.fetch('http://web.app/')).text()),
    new Load(channelTo(t, 'disco:///app/rpc')),
  ];
  const servedBy = (...ids: readonly string[]): Promise<unknown> =>
    Promise.all(loads.map((load) => load.servedBy(...ids)));

  await servedBy('a', 'b');
  await here.kill();
  await t.rejects(disco.status(), { code: 'UNAVAILABLE', reason: 'NO_DAEMON' });
  await servedBy('a', 'b');
  await add('c');
  await here.start();
  await servedBy('a', 'b', 'c');
  await Promise.all(loads.map((load) => load.stop()));
  for (const { failures, calls } of loads) {
    t.strictSame(failures, []);
    t.ok(calls > 50, `${calls} calls`);
  }
});
