/**
 * One change, told to many watchers of one daemon; beside a bare grpc-js server that streams the same
 * bytes to as many.
 *
 *   node bench/watch-fanout.ts [--watchers 1000] [--streams-a-connection 1] [--rounds 40] [--unix]
 *
 * Watchers are streams of connections of their own (or of few, as asked), in a process beside each
 * of the two servers. A round is one registration, or one call that the bare server passes on; it
 * lasts from that call, fsync and all, until the last watcher has the whole message. Rounds of both
 * alternate. Then the daemon's watchers stop to read while many large changes are made, twice as many
 * as fill what is buffered for them: the second half must add nothing. Exits 1 when it does, or when
 * the median round takes over 1.5 times the other's. Linux only.
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
import { asIs } from './bare-grpc.ts';
import { cpuMicros, memoryOf, startBare, startDaemon, stop } from './measured-process.ts';
import type { Measured } from './measured-process.ts';
import { loadAverage, machineFacts, milliseconds, percentile } from './propagation-cluster.ts';
import type { WatchersCommand, WatchersWord } from './watch-fanout-watchers.ts';

const { values } = parseArgs({
  options: {
    watchers: { type: 'string', default: '1000' },
    'streams-a-connection': { type: 'string', default: '1' },
    rounds: { type: 'string', default: '40' },
    unix: { type: 'boolean', default: false },
  },
});
const watchers = Number(values.watchers);
const streamsEach = Number(values['streams-a-connection']);
const rounds = Number(values.rounds);
const transport = values.unix ? 'unix' : 'tcp';
const ratioMax = 1.5;
const warmRounds = 15;
/** Changes while nobody reads, and how large each is. */
const stalledChanges = 1_000;
const changeBytes = 1_024;
/** What the second half of them may add for a watcher that reads nothing: noise. */
const stalledBytesMax = 16 * 1_024;

const { Register, Watch } = discoveryDefinition;
const fanPath = '/bench.Fanout/Fan';
const service = { group: 'bench', name: 'service' };

/** A server, how to make it tell something, and the watchers that are to hear it. */
interface Side {
  readonly name: string;
  readonly server: Measured;
  readonly tell: () => Promise<unknown>;
  readonly watchers: Watchers;
}

/** Of one round: ms since the call until the first, the middle and the last watcher had it. */
interface Round {
  readonly first: number;
  readonly middle: number;
  readonly last: number;
  /** Processor time of the server for each watcher, µs. */
  readonly cpu: number;
}

/** The process that watches one server. */
class Watchers {
  readonly process: ChildProcess;

  private constructor(server: Measured, path: string, greetings: number, count: number) {
    const question = Watch.requestSerialize(service).toString('base64');
    const args = [server[transport], path, question, count, streamsEach, greetings];
    const script = new URL('watch-fanout-watchers.ts', import.meta.url);
    this.process = fork(script, args.map(String));
  }

  static async open(
    server: Measured,
    path: string,
    greetings: number,
    count = watchers,
  ): Promise<Watchers> {
    const opened = new Watchers(server, path, greetings, count);
    await opened.#word('open');
    return opened;
  }

  async command(command: WatchersCommand, answer: 'armed' | 'stalled' | 'flowing'): Promise<void> {
    const answered = this.#word(answer);
    this.process.send(command);
    await answered;
  }

  received(): Promise<WatchersWord & { kind: 'received' }> {
    return this.#word('received');
  }

  async #word<Kind extends WatchersWord['kind']>(
    kind: Kind,
  ): Promise<WatchersWord & { kind: Kind }> {
    const [word] = (await once(this.process, 'message')) as [WatchersWord];
    if (word.kind !== kind) throw new Error(`the watchers said ${word.kind}, not ${kind}`);
    return word as WatchersWord & { kind: Kind };
  }
}

const folder = mkdtempSync(join(tmpdir(), 'disco-bench-'));
const started: { readonly process: ChildProcess }[] = [];
const clients: grpc.Client[] = [];
try {
  await compare();
} finally {
  for (const client of clients) client.close();
  for (const each of started.toReversed()) await stop(each);
  rmSync(folder, { recursive: true, force: true });
}

async function compare(): Promise<void> {
  const daemon = kept(await startDaemon(join(folder, 'node')));
  const bare = kept(await startBare('watch-fanout-server.ts', [Watch.path, fanPath], folder));
  const register = registrar(daemon, 8);
  await register();
  const event = await warm(daemon, register);
  const pass = caller(bare, fanPath, () => event);
  console.log(machineFacts());
  console.log(`load average ${loadAverage()}`);
  console.log(
    `${watchers} watchers over ${transport}, ${streamsEach} on a connection; ${rounds} rounds, an event of ${event.length} bytes`,
  );
  const empty = [await memoryOf(daemon), await memoryOf(bare)] as const;
  const ours = await sideOf('disco', daemon, register, 3);
  const theirs = await sideOf('bare', bare, pass, 1);
  await race(ours, theirs);
  tellMemory(ours.name, empty[0], await memoryOf(daemon));
  tellMemory(theirs.name, empty[1], await memoryOf(bare));
  await stall(ours, registrar(daemon, changeBytes));
}

function kept<Started extends { readonly process: ChildProcess }>(one: Started): Started {
  started.push(one);
  return one;
}

async function sideOf(
  name: string,
  server: Measured,
  tell: () => Promise<unknown>,
  greetings: number,
): Promise<Side> {
  return { name, server, tell, watchers: kept(await Watchers.open(server, Watch.path, greetings)) };
}

/** Loads what is loaded on first use; answers an event as it is on the wire. */
async function warm(daemon: Measured, register: () => Promise<unknown>): Promise<Buffer> {
  const few = await Watchers.open(daemon, Watch.path, 3, 1);
  await few.command('arm', 'armed');
  const received = few.received();
  await register();
  const { sample } = await received;
  await stop(few);
  return Buffer.from(sample, 'base64');
}

async function race(ours: Side, theirs: Side): Promise<void> {
  const told = { ours: [] as Round[], theirs: [] as Round[] };
  for (let round = -warmRounds; round < rounds; round++) {
    // Each goes first as often as the other.
    const isOursFirst = round % 2 === 0;
    const first = isOursFirst ? await measure(ours) : undefined;
    const their = await measure(theirs);
    const our = first ?? (await measure(ours));
    if (round < 0) continue;
    told.ours.push(our);
    told.theirs.push(their);
  }
  console.log('ms from the call to the first watcher; to the last one: p10  p50  p90; CPU');
  for (const [{ name }, list] of [[ours, told.ours] as const, [theirs, told.theirs] as const]) {
    const lasts = list.map(({ last }) => last);
    const shares = [0.1, 0.5, 0.9].map((part) => share(lasts, part).toFixed(1)).join('  ');
    const first = median(list, 'first').toFixed(1);
    const cpu = median(list, 'cpu').toFixed(1);
    console.log(`  ${name.padEnd(6)} ${first.padStart(5)}; ${shares}; ${cpu} µs a watcher`);
  }
  const ratio = median(told.ours, 'last') / median(told.theirs, 'last');
  const fan = spread(told.ours) / spread(told.theirs);
  console.log(
    `  ratio of the medians ${ratio.toFixed(2)}; from the first watcher to the last alone ${fan.toFixed(2)}`,
  );
  if (ratio <= ratioMax) return;
  console.log(`BROKEN: ${ratio.toFixed(2)} times a bare server, not ${ratioMax}`);
  process.exitCode = 1;
}

async function measure({ server, tell, watchers: watching }: Side): Promise<Round> {
  await watching.command('arm', 'armed');
  const received = watching.received();
  const cpuBefore = cpuMicros(server.pid);
  const calledAt = process.hrtime.bigint();
  await tell();
  const { times } = await received;
  const cpu = (cpuMicros(server.pid) - cpuBefore) / watchers;
  const waits = times.map((time) => milliseconds(BigInt(time) - calledAt));
  return { first: share(waits, 0), middle: share(waits, 0.5), last: share(waits, 1), cpu };
}

/** Nobody reads, and many large changes come: what is kept for them must not grow with those. */
async function stall(
  { server, watchers: watching }: Side,
  register: () => Promise<unknown>,
): Promise<void> {
  let before = await memoryOf(server);
  await watching.command('stall', 'stalled');
  for (const more of ['', ' more']) {
    for (let change = 0; change < stalledChanges; change++) await register();
    const after = await memoryOf(server);
    const rss = (after.rss - before.rss) / watchers;
    const heap = (after.heapUsed - before.heapUsed) / watchers;
    console.log(
      `  after ${stalledChanges}${more} changes of ${changeBytes} bytes that nobody read: rss + ${kibibytes(rss)} a watcher, of which heap ${kibibytes(heap)}`,
    );
    if (more !== '' && rss > stalledBytesMax) {
      console.log(`BROKEN: more than ${kibibytes(stalledBytesMax)}`);
      process.exitCode = 1;
    }
    before = after;
  }
  await watching.command('flow', 'flowing');
}

function tellMemory(name: string, empty: NodeJS.MemoryUsage, full: NodeJS.MemoryUsage): void {
  const each = (of: (usage: NodeJS.MemoryUsage) => number): string =>
    kibibytes((of(full) - of(empty)) / watchers);
  const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  console.log(
    `memory of ${name}: rss ${mebibytes(empty.rss)} without watchers, ${mebibytes(full.rss)} with ${watchers}: ${each(({ rss }) => rss)} each, of which ${each(({ heapUsed }) => heapUsed)} heap`,
  );
}

/** Registers the same instance again and again, each time with something new of so many bytes. */
function registrar(daemon: Measured, bytes: number): () => Promise<unknown> {
  let change = 0;
  return caller(daemon, Register.path, () => {
    const metadata = { change: String(change++).padEnd(bytes, '.') };
    return Register.requestSerialize({ ...service, ip: '127.0.0.1', port: 7_001, metadata });
  });
}

function caller(server: Measured, path: string, question: () => Buffer): () => Promise<unknown> {
  const client = new grpc.Client(server[transport], grpc.credentials.createInsecure());
  clients.push(client);
  return () =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, asIs, asIs, question(), (error, answer) => {
        if (error === null) resolve(answer);
        else reject(error);
      });
    });
}

function spread(list: readonly Round[]): number {
  return share(
    list.map(({ first, last }) => last - first),
    0.5,
  );
}

function median(list: readonly Round[], part: keyof Round): number {
  return share(
    list.map((round) => round[part]),
    0.5,
  );
}

function share(of: readonly number[], part: number): number {
  return percentile(
    of.toSorted((a, b) => a - b),
    part,
  );
}

function kibibytes(bytes: number): string {
  return `${(bytes / 1_024).toFixed(1)} KiB`;
}
