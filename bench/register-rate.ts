/**
 * How many services a second can be registered so that a power cut does not lose them; beside etcd,
 * where a lease and a key that hangs on it stand for one.
 *
 *   node bench/register-rate.ts [--seconds 3] [--rounds 5] [--clients 1,50] [--alone]
 *
 * One daemon and one etcd on the same disk, each alone in its cluster and with its own defaults (both
 * fsync before they answer). Clients are those of grpc-js with messages from .proto files, each with
 * a connection of its own, all in this process; each waits for an answer before it asks for more. A
 * client registers the same twenty instances in turn, each time with something new, as services do
 * that start again. Rounds of all alternate; what counts are the medians. Exits 1 when disco makes
 * less than 2 times as many as etcd with one client, or 1.5 times with more. Linux only; etcd is
 * taken from the PATH (`apt-get install etcd-server`), and left out with --alone.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { ServiceDefinition } from '@grpc/proto-loader';
import { cpuMicros, startDaemon, stop } from './measured-process.ts';
import { distribution, loadAverage, machineFacts, percentile } from './propagation-cluster.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '5' },
    clients: { type: 'string', default: '1,50' },
    alone: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
const rounds = Number(values.rounds);
const counts = values.clients.split(',').map(Number);
const instancesEach = 20;
const leaseSeconds = 60;
const startTimeoutMs = 15_000;

type Method = grpc.MethodDefinition<object, object>;
/** Registers instance `index` of client `client` for the `turn`th time. */
type Register = (client: number, index: number, turn: number) => Promise<unknown>;

/** Something to register at. */
interface Target {
  readonly name: string;
  readonly pid: number;
  readonly connect: () => { readonly register: Register; readonly close: () => void };
}

/** What one target made in one round. */
interface Round {
  readonly perSecond: number;
  readonly waits: readonly number[];
  /** Processor time of the server for each, µs. */
  readonly cpu: number;
}

const folder = mkdtempSync(join(tmpdir(), 'disco-bench-'));
const started: { readonly process: ChildProcess }[] = [];
try {
  const targets = [...(await startDisco()), ...(values.alone ? [] : [await startEtcd()])];
  console.log(machineFacts());
  console.log(`load average ${loadAverage()}`);
  // Servers that have run for a while are compared, not their first seconds.
  for (const target of targets) await measure(target, Math.max(...counts), 2 * seconds);
  for (const count of counts) await compare(count, targets);
} finally {
  for (const each of started.toReversed()) await stop(each);
  rmSync(folder, { recursive: true, force: true });
}

async function startDisco(): Promise<Target[]> {
  const daemon = await startDaemon(join(folder, 'node'));
  started.push(daemon);
  const { Register: method } = methodsOf('../proto/disco/v1/discovery.proto', 'disco.v1.Discovery');
  const connect = (address: string) => () => {
    const client = clientOf(address);
    const register: Register = (clientId, index, turn) => {
      const place = { ip: '127.0.0.1', port: 7_000 + index, instanceId: `${clientId}-${index}` };
      const metadata = { turn: String(turn) };
      return ask(client, method, { group: 'bench', name: 'service', ...place, metadata });
    };
    return { register, close: () => client.close() };
  };
  const { pid } = daemon;
  return [
    { name: 'disco, unix socket', pid, connect: connect(daemon.unix) },
    { name: 'disco, TCP', pid, connect: connect(daemon.tcp) },
  ];
}

async function startEtcd(): Promise<Target> {
  const [clientPort, peerPort] = [await freePort(), await freePort()];
  const clientUrl = `http://127.0.0.1:${clientPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  const urls = ['--listen-client-urls', clientUrl, '--advertise-client-urls', clientUrl];
  const peer = ['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl];
  const own = ['--name', 'bench', '--initial-cluster', `bench=${peerUrl}`, '--log-level', 'error'];
  const args = ['--data-dir', join(folder, 'etcd'), ...own, ...urls, ...peer];
  const child = spawn('etcd', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const failed = new Promise<never>((_, reject) => {
    child.once('error', (error) => {
      const sentence = `etcd does not start (${error.message}): apt-get install etcd-server, or give --alone`;
      reject(new Error(sentence));
    });
  });
  started.push({ process: child });
  const { LeaseGrant } = methodsOf('etcd.proto', 'etcdserverpb.Lease');
  const { Put } = methodsOf('etcd.proto', 'etcdserverpb.KV');
  const connect: Target['connect'] = () => {
    const client = clientOf(`127.0.0.1:${clientPort}`);
    const register: Register = async (clientId, index, turn) => {
      const { ID } = (await ask(client, LeaseGrant, { TTL: leaseSeconds })) as { ID: string };
      const key = Buffer.from(`bench/service/${clientId}-${index}`);
      const value = Buffer.from(JSON.stringify({ ip: '127.0.0.1', port: 7_000 + index, turn }));
      return ask(client, Put, { key, value, lease: ID });
    };
    return { register, close: () => client.close() };
  };
  const { register, close } = connect();
  await Promise.race([failed, register(0, 0, 0)]);
  close();
  return { name: 'etcd', pid: child.pid ?? 0, connect };
}

async function compare(count: number, targets: readonly Target[]): Promise<void> {
  const made = new Map<Target, Round[]>(targets.map((target) => [target, []]));
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? targets : targets.toReversed();
    for (const target of order) made.get(target)?.push(await measure(target, count, seconds));
  }
  console.log(`${count} ${count === 1 ? 'client' : 'clients'}, registrations a second`);
  const rates = targets.map((target) => tell(target, made.get(target) ?? []));
  const etcd = values.alone ? undefined : rates.pop();
  if (etcd === undefined) return;
  const ratioMin = count === 1 ? 2 : 1.5;
  const ratio = Math.min(...rates) / etcd;
  console.log(`  disco over etcd ${ratio.toFixed(2)} (at least ${ratioMin})`);
  if (ratio >= ratioMin) return;
  console.log(`BROKEN: ${ratio.toFixed(2)} times etcd's, not ${ratioMin}`);
  process.exitCode = 1;
}

/** Prints a row; answers the median. */
function tell({ name }: Target, made: readonly Round[]): number {
  const rates = made.map(({ perSecond }) => perSecond).toSorted((a, b) => a - b);
  const cpu = percentile(
    made.map((round) => round.cpu).toSorted((a, b) => a - b),
    0.5,
  );
  const rate = percentile(rates, 0.5);
  const from = `${percentile(rates, 0).toFixed(0)} to ${percentile(rates, 1).toFixed(0)}`;
  const waits = distribution(made.flatMap((round) => round.waits));
  console.log(
    `  ${name.padEnd(18)} ${rate.toFixed(0).padStart(5)} (${from}); ${cpu.toFixed(0)} µs of CPU; ${waits}`,
  );
  return rate;
}

async function measure(target: Target, count: number, lasting: number): Promise<Round> {
  const clients = Array.from({ length: count }, () => target.connect());
  // Whoever connects meanwhile is not registering.
  await Promise.all(clients.map(({ register }, client) => register(client, 0, 0)));
  const waits: number[] = [];
  const cpuBefore = cpuMicros(target.pid);
  const startedMs = performance.now();
  const endMs = startedMs + lasting * 1_000;
  const run = async ({ register }: { register: Register }, client: number): Promise<void> => {
    for (let turn = 1; performance.now() < endMs; turn++) {
      const calledMs = performance.now();
      await register(client, turn % instancesEach, turn);
      waits.push(performance.now() - calledMs);
    }
  };
  await Promise.all(clients.map(run));
  const lastedMs = performance.now() - startedMs;
  const cpu = (cpuMicros(target.pid) - cpuBefore) / waits.length;
  for (const { close } of clients) close();
  return { perSecond: (waits.length * 1_000) / lastedMs, waits, cpu };
}

function methodsOf(
  file: string,
  service: string,
): Record<'Register' | 'LeaseGrant' | 'Put', Method> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const loaded = loadSync(path, { longs: String, defaults: true });
  return loaded[service] as ServiceDefinition as unknown as ReturnType<typeof methodsOf>;
}

function ask(client: grpc.Client, method: Method, request: object): Promise<object> {
  const { path, requestSerialize, responseDeserialize } = method;
  const deadline = Date.now() + startTimeoutMs;
  return new Promise((resolve, reject) => {
    const metadata = new grpc.Metadata({ waitForReady: true });
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadata,
      { deadline },
      (error, answer) => {
        if (error === null && answer !== undefined) resolve(answer);
        else reject(error ?? new Error('an empty answer'));
      },
    );
  });
}

function clientOf(address: string): grpc.Client {
  return new grpc.Client(address, grpc.credentials.createInsecure(), {
    'grpc.enable_channelz': 0,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.initial_reconnect_backoff_ms': 100,
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
