/** What exchanges cost, in bytes on the wire with their lengths. The table is bench/exchange-cost.ts. */
import t from 'tap';
import { ExchangeMeter } from './exchange-meter.ts';
import type { Cost, Ghost } from './exchange-meter.ts';

const exchangeMax = 200;
const refreshMax = 100;
const recordBytes = 300;

const headBytes = ({ state }: Ghost): number =>
  state.head.body.length + state.head.signature.length;
const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + each, 0);

/** Of the first `count` records, which are those that were registered anew. */
function recordsBytes({ state }: Ghost, count: number): number {
  const newest = [...state.set.records()].toSorted(
    (a, b) => b.record.lastUpdate - a.record.lastUpdate,
  );
  return sumOf(newest.slice(0, count).map(({ bytes }) => bytes.length));
}

/** Round trips until the difference is known: the digest's and those for symbols. */
const tripsOf = ({ frames }: Cost): number =>
  1 + frames.filter((kind) => kind === 'moreSymbols').length;

const isDecodedAtOnce = (cost: Cost): boolean => tripsOf(cost) === 1;

t.test(`in sync: at most ${exchangeMax} bytes each way, however many owners`, async (t) => {
  const costs: Cost[] = [];
  for (const owners of [10, 1_000]) {
    const meter = await ExchangeMeter.of(owners);
    costs.push(await meter.exchange());
  }
  t.strictSame(costs[0]?.frames, ['digest', 'same']);
  t.ok((costs[0]?.asker ?? Infinity) <= exchangeMax, `${costs[0]?.asker} bytes`);
  t.equal(costs[0]?.answerer, 1);
  t.same(costs[1], costs[0]);
});

t.test(`a head refresh costs at most ${refreshMax} bytes over it, nearly always`, async (t) => {
  const meter = await ExchangeMeter.of(50, 1);
  const inSync = await meter.exchange();
  const trials = 200;
  let decoded = 0;
  let most = 0;
  for (let trial = 0; trial < trials; trial++) {
    const ghost = meter.ghosts[trial % 50] as Ghost;
    ghost.refresh(meter.cluster.clock.now().wallMicros);
    meter.give(ghost, 1 + (trial % 2));
    const cost = await meter.exchange();
    t.equal(meter.isEqual(), true, cost.frames.join(' '));
    if (!isDecodedAtOnce(cost)) continue;
    decoded += 1;
    const over =
      sumOf([cost.asker, cost.answerer, -inSync.asker, -inSync.answerer]) - headBytes(ghost);
    most = Math.max(most, over);
  }
  t.ok(most <= refreshMax, `${most} bytes over the exchange in sync and the head`);
  t.ok(decoded >= 0.8 * trials, `${decoded} of ${trials} decoded from the digest`);
});

const changes = [1, 10, 100, 500];

t.test('changed records cost at most a fourth more than they are, and 300 bytes', async (t) => {
  const meter = await ExchangeMeter.of(500, 1);
  const trips: number[] = [];
  const check = (name: string, cost: Cost, payload: number): void => {
    const bytes = cost.asker + cost.answerer;
    const bound = 1.25 * payload + 300;
    t.ok(
      bytes <= bound,
      `${name}: ${bytes} bytes for ${payload}, ${(bytes / bound).toFixed(2)} of the bound`,
    );
    t.equal(meter.isEqual(), true, name);
    trips.push(tripsOf(cost));
  };
  const now = (): number => meter.cluster.clock.now().wallMicros;
  for (const side of [1, 2])
    for (const count of changes) {
      const changed = meter.ghosts.slice(0, count);
      for (const ghost of changed) {
        ghost.register(now(), 1, recordBytes);
        meter.give(ghost, side);
      }
      const payload = sumOf(changed.map((ghost) => headBytes(ghost) + recordsBytes(ghost, 1)));
      check(`${count} owners, newer at node ${side}`, await meter.exchange(), payload);
    }
  for (const side of [1, 2])
    for (const count of changes) {
      const one = meter.ghosts[count % 7] as Ghost;
      one.register(now(), count, recordBytes);
      meter.give(one, 1, 2);
      await meter.exchange();
      one.register(now(), count, recordBytes);
      meter.give(one, side);
      const payload = headBytes(one) + recordsBytes(one, count);
      check(
        `${count} records of one owner, newer at node ${side}`,
        await meter.exchange(),
        payload,
      );
    }
  t.ok(Math.max(...trips) <= 4, `${Math.max(...trips)} round trips at most`);
});

t.test(
  'most often two round trips tell the difference, for a fourth more in the median',
  async (t) => {
    const meter = await ExchangeMeter.of(100);
    const trips: number[] = [];
    for (const count of [10, 30, 100]) {
      const ratios: number[] = [];
      for (let trial = 0; trial < 20; trial++) {
        const changed = meter.ghosts.slice(0, count);
        for (const ghost of changed) {
          ghost.register(meter.cluster.clock.now().wallMicros, 1, recordBytes);
          meter.give(ghost, 1 + (trial % 2));
        }
        const cost = await meter.exchange();
        trips.push(tripsOf(cost));
        const payload = sumOf(changed.map((ghost) => headBytes(ghost) + recordsBytes(ghost, 1)));
        ratios.push((cost.asker + cost.answerer - 300) / payload);
      }
      ratios.sort((a, b) => a - b);
      const [median = Infinity, most = Infinity] = [ratios[10], ratios.at(-1)];
      t.ok(median <= 1.25, `${count} owners: ${median.toFixed(3)} in the median`);
      t.ok(most <= 1.35, `${count} owners: ${most.toFixed(3)} at most`);
    }
    const within = trips.filter((count) => count <= 2).length;
    t.ok(within >= 0.6 * trips.length, `${within} of ${trips.length} within two`);
    t.ok(Math.max(...trips) <= 4, `${Math.max(...trips)} at most`);
  },
);
