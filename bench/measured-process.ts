/** Servers under measurement: processes of this machine, their processor time and their memory. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunFile } from '../src/daemon/data-dir.ts';
import { pause } from './propagation-cluster.ts';

const readyTimeoutMs = 20_000;
const pollMs = 25;

/** A process that answers with its memory, and whose addresses by transport are known. */
export interface Measured {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly unix: string;
  readonly tcp: string;
}

const probe = ['--expose-gc', '--import', new URL('memory-probe.ts', import.meta.url).href];

/** Starts a daemon that knows no other, and waits until it is ready. */
export async function startDaemon(dataDir: string): Promise<Measured> {
  const addresses = ['--listen', '127.0.0.1:0', '--grpc', '127.0.0.1:0', 'unix:disco.sock'];
  const quiet = ['--http', 'off', '--seeds', 'none', '--log-format', 'json', '--log-level', 'warn'];
  const child = fork(
    fileURLToPath(new URL('../bin/disco.js', import.meta.url)),
    ['start', '--data-dir', dataDir, '--name', 'bench', ...addresses, ...quiet],
    // bin/launch.js ends it when this process dies without a word.
    { execArgv: probe, env: { ...process.env, DISCO_LAUNCHER_PID: String(process.pid) } },
  );
  const { grpc } = await runFileOf(dataDir, child);
  const tcp = grpc.find((address) => !address.startsWith('unix:')) ?? '';
  const { pid = 0 } = child;
  return { process: child, pid, unix: `unix:${join(dataDir, 'disco.sock')}`, tcp };
}

/** Starts a bare server that sends the addresses, a unix socket and TCP, on which it listens. */
export async function startBare(
  script: string,
  args: readonly string[],
  folder: string,
): Promise<Measured> {
  const file = new URL(script, import.meta.url);
  const addresses = [`unix:${join(folder, 'bare')}`, '127.0.0.1:0'];
  const child = fork(file, [...args, ...addresses], { execArgv: probe });
  const [bound] = (await once(child, 'message')) as [[string, string]];
  return { process: child, pid: child.pid ?? 0, unix: bound[0], tcp: bound[1] };
}

/** Ends it by its id and waits until it is gone. */
export async function stop(server: { readonly process: ChildProcess }): Promise<void> {
  const child = server.process;
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
}

/** Of a process with memory-probe.ts, once its garbage is collected. */
export async function memoryOf({ process: child }: Measured): Promise<NodeJS.MemoryUsage> {
  const answered = once(child, 'message') as Promise<[NodeJS.MemoryUsage]>;
  child.send('memory');
  const [usage] = await answered;
  return usage;
}

/** µs that all threads of a process have run, from the first of the three numbers of schedstat. */
export function cpuMicros(pid: number): number {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`))
    nanoseconds += Number(
      readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0],
    );
  return nanoseconds / 1_000;
}

async function runFileOf(dataDir: string, child: ChildProcess): Promise<RunFile> {
  const endMs = performance.now() + readyTimeoutMs;
  while (performance.now() < endMs && child.exitCode === null) {
    try {
      return JSON.parse(readFileSync(join(dataDir, 'daemon.json'), 'utf8')) as RunFile;
    } catch {
      await pause(pollMs);
    }
  }
  throw new Error(`the daemon in ${dataDir} was not ready within ${readyTimeoutMs} ms`);
}
