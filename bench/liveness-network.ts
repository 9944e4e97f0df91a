/**
 * A network of its own for each node: a network namespace per node, each on a veth to one bridge
 * that lies in a namespace, too, so that the host's interfaces and rules are neither touched nor
 * in the way. Faults are nftables rules on the bridge: packets vanish between two nodes, and no
 * sender is told.
 *
 *   node 0 ── e ═══ p0 ┐
 *   node 1 ── e ═══ p1 ┼ bridge, with the rules      (═══ veth)
 *   node 2 ── e ═══ p2 ┘
 */
import { execFile } from 'node:child_process';
import { freePort } from '../test/e2e/daemon-process.ts';

/** Where a node runs. */
export interface Place {
  readonly ip: string;
  readonly port: number;
  /** For an API that is not to collide with the neighbors'. */
  readonly controlPort: number;
  /** What the command line begins with, to run there. */
  readonly prefix: readonly string[];
}

const commandTimeoutMs = 20_000;
const nodesMax = 250;
const gossipPort = 7_946;
const controlPort = 7_373;
const namePattern = /^disco-live-(\d+)-\w+/;

/** All on 127.0.0.1, each with ports of its own. */
export async function loopbackPlaces(nodes: number): Promise<Place[]> {
  const ports = new Set<number>();
  while (ports.size < 2 * nodes) ports.add(await freePort());
  const all = [...ports];
  return Array.from({ length: nodes }, (_, index) => ({
    ip: '127.0.0.1',
    port: all[2 * index] as number,
    controlPort: all[2 * index + 1] as number,
    prefix: [],
  }));
}

export class Network {
  readonly places: readonly Place[];
  readonly #hub = `disco-live-${process.pid}-hub`;
  readonly #names: readonly string[];

  #building: Promise<void> | undefined;
  #isGone = false;

  /** Makes nothing yet: whoever builds it knows already how to take it away. */
  constructor(nodes: number) {
    if (nodes > nodesMax) throw new Error(`at most ${nodesMax} nodes fit into the network`);

    this.#names = Array.from({ length: nodes }, (_, index) => `disco-live-${process.pid}-${index}`);
    this.places = this.#names.map((name, index) => ({
      ip: `10.77.0.${index + 1}`,
      port: gossipPort,
      controlPort,
      prefix: ['ip', 'netns', 'exec', name],
    }));
  }

  /** @throws Error with a sentence, when namespaces cannot be made here */
  async build(): Promise<void> {
    this.#building = this.#make();
    try {
      await this.#building;
    } catch (error) {
      throw new Error(
        'this case needs network namespaces with a bridge and nftables, which cannot be made ' +
          'here (they take root, or CAP_NET_ADMIN and CAP_SYS_ADMIN, and the programs ip and nft)',
        { cause: error },
      );
    }
  }

  /** As if that host had vanished. */
  vanish(node: number): Promise<void> {
    return this.#rule([`iifname "p${node}" drop`, `oifname "p${node}" drop`]);
  }

  /** Each packet is lost with this chance. */
  lose(percent: number): Promise<void> {
    return this.#rule([`numgen random mod 100 < ${percent} drop`]);
  }

  /** The first `size` nodes and the others cannot reach each other. */
  split(size: number): Promise<void> {
    const side = this.places.slice(0, size).map((_, index) => `"p${index}"`);
    const set = `{ ${side.join(', ')} }`;
    return this.#rule([
      `iifname ${set} oifname != ${set} drop`,
      `iifname != ${set} oifname ${set} drop`,
    ]);
  }

  /** No IP packet gets from one to the other; the other direction is open. */
  block(from: number, to: number): Promise<void> {
    return this.#rule([`meta protocol ip iifname "p${from}" oifname "p${to}" drop`]);
  }

  /** No faults. */
  clear(): Promise<void> {
    return this.#rule([]);
  }

  /** End the processes in it before. */
  async destroy(): Promise<void> {
    this.#isGone = true;
    await this.#building?.catch(() => undefined);
    // All at once: the kernel takes its time for each.
    const names = [...this.#names, this.#hub];
    const deleted = names.map((name) => run('ip', ['netns', 'del', name]).catch(() => undefined));
    await Promise.all(deleted);
  }

  async #make(): Promise<void> {
    await sweep();
    for (const name of [this.#hub, ...this.#names]) {
      if (this.#isGone) return;
      await run('ip', ['netns', 'add', name]);
    }
    const ports = this.#names.flatMap((name, index) => [
      `link add p${index} type veth peer name e netns ${name}`,
      `link set p${index} master bridge up`,
    ]);
    const hub = ['link add bridge type bridge', 'link set bridge up', ...ports];
    await run('ip', ['-n', this.#hub, '-batch', '-'], hub);
    for (const [index, name] of this.#names.entries()) {
      const ip = this.places[index]?.ip;
      // One packet at a time, as on a wire: a rule would drop up to 64 KiB of TCP at once.
      const device = ['link set dev e gso_max_segs 1', 'link set e up'];
      const inside = ['link set lo up', ...device, `addr add ${ip}/24 dev e`];
      await run('ip', ['-n', name, '-batch', '-'], inside);
    }
    await this.clear();
  }

  /** In place of the rules before, at one instant. */
  async #rule(rules: readonly string[]): Promise<void> {
    const table = ['table bridge faults', 'delete table bridge faults', 'table bridge faults {'];
    const chain = ['chain forward {', 'type filter hook forward priority 0; policy accept;'];
    const script = [...table, ...chain, ...rules, '}', '}'];
    await run('ip', ['netns', 'exec', this.#hub, 'nft', '-f', '-'], script);
  }
}

/** Takes away what a benchmark left that was killed in a way that it could not clean up. */
async function sweep(): Promise<void> {
  const listed = await run('ip', ['netns', 'list']).catch(() => '');
  for (const line of listed.split('\n')) {
    const [name = '', pid] = namePattern.exec(line) ?? [];
    if (pid !== undefined && !isRunning(Number(pid))) await run('ip', ['netns', 'del', name]);
  }
}

/** Whether there is such a process. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** @returns stdout. @throws Error with the end of stderr */
export function run(
  command: string,
  args: readonly string[],
  input: readonly string[] = [],
  options: { readonly cwd?: string; readonly timeoutMs?: number } = {},
): Promise<string> {
  const { timeoutMs = commandTimeoutMs, ...place } = options;
  return new Promise((resolve, reject) => {
    // It ends when this process does, however that happens.
    const child = execFile(
      'setpriv',
      ['--pdeathsig', 'KILL', '--', command, ...args],
      { timeout: timeoutMs, ...place },
      (error, stdout, stderr) => {
        if (error === null) return resolve(stdout);
        const said = stderr.trim().split('\n').slice(-3).join('; ');
        reject(new Error(`${command} ${args.join(' ')}: ${said === '' ? error.message : said}`));
      },
    );
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input.map((line) => `${line}\n`).join(''));
  });
}
