/**
 * A process of a benchmark: its lines as they come, its end, and no way to outlive the benchmark:
 * should this process die without a word, the kernel ends the other one too (setpriv --pdeathsig).
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { monotonicMs } from './liveness-ledger.ts';

const complaintLinesMax = 20;

export interface ProcessPlan {
  /** For people. */
  readonly name: string;
  /** The program and its arguments. It must not fork: signals go to this process alone. */
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Each line of stdout and stderr, with the monotonic clock at which it was read. */
  readonly onLine?: (line: string, atMs: number) => void;
  /** Opens an IPC channel. */
  readonly onMessage?: (message: unknown) => void;
}

export class BenchProcess {
  readonly name: string;
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  readonly #complaint: string[] = [];
  #hasEnded = false;

  constructor(plan: ProcessPlan) {
    this.name = plan.name;
    const channel = plan.onMessage === undefined ? [] : (['ipc'] as const);
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...plan.command], {
      cwd: plan.cwd,
      env: { ...plainEnvironment(), ...plan.env },
      stdio: ['ignore', 'pipe', 'pipe', ...channel],
      // A session of its own: Ctrl-C reaches the benchmark alone, which then ends them in order.
      detached: true,
    });
    this.ended = new Promise((resolve) => {
      const end = (): void => {
        this.#hasEnded = true;
        resolve();
      };
      this.#child.once('exit', end);
      this.#child.once('error', (error) => {
        this.#complaint.push(error.message);
        end();
      });
    });
    for (const input of [this.#child.stdout, this.#child.stderr]) {
      if (input === null) continue;
      createInterface({ input }).on('line', (line) => {
        const atMs = monotonicMs();
        this.#complaint.push(line);
        if (this.#complaint.length > complaintLinesMax) this.#complaint.shift();
        plan.onLine?.(line, atMs);
      });
    }
    if (plan.onMessage !== undefined) this.#child.on('message', plan.onMessage);
  }

  get isRunning(): boolean {
    return !this.#hasEnded;
  }

  /** The last lines that it wrote. */
  get complaint(): string {
    return this.#complaint.join('\n');
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** kill -9, also of what is frozen, and its end. */
  async kill(): Promise<void> {
    if (this.#hasEnded) return;
    this.signal('SIGKILL');
    await this.ended;
  }

  /**
   * Waits for what the process makes true.
   *
   * @throws Error when it ends before, or after `withinMs`
   */
  async until(what: string, happened: Promise<void>, withinMs: number): Promise<void> {
    const { promise, reject } = Promise.withResolvers<never>();
    const fail = (why: string): void =>
      reject(new Error(`${this.name} ${why} before ${what}; it said:\n${this.complaint}`));
    const timer = setTimeout(() => fail(`took over ${withinMs / 1_000} s`), withinMs);
    const ended = this.ended.then(() => fail('ended'));
    try {
      await Promise.race([happened, promise, ended.then(() => promise)]);
    } finally {
      clearTimeout(timer);
      promise.catch(() => undefined);
    }
  }
}

/** Programs that use up all cores until they are stopped. */
export class Burners {
  readonly #processes: readonly BenchProcess[];

  constructor(count: number, cwd: string) {
    const command = [process.execPath, '-e', 'for (;;);'];
    this.#processes = Array.from(
      { length: count },
      (_, index) => new BenchProcess({ name: `burner ${index}`, command, cwd }),
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((each) => each.kill()));
  }
}

/** This environment without what would configure a daemon or a Node process. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env);
  return Object.fromEntries(
    entries.filter(([key]) => !/^(DISCO_|XDG_|NOTIFY_|NODE_OPTIONS$|npm_)/.test(key)),
  );
}
