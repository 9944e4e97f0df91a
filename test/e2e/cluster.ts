/**
 * Real daemons on loopback for the length of one test: started, killed, restarted on their data
 * dirs, and gone with everything they left behind when the test is over, however it ends.
 *
 * Waits are on Watch events, or on bounded polling of the API; tests do not sleep.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { parseAddress } from '../../src/base/address.ts';
import { DiscoveryStub } from '../../src/client/discovery-stub.ts';
import { Disco, type Instance, type Member, type ServiceView } from '../../src/client/index.ts';
import { DiscoProcess, type Ended, type ProcessOptions } from './daemon-process.ts';

/** What a crowded machine may take; the bounds that are promised are asserted, not waited for. */
export const patienceMs = 60_000;
const pollMs = 10;
const callDeadlineMs = 10_000;

export interface NodeOptions {
  /** Gossip addresses, a file, or `none`. */
  readonly seeds?: string;
  readonly listen?: string;
  /** Further options of `disco start`. */
  readonly args?: readonly string[];
}

/** What is registered: without a ttl, so that only the daemon holds it. */
export interface Wish {
  readonly group: string;
  readonly name: string;
  readonly port: number;
  readonly instanceId?: string;
  readonly ttlMs?: number;
  readonly metadata?: Record<string, string>;
}

/** One life after another of a daemon on one data dir. */
export class Node {
  readonly name: string;
  readonly dataDir: string;
  readonly #cwd: string;
  #options: NodeOptions = {};
  #process: DiscoProcess | undefined;
  #disco: Disco | undefined;
  #stub: DiscoveryStub | undefined;
  #view: ServiceView | undefined;
  #peerId = '';
  #listen: readonly string[] = [];

  constructor(name: string, directory: string) {
    this.name = name;
    this.dataDir = join(directory, name);
    this.#cwd = directory;
  }

  get process(): DiscoProcess {
    return present(this.#process, this.name);
  }

  get disco(): Disco {
    return present(this.#disco, this.name);
  }

  get stub(): DiscoveryStub {
    return present(this.#stub, this.name);
  }

  get peerId(): string {
    return this.#peerId;
  }

  /** Its first gossip address, as a multiaddr. */
  get gossip(): string {
    return present(this.#listen[0], this.name);
  }

  get gossipPort(): number {
    return parseAddress(this.gossip).port;
  }

  get socket(): string {
    return `unix:${join(this.dataDir, 'disco.sock')}`;
  }

  /** Begins a life; what is not given stays as it was. Resolves when the API answers. */
  async start(options: NodeOptions = {}): Promise<this> {
    this.launch(options);
    const { peerId, listen } = await this.process.logged(
      ({ msg }) => msg === 'started',
      patienceMs,
    );
    this.#peerId = String(peerId);
    this.#listen = listen as string[];
    await this.connect();
    return this;
  }

  /** Starts the process and waits for nothing. */
  launch(options: NodeOptions = {}): DiscoProcess {
    this.#disconnect();
    this.#options = { ...this.#options, ...options };
    const { seeds = 'none', listen = '127.0.0.1:0', args = [] } = this.#options;
    const places = ['--listen', listen, '--grpc', 'unix:disco.sock', '--http', 'off'];
    const rest = ['--seeds', seeds, '--log-format', 'json', ...args];
    const command = ['start', '--data-dir', this.dataDir, '--name', this.name, ...places, ...rest];
    this.#process = new DiscoProcess(command, { cwd: this.#cwd });
    return this.#process;
  }

  async connect(): Promise<void> {
    const options = { address: this.socket, timeoutMs: callDeadlineMs };
    this.#disco = await Disco.connect(options);
    this.#stub = new DiscoveryStub({ address: this.socket, source: 'a test' }, callDeadlineMs);
  }

  async ready(): Promise<this> {
    await this.process.logged(({ msg }) => msg === 'ready', patienceMs);
    return this;
  }

  async kill(): Promise<void> {
    await this.process.kill();
    this.#disconnect();
  }

  /** SIGTERM, and its end. */
  async stop(): Promise<Ended> {
    const ended = await this.process.stop();
    this.#disconnect();
    return ended;
  }

  /** Ends it by all means. */
  async destroy(): Promise<void> {
    this.#disconnect();
    await this.#process?.kill();
  }

  async register(wish: Wish): Promise<void> {
    await this.stub.unary('Register', { ip: '127.0.0.1', ...wish });
  }

  /** A view of everything, kept for the length of this life. */
  async view(): Promise<ServiceView> {
    this.#view ??= this.disco.watch();
    await this.#view.ready(patienceMs);
    return this.#view;
  }

  /** Waits on Watch events. @returns performance.now() at the event that made it true */
  async sees(isTrue: (instances: readonly Instance[]) => boolean): Promise<number> {
    const view = await this.view();
    if (isTrue(view.instances())) return performance.now();
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const stop = view.onChange(() => {
      if (isTrue(view.instances())) resolve(performance.now());
    });
    const timer = setTimeout(() => {
      const shown = view.instances().map(({ name, node }) => `${name}@${node}`);
      reject(
        new Error(`${this.name} does not see it: ${String(isTrue)}; it sees ${shown.join(' ')}`),
      );
    }, patienceMs);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      stop();
    }
  }

  /** Polls the member list. @returns performance.now() when it was true */
  async knows(isTrue: (members: readonly Member[]) => boolean): Promise<number> {
    const endMs = performance.now() + patienceMs;
    for (;;) {
      const members = await this.disco.members();
      if (isTrue(members)) return performance.now();
      if (performance.now() > endMs) {
        const shown = members.map(({ name, state, linked }) => `${name} ${state} ${linked}`);
        throw new Error(
          `${this.name} does not know it: ${String(isTrue)}; it has ${shown.join(', ')}`,
        );
      }
      await pause();
    }
  }

  /** Until it is linked with all of these and counts them as alive. */
  async meets(others: readonly Node[]): Promise<number> {
    const ids = others.map(({ peerId }) => peerId).filter((id) => id !== this.peerId);
    return this.knows((members) => {
      const met = new Set(members.filter(isMet).map(({ peerId }) => peerId));
      return ids.every((id) => met.has(id));
    });
  }

  async member(peerId: string): Promise<Member | undefined> {
    return (await this.disco.members()).find((member) => member.peerId === peerId);
  }

  /** Names of the instances in its list, sorted. */
  async names(): Promise<string[]> {
    return (await this.disco.list()).instances.map(({ name }) => name).sort();
  }

  #disconnect(): void {
    this.#view = undefined;
    // Not waited for: the daemon may be gone, and nothing is registered through this client.
    void this.#disco?.close();
    this.#disco = undefined;
    this.#stub?.close();
    this.#stub = undefined;
  }
}

export class Cluster {
  readonly directory: string;
  readonly nodes: Node[] = [];
  readonly #processes: DiscoProcess[] = [];

  /** @param t the test at whose end all of it is gone */
  constructor(t: Test) {
    this.directory = mkdtempSync(join(tmpdir(), 'disco-e2e-'));
    t.teardown(async () => {
      await Promise.all(this.nodes.map((node) => node.destroy()));
      await Promise.all(this.#processes.map((each) => each.kill()));
      rmSync(this.directory, { recursive: true, force: true });
    });
  }

  /** A node that has not started yet. */
  node(name: string): Node {
    const node = new Node(name, this.directory);
    this.nodes.push(node);
    return node;
  }

  start(name: string, options: NodeOptions = {}): Promise<Node> {
    return this.node(name).start(options);
  }

  /** The first is the seed of all others; resolves when each is linked with each. */
  async startMany(names: readonly string[], options: NodeOptions = {}): Promise<Node[]> {
    const [first = '', ...rest] = names;
    const seed = await this.start(first, options);
    const others = rest.map((name) => this.start(name, { ...options, seeds: seed.gossip }));
    const nodes = [seed, ...(await Promise.all(others))];
    await Promise.all(nodes.map((node) => node.meets(nodes)));
    return nodes;
  }

  /** Any other command line of disco. */
  run(args: readonly string[], options: Partial<ProcessOptions> = {}): DiscoProcess {
    const started = new DiscoProcess(args, { cwd: this.directory, ...options });
    this.#processes.push(started);
    return started;
  }

  /** A path in this cluster's own directory. */
  path(...parts: readonly string[]): string {
    return join(this.directory, ...parts);
  }

  /** An empty folder of its own. */
  folder(name: string): string {
    const path = this.path(name);
    mkdirSync(path, { mode: 0o700 });
    return path;
  }
}

/** A condition that is polled, for what no event tells of. */
export async function eventually(what: string, look: () => Promise<boolean> | boolean) {
  const endMs = performance.now() + patienceMs;
  while (!(await look())) {
    if (performance.now() > endMs) throw new Error(`not within ${patienceMs} ms: ${what}`);
    await pause();
  }
  return performance.now();
}

function isMet({ state, linked }: Member): boolean {
  return state === 'alive' && linked;
}

function pause(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, pollMs));
}

function present<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`${name} is not running`);
  return value;
}
