/** What exchanges cost, in bytes on the wire with their lengths. The table is bench/exchange-cost.ts. */
import t from 'tap';
import { ExchangeMeter } from './exchange-meter.ts';
import type { Cost, Ghost } from './exchange-meter.ts';

const exchangeMax = 200;
const refreshMax = 100;
const recordBytes = 300;

const headBytes = ({ state }: Ghost): number =>
  state.head.body.length + state.head.signature.length;
const totalOf = ({ asker, answerer }: Cost): number => asker + answerer;
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
  t.equal(costs[0]?.answerer, 4);
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

interface Trial {
  /** Bytes both ways, as a share of 1.25 times the records and heads that had to travel, and 300. */
  readonly share: number;
  readonly trips: number;
}

/** Registers one record anew at each of `count` owners, or so many at one, and repairs it. */
async function repair(meter: ExchangeMeter, count: number, isOne: boolean, trial: number) {
  const now = (): number => meter.cluster.clock.now().wallMicros;
  const first = isOne ? trial % 7 : (trial * count) % (meter.ghosts.length - count + 1);
  const changed = meter.ghosts.slice(first, first + (isOne ? 1 : count));
  const each = isOne ? count : 1;
  const changeAll = (...nodes: number[]): void =>
    changed.forEach((ghost) => {
      ghost.register(now(), each, recordBytes);
      meter.give(ghost, ...nodes);
    });
  if (isOne) changeAll(1, 2);
  await meter.exchange();
  changeAll(1 + (trial % 2));
  const payload = sumOf(changed.map((ghost) => headBytes(ghost) + recordsBytes(ghost, each)));
  const cost = await meter.exchange();
  return { share: totalOf(cost) / (1.25 * payload + 300), trips: tripsOf(cost) };
}

const trialsOf = new Map([
  [1, 40],
  [10, 40],
  [100, 16],
  [500, 4],
]);

for (const isOne of [true, false])
  t.test(
    `records changed at ${isOne ? 'one owner' : 'as many owners'}: 1.25 times their bytes and 300`,
    async (t) => {
      const meter = await ExchangeMeter.of(500, 1);
      const all: Trial[] = [];
      for (const [count, trials] of trialsOf) {
        const some: Trial[] = [];
        for (let trial = 0; trial < trials; trial++)
          some.push(await repair(meter, count, isOne, trial));
        t.equal(meter.isEqual(), true);
        const within = some.filter(({ share }) => share <= 1).length;
        const most = Math.max(...some.map(({ share }) => share));
        // What the estimate is off by, and the rounds of a digest that does not decode, go over it.
        t.ok(within >= 0.75 * trials, `${count}: ${within} of ${trials} within`);
        t.ok(most <= 1.1, `${count}: ${most.toFixed(2)} of it at most`);
        all.push(...some);
      }
      const trips = all.map((trial) => trial.trips);
      const few = trips.filter((count) => count <= 2).length;
      t.ok(few >= 0.8 * trips.length, `${few} of ${trips.length} known in two round trips`);
      t.ok(Math.max(...trips) <= 4, `${Math.max(...trips)} at most`);
    },
  );
