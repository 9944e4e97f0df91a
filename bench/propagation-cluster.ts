/** What the benchmarks share: daemons as processes, an observer beside each, and the arithmetic. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { DemoCluster, type DemoNode } from '../src/cli/demo-cluster.ts';

/** Times are nanoseconds of the monotonic clock, as text: JSON has no bigint. */
export interface Sighting {
  readonly kind: 'up' | 'down';
  readonly id: string;
  readonly at: string;
}

/** To an observer. */
export interface Command {
  readonly kind: 'register';
  readonly id: string;
}

/** From an observer. */
export type Word =
  | { readonly kind: 'ready' }
  /** Its daemon is away, or back. */
  | { readonly kind: 'stale' | 'fresh' }
  | { readonly kind: 'sightings'; readonly sightings: readonly Sighting[] }
  | {
      readonly kind: 'registered';
      readonly id: string;
      readonly calledAt: string;
      readonly acknowledgedAt: string;
    };

export interface Registered {
  readonly calledAt: bigint;
  readonly acknowledgedAt: bigint;
}

const observerScript = new URL('propagation-observer.ts', import.meta.url);
const meetTimeoutMs = 60_000;
const pollMs = 20;

export class Observer {
  readonly registered = new Map<string, Registered>();
  /** The first time that each instance came up, and the last that it went down. */
  readonly ups = new Map<string, bigint>();
  readonly downs = new Map<string, bigint>();
  /** Its Watch follows the daemon: while it does not, it would see everything late. */
  isFresh = true;
  readonly #child: ChildProcess;

  private constructor(address: string) {
    this.#child = fork(observerScript, [address]);
    this.#child.on('message', (word: Word) => this.#take(word));
  }

  static async beside(node: DemoNode): Promise<Observer> {
    const observer = new Observer(node.address);
    await once(observer.#child, 'message');
    return observer;
  }

  register(id: string): void {
    const command: Command = { kind: 'register', id };
    this.#child.send(command);
  }

  stop(): void {
    this.#child.disconnect();
  }

  #take(word: Word): void {
    if (word.kind === 'stale' || word.kind === 'fresh') this.isFresh = word.kind === 'fresh';
    if (word.kind === 'registered') {
      const { id, calledAt, acknowledgedAt } = word;
      const times = { calledAt: BigInt(calledAt), acknowledgedAt: BigInt(acknowledgedAt) };
      this.registered.set(id, times);
    } else if (word.kind === 'sightings') {
      for (const { kind, id, at } of word.sightings) {
        if (kind === 'down') this.downs.set(id, BigInt(at));
        else if (!this.ups.has(id)) this.ups.set(id, BigInt(at));
      }
    }
  }
}

export interface Bench {
  readonly cluster: DemoCluster;
  readonly nodes: DemoNode[];
  /** The one of the same index is beside the node. */
  readonly observers: Observer[];
}

/** Runs `measure` on a fresh cluster in which all have met, and ends it all. */
export async function withBench(
  nodeCount: number,
  measure: (bench: Bench) => Promise<void>,
): Promise<void> {
  const cluster = await DemoCluster.create();
  const observers: Observer[] = [];
  try {
    const seed = await cluster.startNode('node-1', 'none');
    const names = Array.from({ length: nodeCount - 1 }, (_, index) => `node-${index + 2}`);
    const others = await Promise.all(names.map((name) => cluster.startNode(name, seed.gossip)));
    const nodes = [seed, ...others];
    await until('all nodes are linked', () => areLinked(nodes), meetTimeoutMs);
    observers.push(...(await Promise.all(nodes.map((node) => Observer.beside(node)))));
    await measure({ cluster, nodes, observers });
  } finally {
    for (const observer of observers) observer.stop();
    await cluster.stop();
  }
}

/** Starts a killed node again on its data dir. */
export async function revive({ cluster }: Bench, node: DemoNode, seeds: string): Promise<DemoNode> {
  const dataDir = node.address.slice('unix:'.length).replace(/\/disco\.sock$/, '');
  // What the killed one left would be taken for the new one's.
  rmSync(join(dataDir, 'daemon.json'), { force: true });
  return cluster.startNode(node.name, seeds);
}

export async function areLinked(nodes: readonly DemoNode[]): Promise<boolean> {
  const lists = await Promise.all(nodes.map(({ disco }) => disco.members()));
  return lists.every((members) => {
    const met = members.filter(({ self, linked, state }) => state === 'alive' && (self || linked));
    return met.length === nodes.length;
  });
}

export async function until(
  what: string,
  isTrue: () => boolean | Promise<boolean>,
  withinMs: number,
): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!(await isTrue())) {
    if (performance.now() > endMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await pause(pollMs);
  }
}

export function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, delayMs));
}

/** The value that a share of all values does not exceed. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

export function milliseconds(nanoseconds: bigint): number {
  return Number(nanoseconds) / 1e6;
}

/** `p50 3.1  p90 …  max …` of times in ms. */
export function distribution(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const shares = [0.5, 0.9, 0.99, 0.999];
  const parts = shares.map((share) => `p${share * 100} ${percentile(sorted, share).toFixed(1)}`);
  return `${parts.join('  ')}  max ${percentile(sorted, 1).toFixed(1)} ms`;
}

export function machineFacts(): string {
  const { platform, arch, version } = process;
  const memory = Math.round(totalmem() / 2 ** 30);
  const model = cpus()[0]?.model.trim() ?? 'unknown';
  return `${availableParallelism()} cores (${model}), ${memory} GiB, ${platform} ${arch}, Node ${version}`;
}

/** Runnable processes over the last minute: what else the machine is doing. */
export function loadAverage(): string {
  return loadavg()
    .map((value) => value.toFixed(2))
    .join(' ');
}
