/**
 * What a Get costs the daemon, beside a bare grpc-js server that answers the same bytes.
 *
 *   node bench/get-cost.ts [--calls 1000] [--rounds 60] [--in-flight 16]
 *
 * One daemon and one bare server, each a process of its own; this process calls both in turn, over
 * the unix socket and over TCP, and reads the nanoseconds that the kernel's scheduler counted for
 * all threads of the server. What a server takes while nobody calls it is measured first and taken
 * off, by the time that a round lasts: on a busy machine that would be most of a difference. Rounds
 * are short and alternate, so that what else the machine does strikes both alike; what counts are the
 * medians. Exits 1 when that of the daemon is over 1.15 times the other. Linux only.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as grpc from '@grpc/grpc-js';
import { discoveryDefinition } from '../src/base/grpc-methods.ts';
import { DemoCluster } from '../src/cli/demo-cluster.ts';
import { asIs } from './bare-grpc.ts';
import { cpuMicros } from './measured-process.ts';
import { loadAverage, machineFacts, pause, percentile } from './propagation-cluster.ts';

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '60' },
    'in-flight': { type: 'string', default: '16' },
  },
});
const [calls, rounds, inFlight] = [values.calls, values.rounds, values['in-flight']].map(
  Number,
) as [number, number, number];
const ratioMax = 1.15;
const warmRounds = 10;
const idleMs = 4_000;
const instances = 4;
const service = { group: 'bench', name: 'service' };
const { path, requestSerialize } = discoveryDefinition.Get;
const question = requestSerialize(service);

interface Target {
  readonly server: Server;
  readonly client: grpc.Client;
}

interface Server {
  readonly pid: number;
  /** CPU microseconds for each millisecond in which nobody calls. */
  readonly idle: number;
  /** By transport. */
  readonly addresses: Readonly<Record<Transport, string>>;
}

type Transport = 'unix' | 'tcp';

const cluster = await DemoCluster.create();
const folder = mkdtempSync(join(tmpdir(), 'disco-bench-'));
let bareProcess: ChildProcess | undefined;
try {
  const daemon = await startDaemon();
  const sample = await call(clientOf(daemon.addresses.unix));
  bareProcess = fork(new URL('get-cost-server.ts', import.meta.url), [
    path,
    sample.toString('base64'),
    `unix:${join(folder, 's')}`,
    '127.0.0.1:0',
  ]);
  const bare = await serverOf(bareProcess);
  console.log(machineFacts());
  console.log(`load average ${loadAverage()}`);
  console.log(
    `${rounds} rounds of ${calls} calls, ${inFlight} in flight, ${sample.length} bytes each`,
  );
  const idle = [daemon, bare].map((server) => (server.idle / 10).toFixed(2));
  console.log(
    `while nobody calls: disco ${idle[0]} %, bare ${idle[1]} % of a core, taken off below`,
  );
  for (const transport of ['unix', 'tcp'] as const) await compare(transport, daemon, bare);
} finally {
  bareProcess?.disconnect();
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function startDaemon(): Promise<Server> {
  const node = await cluster.startNode('node-1', 'none');
  for (let port = 7_001; port <= 7_000 + instances; port++)
    await node.disco.register({ ...service, port, ip: '127.0.0.1', ttlMs: 0, zone: 'eu-1' });
  const { pid, grpc: listening } = await node.disco.status();
  const tcp = listening.split(', ').find((address) => !address.startsWith('unix:')) ?? '';
  return { pid, idle: await idleOf(pid), addresses: { unix: node.address, tcp } };
}

async function serverOf(child: ChildProcess): Promise<Server> {
  const [bound] = (await once(child, 'message')) as [[string, string]];
  const { pid = 0 } = child;
  return { pid, idle: await idleOf(pid), addresses: { unix: bound[0], tcp: bound[1] } };
}

async function idleOf(pid: number): Promise<number> {
  const [before, startedMs] = [cpuMicros(pid), performance.now()];
  await pause(idleMs);
  return (cpuMicros(pid) - before) / (performance.now() - startedMs);
}

async function compare(transport: Transport, daemon: Server, bare: Server): Promise<void> {
  const targetOf = (server: Server): Target => ({
    server,
    client: clientOf(server.addresses[transport]),
  });
  const [ours, theirs] = [targetOf(daemon), targetOf(bare)];
  for (let warm = 0; warm < warmRounds; warm++)
    for (const target of [ours, theirs]) await measure(target);
  const rows: { ours: number; theirs: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    // Each goes first as often as the other.
    const first = round % 2 === 0 ? await measure(ours) : undefined;
    const bareCost = await measure(theirs);
    rows.push({ ours: first ?? (await measure(ours)), theirs: bareCost });
  }
  for (const { client } of [ours, theirs]) client.close();
  const [our, their] = [rows.map((row) => row.ours), rows.map((row) => row.theirs)];
  const ratio = share(our, 0.5) / share(their, 0.5);
  console.log(`${transport}: µs of server CPU a call, p10  p50  p90`);
  for (const [name, micros] of [['disco', our] as const, ['bare', their] as const]) {
    const told = [0.1, 0.5, 0.9].map((part) => share(micros, part).toFixed(1));
    console.log(`  ${name.padEnd(6)} ${told.join('  ')}`);
  }
  console.log(`  ratio of the medians ${ratio.toFixed(2)}`);
  if (ratio <= ratioMax) return;
  console.log(
    `BROKEN: ${transport} costs ${ratio.toFixed(2)} times a bare server, not ${ratioMax}`,
  );
  process.exitCode = 1;
}

/** CPU microseconds of the server for each call. */
async function measure({ server, client }: Target): Promise<number> {
  const { pid, idle } = server;
  const [before, startedMs] = [cpuMicros(pid), performance.now()];
  let left = calls;
  const caller = async (): Promise<void> => {
    while (left-- > 0) await call(client);
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  const lastedMs = performance.now() - startedMs;
  return (cpuMicros(pid) - before - idle * lastedMs) / calls;
}

function call(client: grpc.Client): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, asIs, asIs, question, (error, answer) => {
      if (error === null && answer !== undefined) resolve(answer);
      else reject(error ?? new Error('an empty answer'));
    });
  });
}

function clientOf(address: string): grpc.Client {
  return new grpc.Client(address, grpc.credentials.createInsecure(), {
    'grpc.enable_channelz': 0,
    'grpc.use_local_subchannel_pool': 1,
  });
}

function share(of: readonly number[], part: number): number {
  return percentile(
    of.toSorted((a, b) => a - b),
    part,
  );
}
