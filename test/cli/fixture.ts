/**
 * The real program as a process of its own, against a daemon in this process: a whole one, or the
 * API alone over a registry in memory, whose clock and neighbors a test decides on.
 */
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import type { Address } from '../../src/base/address.ts';
import { silentLog } from '../../src/base/log.ts';
import type { Log } from '../../src/base/log.ts';
import { DiscoveryStub } from '../../src/client/discovery-stub.ts';
import { defaults } from '../../src/daemon/config-options.ts';
import type { Config } from '../../src/daemon/config.ts';
import { Daemon } from '../../src/daemon/daemon.ts';
import { serve } from '../api/fixture.ts';
import type { ServedOptions } from '../api/fixture.ts';

export const program = fileURLToPath(new URL('../../bin/disco.js', import.meta.url));

/** Kept from run to run: the program is started some hundred times. */
const compiledCode = join(tmpdir(), `disco-test-cache-${process.getuid?.() ?? 0}`);

/** With a path short enough for a socket. */
export function newFolder(t: Test): string {
  const path = fs.mkdtempSync(join(tmpdir(), 'disco-cli-'));
  t.teardown(() => fs.rmSync(path, { recursive: true, force: true }));
  return path;
}

/** An environment without anything of the one who runs the tests. */
export function cleanEnv(change: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const { PATH } = process.env;
  const home = { HOME: '/nonexistent', XDG_STATE_HOME: '/nonexistent' };
  return { PATH, ...home, XDG_CACHE_HOME: compiledCode, ...change };
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** One run of the program, under way. */
export class Run {
  readonly child: ChildProcessWithoutNullStreams;
  readonly #stdout: string[] = [];
  readonly #stderr: string[] = [];
  readonly #lines: AsyncIterator<string>;
  readonly ended: Promise<Ended>;

  constructor(t: Test, args: readonly string[], { env = {}, cwd = '/' }: RunOptions = {}) {
    this.child = spawn(process.execPath, [program, ...args], { env: cleanEnv(env), cwd });
    const { stdin, stdout, stderr } = this.child;
    stdin.end();
    stdout.on('data', (bytes: Buffer) => this.#stdout.push(bytes.toString()));
    stderr.on('data', (bytes: Buffer) => this.#stderr.push(bytes.toString()));
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
    this.ended = once(this.child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      stdout: this.#stdout.join(''),
      stderr: this.#stderr.join(''),
    }));
    t.teardown(() => this.child.kill('SIGKILL'));
  }

  /** The next line on stdout. */
  async line(): Promise<string> {
    const next = await this.#lines.next();
    if (next.done !== true) return next.value;
    const { stderr } = await this.ended;
    throw new Error(`the program ended without another line: ${stderr}`);
  }

  /** Resolves once stderr holds such a text. */
  async complained(text: RegExp): Promise<string> {
    const { stderr } = this.child;
    while (!text.test(this.#stderr.join(''))) await once(stderr, 'data');
    return this.#stderr.join('');
  }

  stop(signal: NodeJS.Signals = 'SIGINT'): Promise<Ended> {
    this.child.kill(signal);
    return this.ended;
  }
}

/** Runs the program to its end. */
export function disco(t: Test, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return new Run(t, args, options).ended;
}

/** The API over a registry in memory, on a socket; `run` calls the program with its address. */
export async function serveApi(t: Test, options: ServedOptions = {}) {
  const address = `unix:${join(newFolder(t), 's')}`;
  const served = await serve(t, { ...options, addresses: [address] });
  const run = (...args: string[]): Promise<Ended> =>
    disco(t, args, { env: { DISCO_ADDR: address } });
  return { ...served, address, run };
}

export interface RunningDaemon {
  readonly daemon: Daemon;
  readonly config: Config;
  /** Its socket, as a gRPC target. */
  readonly address: string;
  readonly stub: DiscoveryStub;
}

export interface DaemonOptions {
  readonly seeds?: readonly Address[];
  readonly log?: Log;
  readonly change?: Partial<Config>;
}

/** A config on free ports of loopback, in a folder of its own. */
export function configOf(t: Test, change: Partial<Config> = {}): Config {
  const dataDir = change.dataDir ?? join(newFolder(t), 'data');
  return {
    ...defaults,
    dataDir,
    name: 'node-1',
    seeds: 'none',
    services: join(dataDir, 'services.d'),
    listen: ['127.0.0.1:0'],
    grpc: ['127.0.0.1:0', `unix:${join(dataDir, 'disco.sock')}`],
    http: '127.0.0.1:0',
    gossipIntervalMs: 100,
    ...change,
  };
}

/** A whole daemon in this process, stopped when the test is over. */
export async function startDaemon(
  t: Test,
  { seeds = [], log = silentLog, change = {} }: DaemonOptions = {},
): Promise<RunningDaemon> {
  const config = configOf(t, change);
  const daemon = new Daemon(config, seeds, log);
  t.teardown(() => daemon.stop({ isGraceful: false }));
  await daemon.start();
  const address = `unix:${join(config.dataDir, 'disco.sock')}`;
  const stub = new DiscoveryStub({ address, source: 'as given' }, 10_000);
  t.teardown(() => stub.close());
  return { daemon, config, address, stub };
}
