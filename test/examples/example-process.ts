/**
 * An example as its reader runs it: a process of its own, with what it prints and how it ends. Gone
 * when the test is over, by its pid.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { delimiter } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { patienceMs, type Node } from '../e2e/cluster.ts';

const packageSource = new URL('package-source.ts', import.meta.url).href;

export interface Ended {
  readonly code: number | null;
  /** All that it printed, on both streams. */
  readonly output: string;
}

/** The path of a file below examples/. */
export function exampleFile(name: string): string {
  return fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
}

/** Whether a program of this name is to be found. */
export async function hasProgram(name: string): Promise<boolean> {
  const child = spawn('sh', ['-c', `command -v ${name}`], { stdio: 'ignore', env: environment() });
  const [code] = await once(child, 'close');
  return code === 0;
}

export class ExampleProcess {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #listeners = new Set<() => void>();
  #isOver = false;

  constructor(
    t: Test,
    [program = '', ...args]: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ) {
    this.#child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...environment(), ...env },
    });
    const { stdout, stderr } = this.#child;
    for (const input of [stdout, stderr])
      if (input !== null) createInterface({ input }).on('line', (line) => this.#take(line));
    this.ended = once(this.#child, 'close').then(([code]) => ({
      code: code as number | null,
      output: this.#lines.join('\n'),
    }));
    // Once all that it printed is read.
    void this.ended.then(() => {
      this.#isOver = true;
      this.#wake();
    });
    t.teardown(async () => {
      this.#child.kill('SIGKILL');
      await this.ended;
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Of the first line that is like this, printed already or soon. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const fail = (why: string): void =>
      reject(new Error(`no line like ${String(pattern)} ${why}:\n${this.#lines.join('\n')}`));
    const look = (): void => {
      const found = this.#lines.map((line) => pattern.exec(line)).find((each) => each !== null);
      if (found != null) resolve(found);
      else if (this.#isOver) fail('before it ended');
    };
    const timer = setTimeout(() => fail(`within ${patienceMs} ms`), patienceMs);
    this.#listeners.add(look);
    look();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#listeners.delete(look);
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** As a supervisor would. */
  stop(): Promise<Ended> {
    this.signal('SIGTERM');
    return this.ended;
  }

  #take(line: string): void {
    this.#lines.push(line);
    this.#wake();
  }

  #wake(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** `node FILE ARGS` beside a daemon. */
export function runExample(
  t: Test,
  { socket }: Pick<Node, 'socket'>,
  [file = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ExampleProcess {
  const command = [process.execPath, '--import', packageSource, exampleFile(file), ...args];
  return new ExampleProcess(t, command, { DISCO_ADDR: socket, ...env });
}

/** This environment without what would configure disco, and without tap's coverage. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([key]) => !/^(DISCO_|XDG_|NOTIFY_|NODE_OPTIONS$|PORT$)/.test(key),
  );
  const { PATH = '' } = process.env;
  // Debian keeps servers where ordinary users do not look.
  return { ...Object.fromEntries(kept), PATH: [PATH, '/usr/sbin'].join(delimiter) };
}
