/**
 * One of bin/*.js as a process of its own, with what it prints line by line.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class BinProcess {
  readonly #child: ChildProcess;
  readonly #stdout: string[] = [];
  readonly #stderr: string[] = [];
  readonly #exited: Promise<unknown[]>;
  readonly #firstLine = Promise.withResolvers<string>();
  readonly #firstComplaint = Promise.withResolvers<string>();

  constructor(t: Test, script: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const path = fileURLToPath(new URL(`../../bin/${script}`, import.meta.url));
    this.#child = spawn(process.execPath, [path, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, DISCO_ADDR: '', ...env },
    });
    this.#exited = once(this.#child, 'close');
    this.#read('stdout', this.#stdout, this.#firstLine.resolve);
    this.#read('stderr', this.#stderr, this.#firstComplaint.resolve);
    t.teardown(async () => {
      this.#child.kill('SIGKILL');
      await this.#exited;
    });
  }

  #read(from: 'stdout' | 'stderr', into: string[], onLine: (line: string) => void): void {
    const input = this.#child[from];
    if (input === null) return;
    createInterface({ input }).on('line', (line) => {
      into.push(`${line}\n`);
      onLine(line);
    });
  }

  /** The first line on standard output. */
  get firstLine(): Promise<string> {
    return this.#firstLine.promise;
  }

  /** The first line on standard error. */
  get firstComplaint(): Promise<string> {
    return this.#firstComplaint.promise;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async ended(): Promise<Ended> {
    const [code] = await this.#exited;
    const [stdout, stderr] = [this.#stdout.join(''), this.#stderr.join('')];
    return { code: code as number | null, stdout, stderr };
  }
}
