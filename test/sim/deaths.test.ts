/** The checker is shown a death that nothing excuses, and those that something does. */
import { test } from 'tap';
import { Checkers } from '../../src/sim/checkers.ts';
import { Deaths } from '../../src/sim/deaths.ts';
import type { Fault } from '../../src/sim/run.ts';
import { World } from '../../src/sim/world.ts';
import { calmOptions, fault } from './options.ts';

/** Three nodes that know each other; `bury` makes the first hold the second for dead. */
function lab(...faults: Fault[]): { world: World; checkers: Checkers; bury: () => void } {
  const world = new World({ ...calmOptions, nodes: 3, faults });
  const checkers = new Checkers(world);
  world.startWarm(() => []);
  world.clock.advance(2_000);
  const deaths = new Deaths(world, checkers);
  const owner = world.node(2)?.owner ?? '';
  const bury = (): void => {
    const node = world.node(1);
    if (node === undefined) throw new Error('node 1 runs');
    node.registry.observe(owner, { kind: 'convicted', why: 'silent' }, node.now());
    deaths.changed(node, [{ revision: 1, owner, origin: 'member', events: [] }]);
  };
  return { world, checkers, bury };
}

test('who is up and dead for another node is found', (t) => {
  const { checkers, bury } = lab();
  bury();
  const sentence = 'node 2 is up, and dead here; accused by nobody';
  t.match(checkers.violations, [{ checker: 'no false death', node: 1, sentence }]);
  t.end();
});

test('who was killed is dead, and so is its earlier life once it runs again', (t) => {
  const { world, checkers, bury } = lab();
  world.crash(2);
  bury();
  world.clock.advance(1_000);
  world.start(2);
  bury();
  t.strictSame(checkers.violations, []);
  t.end();
});

test('a cut network is an excuse while it lasts and a while after it, a broken link is none', (t) => {
  const [long, over] = [fault('partition', 0, 5_000), fault('partition', 0, 1)];
  for (const [faults, found] of [
    [[long], 0],
    [[over], 1],
    [[fault('link-breaks', 0, 30_000)], 1],
  ] as const) {
    const { world, checkers, bury } = lab(...faults);
    world.clock.advance(20_000);
    bury();
    t.equal(checkers.violations.length, found);
  }
  t.end();
});
