/** The example services in processes of their own, restarted one by one while they are used. */
import { setTimeout as pause } from 'node:timers/promises';
import * as grpc from '@grpc/grpc-js';
import { test, type Test } from 'tap';
import { registerDiscoResolver } from '../../src/client/grpc-resolver.ts';
import { call, Disco } from '../../src/client/index.ts';
import { calculatorDefinition } from '../../src/services/math-methods.ts';
import { operations } from '../../src/services/operation.ts';
import { BinProcess } from '../services/bin-process.ts';
import { Cluster, eventually, type Node } from './cluster.ts';
import { freePort } from './daemon-process.ts';

const expression = '(2 + 3) * 4 / 5 - 1';
const value = 3;
const pauseMs = 20;

interface Evaluated {
  readonly value: number;
  readonly steps: readonly { readonly servedBy?: string | null }[];
}

/** One life after another of a service beside a daemon. */
class Service {
  readonly #t: Test;
  readonly #command: readonly [script: string, ...args: string[]];
  #process: BinProcess | undefined;
  #line = '';

  constructor(t: Test, node: Node, script: string, ...args: readonly string[]) {
    this.#t = t;
    this.#command = [script, ...args, '--addr', node.socket];
  }

  /** Where gRPC answers in this life, as it said itself. */
  get address(): string {
    return /127\.0\.0\.1:\d+/.exec(this.#line)?.[0] ?? '';
  }

  /** Resolves when it serves and is registered. */
  async start(): Promise<this> {
    const [script, ...args] = this.#command;
    this.#process = new BinProcess(this.#t, script, args);
    this.#line = await this.#process.firstLine;
    return this;
  }

  async restart(): Promise<void> {
    this.#process?.kill('SIGTERM');
    this.#t.match(await this.#process?.ended(), { code: 0, stderr: '' });
    await this.start();
  }
}

/** Evaluates again and again, and notes whatever is not the value, and who computed. */
class Load {
  readonly problems: unknown[] = [];
  evaluations = 0;
  servedBy = new Set<string>();
  readonly #running: Promise<void>;
  #isOver = false;

  constructor(evaluate: () => Promise<Evaluated>) {
    this.#running = this.#run(evaluate);
  }

  /** Until all of these, and nobody else, have computed in a while. */
  async isServedBy(addresses: readonly string[]): Promise<void> {
    const wanted = addresses.toSorted().join();
    await eventually(`${wanted} compute`, async () => {
      this.servedBy = new Set();
      const until = this.evaluations + 25;
      await eventually('evaluations go on', () => this.evaluations >= until);
      return [...this.servedBy].toSorted().join() === wanted;
    });
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #run(evaluate: () => Promise<Evaluated>): Promise<void> {
    while (!this.#isOver) {
      try {
        const answer = await evaluate();
        if (answer.value !== value) this.problems.push(answer);
        for (const { servedBy } of answer.steps) this.servedBy.add(servedBy ?? 'nobody');
      } catch (error) {
        this.problems.push(error);
      }
      this.evaluations += 1;
      // Two cores are to restart thirteen processes beside it.
      await pause(pauseMs);
    }
  }
}

/** Over HTTP, from whichever entrypoint the client picks. */
function overHttp(disco: Disco): () => Promise<Evaluated> {
  const entrypoints = disco.watch({ group: 'math', name: 'entrypoint' }).balancer('round_robin');
  const query = new URLSearchParams({ expression, trace: 'true' }).toString();
  return () =>
    call(
      entrypoints,
      async ({ metadata }, signal) => {
        const response = await fetch(`http://${metadata['http']}/evaluate?${query}`, { signal });
        if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
        return (await response.json()) as Evaluated;
      },
      { idempotent: true },
    );
}

/** Over gRPC, on an ordinary channel: nothing is tried twice. */
function overGrpc(t: Test, disco: Disco): () => Promise<Evaluated> {
  registerDiscoResolver(disco);
  const client = new grpc.Client('disco:///math/entrypoint', grpc.credentials.createInsecure());
  t.teardown(() => client.close());
  const { path, requestSerialize, responseDeserialize } = calculatorDefinition.Evaluate;
  const request = { expression, trace: true };
  return () =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        { deadline: Date.now() + 10_000 },
        (error, answer) => (answer === undefined ? reject(error) : resolve(answer)),
      );
    });
}

async function startDaemons(cluster: Cluster): Promise<readonly [Node, Node, Node]> {
  const seed = await cluster.start('node-1', { listen: `127.0.0.1:${await freePort()}` });
  const [second, third] = await Promise.all(
    ['node-2', 'node-3'].map(async (name) =>
      cluster.start(name, { listen: `127.0.0.1:${await freePort()}`, seeds: seed.gossip }),
    ),
  );
  const nodes = [seed, second as Node, third as Node] as const;
  await Promise.all(nodes.map((node) => node.meets(nodes)));
  return nodes;
}

test('every service and every daemon is restarted, and no evaluation fails', async (t) => {
  const cluster = new Cluster(t);
  const nodes = await startDaemons(cluster);
  const [one, two, three] = nodes;
  const math = operations.flatMap((operation) =>
    [two, three].map((node) => new Service(t, node, 'math-service.js', operation)),
  );
  const services = [...math, ...[one, two].map((node) => new Service(t, node, 'entrypoint.js'))];
  await Promise.all(services.map((service) => service.start()));
  const allAreSeen = async (): Promise<void> => {
    const addresses = services.map(({ address }) => address).toSorted();
    const isAll = (ports: readonly number[]): boolean =>
      ports
        .map((port) => `127.0.0.1:${port}`)
        .toSorted()
        .join() === addresses.join();
    await Promise.all(nodes.map((node) => node.sees((all) => isAll(all.map(({ port }) => port)))));
  };
  await allAreSeen();

  const disco = await Disco.connect({ address: three.socket });
  t.teardown(() => disco.close());
  const loads = [overHttp(disco), overGrpc(t, disco)].map((evaluate) => new Load(evaluate));
  const allCompute = (): Promise<unknown> =>
    Promise.all(loads.map((load) => load.isServedBy(math.map(({ address }) => address))));
  await allCompute();
  for (const service of services) {
    await service.restart();
    await allAreSeen();
  }
  await allCompute();
  for (const node of nodes) {
    const { code } = await node.stop();
    t.equal(code, 0);
    await node.start();
    await node.ready();
    t.equal((await node.disco.status()).readiness, 'reconciled with a peer');
    await allAreSeen();
  }
  await allCompute();
  await Promise.all(loads.map((load) => load.stop()));
  for (const { problems, evaluations } of loads) {
    t.strictSame(problems, []);
    t.ok(evaluations > 100, `${evaluations} evaluations`);
  }
});
