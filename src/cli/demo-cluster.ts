/** The demo's cluster: five daemons on loopback, each in a data dir of its own. */
import { readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Disco } from '../client/disco.ts';
import { Child } from './child-process.ts';
import { CliError } from './exit.ts';

const pollMs = 25;
const readyTimeoutMs = 15_000;

export interface DemoNode {
  readonly name: string;
  readonly daemon: Child;
  readonly disco: Disco;
  /** How its services reach it. */
  readonly address: string;
  readonly gossip: string;
}

export class DemoCluster {
  readonly #directory: string;
  readonly #nodes: DemoNode[] = [];
  readonly #daemons: Child[] = [];
  readonly #services: Child[] = [];
  #isStopped = false;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async create(): Promise<DemoCluster> {
    return new DemoCluster(await mkdtemp(join(tmpdir(), 'disco-demo-')));
  }

  get nodes(): readonly DemoNode[] {
    return this.#nodes;
  }

  /** Starts a daemon and waits until it is ready. @param seeds gossip addresses, or `none` */
  async startNode(name: string, seeds: string): Promise<DemoNode> {
    const dataDir = join(this.#directory, name);
    const ports = ['--listen', '127.0.0.1:0', '--grpc', '127.0.0.1:0', 'unix:disco.sock'];
    const rest = ['--http', 'off', '--seeds', seeds, '--log-format', 'json', '--log-level', 'warn'];
    const args = ['start', '--data-dir', dataDir, '--name', name, ...ports, ...rest];
    this.#assertGoing();
    const daemon = new Child(name, 'disco.js', args);
    this.#daemons.push(daemon);
    const { listen } = await runFile(dataDir, daemon);
    const address = `unix:${join(dataDir, 'disco.sock')}`;
    const disco = await Disco.connect({ address });
    const node = { name, daemon, disco, address, gossip: listen[0] ?? '' };
    this.#nodes.push(node);
    // Stopped meanwhile: then nobody else closes the client.
    if (this.#isStopped) await disco.close();
    return node;
  }

  /** Starts a service beside a daemon; answers what it said when it served. */
  async startService(
    node: DemoNode,
    script: string,
    args: readonly string[],
  ): Promise<{ child: Child; line: string }> {
    const name = [script, ...args].join(' ');
    this.#assertGoing();
    const child = new Child(name, script, [...args, '--addr', node.address]);
    this.#services.push(child);
    return { child, line: await child.firstLine() };
  }

  /** Ends everything that still runs, services first, and takes the data dirs away. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#services.map((service) => service.stop()));
    await Promise.all(this.#nodes.map(({ disco }) => disco.close()));
    await Promise.all(this.#daemons.map((daemon) => daemon.stop()));
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** What is interrupted must not go on to start things that nobody ends. */
  #assertGoing(): void {
    if (this.#isStopped) throw new CliError(1, 'the demo is stopped');
  }
}

/** What a daemon writes once it is ready. */
async function runFile(dataDir: string, daemon: Child): Promise<{ listen: string[] }> {
  const endMs = performance.now() + readyTimeoutMs;
  while (performance.now() < endMs) {
    daemon.assertRunning();
    try {
      return JSON.parse(readFileSync(join(dataDir, 'daemon.json'), 'utf8')) as { listen: string[] };
    } catch {
      await new Promise((resolve) => void setTimeout(resolve, pollMs));
    }
  }
  throw new CliError(1, `${daemon.name} was not ready within ${readyTimeoutMs} ms`);
}
