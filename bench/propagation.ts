/**
 * How long from a registration at one node until the Watch of every other node tells of it.
 *
 *   node bench/propagation.ts [--nodes 10] [--registrations 500] [--rate 20]
 *
 * Every daemon is a process of its own, and so is every observer. The time runs from before the
 * Register call, fsync included, to the event at the observer. Exits 1 when p50 >= 50 ms,
 * p99 >= 200 ms, or anything is not seen at all.
 */
import { parseArgs } from 'node:util';
import { seededRandom } from '../src/base/random.ts';
import * as bench from './propagation-cluster.ts';
import type { Observer } from './propagation-cluster.ts';

const p50MsBound = 50;
const p99MsBound = 200;
const warmups = 30;
const lateMs = 10_000;
const randomSeed = 1;

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '10' },
    registrations: { type: 'string', default: '500' },
    rate: { type: 'string', default: '20' },
  },
});
const [nodeCount, registrations, rate] = [values.nodes, values.registrations, values.rate].map(
  (text) => wholeNumber(text),
) as [number, number, number];

await bench.withBench(nodeCount, async ({ observers }) => {
  await registerMany(observers, 'warm', warmups);
  console.log(`${nodeCount} daemons, ${registrations} registrations, ${rate} a second`);
  console.log(bench.machineFacts());
  console.log(`load average ${bench.loadAverage()} before`);
  await registerMany(observers, 'bench', registrations);
  console.log(`load average ${bench.loadAverage()} after`);
  report(observers);
});

/** Registers at random nodes at random moments, and waits until all is seen or late. */
async function registerMany(observers: readonly Observer[], prefix: string, count: number) {
  const random = seededRandom(randomSeed);
  const startedMs = performance.now();
  let dueMs = 0;
  for (let number = 0; number < count; number++) {
    // As if by many who do not know of each other: exponential gaps.
    dueMs += (-Math.log(1 - random.next()) * 1000) / rate;
    await bench.pause(Math.max(0, dueMs - (performance.now() - startedMs)));
    random.pick(observers)?.register(`${prefix}-${number}`);
  }
  const isSeen = (): boolean =>
    observers.every(({ ups }) => {
      return [...ups.keys()].filter((id) => id.startsWith(prefix)).length === count;
    });
  await bench.until('everything is seen', isSeen, lateMs).catch(() => undefined);
}

function report(observers: readonly Observer[]): void {
  const fromCall: number[] = [];
  const fromAcknowledgement: number[] = [];
  const commits: number[] = [];
  let unseen = 0;
  for (const source of observers) {
    for (const [id, { calledAt, acknowledgedAt }] of source.registered) {
      if (!id.startsWith('bench-')) continue;
      commits.push(bench.milliseconds(acknowledgedAt - calledAt));
      for (const observer of observers) {
        if (observer === source) continue;
        const seenAt = observer.ups.get(id);
        if (seenAt === undefined) unseen += 1;
        else {
          fromCall.push(bench.milliseconds(seenAt - calledAt));
          fromAcknowledgement.push(bench.milliseconds(seenAt - acknowledgedAt));
        }
      }
    }
  }
  const expected = registrations * (nodeCount - 1);
  console.log(`${fromCall.length} of ${expected} pairs of registration and observer were seen`);
  console.log(`from the call to Watch:            ${bench.distribution(fromCall)}`);
  console.log(`from the acknowledgement to Watch: ${bench.distribution(fromAcknowledgement)}`);
  console.log(`the call itself:                   ${bench.distribution(commits)}`);
  const sorted = fromCall.toSorted((a, b) => a - b);
  const p50 = bench.percentile(sorted, 0.5);
  const p99 = bench.percentile(sorted, 0.99);
  const isGood = p50 < p50MsBound && p99 < p99MsBound && fromCall.length === expected;
  if (unseen > 0) console.log(`${unseen} pairs were not seen within ${lateMs} ms`);
  console.log(`${isGood ? 'PASS' : 'FAIL'}: p50 < ${p50MsBound} ms and p99 < ${p99MsBound} ms`);
  if (!isGood) process.exitCode = 1;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 2) return value;
  console.error(`${text}: expected a whole number of at least 2`);
  process.exit(2);
}
