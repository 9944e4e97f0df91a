/** Instances of math/add that a fake daemon tells of, and channels to them through the resolver. */
import { setImmediate as turn } from 'node:timers/promises';
import type * as grpc from '@grpc/grpc-js';
import type { Test } from 'tap';
import type { ConnectOptions } from '../../src/client/disco-options.ts';
import { Disco } from '../../src/client/disco.ts';
import { registerDiscoResolver } from '../../src/client/grpc-resolver.ts';
import type { disco as wire } from '../../src/gen/discovery.js';
import { FakeDaemon, wireInstance } from './fake-daemon.ts';
import { openChannel as openWhoChannel, serveWho } from './who-service.ts';

export interface Backend {
  readonly id: string;
  readonly stated: wire.v1.ServiceInstance.$Properties;
  readonly server: grpc.Server;
}

export async function startBackend(t: Test, id: string): Promise<Backend> {
  const { server, port } = await serveWho(t, id);
  return { id, server, stated: wireInstance({ port, instanceId: id }) };
}

/** Waits for calls under way, as a service does that is told to stop. */
export function drain({ server }: Backend): Promise<void> {
  return new Promise((resolve) => server.tryShutdown(() => resolve()));
}

/** A daemon that knows these instances, a client of it, and the resolver of that client. */
export async function setUp(t: Test, ...ids: readonly string[]) {
  return setUpWith(t, {}, ...ids);
}

export async function setUpWith(t: Test, options: ConnectOptions, ...ids: readonly string[]) {
  const daemon = await FakeDaemon.start((run) => t.teardown(run));
  const disco = await Disco.connect({ ...options, address: daemon.address });
  t.teardown(() => disco.close());
  registerDiscoResolver(disco);
  const backends = await Promise.all(ids.map((id) => startBackend(t, id)));
  for (const { stated } of backends) daemon.put(stated);
  return { daemon, disco, backends };
}

export const pickFirst = { 'grpc.service_config': '{"loadBalancingConfig":[{"pick_first":{}}]}' };
export const leastLoad = {
  'grpc.service_config': '{"loadBalancingConfig":[{"disco_least_load":{}}]}',
};

export function openChannel(
  t: Test,
  options: grpc.ClientOptions = {},
  target = 'disco:///math/add',
) {
  return openWhoChannel(t, options, target);
}

/** Calls until exactly these have answered within one round of twelve calls. */
export async function untilServedBy(who: () => Promise<string>, ...ids: readonly string[]) {
  const wanted = ids.toSorted().join();
  for (;;) {
    const answers = new Set<string>();
    for (let nth = 0; nth < 12; nth++) answers.add(await who());
    if ([...answers].toSorted().join() === wanted) return;
    await turn();
  }
}

/** Calls from four sides without a pause until the test ends, and notes every failure. */
export class Load {
  calls = 0;
  readonly failures: unknown[] = [];
  readonly #sides: readonly Promise<void>[];
  #answers = new Set<string>();
  #isOver = false;

  constructor(t: Test, who: () => Promise<string>) {
    t.teardown(() => this.stop());
    this.#sides = Array.from({ length: 4 }, () => this.#run(who));
  }

  /** Until it is true of those who have answered in the course of forty calls. */
  async until(isTrue: (answers: ReadonlySet<string>) => boolean): Promise<void> {
    for (;;) {
      this.#answers = new Set();
      const end = this.calls + 40;
      while (this.calls < end) await turn();
      if (isTrue(this.#answers)) return;
    }
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#sides);
  }

  async #run(who: () => Promise<string>): Promise<void> {
    while (!this.#isOver) {
      this.calls += 1;
      await who().then(
        (answer) => this.#answers.add(answer),
        (error: unknown) => this.failures.push(error),
      );
    }
  }
}
