import { test } from 'tap';
import { defaults } from '../../src/daemon/config-options.ts';
import { simConfig, World } from '../../src/sim/world.ts';
import { calmOptions } from './options.ts';
import { registration } from './state-fixtures.ts';

test('the long times are divided, and the relations between them hold', (t) => {
  t.strictSame(simConfig(1), { ...defaults });
  const { headRefreshMs, reapAfterMs, tombstoneGraceMs, clockAheadMs } = simConfig(720);
  t.strictSame([headRefreshMs, reapAfterMs, clockAheadMs], [5_000, 120_000, 5_000]);
  t.equal(Math.round(tombstoneGraceMs), 833);
  t.ok(2 * headRefreshMs <= reapAfterMs && 4 * clockAheadMs <= reapAfterMs);
  t.end();
});

test('a node of a warm start knows all others and is linked to its neighbors', (t) => {
  for (const nodes of [6, 30]) {
    const world = new World({ ...calmOptions, nodes });
    world.startWarm((number) => [registration(`service-${number}`)]);
    world.clock.advance(1_000);
    for (const { registry, engine } of world.up()) {
      t.equal([...registry.owners()].length, nodes);
      t.equal(registry.index.count, nodes);
      t.ok(engine.linkCount >= Math.min(nodes - 1, 6));
    }
  }
  t.end();
});

test('a node keeps over a crash what was on its disk, and its key without one', (t) => {
  const world = new World({ ...calmOptions, nodes: 3 });
  world.startWarm((number) => [registration(`service-${number}`)]);
  world.clock.advance(1_000);
  const owner = world.node(2)?.owner;
  world.crash(2);
  t.equal(world.node(2), undefined);
  t.equal([...world.start(2).registry.owners()].length, 3);
  world.crash(2);
  world.loseDatabase(2);
  const back = world.start(2);
  t.equal(back.owner, owner);
  t.equal([...back.registry.owners()].length, 1);
  world.crash(2);
  world.loseDataDir(2);
  const another = world.start(2);
  t.not(another.owner, owner);
  t.strictSame([world.numberOf(owner ?? ''), world.numberOf(another.owner)], [2, 2]);
  t.end();
});

test('a source of chance depends on its purpose and the random seed alone', (t) => {
  const draw = (randomSeed: number, purpose: string): number =>
    new World({ ...calmOptions, randomSeed }).random(purpose).next();
  t.equal(draw(1, 'a'), draw(1, 'a'));
  t.not(draw(1, 'a'), draw(1, 'b'));
  t.not(draw(1, 'a'), draw(2, 'a'));
  t.end();
});
