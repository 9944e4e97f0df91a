/**
 * What an exchange of digests costs on the wire, from 10 to 100,000 owners.
 *
 *   node bench/exchange-cost.ts [--owners 100000] [--trials 40]
 *
 * Two real engines on a virtual clock: no daemons, no sockets. Bytes are the same on every run; they
 * are those of both directions, with the length before each frame. Signatures are a keyed hash of
 * the same length, so that 100,000 owners take seconds. Exits 1 when an exchange in sync takes more
 * than 200 bytes each way, a head refresh that the digest tells of more than 100 bytes over the
 * exchange in sync and the head, or fewer than 80 % of them decode so.
 */
import { parseArgs } from 'node:util';
import { ExchangeMeter } from '../test/gossip/exchange-meter.ts';
import type { Cost, Ghost } from '../test/gossip/exchange-meter.ts';
import { hashedSignatures } from '../test/gossip/hashed-signatures.ts';
import { loadAverage, machineFacts } from './propagation-cluster.ts';

const { values } = parseArgs({
  options: {
    owners: { type: 'string', default: '100000' },
    trials: { type: 'string', default: '40' },
  },
});
const [most, trials] = [Number(values.owners), Number(values.trials)];
const broken: string[] = [];

console.log(machineFacts());
console.log(`load average ${loadAverage()}`);
for (const owners of [10, 1_000, 100_000].filter((count) => count <= most)) await report(owners);
for (const promise of broken) console.log(`BROKEN: ${promise}`);
process.exitCode = broken.length === 0 ? 0 : 1;

async function report(owners: number): Promise<void> {
  const startedMs = performance.now();
  const meter = await ExchangeMeter.of(owners, 0, hashedSignatures);
  const inSync = await meter.exchange();
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(0);
  console.log(`\n${owners} owners (ready after ${seconds} s)`);
  console.log(`in sync: ${inSync.asker} bytes to ask, ${inSync.answerer} to answer`);
  if (inSync.asker > 200 || inSync.answerer > 200) broken.push(`${inSync.asker} bytes in sync`);
  await reportRefresh(meter, inSync);
  print('changed', 'payload', 'bytes', 'more', 'each', 'symbols', 'paper', 'trips');
  for (const changed of [1, 10, 100, 1_000].filter((count) => count <= owners))
    await reportChanges(meter, changed);
}

/** A mere head refresh, half of the time newer at the side that asks. */
async function reportRefresh(meter: ExchangeMeter, inSync: Cost): Promise<void> {
  const over: number[] = [];
  for (let trial = 0; trial < 5 * trials; trial++) {
    const ghost = ghostOf(meter, trial);
    ghost.refresh(nowOf(meter));
    meter.give(ghost, 1 + (trial % 2));
    const cost = await meter.exchange();
    if (cost.frames.includes('moreSymbols')) continue;
    over.push(totalOf(cost) - totalOf(inSync) - headBytes(ghost));
  }
  const share = over.length / (5 * trials);
  const worst = Math.max(...over);
  console.log(
    `a head refresh: ${(share * 100).toFixed(0)} % decode from the digest, ` +
      `at ${worst} bytes over the exchange in sync and the head`,
  );
  if (worst > 100) broken.push(`a head refresh took ${worst} bytes over the head`);
  if (share < 0.8) broken.push(`${share} of the head refreshes decoded from the digest`);
}

/** One record of 300 bytes changed at each of so many owners. */
async function reportChanges(meter: ExchangeMeter, changed: number): Promise<void> {
  const rows: { payload: number; bytes: number; symbols: number; trips: number }[] = [];
  for (let trial = 0; trial < Math.max(4, Math.min(trials, 4_000 / changed)); trial++) {
    let payload = 0;
    for (let index = 0; index < changed; index++) {
      const ghost = ghostOf(meter, trial * changed + index);
      ghost.register(nowOf(meter), 1, 300);
      meter.give(ghost, 1 + (trial % 2));
      payload += headBytes(ghost) + ghost.state.set.bytes;
    }
    const before = symbolsOf(meter);
    const cost = await meter.exchange();
    const trips = 1 + cost.frames.filter((kind) => kind === 'moreSymbols').length;
    rows.push({ payload, bytes: totalOf(cost), symbols: symbolsOf(meter) - before + 4, trips });
  }
  const mean = (of: (row: (typeof rows)[number]) => number): number =>
    rows.reduce((sum, row) => sum + of(row), 0) / rows.length;
  // The old head and the new one are two differences.
  const perDifference = mean(({ symbols }) => symbols) / (2 * changed);
  print(
    changed,
    mean(({ payload }) => payload).toFixed(0),
    mean(({ bytes }) => bytes).toFixed(0),
    `${(100 * (mean(({ bytes, payload }) => bytes / payload) - 1)).toFixed(0)} %`,
    mean(({ bytes, payload }) => (bytes - payload) / changed).toFixed(0),
    perDifference.toFixed(2),
    '1.35-1.8',
    mean(({ trips }) => trips).toFixed(2),
  );
}

function ghostOf({ ghosts }: ExchangeMeter, index: number): Ghost {
  return ghosts[(index * 7) % ghosts.length] as Ghost;
}

function nowOf({ cluster }: ExchangeMeter): number {
  return cluster.clock.now().wallMicros;
}

function symbolsOf({ cluster }: ExchangeMeter): number {
  return cluster.node(1).engine.counters.get('symbols_sent');
}

function headBytes({ state }: Ghost): number {
  return state.head.body.length + state.head.signature.length;
}

function totalOf({ asker, answerer }: Cost): number {
  return asker + answerer;
}

function print(...cells: (string | number)[]): void {
  console.log(cells.map((cell) => String(cell).padStart(10)).join(' '));
}
