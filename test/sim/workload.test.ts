import { test } from 'tap';
import { Ledger } from '../../src/sim/ledger.ts';
import type { Acknowledged } from '../../src/sim/ledger.ts';
import { Workload } from '../../src/sim/workload.ts';
import { World } from '../../src/sim/world.ts';
import { calmOptions } from './options.ts';

function run(minutes: number): { world: World; ledger: Ledger; told: Acknowledged[] } {
  const world = new World({ ...calmOptions, changesPerMinute: 10 });
  const ledger = new Ledger();
  const told: Acknowledged[] = [];
  const workload = new Workload(world, ledger, (_, entry) => void told.push(entry));
  const first = Array.from({ length: 6 }, (_, index) => workload.firstInstance(index + 1));
  world.startWarm((number) => first.slice(number - 1, number));
  for (const node of world.up())
    for (const instance of first.slice(node.number - 1, node.number))
      workload.noteFirst(node, instance);
  workload.start();
  world.clock.advance(minutes * 60_000);
  return { world, ledger, told };
}

test('changes come at the rate that was asked for, and of every kind', (t) => {
  const { told } = run(3);
  const expected = 6 * 10 * 3;
  t.ok(Math.abs(told.length - expected) < expected / 3, `${told.length} of about ${expected}`);
  t.ok(told.some(({ isGone }) => isGone));
  t.equal(
    new Set(told.filter(({ isGone }) => !isGone).map(({ version }) => version)).size,
    told.filter(({ isGone }) => !isGone).length,
    'each has another version',
  );
  t.end();
});

test('the ledger is what the daemons hold', (t) => {
  const { world, ledger } = run(2);
  for (const { owner, registry } of world.up()) {
    const live = ledger.of(owner).filter(({ isGone }) => !isGone);
    const held = [...(registry.state(owner)?.set.records() ?? [])];
    for (const { key, version } of live)
      t.equal(held.find((sealed) => sealed.key === key)?.record.version, version);
  }
  t.end();
});

test('leased instances stay passing for as long as their daemon runs', (t) => {
  const { world } = run(3);
  const leased = world
    .up()
    .flatMap(({ owner, registry }) =>
      [...(registry.state(owner)?.set.records() ?? [])].filter(({ record }) => record.ttlMs > 0),
    );
  t.ok(leased.length > 0);
  t.strictSame([...new Set(leased.map(({ record }) => record.health))], ['passing']);
  t.end();
});
