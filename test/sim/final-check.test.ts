/** Each checker of the end is shown what it has to find. */
import { test } from 'tap';
import { recordKey } from '../../src/record/record.ts';
import { Checkers } from '../../src/sim/checkers.ts';
import { checkBounds, checkEnd, Settling } from '../../src/sim/final-check.ts';
import { Ledger } from '../../src/sim/ledger.ts';
import type { SimNode } from '../../src/sim/sim-node.ts';
import { World } from '../../src/sim/world.ts';
import { calmOptions } from './options.ts';
import { registration } from './state-fixtures.ts';

interface Lab {
  readonly world: World;
  readonly node: SimNode;
  readonly ledger: Ledger;
  readonly checkers: Checkers;
  /** What was acknowledged of `x`. */
  readonly note: (change: { version?: string; isGone?: boolean }) => void;
}

/** Three nodes, of which the first has registered `x`, and all know it. */
function lab(): Lab {
  const world = new World({ ...calmOptions, nodes: 3 });
  world.startWarm((number) => (number === 1 ? [registration('x')] : []));
  world.clock.advance(2_000);
  const node = world.node(1);
  if (node === undefined) throw new Error('node 1 runs');
  const ledger = new Ledger();
  const name = { group: 'sim', name: 'x', instanceId: 'x', key: recordKey('sim', 'x', 'x') };
  const note: Lab['note'] = (change) =>
    ledger.note(node.owner, {
      ...name,
      version: 'v1',
      atMs: 0,
      lastUpdate: 1,
      isGone: false,
      ...change,
    });
  return { world, node, ledger, checkers: new Checkers(world), note };
}

function found({ world, ledger, checkers }: Lab): string[] {
  const settling = new Settling(world);
  settling.look();
  checkEnd(world, ledger, settling, checkers);
  return checkers.violations.map(({ checker }) => checker);
}

test('nothing is found where all is well', (t) => {
  const all = lab();
  all.note({});
  t.strictSame(found(all), []);
  t.end();
});

test('a lost registration, and a lost change of one, are found', (t) => {
  const all = lab();
  all.note({ version: 'v2' });
  t.strictSame(found(all), ['nothing lost']);
  t.match(all.checkers.violations[0]?.sentence, 'at 3 of 3 nodes (1, 2, 3)');
  t.end();
});

test('an instance that is there after its deregistration is found', (t) => {
  const all = lab();
  all.note({ isGone: true });
  t.strictSame(found(all), ['no zombie']);
  t.end();
});

test('nodes that do not agree are found', (t) => {
  const all = lab();
  const heal = all.world.network.cut((from, to) => from === 1 || to === 1);
  const mutation = { kind: 'register', registration: registration('y') } as const;
  all.node.registry.commit([mutation], all.node.process.now());
  t.strictSame(found(all), ['converged']);
  heal();
  t.end();
});

test('what is over a bound is found', (t) => {
  const { world, node, checkers } = lab();
  checkBounds(world, node, checkers);
  t.strictSame(checkers.violations, []);
  const narrow = { ...world.config, headsMax: 2, bytesPerOwnerMax: 10 };
  const standIn = Object.assign(Object.create(world) as World, { config: narrow });
  checkBounds(standIn, node, checkers);
  t.strictSame(
    checkers.violations.map(({ checker }) => checker),
    ['bounds', 'bounds'],
  );
  t.end();
});
