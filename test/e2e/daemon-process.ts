/**
 * `disco` as a user runs it: a process of its own, with what it wrote and how it ended.
 *
 * It is ended by its pid and nothing else. Should this process die without a word, however that
 * happens, its end of the channel closes and bin/launch.js ends the child too.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../bin/disco.js', import.meta.url));
/** Below the range from which the system takes ports for connections: those come and go. */
const portRange = { first: 15_000, count: 16_000 };

/** One line of a daemon's log. */
export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** From its start to its end. */
  readonly afterMs: number;
}

export interface ProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Where it runs; the repository has a seeds.json, so not there. */
  readonly cwd: string;
}

export class DiscoProcess {
  readonly log: LogLine[] = [];
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  readonly #stdout: string[] = [];
  readonly #stderr: string[] = [];
  readonly #listeners = new Set<() => void>();

  constructor(args: readonly string[], { env = {}, cwd }: ProcessOptions) {
    const startedMs = performance.now();
    // Without NODE_OPTIONS: tap would put its coverage into the daemon. `env` becomes the node.
    const command = ['-u', 'NODE_OPTIONS', process.execPath, script, ...args];
    this.#child = spawn('env', command, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...plainEnvironment(), DISCO_LAUNCHER_PID: String(process.pid), ...env },
    });
    this.#read(this.#child.stdout, (line) => void this.#stdout.push(line));
    this.#read(this.#child.stderr, (line) => {
      this.#stderr.push(line);
      const entry = parseLog(line);
      if (entry !== undefined) this.log.push(entry);
    });
    this.ended = once(this.#child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      stdout: this.#stdout.join('\n'),
      stderr: this.#stderr.join('\n'),
      afterMs: performance.now() - startedMs,
    }));
    void this.ended.then(() => this.#wake());
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get stdout(): string {
    return this.#stdout.join('\n');
  }

  /** The first line of the log of which `isIt` is true, now or later. */
  async logged(isIt: (line: LogLine) => boolean, withinMs: number): Promise<LogLine> {
    const find = (): LogLine | undefined => this.log.find(isIt);
    await this.#until(
      () => find() !== undefined,
      withinMs,
      `no such line in the log: ${String(isIt)}`,
    );
    return find() as LogLine;
  }

  /** Once standard output holds the text. */
  async printed(text: string, withinMs: number): Promise<void> {
    await this.#until(() => this.stdout.includes(text), withinMs, `${text} was not printed`);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Without a word, as a crash would. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended;
  }

  /** As an operator would. */
  async stop(): Promise<Ended> {
    this.signal('SIGTERM');
    return this.ended;
  }

  #read(input: NodeJS.ReadableStream | null, take: (line: string) => void): void {
    if (input === null) return;
    createInterface({ input }).on('line', (line) => {
      take(line);
      this.#wake();
    });
  }

  #wake(): void {
    for (const listener of this.#listeners) listener();
  }

  async #until(isTrue: () => boolean, withinMs: number, problem: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = (why: string): void =>
      reject(new Error(`${problem} (${why}); it said:\n${this.#stderr.slice(-20).join('\n')}`));
    const look = (): void => {
      if (isTrue()) resolve();
      else if (!this.isRunning) fail('the process has ended');
    };
    const timer = setTimeout(() => fail(`within ${withinMs} ms`), withinMs);
    this.#listeners.add(look);
    look();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#listeners.delete(look);
    }
  }
}

/** A port of 127.0.0.1 that nobody listens on, for where it has to be known beforehand. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = portRange.first + Math.floor(Math.random() * portRange.count);
    const server = createServer();
    try {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      return port;
    } catch {
      // Taken: the next one.
    } finally {
      server.close();
    }
  }
}

/** This environment without what would configure a daemon. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env);
  return Object.fromEntries(entries.filter(([key]) => !/^(DISCO_|XDG_|NOTIFY_)/.test(key)));
}

function parseLog(line: string): LogLine | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === 'object' ? (entry as LogLine) : undefined;
  } catch {
    return undefined;
  }
}
