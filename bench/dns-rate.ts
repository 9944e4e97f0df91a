/**
 * How many DNS questions a daemon answers on one core, and how soon.
 *
 *   node bench/dns-rate.ts [--seconds 5] [--in-flight 64] [--instances 4,100] [--rounds 3]
 *
 * One daemon, and one process that asks it as fast as answers come back (dnsperf, too, when it is
 * installed: `apt-get install dnsperf`). The daemon's JavaScript has one thread, so what it answers
 * while it is busy is what one core answers; the nanoseconds that the kernel's scheduler counted for
 * all its threads are told beside it, since on a busy machine it does not get a whole core. Exits 1
 * below 15,000 answers for each second of its processor time. Linux only.
 */
import { execFileSync, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseAddress } from '../src/base/address.ts';
import { DemoCluster } from '../src/cli/demo-cluster.ts';
import type { LoadReport } from './dns-rate-load.ts';
import { loadAverage, machineFacts } from './propagation-cluster.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    'in-flight': { type: 'string', default: '64' },
    instances: { type: 'string', default: '4,100' },
    rounds: { type: 'string', default: '3' },
  },
});
const [seconds, inFlight, rounds] = [values.seconds, values['in-flight'], values.rounds].map(
  Number,
) as [number, number, number];
const sizes = values.instances.split(',').map(Number);
const answersPerCoreMin = 15_000;
const warmSeconds = 1;
const group = 'bench';
const hasDnsperf = spawnSync('dnsperf', ['-h']).error === undefined;
const folder = mkdtempSync(join(tmpdir(), 'disco-bench-'));

// Its processes inherit it.
process.env['DISCO_DNS'] = '127.0.0.1:0';
const cluster = await DemoCluster.create();
try {
  const { disco } = await cluster.startNode('node-1', 'none');
  for (const size of sizes)
    for (let index = 1; index <= size; index++)
      await disco.register({
        group,
        name: `of-${size}`,
        ip: `10.0.${index >> 8}.${index & 255}`,
        port: 80,
        ttlMs: 0,
      });
  const { pid, dns } = await disco.status();
  const { port } = parseAddress(dns);
  console.log(`${machineFacts()}, load average ${loadAverage()}`);
  console.log(`${rounds} rounds of ${seconds} s, ${inFlight} in flight`);
  for (const size of sizes)
    for (const type of ['A', 'SRV', 'missing'])
      for (let round = 0; round < rounds; round++) await measure(pid, port, size, type);
  if (hasDnsperf) for (const size of sizes) runDnsperf(pid, port, size);
  else console.log('dnsperf is not here: apt-get install dnsperf');
} finally {
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
}

function nameOf(size: number, type: string): string {
  return type === 'missing' ? `nope.${group}.disco` : `of-${size}.${group}.disco`;
}

async function measure(pid: number, port: number, size: number, type: string): Promise<void> {
  const asked = [nameOf(size, type), type === 'missing' ? 'A' : type];
  const numbers = [port, inFlight, warmSeconds, seconds].map(String);
  const load = fork(new URL('dns-rate-load.ts', import.meta.url), [...asked, ...numbers]);
  await once(load, 'message');
  const before = cpuMicros(pid);
  const [report] = (await once(load, 'message')) as [LoadReport];
  const perSecond = report.answers / report.seconds;
  const micros = (cpuMicros(pid) - before) / report.answers;
  const times = [report.p50, report.p99, report.max].map((ms) => ms.toFixed(2));
  console.log(
    `${type.padEnd(7)} of ${String(size).padStart(4)}: ${perSecond.toFixed(0).padStart(6)} answers/s` +
      `  ${micros.toFixed(1)} µs of its cores each  ${(1e6 / micros).toFixed(0)} a core second` +
      `  p50 ${times[0]}  p99 ${times[1]}  max ${times[2]} ms  ${report.bytes} bytes, lost ${report.lost}`,
  );
  check(1e6 / micros);
}

function runDnsperf(pid: number, port: number, size: number): void {
  const file = join(folder, 'questions');
  writeFileSync(file, `${nameOf(size, 'A')} A\n_of-${size}._tcp.${group}.disco SRV\n`);
  const before = cpuMicros(pid);
  const fixed = ['-s', '127.0.0.1', '-p', String(port), '-d', file, '-e', '-c', '4'];
  const load = ['-l', String(seconds), '-q', String(inFlight)];
  const out = execFileSync('dnsperf', [...fixed, ...load], { encoding: 'utf8' });
  const find = (what: RegExp): string => what.exec(out)?.[1] ?? '?';
  const perSecond = find(/Queries per second:\s+([\d.]+)/);
  const completed = Number(find(/Queries completed:\s+(\d+)/));
  const micros = (cpuMicros(pid) - before) / completed;
  console.log(
    `dnsperf, A and SRV of ${size}: ${Number(perSecond).toFixed(0)} answers/s` +
      `  ${micros.toFixed(1)} µs each  lost ${find(/Queries lost:\s+(\d+)/)}` +
      `  mean ${find(/Average Latency \(s\):\s+([\d.]+)/)} s`,
  );
  check(1e6 / micros);
}

function check(perCore: number): void {
  if (perCore >= answersPerCoreMin) return;
  console.log(`BROKEN: ${perCore.toFixed(0)} answers a core second, not ${answersPerCoreMin}`);
  process.exitCode = 1;
}

/** What all its threads have run, from the first of the three numbers of schedstat. */
function cpuMicros(pid: number): number {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`))
    nanoseconds += Number(
      readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0],
    );
  return nanoseconds / 1_000;
}
