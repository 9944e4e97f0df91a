import t from 'tap';
import { Brake, heldInstancesMin, heldOwnersMin } from '../../src/registry/brake.ts';
import type { BrakeConfig } from '../../src/registry/brake.ts';
import type { Instance } from '../../src/registry/instance.ts';
import { at, makeRecord } from '../record/fixtures.ts';

const config: BrakeConfig = { brakeWindowMs: 10_000, holdMaxMs: 30_000 };
const service = { group: 'shop', name: 'cart' };

const make = (owner: string, instanceId = owner, fields = {}): Instance => ({
  record: makeRecord({ ...service, owner, instanceId, ...fields }),
  node: owner,
});

const idsOf = (instances: Iterable<Instance>): string[] =>
  [...instances].map(({ record }) => record.instanceId).sort();

/** A brake over one service, and what a view that goes by it would show. */
class Bench {
  readonly brake: Brake;
  readonly shown = new Map<string, Instance>();

  constructor(instances: readonly Instance[], change: Partial<BrakeConfig> = {}) {
    this.brake = new Brake({ ...config, ...change });
    for (const instance of instances) this.add(instance);
  }

  add(instance: Instance): void {
    this.brake.forget(instance.record);
    this.shown.set(instance.record.instanceId, instance);
  }

  gone({ record }: Instance): void {
    this.brake.forget(record);
    this.shown.delete(record.instanceId);
  }

  /** @returns ids of what is held because of it */
  silent(ms: number, ...lost: Instance[]): string[] {
    const held = this.brake.lose(service, lost, this.shown, at(ms));
    for (const instance of held) this.shown.set(instance.record.instanceId, instance);
    if (held.length === 0) for (const { record } of lost) this.shown.delete(record.instanceId);
    return idsOf(held);
  }

  /** @returns ids of what is let go of */
  tick(ms: number): string[] {
    const over = this.brake.tick(() => this.shown.size, at(ms));
    for (const { record } of over) this.shown.delete(record.instanceId);
    return idsOf(over);
  }

  get hold() {
    return this.brake.hold('shop', 'cart');
  }
}

const [a, b, c, d, e, f] = ['a', 'b', 'c', 'd', 'e', 'f'].map((owner) => make(owner)) as [
  Instance,
  Instance,
  Instance,
  Instance,
  Instance,
  Instance,
];

t.test('half of a service vanishes; with one more all that fell silent is held', (t) => {
  const bench = new Bench([a, b, c, d]);
  t.strictSame(bench.silent(0, a), []);
  t.strictSame(bench.silent(5, b), []);
  t.equal(bench.hold, undefined);
  t.strictSame(bench.silent(9, c), ['a', 'b', 'c'], 'those of a moment ago come back');
  t.strictSame(bench.hold, {
    ...service,
    reason: '3 of 4 instances fell silent at once',
    since: at(9).wallMicros,
    until: at(30_009).wallMicros,
    instances: 3,
  });
  t.strictSame(bench.brake.holds(), [bench.hold]);
  t.strictSame(idsOf(bench.brake.held()), ['a', 'b', 'c']);
  t.strictSame(bench.brake.counters.entries(), [
    ['holds', 1],
    ['instances_held', 3],
  ]);
  t.end();
});

/** What falls silent, of which service, and whether it is held. */
const services: [string, Instance[], Instance[], boolean][] = [
  ['all of four on four owners', [a, b, c, d], [a, b, c, d], true],
  ['all of three', [a, b, c], [a, b, c], false],
  ['two of four', [a, b, c, d], [a, b], false],
  ['three of six', [a, b, c, d, e, f], [a, b, c], false],
  ['four of six', [a, b, c, d, e, f], [a, b, c, d], true],
  ['two hosts with two instances each', pairs('a', 'b'), pairs('a', 'b'), false],
  ['two of three hosts with two each', pairs('a', 'b', 'c'), pairs('a', 'b'), true],
];

for (const [what, all, silent, isHeld] of services)
  t.test(`${what} fall silent, and the brake ${isHeld ? 'holds' : 'does not hold'}`, (t) => {
    const bench = new Bench(all);
    const byOwner = Map.groupBy(silent, ({ record }) => record.owner);
    for (const lost of byOwner.values()) bench.silent(1, ...lost);
    t.equal(bench.hold !== undefined, isHeld);
    t.strictSame(idsOf(bench.brake.held()), isHeld ? idsOf(silent) : []);
    t.end();
  });

function pairs(...owners: string[]): Instance[] {
  return owners.flatMap((owner) => [make(owner, `${owner}1`), make(owner, `${owner}2`)]);
}

t.test(`${heldInstancesMin} instances on ${heldOwnersMin} owners are enough to be held`, (t) => {
  const all = [...pairs('a'), b, c];
  const bench = new Bench(all);
  bench.silent(1, ...pairs('a'));
  t.strictSame(bench.silent(1, b), ['a1', 'a2', 'b']);
  t.end();
});

t.test('losses further apart than the window are no one event', (t) => {
  const bench = new Bench([a, b, c, d]);
  bench.silent(0, a);
  bench.silent(1, b);
  bench.tick(9_000);
  t.strictSame(bench.silent(10_001, c), [], 'a is no longer part of it: one is lost, one is left');
  t.strictSame(bench.silent(10_002, d), [], 'and two are too few to be a service');
  const other = new Bench([a, b, c, d]);
  other.silent(0, a);
  other.silent(1, b);
  t.strictSame(other.silent(10_000, c), ['a', 'b', 'c']);
  t.end();
});

t.test('what is over is forgotten: a brake over a quiet service is idle', (t) => {
  const bench = new Bench([a, b, c, d]);
  bench.silent(0, a);
  t.equal(bench.brake.isIdle, false);
  bench.tick(10_000);
  t.equal(bench.brake.isIdle, false);
  bench.tick(10_001);
  t.equal(bench.brake.isIdle, true);
  t.end();
});

t.test('a hold ends after holdMaxMs, lets all of it go, and does not begin again', (t) => {
  const bench = new Bench([a, b, c, d, e, f]);
  bench.silent(0, a, b);
  bench.silent(0, c);
  bench.silent(0, d);
  t.strictSame(bench.silent(29_000, e), ['e'], 'what falls silent meanwhile is held with the rest');
  t.match(bench.hold, { reason: '5 of 6 instances fell silent at once', instances: 5 });
  t.strictSame(bench.tick(29_999), []);
  t.strictSame(bench.tick(30_000), ['a', 'b', 'c', 'd', 'e']);
  t.equal(bench.hold, undefined);
  t.equal(bench.brake.isIdle, true);
  t.strictSame(bench.silent(30_001, f), [], 'those let go of count no more');
  t.end();
});

t.test('a hold ends when the last of it is back, or gone for a reason', (t) => {
  const bench = new Bench([a, b, c, d]);
  bench.silent(0, a, b, c);
  bench.add(a);
  bench.gone(b);
  t.match(bench.hold, { instances: 1 });
  bench.add(c);
  t.equal(bench.hold, undefined);
  t.equal(bench.brake.holdCount, 0);
  t.strictSame(bench.tick(40_000), []);
  t.end();
});

t.test('when half of a service is there again, the rest has one window more to come back', (t) => {
  const bench = new Bench([a, b, c, d]);
  bench.silent(0, a, b, c);
  bench.tick(1_000);
  t.match(bench.hold, { until: at(30_000).wallMicros });
  for (const owner of ['x', 'y']) bench.add(make(owner));
  const { revision } = bench.brake;
  t.strictSame(bench.tick(2_000), []);
  t.match(bench.hold, { until: at(12_000).wallMicros });
  t.equal(bench.brake.revision, revision + 1);
  bench.silent(3_000, make('x'));
  bench.tick(4_000);
  t.match(bench.hold, { until: at(12_000).wallMicros }, 'once shortened it stays so');
  t.strictSame(bench.tick(12_000), ['a', 'b', 'c', 'x']);
  t.strictSame([...bench.shown.keys()], ['d', 'y']);
  t.end();
});

t.test('half that is there again late does not make a hold longer', (t) => {
  const bench = new Bench([a, b, c, d]);
  bench.silent(0, a, b, c);
  bench.add(a);
  bench.tick(25_000);
  t.match(bench.hold, { until: at(30_000).wallMicros });
  t.end();
});

t.test('an owner that comes and goes is held until the same moment as the others', (t) => {
  const bench = new Bench([a, b, c, d, e]);
  bench.silent(0, a, b, c);
  for (let ms = 1_000; ms < 30_000; ms += 2_000) {
    bench.add(a);
    t.strictSame(bench.silent(ms, a), ['a']);
    t.strictSame(bench.tick(ms), []);
  }
  t.strictSame(bench.tick(30_000), ['a', 'b', 'c']);
  t.end();
});

t.test('what is lost goes by the last word of its owner', (t) => {
  const bench = new Bench([a, b, c, d]);
  bench.silent(0, a);
  const moved = make('a', 'a', { port: 81 });
  t.equal(bench.brake.update(moved), false, 'it is not held yet');
  bench.silent(1, b);
  bench.silent(2, c);
  t.equal([...bench.brake.held()][0]?.record.port, 81);
  t.equal(bench.brake.update(make('a', 'a', { port: 82 })), true);
  t.equal([...bench.brake.held()][0]?.record.port, 82);
  t.equal(bench.brake.update(d), false, 'it was never lost');
  t.equal(bench.brake.update(make('x', 'x', { name: 'pay' })), false);
  t.end();
});

t.test('services are held each for itself', (t) => {
  const bench = new Bench([a, b, c, d]);
  const pay = ['a', 'b', 'c', 'd'].map((owner) => make(owner, owner, { name: 'pay' }));
  const shown = new Map(pay.map((instance) => [instance.record.instanceId, instance]));
  bench.silent(0, a, b, c);
  bench.brake.lose({ group: 'shop', name: 'pay' }, pay, shown, at(5_000));
  t.strictSame(
    bench.brake.holds().map(({ name, instances }) => [name, instances]),
    [
      ['cart', 3],
      ['pay', 4],
    ],
  );
  t.equal(bench.brake.holds(1).length, 1, 'so many as were asked for');
  t.equal(bench.brake.holdCount, 2);
  t.equal(bench.brake.tick(() => 4, at(30_000)).length, 3);
  t.equal(bench.brake.holdCount, 1);
  t.equal(bench.brake.tick(() => 4, at(35_000)).length, 4);
  t.end();
});

t.test('with a holdMaxMs of 0 nothing is ever held, nor remembered', (t) => {
  const bench = new Bench([a, b, c, d], { holdMaxMs: 0 });
  t.strictSame(bench.silent(0, a, b, c, d), []);
  t.equal(bench.brake.isIdle, true);
  t.end();
});

t.test('a fork begins without a hold', (t) => {
  const bench = new Bench([a, b, c, d]);
  bench.silent(0, a, b, c);
  const fork = bench.brake.fork();
  t.strictSame([fork.isIdle, fork.holdCount, fork.holds()], [true, 0, []]);
  t.equal(bench.brake.holdCount, 1);
  t.end();
});
