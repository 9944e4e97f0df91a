/**
 * Processes of the demo: started, waited for by a line on stdout, and ended by pid.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CliError } from './exit.ts';

const startTimeoutMs = 20_000;
/** Time to end gracefully before kill -9. */
const stopTimeoutMs = 3_000;

export class Child {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;
  /** The last of what it wrote to stderr, for the error that tells of its end. */
  #complaint = '';

  /**
   * @param name for people
   * @param script a file of bin/
   */
  constructor(name: string, script: string, args: readonly string[]) {
    const file = fileURLToPath(new URL(`../../bin/${script}`, import.meta.url));
    this.name = name;
    this.#process = spawn(process.execPath, [file, ...args], {
      // Should this process die without a word, the channel closes and bin/launch.js ends the child.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, DISCO_LAUNCHER_PID: String(process.pid) },
      // A session of its own: Ctrl-C reaches the demo alone, which then ends them in order.
      detached: true,
    });
    this.#ended = new Promise((resolve) => {
      this.#process.once('exit', () => resolve());
      this.#process.once('error', () => resolve());
    });
    this.#process.stderr?.on('data', (bytes: Buffer) => {
      this.#complaint = (this.#complaint + bytes.toString()).slice(-2_000);
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** The first line on stdout. @throws CliError when it ends, or says nothing for 20 s */
  async firstLine(): Promise<string> {
    const lines = createInterface({ input: this.#process.stdout as NodeJS.ReadableStream });
    let timer: NodeJS.Timeout | undefined;
    const line = await Promise.race([
      new Promise<string>((resolve) => lines.once('line', resolve)),
      this.#ended.then(() => undefined),
      new Promise<undefined>((resolve) => {
        timer = setTimeout(() => resolve(undefined), startTimeoutMs);
      }),
    ]);
    clearTimeout(timer);
    if (line !== undefined) return line;
    throw new CliError(
      1,
      `${this.name} did not start: ${this.#complaint.trim() || 'no word of why'}`,
    );
  }

  /** @throws CliError when the process has ended */
  assertRunning(): void {
    if (!this.isRunning) throw new CliError(1, `${this.name} ended: ${this.#complaint.trim()}`);
  }

  /** Without a word, as a crash would. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }

  async stop(): Promise<void> {
    if (!this.isRunning) return;
    this.#process.kill('SIGTERM');
    const force = setTimeout(() => this.#process.kill('SIGKILL'), stopTimeoutMs);
    await this.#ended;
    clearTimeout(force);
  }
}
