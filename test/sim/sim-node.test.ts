import { test } from 'tap';
import type { Input } from '../../src/gossip/context.ts';
import { World } from '../../src/sim/world.ts';
import { calmOptions, fault } from './options.ts';
import { scheduleFault } from '../../src/sim/faults.ts';
import { registration } from './state-fixtures.ts';

test('whoever observes sees the start, each step, each change and the end', (t) => {
  const world = new World({ ...calmOptions, nodes: 2 });
  const seen: string[] = [];
  world.observers.push({
    started: ({ number }) => void seen.push(`started ${number}`),
    ended: ({ number }) => void seen.push(`ended ${number}`),
    stepped: ({ number }, { kind }: Input) => void seen.push(`${kind} ${number}`),
    changed: ({ number }, changes) =>
      void seen.push(...changes.map(({ origin }) => `${origin} change ${number}`)),
  });
  const node = world.start(1);
  world.start(2);
  world.clock.advance(2_000);
  node.registry.commit([{ kind: 'register', registration: registration('x') }], node.now());
  world.clock.advance(1_000);
  world.crash(1);
  for (const line of [
    'start 1',
    'started 1',
    'linked 1',
    'own change 1',
    'peer change 2',
    'ended 1',
  ])
    t.ok(seen.includes(line), line);
  const after = seen.length;
  world.clock.advance(5_000);
  t.strictSame(
    seen.slice(after).filter((line) => line.endsWith(' 1')),
    [],
    'nothing of it runs any more',
  );
  t.end();
});

test('a frozen node is late when it goes on', (t) => {
  const world = new World({ ...calmOptions, nodes: 2, durationMs: 60_000 });
  world.startWarm(() => []);
  scheduleFault(world, fault('pause', 500, 3_000, { nodes: [1] }));
  const late: number[] = [];
  world.observers.push({
    stepped: (node) => {
      if (node.isLate) late.push(node.number);
    },
  });
  world.clock.advance(5_000);
  t.strictSame([...new Set(late)], [1]);
  t.end();
});
