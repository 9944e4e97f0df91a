/**
 * How a registration spreads among real daemons that are a delay apart, against which the
 * simulator's model of the broadcast is checked.
 *
 *   node bench/broadcast-real.ts [--nodes 25] [--delay 25] [--jitter 0.2] [--registrations 300]
 *                                [--gap 250] [--neighbors 8] [--no-host] [--output json]
 *
 * Every daemon is a process; every link goes through one delay proxy, whose delay holds each way.
 * Registrations come one at a time, `gap` ms +-60 % apart, at random daemons, and one process has
 * a Watch at each. The same is run without any delay first: that is what the host itself costs.
 *
 * "Over the links" is from the origin's own Watch event to that of each other daemon: what the
 * API costs is the same on both sides, so this is what a simulation of the links should give.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { seededRandom } from '../src/base/random.ts';
import { withWideCluster, type Broadcast, type WideCluster } from './broadcast-cluster.ts';
import { floodTimes } from './flood.ts';
import { cpuMicros } from './measured-process.ts';
import * as bench from './propagation-cluster.ts';
import { quantiles, quantileText, type Quantiles } from './quantiles.ts';

const warmups = 40;
const lateMs = 10_000;
/** gossipsub fills its mesh at its heartbeats, which nobody can see from outside. */
const meshSettleMs = 5_000;
/** For what all processes need when nobody registers. */
const idleMs = 5_000;
const randomSeed = 1;

const { values } = parseArgs({
  allowNegative: true,
  options: {
    nodes: { type: 'string', default: '25' },
    delay: { type: 'string', default: '25' },
    jitter: { type: 'string', default: '0.2' },
    registrations: { type: 'string', default: '300' },
    gap: { type: 'string', default: '250' },
    neighbors: { type: 'string', default: '8' },
    host: { type: 'boolean', default: true },
    output: { type: 'string', default: 'text' },
  },
});
const nodes = amount('nodes', values.nodes, 2);
const registrations = amount('registrations', values.registrations, 1);
const gapMs = amount('gap', values.gap, 1);
const neighborsK = amount('neighbors', values.neighbors, 2);
const jitter = amount('jitter', values.jitter, 0);
const delayMs = amount('delay', values.delay, 0);
const isText = values.output !== 'json';

export interface BroadcastRun {
  readonly delayMs: number;
  readonly loadBefore: string;
  readonly loadAfter: string;
  /** Pairs of registration and other daemon, and how many of them were never seen. */
  readonly pairs: number;
  readonly unseen: number;
  readonly links: Quantiles;
  readonly fromCall: Quantiles;
  readonly fromAcknowledgement: Quantiles;
  readonly call: Quantiles;
  /** Until the last daemon has it, over the links. */
  readonly last: Quantiles;
  /** A flood over the same links with the same delays. */
  readonly limit: Quantiles;
  readonly limitLast: Quantiles;
  /** Links of a daemon, and connections through proxies: the same, or a link goes past them. */
  readonly linksPerNode: number;
  readonly proxiedPerNode: number;
  /** Copies of a rumor that a daemon got over the topic; one of them was news. */
  readonly copiesPerNode: number;
  /**
   * Processor time of all processes, this one and the observer too, for each copy that a daemon
   * got, beyond what they need when nobody registers.
   */
  readonly processorMsPerCopy: number;
  /** What all daemons counted while it ran. */
  readonly counted: Readonly<Record<string, number>>;
}

/** What `--output json` prints. */
export interface BroadcastReport {
  readonly machine: string;
  /** That all processes share. */
  readonly cores: number;
  readonly nodes: number;
  readonly delayMs: number;
  readonly jitter: number;
  readonly registrations: number;
  readonly gapMs: number;
  readonly neighborsK: number;
  readonly runs: readonly BroadcastRun[];
}

const delays = values.host && delayMs > 0 ? [0, delayMs] : [delayMs];
const runs: BroadcastRun[] = [];
if (isText) {
  console.log(
    `${nodes} daemons, ${registrations} registrations ${gapMs} ms apart, K = ${neighborsK}`,
  );
  console.log(bench.machineFacts());
}
for (const each of delays) {
  const options = { nodes, delayMs: each, jitter, neighborsK };
  const run = await withWideCluster(options, (cluster) => measure(cluster, each));
  runs.push(run);
  if (isText) show(run);
}
if (!isText) {
  const machine = bench.machineFacts();
  const asked = { nodes, delayMs, jitter, registrations, gapMs, neighborsK };
  const report: BroadcastReport = { machine, cores: availableParallelism(), ...asked, runs };
  console.log(JSON.stringify(report, undefined, 2));
}
if (
  runs.some(
    ({ unseen, linksPerNode, proxiedPerNode }) => unseen > 0 || proxiedPerNode < linksPerNode,
  )
)
  process.exitCode = 1;

async function measure(cluster: WideCluster, delay: number): Promise<BroadcastRun> {
  const { observer, proxies } = cluster;
  await bench.pause(meshSettleMs);
  await registerMany(cluster, 'warm', warmups);
  const idleShare = await idleShareOf(cluster);
  const loadBefore = bench.loadAverage();
  const before = await countedOf(cluster);
  const startedMs = performance.now();
  const processorBefore = processorMs(cluster);
  await registerMany(cluster, 'bench', registrations);
  const wallMs = performance.now() - startedMs;
  const spentMs = processorMs(cluster) - processorBefore - idleShare * wallMs;
  const after = await countedOf(cluster);
  const linkEnds = (await statusesOf(cluster)).reduce((sum, { links }) => sum + links, 0);
  const proxied = proxies.reduce((sum, { open }) => sum + open, 0);
  const counted: Record<string, number> = {};
  for (const [name, count] of after) counted[name] = count - (before.get(name) ?? 0);
  // gossipsub asks the id of what is published, too.
  const copies = (counted['rumor_copies'] ?? 0) - (counted['rumors_published'] ?? 0);
  const messages = counted['rumors_published'] ?? NaN;
  const measured = [...observer.broadcasts].filter(([id]) => id.startsWith('bench-'));
  return {
    delayMs: delay,
    loadBefore,
    loadAfter: bench.loadAverage(),
    ...timesOf(measured.map(([, broadcast]) => broadcast)),
    ...limitsOf(
      cluster,
      measured.map(([, { origin }]) => origin),
      delay,
    ),
    linksPerNode: linkEnds / nodes,
    proxiedPerNode: (2 * proxied) / nodes,
    copiesPerNode: copies / (messages * (nodes - 1)),
    processorMsPerCopy: spentMs / copies,
    counted,
  };
}

/** At random daemons, and waits until all is seen everywhere or late. */
async function registerMany({ observer }: WideCluster, prefix: string, count: number) {
  const random = seededRandom(randomSeed);
  for (let number = 0; number < count; number++) {
    await bench.pause(random.jitter(gapMs, 0.6));
    observer.register(random.int(nodes), `${prefix}-${number}`);
  }
  const isSeen = (): boolean => {
    const found = [...observer.broadcasts].filter(([id]) => id.startsWith(`${prefix}-`));
    const isWhole = ([, { seenMs }]: (typeof found)[number]): boolean =>
      !seenMs.includes(undefined);
    return found.length === count && found.every(isWhole);
  };
  await bench.until('everything is seen', isSeen, lateMs).catch(() => undefined);
}

function timesOf(broadcasts: readonly Broadcast[]) {
  const links: number[] = [];
  const fromCall: number[] = [];
  const fromAcknowledgement: number[] = [];
  const lasts: number[] = [];
  let unseen = 0;
  for (const { origin, calledMs, acknowledgedMs, seenMs } of broadcasts) {
    const startMs = seenMs[origin] ?? NaN;
    let lastMs = 0;
    for (const [node, atMs] of seenMs.entries()) {
      if (node === origin) continue;
      if (atMs === undefined) {
        unseen += 1;
        continue;
      }
      links.push(atMs - startMs);
      fromCall.push(atMs - calledMs);
      fromAcknowledgement.push(atMs - acknowledgedMs);
      lastMs = Math.max(lastMs, atMs - startMs);
    }
    lasts.push(lastMs);
  }
  return {
    pairs: registrations * (nodes - 1),
    unseen: unseen + (registrations - broadcasts.length) * (nodes - 1),
    links: quantiles(links),
    fromCall: quantiles(fromCall),
    fromAcknowledgement: quantiles(fromAcknowledgement),
    call: quantiles(broadcasts.map((each) => each.acknowledgedMs - each.calledMs)),
    last: quantiles(lasts),
  };
}

/** What the links themselves allow, from the same origins. */
function limitsOf(cluster: WideCluster, origins: readonly number[], delay: number) {
  const random = seededRandom(randomSeed);
  const floods = origins.map((origin) =>
    floodTimes(cluster.links, origin, () => random.jitter(delay, jitter)),
  );
  const reached = floods.flatMap((times, index) =>
    times.filter((_, node) => node !== origins[index]),
  );
  return {
    limit: quantiles(reached),
    limitLast: quantiles(floods.map((times) => Math.max(...times))),
  };
}

/** Of a processor, while nobody registers. */
async function idleShareOf(cluster: WideCluster): Promise<number> {
  const startedMs = performance.now();
  const before = processorMs(cluster);
  await bench.pause(idleMs);
  return (processorMs(cluster) - before) / (performance.now() - startedMs);
}

/** Of all processes so far. */
function processorMs({ nodes: daemons, observer }: WideCluster): number {
  const pids = [process.pid, observer.pid, ...daemons.map((node) => node.process.pid)];
  return pids.reduce((sum, pid) => sum + cpuMicros(pid), 0) / 1_000;
}

async function statusesOf({ nodes: daemons }: WideCluster) {
  return Promise.all(daemons.map(({ disco }) => disco.status()));
}

/** Added up over all daemons. */
async function countedOf(cluster: WideCluster): Promise<Map<string, number>> {
  const sums = new Map<string, number>();
  for (const { counted } of await statusesOf(cluster))
    for (const [name, count] of Object.entries(counted))
      sums.set(name, (sums.get(name) ?? 0) + count);
  return sums;
}

function show(run: BroadcastRun): void {
  const spread = jitter > 0 && run.delayMs > 0 ? ` +-${jitter * 100} %` : '';
  console.log(
    `\n${run.delayMs} ms${spread} each way; load average ${run.loadBefore} before, ${run.loadAfter} after`,
  );
  console.log(`over the links:                    ${quantileText(run.links)}`);
  console.log(`  a flood over the same links:     ${quantileText(run.limit)}`);
  console.log(`over the links, the last daemon:   ${quantileText(run.last)}`);
  console.log(`  a flood over the same links:     ${quantileText(run.limitLast)}`);
  console.log(`from the call to Watch:            ${quantileText(run.fromCall)}`);
  console.log(`from the acknowledgement to Watch: ${quantileText(run.fromAcknowledgement)}`);
  console.log(`the call itself:                   ${quantileText(run.call)}`);
  console.log(
    `${run.pairs - run.unseen} of ${run.pairs} pairs of registration and daemon were seen`,
  );
  console.log(
    `${run.copiesPerNode.toFixed(2)} copies of a rumor a daemon; ${run.linksPerNode.toFixed(2)} links a daemon, ${run.proxiedPerNode.toFixed(2)} connections through proxies`,
  );
  console.log(`${run.processorMsPerCopy.toFixed(2)} ms of a processor a copy`);
  const counted = Object.entries(run.counted).filter(
    ([name, count]) => count > 0 && name.startsWith('rumor'),
  );
  console.log(`counted: ${counted.map(([name, count]) => `${name} ${count}`).join(', ')}`);
}

function amount(name: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= least) return value;
  console.error(`--${name} ${text}: expected a number of at least ${least}`);
  process.exit(2);
}
