/**
 * Serf under the benchmark: agents with the LAN profile, timed by their logs, each line as it is
 * read: "EventMemberFailed" is written in the moment in which the member table changes, while the
 * stream of the RPC port holds events back for one to three seconds to bundle them.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { indexOfName, nodeName, type Crew, type Site, type System } from './liveness-cluster.ts';
import type { SightingKind } from './liveness-ledger.ts';
import { run } from './liveness-network.ts';
import { BenchProcess } from './liveness-process.ts';

const downloadTimeoutMs = 180_000;
const startTimeoutMs = 20_000;

/** What a line of the log tells of a member. */
const tellings: readonly (readonly [RegExp, SightingKind])[] = [
  [/serf: EventMemberJoin: (\S+)/, 'shown'],
  [/serf: EventMember(?:Failed|Leave|Reap): (\S+)/, 'hidden'],
  [/memberlist: Suspect (\S+) has failed/, 'suspected'],
];

let binary = 'serf';

export const serf: System = {
  name: 'serf',
  async prepare(directory) {
    binary = (await isInstalled()) ? 'serf' : await download(directory);
  },
  crew: (site) => new SerfCrew(site),
};

class SerfCrew implements Crew {
  readonly leaveSignal = 'SIGINT';
  readonly #site: Site;

  constructor(site: Site) {
    this.#site = site;
  }

  async launch(index: number, keep: (started: BenchProcess) => void): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const started = new BenchProcess({
      name: `serf ${nodeName(index)}`,
      command: this.#command(index),
      cwd: this.#site.directory,
      onLine: (line, atMs) => {
        if (line.includes('Serf agent running!')) resolve();
        const telling = tellings.find(([pattern]) => pattern.test(line));
        if (telling === undefined) return;
        const [pattern, kind] = telling;
        const subject = indexOfName(pattern.exec(line)?.[1] ?? '');
        this.#site.ledger.note({ kind, observer: index, subject, atMs });
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

  #command(index: number): string[] {
    const { ip, port, controlPort, prefix } = this.#site.places[index] as Site['places'][number];
    const seed = this.#site.places[0];
    const place = ['-bind', `${ip}:${port}`, '-rpc-addr', `127.0.0.1:${controlPort}`];
    const join = ['-retry-join', `${seed?.ip}:${seed?.port}`, '-retry-interval', '1s'];
    const rest = ['-profile', 'lan', '-log-level', 'info', ...(index === 0 ? [] : join)];
    return [...prefix, binary, 'agent', '-node', nodeName(index), ...place, ...rest];
  }
}

async function isInstalled(): Promise<boolean> {
  // There is another program of this name, of the Subversion project's library.
  const said = await run('serf', ['version']).catch(() => '');
  return said.includes('Agent Protocol');
}

/** Debian's package, unpacked and not installed. */
async function download(directory: string): Promise<string> {
  const fetch = (): Promise<string> =>
    run('apt-get', ['download', 'serf'], [], { cwd: directory, timeoutMs: downloadTimeoutMs });
  try {
    await fetch().catch(async () => {
      await run('apt-get', ['update'], [], { timeoutMs: downloadTimeoutMs });
      await fetch();
    });
    const file = readdirSync(directory).find((name) => /^serf_.*\.deb$/.test(name)) ?? '';
    await run('dpkg-deb', ['-x', join(directory, file), join(directory, 'serf')]);
    const path = join(directory, 'serf', 'usr', 'bin', 'serf');
    await run(path, ['version']);
    return path;
  } catch (error) {
    throw new Error(
      'serf is not installed and could not be had from Debian (apt-get download serf): install ' +
        'it, or leave it out with --system disco,moleculer',
      { cause: error },
    );
  }
}
