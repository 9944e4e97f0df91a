/** Applications that keep calling while the daemon beside them is killed, and comes back. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type Test } from 'tap';
import { registerDiscoResolver } from '../../src/client/grpc-resolver.ts';
import { Disco } from '../../src/client/index.ts';
import { openChannel, serveWho } from '../client/who-service.ts';
import { Cluster, eventually, type Node } from './cluster.ts';

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

test('no call fails because the daemon is killed, away, back, or learns something new', async (t) => {
  const cluster = new Cluster(t);
  const [there, here] = (await cluster.startMany(['there', 'here'])) as [Node, Node];
  const add = async (id: string): Promise<void> => {
    const [http, { port: rpc }] = await Promise.all([serveHttp(t, id), serveWho(t, id)]);
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
    new Load(openChannel(t, {}, 'disco:///app/rpc').who),
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
