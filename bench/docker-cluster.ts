/**
 * A cluster of docker-compose.yml under a project name of its own, so that nothing of anybody else
 * is touched: bring it up, ask its daemons, and take all of it away again.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';

/** A container of the cluster. */
export interface Container {
  readonly id: string;
  /** Its service in docker-compose.yml. */
  readonly service: string;
  readonly name: string;
}

/** What `disco members -o json` tells of a node, as far as it matters here. */
export interface Member {
  readonly name: string;
  readonly peerId: string;
  readonly self: boolean;
  readonly state: string;
  /** When the node that was asked learned of the state, µs since the epoch. */
  readonly stateSince: number;
}

/** What `disco list -o json` tells. */
export interface ListedInstance {
  readonly group: string;
  readonly name: string;
  readonly ip: string;
  readonly port: number;
  readonly node: string;
}

const root = join(import.meta.dirname, '..');
const composeFile = join(root, 'docker-compose.yml');
const outputBytesMax = 64 * 1024 * 1024;
const commandTimeoutMs = 60_000;
const buildTimeoutMs = 20 * 60_000;
const upTimeoutMs = 5 * 60_000;
/** docker-compose 1.29 finishes a build first when it is asked to end. */
const killAfterMs = 3_000;
/** All that a project consists of, in the order in which it can be taken away. */
const kinds = [
  ['container', ['ps', '-a'], ['rm', '--force', '--volumes']],
  ['network', ['network', 'ls'], ['network', 'rm']],
  ['volume', ['volume', 'ls'], ['volume', 'rm']],
] as const;
/** The first line of what went wrong is seldom the one that says why. */
const errorLinesMax = 12;

export class DockerCluster {
  readonly #project: string;
  readonly #compose: readonly string[];
  /** What runs for this cluster now. */
  readonly #children = new Set<ChildProcess>();
  /** Names of the volumes of its containers, which are not all labelled with the project. */
  #volumes: readonly string[] = [];

  /** @throws Error that says what is missing on this machine */
  static async open(project: string): Promise<DockerCluster> {
    await run('docker', ['info', '--format', '{{.ServerVersion}}']).catch((error: Error) => {
      const missing = error.message.includes('ENOENT')
        ? 'there is no `docker` here: install Docker Engine or Docker Desktop'
        : `no Docker engine answers: start it, and see that \`docker info\` works as this user`;
      throw new Error(`${missing} (${error.message})`);
    });
    const candidates = [['docker', 'compose'], ['docker-compose']] as const;
    for (const compose of candidates) {
      const [command, ...args] = compose;
      const isThere = await run(command, [...args, 'version']).catch(() => undefined);
      if (isThere !== undefined) return new DockerCluster(project, compose);
    }
    throw new Error('neither `docker compose` nor `docker-compose` is there: install one of them');
  }

  private constructor(project: string, compose: readonly string[]) {
    this.#project = project;
    this.#compose = compose;
  }

  /** How compose is called here, for people. */
  get composeCommand(): string {
    return this.#compose.join(' ');
  }

  /** All services share one image, so one of them is enough. */
  async build(): Promise<void> {
    await this.#composeRun(['build', 'seed'], buildTimeoutMs);
  }

  async up(nodes: number): Promise<void> {
    await this.#composeRun(['up', '-d', '--no-build', '--scale', `node=${nodes}`], upTimeoutMs);
  }

  /** Containers, networks and volumes; the image stays, since its layers make the next build. */
  async down(): Promise<void> {
    await this.#endChildren();
    const containers = await this.containers();
    const format = '{{range .Mounts}}{{.Name}} {{end}}';
    const mounts = containers.map(({ id }) => this.docker(['inspect', '-f', format, id]));
    this.#volumes = (await Promise.all(mounts)).join(' ').split(' ').filter(Boolean);
    const down = ['down', '--volumes', '--remove-orphans', '--timeout', '2'];
    await this.#composeRun(down, upTimeoutMs).catch(() => this.#sweep());
  }

  /** What `down` should have taken away and did not, such as `volume x`. */
  async leftovers(): Promise<string[]> {
    const found: string[] = [];
    for (const [kind, list] of kinds)
      found.push(...(await this.#idsOf(list)).map((id) => `${kind} ${id}`));
    const volumes = new Set((await this.docker(['volume', 'ls', '-q'])).split('\n'));
    const kept = this.#volumes.filter((name) => volumes.has(name));
    found.push(...kept.map((name) => `volume ${name}`));
    return [...new Set(found)];
  }

  /** Piece by piece: compose gives up at the first thing that the engine does not let go. */
  async #sweep(): Promise<void> {
    for (const [, list, remove] of kinds) {
      for (const id of await this.#idsOf(list))
        await this.docker([...remove, id]).catch(() => undefined);
    }
  }

  async #idsOf(list: readonly string[]): Promise<string[]> {
    const filter = `label=com.docker.compose.project=${this.#project}`;
    const text = await this.docker([...list, '-q', '--filter', filter]);
    return text.split('\n').filter((line) => line !== '');
  }

  async containers(): Promise<Container[]> {
    const format = '{{.ID}}\t{{.Label "com.docker.compose.service"}}\t{{.Names}}';
    const filter = `label=com.docker.compose.project=${this.#project}`;
    const text = await this.docker(['ps', '-a', '--filter', filter, '--format', format]);
    const rows = text.split('\n').filter((line) => line !== '');
    return rows.map((line) => {
      const [id = '', service = '', name = ''] = line.split('\t');
      return { id, service, name };
    });
  }

  /** Milliseconds since the epoch. */
  async startedAt({ id }: Container): Promise<number> {
    return Date.parse(await this.docker(['inspect', '-f', '{{.State.StartedAt}}', id]));
  }

  async imageBytes({ id }: Container): Promise<number> {
    const image = await this.docker(['inspect', '-f', '{{.Image}}', id]);
    return Number(await this.docker(['image', 'inspect', '-f', '{{.Size}}', image]));
  }

  async members(of: Container): Promise<Member[]> {
    const text = await this.exec(of, ['disco', 'members', '-o', 'json']);
    return (JSON.parse(text) as { members: Member[] }).members;
  }

  async list(of: Container, group: string): Promise<ListedInstance[]> {
    const text = await this.exec(of, ['disco', 'list', '--group', group, '-o', 'json']);
    return (JSON.parse(text) as { instances: ListedInstance[] }).instances;
  }

  /** How often this daemon has thought a member dead since it started. */
  async foundDead(of: Container): Promise<number> {
    const text = await this.exec(of, ['disco', 'status', '-o', 'json']);
    const { counted } = JSON.parse(text) as { counted: Readonly<Record<string, number>> };
    return counted['members_found_dead'] ?? 0;
  }

  /** The host port behind a port of a container, `address:port`. */
  async published({ id }: Container, port: number): Promise<string> {
    return (await this.docker(['port', id, String(port)])).split('\n')[0] ?? '';
  }

  exec({ id }: Container, command: readonly string[]): Promise<string> {
    return this.docker(['exec', id, ...command]);
  }

  /**
   * Follows `disco watch <service>` inside a container.
   *
   * @returns ready: when it is up to date; gone: `performance.now()` when it tells that an
   *   instance is gone. gone stays open when that never happens: bound it.
   */
  watch({ id }: Container, service: string): { ready: Promise<void>; gone: Promise<number> } {
    const args = ['exec', id, 'disco', 'watch', service, '-o', 'ndjson'];
    const child = spawn('docker', args, { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#keep(child);
    const ready = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<number>();
    child.once('error', ready.reject);
    child.once('exit', (code) => ready.reject(new Error(`disco watch ended with ${code}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { kind } = JSON.parse(line) as { kind: string };
      if (kind === 'fresh') ready.resolve();
      if (kind === 'down') gone.resolve(performance.now());
    });
    return { ready: ready.promise, gone: gone.promise };
  }

  /** What all containers logged, for people who look for what went wrong. */
  logs(): Promise<string> {
    return this.#composeRun(['logs', '--no-color'], commandTimeoutMs);
  }

  docker(args: readonly string[]): Promise<string> {
    return run('docker', args, { started: (child) => this.#keep(child) });
  }

  #keep(child: ChildProcess): void {
    this.#children.add(child);
    child.once('close', () => this.#children.delete(child));
  }

  /** What an interrupted step left running would start what `down` has just taken away. */
  async #endChildren(): Promise<void> {
    const children = [...this.#children];
    const ended = Promise.all(children.map((child) => once(child, 'close')));
    for (const child of children) child.kill();
    const impatient = setTimeout(() => {
      for (const child of children) child.kill('SIGKILL');
    }, killAfterMs);
    await ended;
    clearTimeout(impatient);
  }

  #composeRun(args: readonly string[], timeoutMs: number): Promise<string> {
    const [command = '', ...prefix] = this.#compose;
    const env = { DISCO_IMAGE: 'disco:smoke', DISCO_ENTRYPOINT_PORT: '0' };
    const all = [...prefix, '-p', this.#project, '-f', composeFile, ...args];
    return run(command, all, { timeoutMs, env, started: (child) => this.#keep(child) });
  }
}

interface RunOptions {
  readonly timeoutMs?: number;
  /** On top of this process's own. */
  readonly env?: Readonly<Record<string, string>>;
  readonly started?: (child: ChildProcess) => void;
}

/** @returns stdout, trimmed. @throws Error with the end of stderr, or of stdout */
function run(
  command: string,
  args: readonly string[],
  { timeoutMs = commandTimeoutMs, env = {}, started }: RunOptions = {},
): Promise<string> {
  const options = {
    cwd: root,
    env: { ...process.env, ...env },
    timeout: timeoutMs,
    maxBuffer: outputBytesMax,
  };
  return new Promise((resolve, reject) => {
    const child = execFile(command, [...args], options, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout.trim());
      const said = (stderr.trim() === '' ? stdout : stderr).trim().split('\n');
      const end = said.slice(-errorLinesMax).join('\n');
      const how = error.killed === true ? `took over ${timeoutMs / 1_000} s` : error.message;
      const why = end === '' ? how.split('\n')[0] : end;
      reject(new Error(`${command} ${args.slice(0, 6).join(' ')}: ${why}`, { cause: error }));
    });
    started?.(child);
  });
}
