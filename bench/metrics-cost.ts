/**
 * What metrics and traces cost: a scrape, each thing that is recorded as it happens, and tracing while
 * it is off.
 *
 *   node bench/metrics-cost.ts [--owners 1000] [--records 10] [--scrapes 50] [--rounds 200000]
 *
 * In one process, and nothing else is started: a registry that holds so many owners with so many
 * records each, and the metrics of a daemon over it. Exits 1 when a scrape takes 15 ms (one each 15 s
 * is then 0.1 % of a core), or when anything recorded takes a microsecond (of a Get's hundred).
 */
import { parseArgs } from 'node:util';
import { SpanKind } from '@opentelemetry/api';
import { inSpan, tracer } from '../src/base/tracing.ts';
import { Metrics } from '../src/daemon/metrics.ts';
import type { Transport } from '../src/gossip/transport.ts';
import { MemoryStore } from '../src/store/memory-store.ts';
import { Node } from '../test/api/fixture.ts';
import { makeSealed, signerOf } from '../test/record/fixtures.ts';
import { loadAverage, machineFacts } from './propagation-cluster.ts';
import { quantiles, quantileText } from './quantiles.ts';

const scrapeMsMax = 15;
const recordNsMax = 1_000;
const { values } = parseArgs({
  options: {
    owners: { type: 'string', default: '1000' },
    records: { type: 'string', default: '10' },
    scrapes: { type: 'string', default: '50' },
    rounds: { type: 'string', default: '200000' },
  },
});
const owners = Number(values.owners);
const records = Number(values.records);
const rounds = Number(values.rounds);

const quiet: Transport = {
  start: () => Promise.resolve([]),
  dial: () => undefined,
  send: () => true,
  publish: () => undefined,
  hangUp: () => undefined,
  stop: () => Promise.resolve(),
};

console.log(machineFacts());
console.log(`load average ${loadAverage()}`);
const metrics = new Metrics();
const transport = metrics.metered(quiet);
const node = fill();
metrics.observe({
  registry: node.registry,
  control: node.control,
  clock: node.clock,
  engine: { accusationsHeld: 0, clockTrouble: undefined },
  checker: { counts: () => ({ checks: [], runs: [] }) },
  agent: { onExchanged: () => undefined },
});

const frame = Buffer.from([0x1a, 0x02, 0, 0]);
const store = new MemoryStore();
const timed = metrics.timed(store);
const batch = { revision: 1 };
let monoMs = 0;
const costs = new Map<string, number>();
for (const code of ['OK', 'NOT_FOUND']) metrics.called('Get', code, 0.001);
measure('an API call, by method and code', () => metrics.called('Get', 'OK', 0.0002));
measure('an HTTP request', () => metrics.requested('GET', '/registry/list', 200, 0.0002));
measure('a frame sent', () => void transport.send('peer', frame));
measure('a tick of 100 ms', () => metrics.ticked({ monoMs: (monoMs += 100), wallMicros: 0 }, 100));
measure(
  'a commit, less the commit',
  () => timed.commit(batch),
  () => store.commit(batch),
);
measure('a span, tracing off', () => void tracer.startSpan('probe', { kind: SpanKind.CLIENT }));
await measureAsync();

console.log('\nrecorded as it happens, ns each:');
for (const [what, ns] of costs) console.log(`  ${what.padEnd(32)} ${ns.toFixed(0)}`);

const times: number[] = [];
let size = 0;
for (let scrape = 0; scrape < Number(values.scrapes) + 5; scrape++) {
  const startedMs = performance.now();
  size = (await metrics.text()).length;
  if (scrape >= 5) times.push(performance.now() - startedMs);
}
const scraped = quantiles(times);
console.log(`\na scrape of ${owners} owners with ${records} records each, ${size} bytes:`);
console.log(`  ${quantileText(scraped)}`);

const slow = [...costs].filter(([, ns]) => ns >= recordNsMax).map(([what]) => what);
for (const what of slow) console.log(`BROKEN: ${what} takes a microsecond or more`);
if (scraped.p50 >= scrapeMsMax) console.log(`BROKEN: a scrape takes ${scrapeMsMax} ms or more`);
process.exit(slow.length > 0 || scraped.p50 >= scrapeMsMax ? 1 : 0);

function fill(): Node {
  const filled = new Node();
  for (let key = 2; key < owners + 2; key++) {
    const { owner } = signerOf(key);
    const ids = Array.from({ length: records }, (_, index) => `${key}-${index}`);
    filled.hear(
      key,
      ids.map((instanceId) => makeSealed({ owner, instanceId })),
    );
  }
  return filled;
}

/** Nanoseconds that one of them takes, less those of what it would be without; the best of five. */
function measure(what: string, run: () => void, less: () => void = () => undefined): void {
  const bests = [run, less].map((each) => {
    const tries = Array.from({ length: 6 }, () => {
      const started = process.hrtime.bigint();
      for (let round = 0; round < rounds; round++) each();
      return Number(process.hrtime.bigint() - started) / rounds;
    });
    return Math.min(...tries.slice(1));
  });
  costs.set(what, Math.max(0, (bests[0] ?? 0) - (bests[1] ?? 0)));
}

/** As call() of the client runs an attempt: within a span, and without. */
async function measureAsync(): Promise<void> {
  const work = async (): Promise<number> => 1;
  const bests: number[] = [];
  for (const each of [() => inSpan('call', SpanKind.INTERNAL, work), work]) {
    const tries: number[] = [];
    for (let go = 0; go < 6; go++) {
      const started = process.hrtime.bigint();
      for (let round = 0; round < rounds; round++) await each();
      tries.push(Number(process.hrtime.bigint() - started) / rounds);
    }
    bests.push(Math.min(...tries.slice(1)));
  }
  costs.set('a call of the SDK, tracing off', Math.max(0, (bests[0] ?? 0) - (bests[1] ?? 0)));
}
