/**
 * Daemons as far apart as on a network: each is reached only through a delay proxy of its own,
 * whose port it advertises, so that every link is one hop of the delay each way.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wantedPairs } from '../src/membership/neighbors.ts';
import { Node } from '../test/e2e/cluster.ts';
import { freePort } from '../test/e2e/daemon-process.ts';
import { DelayProxy } from '../test/e2e/delay-proxy.ts';
import { pause, until } from './propagation-cluster.ts';

export interface RegisterCommand {
  readonly node: number;
  readonly id: string;
}

/** Times are nanoseconds of the monotonic clock, as text: JSON has no bigint. */
export type Observation =
  | { readonly kind: 'seen'; readonly node: number; readonly id: string; readonly at: string }
  | {
      readonly kind: 'registered';
      readonly node: number;
      readonly id: string;
      readonly calledAt: string;
      readonly acknowledgedAt: string;
    };

/** One registration; times in ms of the monotonic clock. */
export interface Broadcast {
  origin: number;
  calledMs: number;
  acknowledgedMs: number;
  /** By node; undefined where it was not seen. */
  readonly seenMs: (number | undefined)[];
}

export interface WideOptions {
  readonly nodes: number;
  readonly delayMs: number;
  readonly jitter: number;
  readonly neighborsK: number;
}

const observerScript = new URL('broadcast-observer.ts', import.meta.url);
/** Daemons that start at the same time: starting is hard work. */
const startersMax = 4;
const settleTimeoutMs = 180_000;
/** A link that nobody wants is kept for 10 s. */
const unwantedMs = 12_000;

/** All that is seen of the cluster, from one process beside it. */
export class WideObserver {
  readonly broadcasts = new Map<string, Broadcast>();
  readonly #child: ChildProcess;
  readonly #nodes: number;

  private constructor(addresses: readonly string[]) {
    this.#nodes = addresses.length;
    this.#child = fork(observerScript, addresses);
    this.#child.on('message', (seen: readonly Observation[]) => {
      for (const observation of seen) this.#take(observation);
    });
  }

  static async beside(nodes: readonly Node[]): Promise<WideObserver> {
    const observer = new WideObserver(nodes.map(({ socket }) => socket));
    await once(observer.#child, 'message');
    return observer;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  register(node: number, id: string): void {
    const command: RegisterCommand = { node, id };
    this.#child.send(command);
  }

  stop(): void {
    this.#child.disconnect();
  }

  #take(observation: Observation): void {
    const { node, id, kind } = observation;
    const broadcast = this.#of(id);
    if (kind === 'seen') broadcast.seenMs[node] ??= toMs(observation.at);
    else {
      broadcast.origin = node;
      broadcast.calledMs = toMs(observation.calledAt);
      broadcast.acknowledgedMs = toMs(observation.acknowledgedAt);
    }
  }

  #of(id: string): Broadcast {
    const known = this.broadcasts.get(id);
    if (known !== undefined) return known;
    const seenMs = Array.from({ length: this.#nodes }, () => undefined);
    const made: Broadcast = { origin: NaN, calledMs: NaN, acknowledgedMs: NaN, seenMs };
    this.broadcasts.set(id, made);
    return made;
  }
}

export interface WideCluster {
  readonly nodes: readonly Node[];
  readonly proxies: readonly DelayProxy[];
  /** For each node the indexes of those that it was linked to at the beginning. */
  readonly links: readonly number[][];
  readonly observer: WideObserver;
}

/** Runs `measure` once all know each other and the links have settled, and ends it all. */
export async function withWideCluster<Result>(
  options: WideOptions,
  measure: (cluster: WideCluster) => Promise<Result>,
): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), 'disco-broadcast-'));
  const nodes: Node[] = [];
  const proxies: DelayProxy[] = [];
  let observer: WideObserver | undefined;
  try {
    for (let index = 0; index < options.nodes; index++) {
      nodes.push(new Node(`node-${index + 1}`, directory));
      const { delayMs, jitter } = options;
      const targetPort = await freePort();
      const randomSeed = index + 1;
      proxies.push(await DelayProxy.start({ targetPort, delayMs, jitter, randomSeed }));
    }
    for (let first = 0; first < nodes.length; first += startersMax) {
      const starters = nodes.slice(first, first + startersMax);
      // The seed node alone: the others need somebody to ask.
      if (first === 0) await start(nodes[0] as Node, proxies[0] as DelayProxy, 'none', options);
      const seed = `127.0.0.1:${proxies[0]?.port}`;
      await Promise.all(
        starters.map(async (node, index) => {
          if (node !== nodes[0])
            await start(node, proxies[first + index] as DelayProxy, seed, options);
        }),
      );
    }
    const links = await settledLinks(nodes, options.neighborsK);
    observer = await WideObserver.beside(nodes);
    return await measure({ nodes, proxies, links, observer });
  } finally {
    observer?.stop();
    await Promise.all(nodes.map((node) => node.destroy()));
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    rmSync(directory, { recursive: true, force: true });
  }
}

async function start(node: Node, proxy: DelayProxy, seeds: string, { neighborsK }: WideOptions) {
  const listen = `127.0.0.1:${proxy.targetPort}`;
  const advertise = ['--advertise', `127.0.0.1:${proxy.port}`];
  const args = [...advertise, '--neighbors-k', String(neighborsK)];
  await node.start({ seeds, listen, args });
}

/**
 * Waits until all links of the rings are there, and those of the joining are not any more. Others
 * come and go all the time: nodes compare with members that are no neighbors, too.
 */
async function settledLinks(nodes: readonly Node[], neighborsK: number): Promise<number[][]> {
  const owners = nodes.map(({ peerId }) => peerId);
  const wanted = [...wantedPairs(owners, neighborsK)].map((pair) =>
    pair.map((owner) => owners.indexOf(owner)),
  ) as [number, number][];
  let links: number[][] = [];
  await until(
    'all links of the rings are there',
    async () => {
      links = await linksOf(nodes);
      return wanted.every(([a, b]) => links[a]?.includes(b) && links[b]?.includes(a));
    },
    settleTimeoutMs,
  );
  await pause(unwantedMs);
  return linksOf(nodes);
}

/** For each node the indexes of those that it is linked to. */
async function linksOf(nodes: readonly Node[]): Promise<number[][]> {
  const indexOf = new Map(nodes.map(({ peerId }, index) => [peerId, index]));
  const lists = await Promise.all(nodes.map(({ disco }) => disco.members()));
  return lists.map((members) =>
    members.flatMap(({ linked, peerId }) => (linked ? (indexOf.get(peerId) ?? []) : [])),
  );
}

function toMs(nanoseconds: string): number {
  return Number(BigInt(nanoseconds)) / 1e6;
}
