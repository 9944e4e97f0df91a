/**
 * How many picks a second an application gets out of its own process, and what they leave behind.
 *
 *   node bench/sdk-pick.ts [--instances 1,4,100] [--seconds 0.3] [--rounds 5] [--alone]
 *
 * disco's balancers on a view that a script feeds in the place of a daemon, and Moleculer's
 * `registry.getActionEndpoints(action).next()`, each in a process of its own, as an application
 * that uses one of them, in turns. Before each 100,000 picks an instance of each goes or comes, so
 * what a change costs the next pick is counted in. One more instance than named is critical, or of
 * a node that is gone: both have to leave it out. Bytes a pick: growth of the heap over 20,000 picks
 * without a change, the median of 25.
 *
 * `--alone` leaves out Moleculer, which comes from npm into a folder that is removed. Exits 1 when
 * round_robin is slower than Moleculer, or any policy leaves a byte a pick on the heap.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { systemClock } from '../src/base/clock.ts';
import { seededRandom } from '../src/base/random.ts';
import { policyNames, type PolicyName } from '../src/client/balancer.ts';
import type { StreamCaller } from '../src/client/discovery-stub.ts';
import { ServiceView } from '../src/client/service-view.ts';
import { disco } from '../src/gen/discovery.js';
import { moleculer } from './liveness-moleculer.ts';
import { loadAverage, machineFacts } from './propagation-cluster.ts';

const picksAChange = 100_000;
const heapPicks = 20_000;
const heapSamples = 25;
const bytesBound = 1;
const childTimeoutMs = 30_000;
const keys = Array.from({ length: 64 }, (_, nth) => `user ${nth}`);

const { values } = parseArgs({
  options: {
    instances: { type: 'string', default: '1,4,100' },
    seconds: { type: 'string', default: '0.3' },
    rounds: { type: 'string', default: '5' },
    alone: { type: 'boolean', default: false },
    // What a process of its own is given.
    contestant: { type: 'string' },
    modules: { type: 'string', default: '' },
  },
});
const sizes = values.instances.split(',').map(Number);
const chunkMs = Number(values.seconds) * 1_000;
const rounds = Number(values.rounds);
const theirName = 'moleculer';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** One thing to measure. */
interface Contestant {
  /** Picks so often; the sum keeps the compiler from leaving them out. */
  readonly pick: (times: number) => number;
  /** One instance goes, or comes back. */
  readonly change: () => Promise<void>;
  readonly close: () => Promise<void>;
}

type Event = disco.v1.WatchEvent.$Properties;
const { SNAPSHOT_BEGIN, SNAPSHOT_END, UP, DOWN } = disco.v1.WatchEvent.Kind;
const { HEALTH_PASSING, HEALTH_CRITICAL } = disco.v1.Health;

/** A daemon that says what it is told to. */
class Script implements StreamCaller {
  readonly #waiting: Event[] = [];
  #wake: () => void = () => undefined;

  say(...events: readonly Event[]): void {
    this.#waiting.push(...events);
    this.#wake();
  }

  async unary(): Promise<never> {
    return { ready: true } as never;
  }

  async *serverStream(
    _name: string,
    _request: object,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<never> {
    signal?.addEventListener('abort', () => this.#wake(), { once: true });
    while (!signal?.aborted) {
      const event = this.#waiting.shift();
      if (event !== undefined) yield event as never;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

function wireInstance(id: number, health = HEALTH_PASSING): disco.v1.ServiceInstance.$Properties {
  const metadata = { weight: String(1 + (id % 3)), zone: id % 2 === 0 ? 'a' : 'b' };
  const place = { ip: `10.0.0.${id % 250}`, port: 4_000 + id, instanceId: `i${id}` };
  return { group: 'math', name: 'add', owner: 'owner', health, lastUpdate: 1, metadata, ...place };
}

async function openView(count: number) {
  const script = new Script();
  const tools = { caller: script, clock: systemClock, random: seededRandom(1) };
  const view = new ServiceView(tools, { group: 'math', name: 'add' });
  const ids = Array.from({ length: count }, (_, id) => id);
  script.say(
    { kind: SNAPSHOT_BEGIN },
    ...ids.map((id) => ({ kind: UP, instance: wireInstance(id) })),
    { kind: UP, instance: wireInstance(count, HEALTH_CRITICAL) },
    { kind: SNAPSHOT_END, cursor: '1' },
  );
  await view.ready();
  return { script, view };
}

async function discoContestant(policy: PolicyName, count: number): Promise<Contestant> {
  const { script, view } = await openView(count);
  const balancer = view.balancer(policy, { zone: 'a' });
  const isKeyed = policy === 'consistent_hash';
  let isThere = true;
  const change = async (): Promise<void> => {
    const taken = new Promise<void>((resolve) => {
      const stop = view.onChange(() => {
        stop();
        resolve();
      });
    });
    // Of a single instance nothing can go, so it says something new.
    const kind = isThere && count > 1 ? DOWN : UP;
    isThere = !isThere;
    script.say({ kind, instance: wireInstance(0), cursor: '2' });
    await taken;
  };
  const pick = (times: number): number => {
    let sum = 0;
    for (let nth = 0; nth < times; nth++) sum += balancer.next()?.port ?? 0;
    return sum;
  };
  const pickByKey = (times: number): number => {
    let sum = 0;
    for (let nth = 0; nth < times; nth++) sum += balancer.next(keys[nth & 63])?.port ?? 0;
    return sum;
  };
  return { pick: isKeyed ? pickByKey : pick, change, close: async () => view.close() };
}

/** What is used of Moleculer, which is not among this project's dependencies. */
interface Broker {
  readonly registry: {
    processNodeInfo(info: object): void;
    getActionEndpoints(action: string): {
      next(context: object): { readonly id: string } | null;
    };
    readonly nodes: { disconnected(nodeID: string, isUnexpected: boolean): void };
  };
  start(): Promise<void>;
  stop(): Promise<void>;
}

async function moleculerContestant(modules: string, count: number): Promise<Contestant> {
  const { ServiceBroker } = createRequire(join(modules, 'package.json'))('moleculer') as {
    readonly ServiceBroker: new (options: object) => Broker;
  };
  const long = { heartbeatInterval: 3_600, heartbeatTimeout: 7_200 };
  const broker = new ServiceBroker({ nodeID: 'here', logger: false, transporter: 'Fake', ...long });
  await broker.start();
  const { registry } = broker;
  let seq = 1;
  const tell = (id: number, isThere: boolean): void => {
    const actions = { 'add.do': { name: 'add.do', rawName: 'do' } };
    const service = {
      name: 'add',
      fullName: 'add',
      settings: {},
      metadata: {},
      actions,
      events: {},
    };
    seq += 1;
    registry.processNodeInfo({
      sender: `node-${id}`,
      instanceID: `life-${id}`,
      seq,
      services: isThere ? [service] : [],
      ipList: [`10.0.0.${id % 250}`],
      hostname: `host-${id}`,
      config: {},
      client: {},
      metadata: {},
    });
  };
  for (let id = 0; id <= count; id++) tell(id, true);
  registry.nodes.disconnected(`node-${count}`, true);
  const context = {};
  let isThere = true;
  return {
    pick: (times) => {
      let sum = 0;
      for (let nth = 0; nth < times; nth++) {
        sum += registry.getActionEndpoints('add.do').next(context)?.id.length ?? 0;
      }
      return sum;
    },
    change: async () => {
      isThere = count === 1 || !isThere;
      tell(0, isThere);
    },
    close: () => broker.stop(),
  };
}

/** Picks a second, changes in between. */
async function rate({ pick, change }: Contestant, lastingMs: number): Promise<number> {
  let picks = 0;
  let busyMs = 0;
  let sum = 0;
  while (busyMs < lastingMs) {
    await change();
    const startMs = performance.now();
    sum += pick(picksAChange);
    busyMs += performance.now() - startMs;
    picks += picksAChange;
  }
  if (!(sum > picks)) throw new Error('nothing at all was picked');
  return (picks / busyMs) * 1_000;
}

/** By how many bytes a pick lets the heap grow. */
function growth({ pick }: Contestant): number {
  const samples = Array.from({ length: heapSamples }, () => {
    collect();
    const before = process.memoryUsage().heapUsed;
    pick(heapPicks);
    return (process.memoryUsage().heapUsed - before) / heapPicks;
  });
  return median(samples);
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/** What one process finds out. */
interface Finding {
  readonly count: number;
  readonly rate: number;
  readonly bytes: number;
}

async function measure(name: string): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const count of sizes) {
    const contestant =
      name === theirName
        ? await moleculerContestant(values.modules, count)
        : await discoContestant(name as PolicyName, count);
    await rate(contestant, chunkMs / 4);
    findings.push({ count, rate: await rate(contestant, chunkMs), bytes: growth(contestant) });
    await contestant.close();
  }
  return findings;
}

async function measureInChild(name: string, modules: string): Promise<Finding[]> {
  const script = fileURLToPath(import.meta.url);
  const { instances, seconds } = values;
  const options = { instances, seconds, contestant: name, modules };
  const args = Object.entries(options).map(([option, value]) => `--${option}=${value}`);
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...args], {
    timeout: childTimeoutMs + 2 * sizes.length * chunkMs,
  });
  return JSON.parse(stdout) as Finding[];
}

/** @returns what is broken */
function report(names: readonly string[], findings: ReadonlyMap<string, Finding[]>): string[] {
  const broken: string[] = [];
  process.stdout.write('COUNT  WHAT               MILLION PICKS A SECOND     BYTES A PICK\n');
  for (const count of sizes) {
    const rates = new Map<string, number>();
    for (const name of names) {
      const own = (findings.get(name) ?? []).filter((finding) => finding.count === count);
      const all = own.map((finding) => finding.rate / 1e6);
      const bytes = median(own.map((finding) => finding.bytes));
      rates.set(name, median(all));
      const figures = [median(all), Math.min(...all), Math.max(...all)];
      const [middle, least, most] = figures.map((figure) => figure.toFixed(1).padStart(6));
      const head = `${String(count).padStart(5)}  ${name.padEnd(18)}`;
      process.stdout.write(
        `${head} ${middle} (${least} to ${most})  ${bytes.toFixed(2).padStart(12)}\n`,
      );
      if (name !== theirName && !(bytes < bytesBound)) {
        broken.push(`${name} leaves ${bytes.toFixed(2)} bytes a pick on the heap`);
      }
    }
    const [own = 0, theirs = 0] = ['round_robin', theirName].map((name) => rates.get(name));
    if (own < theirs) broken.push(`of ${count} instances, round_robin is slower than Moleculer`);
  }
  return broken;
}

async function compare(): Promise<string[]> {
  const modules = mkdtempSync(join(tmpdir(), 'disco-sdk-pick-'));
  const names = [...policyNames, ...(values.alone ? [] : [theirName])];
  const findings = new Map<string, Finding[]>(names.map((name) => [name, []]));
  try {
    if (!values.alone) await moleculer.prepare(modules);
    process.stdout.write(`${machineFacts()}; load ${loadAverage()}\n`);
    for (let round = 0; round < rounds; round++) {
      for (const name of names) {
        findings.get(name)?.push(...(await measureInChild(name, modules)));
      }
    }
  } finally {
    rmSync(modules, { recursive: true, force: true });
  }
  return report(names, findings);
}

if (values.contestant === undefined) {
  const broken = await compare();
  for (const line of broken) process.stdout.write(`broken: ${line}\n`);
  process.exitCode = broken.length > 0 ? 1 : 0;
} else {
  process.stdout.write(JSON.stringify(await measure(values.contestant)));
}
