/**
 * Moleculer under the benchmark: a broker with one service per process, over its TCP transporter
 * with its defaults and the addresses of all nodes known, as it is documented for networks without
 * multicast. Its connections come as it gossips; nothing is called, so none comes sooner.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeName, type Crew, type Site, type System } from './liveness-cluster.ts';
import type { MoleculerPlan, MoleculerWord } from './liveness-moleculer-node.ts';
import { run } from './liveness-network.ts';
import { BenchProcess } from './liveness-process.ts';

const release = 'moleculer@0.15';
const installTimeoutMs = 180_000;
const startTimeoutMs = 30_000;
const script = fileURLToPath(new URL('liveness-moleculer-node.ts', import.meta.url));

let modules = '';

export const moleculer: System = {
  name: 'moleculer',
  async prepare(directory) {
    const how = ['--prefix', directory, '--no-audit', '--no-fund', '--ignore-scripts'];
    try {
      await run('npm', ['install', ...how, release], [], {
        cwd: directory,
        timeoutMs: installTimeoutMs,
      });
    } catch (error) {
      throw new Error(
        `${release} could not be had from npm: leave it out with --system disco,serf`,
        { cause: error },
      );
    }
    modules = join(directory, 'package.json');
  },
  crew: (site) => new MoleculerCrew(site),
};

class MoleculerCrew implements Crew {
  readonly leaveSignal = 'SIGTERM';
  readonly #site: Site;
  readonly #urls: readonly string[];

  constructor(site: Site) {
    this.#site = site;
    this.#urls = site.places.map(({ ip, port }, index) => `${ip}:${port}/${nodeName(index)}`);
  }

  async launch(index: number, keep: (started: BenchProcess) => void): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { port, prefix } = this.#site.places[index] as Site['places'][number];
    const plan: MoleculerPlan = { modules, nodeID: nodeName(index), port, urls: this.#urls };
    const started = new BenchProcess({
      name: `moleculer ${nodeName(index)}`,
      command: [...prefix, process.execPath, script, JSON.stringify(plan)],
      cwd: this.#site.directory,
      onMessage: (message) => {
        const word = message as MoleculerWord;
        if (word.kind === 'ready') resolve();
        else this.#site.ledger.note({ ...word, observer: index });
      },
    });
    keep(started);
    await started.until('it was up', promise, startTimeoutMs);
  }

  begin(): Promise<void> {
    return Promise.resolve();
  }

  gone(index: number): void {
    this.#site.ledger.forget(index);
  }

  isSettled(): Promise<boolean> {
    return Promise.resolve(true);
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}
