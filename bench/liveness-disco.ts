/**
 * disco under the benchmark: daemons with one instance each, and one process that watches them
 * all. The instances have names of their own, so that no brake holds what a partition takes away.
 */
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { DiscoveryStub } from '../src/client/discovery-stub.ts';
import { Disco } from '../src/client/index.ts';
import { wantedPairs } from '../src/membership/neighbors.ts';
import { indexOfName, nodeName, type Crew, type Site, type System } from './liveness-cluster.ts';
import type { ObserverWord } from './liveness-disco-observer.ts';
import { BenchProcess } from './liveness-process.ts';

const script = fileURLToPath(new URL('../bin/disco.js', import.meta.url));
const observerScript = fileURLToPath(new URL('liveness-disco-observer.ts', import.meta.url));
const startTimeoutMs = 60_000;
const callDeadlineMs = 10_000;
const neighborsK = 8;

export const disco: System = {
  name: 'disco',
  prepare: () => Promise.resolve(),
  crew: (site) => new DiscoCrew(site),
};

class DiscoCrew implements Crew {
  readonly leaveSignal = 'SIGTERM';
  readonly #site: Site;
  readonly #peerIds: string[] = [];
  readonly #clients: Disco[] = [];
  /** The observer's Watch follows the daemon: while it does not, it would see everything late. */
  readonly #isFollowed: boolean[];
  #observer: BenchProcess | undefined;

  constructor(site: Site) {
    this.#site = site;
    this.#isFollowed = site.places.map(() => false);
  }

  async launch(index: number, keep: (started: BenchProcess) => void): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const started = new BenchProcess({
      name: `disco ${nodeName(index)}`,
      command: this.#command(index),
      cwd: this.#site.directory,
      onLine: (line, atMs) => {
        if (!line.startsWith('{')) return;
        const entry = JSON.parse(line) as Readonly<Record<string, unknown>>;
        if (entry['msg'] === 'started') {
          this.#peerIds[index] = String(entry['peerId']);
          resolve();
        } else if (entry['state'] === 'suspect') {
          const subject = indexOfName(String(entry['member']));
          this.#site.ledger.note({ kind: 'suspected', observer: index, subject, atMs });
        }
      },
    });
    keep(started);
    await started.until('it was up', promise, startTimeoutMs);
  }

  async begin(): Promise<void> {
    const addresses = this.#site.places.map((_, index) => this.#address(index));
    for (const [index, address] of addresses.entries()) {
      const stub = new DiscoveryStub({ address, source: 'a benchmark' }, callDeadlineMs);
      const place = { ip: '127.0.0.1', port: 7_000, instanceId: nodeName(index) };
      await stub.unary('Register', { group: 'bench', name: nodeName(index), ...place });
      stub.close();
      this.#clients.push(await Disco.connect({ address, timeoutMs: callDeadlineMs }));
    }
    this.#observer = new BenchProcess({
      name: 'the observer',
      command: [process.execPath, observerScript, ...addresses],
      cwd: this.#site.directory,
      onMessage: (message) => this.#hear(message as ObserverWord),
    });
  }

  gone(index: number): void {
    this.#isFollowed[index] = false;
  }

  async isSettled(): Promise<boolean> {
    if (this.#observer?.isRunning !== true) throw new Error('the observer has ended');
    if (!this.#isFollowed.every(Boolean)) return false;
    const linked = await Promise.all(this.#clients.map((client) => linksOf(client)));
    const indexOf = new Map(this.#peerIds.map((peerId, index) => [peerId, index]));
    const has = (from: string, to: string): boolean =>
      linked[indexOf.get(from) ?? -1]?.has(to) ?? false;
    return [...wantedPairs(this.#peerIds, neighborsK)].every(([a, b]) => has(a, b) && has(b, a));
  }

  async stop(): Promise<void> {
    // Not waited for: the daemons may be gone.
    for (const client of this.#clients) void client.close();
    await this.#observer?.kill();
  }

  #command(index: number): string[] {
    const { ip, port, prefix } = this.#site.places[index] as Site['places'][number];
    const seed = this.#site.places[0];
    const here = `${ip}:${port}`;
    const seeds = index === 0 ? 'none' : `${seed?.ip}:${seed?.port}`;
    const dataDir = this.#dataDir(index);
    const identity = ['--data-dir', dataDir, '--name', nodeName(index), '--seeds', seeds];
    const gossip = ['--listen', here, '--advertise', here, '--neighbors-k', String(neighborsK)];
    const open = prefix.length === 0 ? [] : ['--insecure-open'];
    const api = ['--grpc', 'unix:disco.sock', '--http', 'off', '--log-format', 'json'];
    const options = [...identity, ...gossip, ...open, ...api];
    return [...prefix, process.execPath, script, 'start', ...options];
  }

  #dataDir(index: number): string {
    return join(this.#site.directory, nodeName(index));
  }

  #address(index: number): string {
    return `unix:${join(this.#dataDir(index), 'disco.sock')}`;
  }

  #hear(word: ObserverWord): void {
    for (const { observer, isFollowed } of word.followed) this.#isFollowed[observer] = isFollowed;
    for (const sighting of word.sightings) this.#site.ledger.note(sighting);
  }
}

/** Whom a daemon has a link to and counts as alive; nobody when it does not answer. */
async function linksOf(client: Disco): Promise<ReadonlySet<string>> {
  try {
    const members = await client.members();
    const linked = members.filter(({ linked: isLinked, state }) => isLinked && state === 'alive');
    return new Set(linked.map(({ peerId }) => peerId));
  } catch {
    return new Set();
  }
}
