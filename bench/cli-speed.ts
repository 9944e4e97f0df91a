/**
 * What a person waits for: the whole process of `disco list`, beside `serf members` and `etcdctl get`.
 *
 *   node bench/cli-speed.ts [--runs 40] [--instances 20]
 *
 * One agent of each runs on loopback; this process starts the commands in turn, so that what else the
 * machine does strikes all alike, and takes the time from spawn to the end. `node -e 0` is what
 * Node.js itself takes; the last row is a daemon that is not there. Serf and etcd are taken from
 * Debian's packages (apt-get download, nothing is installed) and left out with a line where that
 * fails. Exits 1 when the median of `disco list` is over 150 ms.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { run } from './liveness-network.ts';
import { BenchProcess } from './liveness-process.ts';
import { loadAverage, machineFacts } from './propagation-cluster.ts';
import { quantiles, quantileText } from './quantiles.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '40' },
    instances: { type: 'string', default: '20' },
  },
});
const [runs, instances] = [values.runs, values.instances].map(Number) as [number, number];
const warmRuns = 3;
const medianMaxMs = 150;
const startTimeoutMs = 20_000;
const downloadTimeoutMs = 180_000;
const program = fileURLToPath(new URL('../bin/disco.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'disco-bench-'));
const processes: BenchProcess[] = [];

interface Command {
  readonly name: string;
  readonly line: readonly string[];
  readonly exitCode: number;
  readonly times: number[];
}

/** Its compiled code is kept here, so that the first run of all does not depend on earlier ones. */
const env = { PATH: process.env['PATH'] ?? '', HOME: folder, XDG_STATE_HOME: folder };

function ended({ line, exitCode, name }: Command): number {
  const [file = '', ...args] = line;
  const beganMs = performance.now();
  const { status, stderr } = spawnSync(file, args, { env, encoding: 'utf8' });
  const tookMs = performance.now() - beganMs;
  if (status === exitCode) return tookMs;
  throw new Error(`${name} ended with ${status}: ${stderr}`);
}

async function startProcess(
  name: string,
  command: readonly string[],
  isUp: (line: string) => boolean,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const onLine = (line: string): void => {
    if (isUp(line)) resolve();
  };
  const started = new BenchProcess({ name, command, cwd: folder, env, onLine });
  processes.push(started);
  await started.until('it was up', promise, startTimeoutMs);
}

async function startDisco(): Promise<readonly Command[]> {
  const dataDir = join(folder, 'disco');
  const places = ['--listen', '127.0.0.1:0', '--grpc', 'unix:disco.sock', '--http', 'off'];
  const flags = ['--data-dir', dataDir, '--seeds', 'none', '--join-timeout-ms', '1000', ...places];
  const line = [process.execPath, program, 'start', ...flags];
  await startProcess('disco', line, (said) => said.includes('"msg":"ready"'));
  const disco = (...args: string[]): string[] => [
    process.execPath,
    program,
    ...args,
    '--data-dir',
    dataDir,
  ];
  for (let index = 0; index < instances; index++)
    ended(command('register', disco('register', 'math', 'add', '--port', String(6_000 + index))));
  const away = [process.execPath, program, 'list', '--addr', 'unix:/nonexistent/s'];
  return [
    command('disco list', disco('list')),
    command('disco status', disco('status')),
    command('disco list --help', [process.execPath, program, 'list', '--help']),
    command('disco list, no daemon', away, 4),
  ];
}

async function startSerf(): Promise<readonly Command[]> {
  const binary = join(await unpacked('serf'), 'usr/bin/serf');
  const [bind, rpc] = ['127.0.0.1:17946', '127.0.0.1:17373'];
  const agent = [binary, 'agent', '-node', 'bench', '-bind', bind, '-rpc-addr', rpc];
  await startProcess('serf', agent, (said) => said.includes('Serf agent running!'));
  return [command('serf members', [binary, 'members', '-rpc-addr', rpc])];
}

async function startEtcd(): Promise<readonly Command[]> {
  const server = join(await unpacked('etcd-server'), 'usr/bin/etcd');
  const client = join(await unpacked('etcd-client'), 'usr/bin/etcdctl');
  const [api, peers] = ['http://127.0.0.1:12379', 'http://127.0.0.1:12380'];
  const clientUrls = ['--listen-client-urls', api, '--advertise-client-urls', api];
  const peerUrls = ['--listen-peer-urls', peers, '--initial-advertise-peer-urls', peers];
  const cluster = ['--initial-cluster', `default=${peers}`, '--data-dir', join(folder, 'etcd')];
  const line = [server, ...clientUrls, ...peerUrls, ...cluster];
  await startProcess('etcd', line, (said) => said.includes('ready to serve client requests'));
  const etcdctl = (...args: string[]): string[] => [client, `--endpoints=${api}`, ...args];
  for (let index = 0; index < instances; index++)
    ended(command('put', etcdctl('put', `math/add/${index}`, `127.0.0.1:${6_000 + index}`)));
  return [command('etcdctl get --prefix', etcdctl('get', '--prefix', 'math/'))];
}

/** Debian's package, unpacked and not installed. */
async function unpacked(name: string): Promise<string> {
  const place = join(folder, `package-${name}`);
  mkdirSync(place);
  await run('apt-get', ['download', name], [], { cwd: place, timeoutMs: downloadTimeoutMs });
  const file = readdirSync(place).find((each) => each.endsWith('.deb')) ?? '';
  await run('dpkg-deb', ['-x', join(place, file), place]);
  return place;
}

function command(name: string, line: readonly string[], exitCode = 0): Command {
  return { name, line, exitCode, times: [] };
}

async function orLeftOut(
  name: string,
  start: () => Promise<readonly Command[]>,
): Promise<readonly Command[]> {
  try {
    return await start();
  } catch (error) {
    console.log(`${name} is left out: ${error instanceof Error ? error.message : String(error)}`);
    return [];
  }
}

try {
  console.log(`${machineFacts()}; load ${loadAverage()}`);
  const commands = [
    command('node -e 0', [process.execPath, '-e', '0']),
    ...(await startDisco()),
    ...(await orLeftOut('serf', startSerf)),
    ...(await orLeftOut('etcd', startEtcd)),
  ];
  for (let index = -warmRuns; index < runs; index++)
    for (const each of commands) {
      const tookMs = ended(each);
      if (index >= 0) each.times.push(tookMs);
    }
  console.log(
    `${runs} runs of each, ${instances} instances or keys; load ${loadAverage()} at the end`,
  );
  for (const { name, times } of commands)
    console.log(`${name.padEnd(22)} ${quantileText(quantiles(times))}`);
  const median = quantiles(commands.find(({ name }) => name === 'disco list')?.times ?? []).p50;
  if (median > medianMaxMs) {
    console.log(`disco list takes ${median.toFixed(0)} ms, more than ${medianMaxMs}`);
    process.exitCode = 1;
  }
} finally {
  await Promise.all(processes.map((each) => each.kill()));
  rmSync(folder, { recursive: true, force: true });
}
