/** The checker is shown what comes up again, too late and while it still may. */
import { test } from 'tap';
import type { InstanceEvent } from '../../src/registry/instance.ts';
import { Checkers } from '../../src/sim/checkers.ts';
import { Ledger } from '../../src/sim/ledger.ts';
import type { Fault } from '../../src/sim/run.ts';
import { World } from '../../src/sim/world.ts';
import { Zombies } from '../../src/sim/zombies.ts';
import { calmOptions, fault } from './options.ts';
import { record } from './state-fixtures.ts';

/** Something was deregistered at 1 s; `up` makes it come up at a node at that virtual time. */
function lab(isGone: boolean, ...faults: Fault[]) {
  const world = new World({ ...calmOptions, nodes: 2, durationMs: 300_000, faults });
  const node = world.start(1);
  const [checkers, ledger] = [new Checkers(world), new Ledger()];
  const zombies = new Zombies(world, ledger, checkers);
  const sealed = record(node.owner, 'add');
  const { group, name, instanceId, version } = sealed.record;
  const entry = { key: sealed.key, group, name, instanceId, version, atMs: 1_000, lastUpdate: 1 };
  ledger.note(node.owner, { ...entry, isGone });
  const instance = { record: sealed.record, node: 'node-1' };
  const up = (atMs: number, kind: 'up' | 'down' = 'up'): number => {
    world.startMs = world.clock.now().monoMs - atMs;
    const reason = { up: 'registered', down: 'deregistered' } as const;
    const happened = (
      kind === 'up'
        ? { kind, reason: reason.up, instance }
        : { kind, reason: reason.down, instance }
    ) satisfies InstanceEvent;
    const change = { revision: 1, owner: node.owner, origin: 'peer' as const, events: [happened] };
    zombies.changed(node, [change]);
    return checkers.violations.length;
  };
  return { up, checkers };
}

test('what was deregistered and comes up once all have heard of it is found', (t) => {
  const { up, checkers } = lab(true);
  t.equal(up(31_000), 0, 'somebody may not have heard of it yet');
  t.equal(up(31_001, 'down'), 0);
  t.equal(up(31_001), 1);
  const sentence = 'sim/add/add of node 1, deregistered at 1000 ms, came up again';
  t.match(checkers.violations, [{ checker: 'no zombie', node: 1, sentence }]);
  t.end();
});

test('what lives may come up at any time', (t) => {
  t.equal(lab(false).up(200_000), 0);
  t.end();
});

test('under faults all have heard of it once there was a calm, and a later fault is no excuse', (t) => {
  const { up } = lab(
    true,
    fault('pause', 60_000, 70_000),
    fault('crash', 110_000, 120_000),
    fault('partition', 500, 40_000),
  );
  t.equal(up(100_000), 0, 'two faults without 30 s between them');
  t.equal(up(100_001), 1);
  t.equal(up(121_000), 2, 'whoever starts again knows it from its disk');
  t.end();
});
