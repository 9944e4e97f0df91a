import { test } from 'tap';
import { faultKinds, scheduleFault } from '../../src/sim/faults.ts';
import { faultForms } from '../../src/sim/fault-text.ts';
import { World } from '../../src/sim/world.ts';
import { calmOptions, fault } from './options.ts';

function warmWorld(): World {
  const world = new World({ ...calmOptions, nodes: 6, durationMs: 100_000 });
  world.startWarm(() => []);
  world.clock.advance(2_000);
  world.startMs = world.clock.now().monoMs;
  return world;
}

test(`each of ${Object.keys(faultKinds).length} kinds strikes and ends, and can be written`, (t) => {
  t.strictSame(faultForms.map(({ kind }) => kind).toSorted(), Object.keys(faultKinds).toSorted());
  for (const kind of Object.keys(faultKinds)) {
    const world = warmWorld();
    scheduleFault(world, fault(kind, 100, 2_000));
    world.clock.advance(1_000);
    t.equal(world.struck.get(kind), 1, kind);
    world.clock.advance(10_000);
    t.equal(world.up().length, 6, `${kind}: all are up again`);
    t.notOk(
      world.up().some(({ process }) => process.isPaused),
      `${kind}: none is frozen`,
    );
  }
  t.end();
});

test('the shapes of a partition cut what they say, and nothing afterwards', (t) => {
  for (const shape of ['halves', 'thirds', 'one-way', 'flapping']) {
    const world = warmWorld();
    const { network } = world;
    scheduleFault(world, fault('partition', 0, 20_000, { detail: shape }));
    world.clock.advance(100);
    const pairs = [1, 2, 3, 4, 5, 6].flatMap((from) => [1, 2, 3, 4, 5, 6].map((to) => [from, to]));
    const cut = (): number => pairs.filter(([from = 0, to = 0]) => network.isCut(from, to)).length;
    const expected = { halves: 18, thirds: 24, 'one-way': 9, flapping: 18 }[shape];
    t.equal(cut(), expected, shape);
    t.equal(world.struck.get(`partition ${shape}`), 1, 'it counts as what it is');
    world.clock.advance(30_000);
    t.equal(cut(), 0, `${shape} is over`);
  }
  t.end();
});

test('a side that is named is cut from the others', (t) => {
  const world = warmWorld();
  scheduleFault(world, fault('partition', 0, 5_000, { detail: 'halves', nodes: [2, 3] }));
  world.clock.advance(100);
  t.equal(world.network.isCut(2, 3), false);
  t.equal(world.network.isCut(2, 1), true);
  t.equal(world.network.isCut(4, 1), false);
  t.end();
});

test('a node comes back as what its fault makes of it', (t) => {
  const after = (kind: string): { owner: boolean; address: boolean } => {
    const world = warmWorld();
    const before = world.node(2);
    scheduleFault(world, fault(kind, 0, 500, { nodes: [2] }));
    world.clock.advance(1_000);
    const node = world.node(2);
    return { owner: node?.owner === before?.owner, address: node?.address === before?.address };
  };
  t.strictSame(after('crash'), { owner: true, address: true });
  t.strictSame(after('lost-database'), { owner: true, address: true });
  t.strictSame(after('lost-data-dir'), { owner: false, address: true });
  t.strictSame(after('moved'), { owner: true, address: false });
  t.end();
});

test('which nodes are struck does not hang on other faults', (t) => {
  const struck = (others: readonly string[]): number[] => {
    const world = warmWorld();
    for (const kind of others) scheduleFault(world, fault(kind, 50, 60));
    scheduleFault(world, fault('pause', 100, 5_000, { count: 2 }));
    world.clock.advance(200);
    return world.up().flatMap(({ number, process }) => (process.isPaused ? [number] : []));
  };
  t.equal(struck([]).length, 2);
  t.strictSame(struck([]), struck(['clock-jump', 'link-breaks']));
  t.end();
});

test('a fault of which there is nothing does nothing, and one that says nothing does the usual', (t) => {
  const broken = (detail: string | number): number => {
    const world = warmWorld();
    const links = (): number =>
      world.up().reduce((sum, { transport }) => sum + [...transport.peers].length, 0);
    const before = links();
    scheduleFault(world, fault('link-breaks', 0, 0, { detail }));
    world.clock.advance(1);
    return before - links();
  };
  t.equal(broken(0), 0);
  t.ok(broken('') > 0);
  const wrongBy = (kind: string, detail: string | number): number => {
    const world = warmWorld();
    scheduleFault(world, fault(kind, 0, 5_000, { nodes: [2], detail }));
    world.clock.advance(1_000);
    return world.host(2).offsetMicros;
  };
  for (const kind of ['clock-jump', 'clock-drift']) {
    t.equal(wrongBy(kind, 0), 0, kind);
    t.ok(wrongBy(kind, '') > 0, kind);
  }
  t.end();
});

test('an unknown kind is refused', (t) => {
  t.throws(() => scheduleFault(warmWorld(), fault('meteor', 0, 1)), /no fault called meteor/);
  t.end();
});
