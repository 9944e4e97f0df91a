/**
 * The package as its users get it: built and packed apart from this checkout, and installed into an
 * empty folder with a PATH on which nothing but Node.js and npm is found.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Test } from 'tap';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Longer than anything here takes on a busy machine. */
const patienceMs = 120_000;
const published = ['bin', 'proto', 'package.json', 'README.md', 'CHANGELOG.md', 'LICENSE'];

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** A failed command, as execFile throws it. */
export type CommandError = Error & Output;

/** Without NODE_OPTIONS, whatever the environment says: tap puts its loaders into all children. */
export function bare(
  command: string,
  args: readonly string[],
): [command: string, args: readonly string[]] {
  return ['/usr/bin/env', ['-u', 'NODE_OPTIONS', command, ...args]];
}

/** A folder for the length of a test, with tools in it and the package. */
export class Published {
  readonly #directory: string;

  constructor(t: Test) {
    this.#directory = realpathSync(mkdtempSync(join(tmpdir(), 'disco-package-')));
    t.teardown(() => rmSync(this.#directory, { recursive: true, force: true }));
    for (const name of ['stage', 'tools', 'consumer']) mkdirSync(this.path(name));
    symlinkSync(process.execPath, this.path('tools', 'node'));
    for (const name of ['npm', 'npx', 'sh']) symlinkSync(toolAt(name), this.path('tools', name));
  }

  path(...parts: readonly string[]): string {
    return join(this.#directory, ...parts);
  }

  /** What only Node.js and npm are found with, and no setting of a daemon. */
  get environment(): NodeJS.ProcessEnv {
    const own = Object.entries(process.env).filter(([key]) => !/^(DISCO_|XDG_|NODE_OP)/.test(key));
    return { ...Object.fromEntries(own), PATH: this.path('tools') };
  }

  /** @throws CommandError */
  run(command: string, ...args: readonly string[]): Promise<Output> {
    const options = { cwd: this.path('consumer'), env: this.environment, timeout: patienceMs };
    return promisify(execFile)(...bare(this.#tool(command), args), options);
  }

  /** Where a command of the consumer's is: its own, else one of the tools. */
  #tool(command: string): string {
    return ['node', 'npm', 'npx'].includes(command) ? this.path('tools', command) : command;
  }

  /** A file of the consumer's. */
  write(name: string, text: string): string {
    writeFileSync(this.path('consumer', name), text);
    return name;
  }

  /** @returns the path of the tarball */
  async pack(): Promise<string> {
    const stage = this.path('stage');
    for (const name of published) cpSync(join(root, name), join(stage, name), { recursive: true });
    const tsc = join(root, 'node_modules', '.bin', 'tsc');
    const build = ['-p', 'tsconfig.build.json', '--outDir', join(stage, 'dist')];
    const options = { cwd: root, timeout: patienceMs };
    await promisify(execFile)(...bare(tsc, build), options);
    cpSync(join(root, 'src', 'gen'), join(stage, 'dist', 'gen'), { recursive: true });
    // Its scripts build in a checkout, which has been done.
    const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', this.path()];
    const env = this.environment;
    const { stdout } = await promisify(execFile)(...bare(this.#tool('npm'), pack), {
      cwd: stage,
      env,
    });
    const [packed] = JSON.parse(stdout) as [{ filename: string }];
    return this.path(packed.filename);
  }

  /** As a user does: from the tarball, all else from the registry or npm's cache. */
  async install(tarball: string): Promise<Output> {
    this.write('package.json', '{ "private": true, "type": "module" }');
    return this.run('npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', tarball);
  }
}

/** The manifest of the checkout. */
export function manifest(): { version: string; dependencies: Readonly<Record<string, string>> } {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as ReturnType<
    typeof manifest
  >;
}

/** Whether npm failed because there is no registry to be had, and not because of the package. */
export function isOffline(error: CommandError): boolean {
  return /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT|ENOTCACHED)\b/.test(
    error.stderr,
  );
}

function toolAt(name: string): string {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    try {
      return realpathSync(join(folder, name));
    } catch {
      // The next one.
    }
  }
  throw new Error(`${name} is not on the PATH`);
}
