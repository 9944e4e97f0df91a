/** The exchange of digests against a dumb twin: two nodes that read all they hold to each other. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import t from 'tap';
import type { OwnerState } from '../../src/record/merge.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { TestCluster } from '../gossip/cluster.ts';
import { LoneNode } from '../gossip/lone-node.ts';
import { forkedHistory, play, recordsOf, runs, straightHistory, textOf } from './histories.ts';
import type { Step } from './histories.ts';

const { seed } = runs(1);
const sample = (history: fc.Arbitrary<Step[]>, numRuns: number, firstKey: number): OwnerState[][] =>
  fc
    .sample(history, { seed, numRuns })
    .map((steps, index) => play(steps, firstKey + index).map(({ next }) => next));

/** Two different heads bear one number. */
function equivocates(states: readonly OwnerState[]): boolean {
  const hashes = new Set(states.map(({ head }) => Buffer.from(head.hash).toString('hex')));
  return new Set(states.map(({ head }) => head.head.lastUpdate)).size < hashes.size;
}

/** All states of each owner. Few equivocate: no pull finds those, and all have to be decoded. */
const pool: readonly (readonly OwnerState[])[] = [
  ...sample(straightHistory, 45, 10),
  ...sample(forkedHistory, 60, 100).filter(equivocates).slice(0, 6),
];

/** Which state of each owner a node holds at the beginning: none, or one of them. */
const holding = (share: number) =>
  fc.array(
    fc.oneof(
      { weight: 10 - share, arbitrary: fc.constant(undefined) },
      { weight: share, arbitrary: fc.nat(9) },
    ),
    { minLength: pool.length, maxLength: pool.length },
  );

const input = fc.record({
  left: fc.constantFrom(1, 5, 10).chain(holding),
  right: fc.constantFrom(1, 5, 10).chain(holding),
  /** All that one holds and the other does not, or next to nothing of it. */
  isNear: fc.boolean(),
  // With the fewest, half of the pool is more than symbols are worth.
  symbolsMax: fc.constantFrom(32, 64, 1_024),
  asks: fc.constantFrom(1, 2),
});

type Holding = readonly (number | undefined)[];

function statesOf(chosen: Holding): OwnerState[] {
  return chosen.flatMap((choice, index) => {
    const states = pool[index] ?? [];
    const state = choice === undefined ? undefined : states[choice % states.length];
    return state === undefined ? [] : [state];
  });
}

function give(to: Registry, states: Iterable<OwnerState>): void {
  const now = { monoMs: 0, wallMicros: 1_750_000_001_000_000 };
  for (const state of states)
    to.receive(
      state.head,
      recordsOf(state).map(({ bytes }) => bytes),
      true,
      now,
    );
}

/** What a registry holds of the owners in the pool. */
function textsOf(registry: Registry): string[] {
  const owners = pool.map(([state]) => state?.head.head.owner ?? '');
  return owners.map((owner) => {
    const state = registry.state(owner);
    return state === undefined ? '' : textOf(state);
  });
}

/** Each of two registries gets every state of the other, and no message is saved. */
function dumbTwin(left: Holding, right: Holding): string[] {
  const [one, other] = [new LoneNode({ number: 1 }), new LoneNode({ number: 2 })];
  give(one.registry, statesOf(left));
  give(other.registry, statesOf(right));
  const own = [...one.registry.owners()].map(([, state]) => state);
  give(
    one.registry,
    [...other.registry.owners()].map(([, state]) => state),
  );
  give(other.registry, own);
  assert.deepEqual(textsOf(one.registry), textsOf(other.registry), 'the twin itself converges');
  return textsOf(one.registry);
}

t.test(
  'whatever two nodes hold, exchanges lead them where reading all to each other does',
  async (t) => {
    t.equal(pool.length, 51);
    const reached = new Map<string, number>();
    const count = (name: string, by: number): void =>
      void reached.set(name, (reached.get(name) ?? 0) + by);
    const config = { gossipIntervalMs: 1e9 };
    const property = fc.asyncProperty(input, async (drawn) => {
      const { left, symbolsMax, asks } = drawn;
      const right = drawn.isNear
        ? left.map((own, at) => (at % 9 === 0 ? drawn.right[at] : own))
        : drawn.right;
      const cluster = await TestCluster.of(2, 1, { config, symbolsMax });
      cluster.network.rules.dropsRumor = () => true;
      give(cluster.node(1).registry, statesOf(left));
      give(cluster.node(2).registry, statesOf(right));
      for (const { engine } of cluster.nodes.values())
        engine.step({ kind: 'changed' }, cluster.clock.now());
      let rounds = 0;
      let reports: readonly { readonly outcome: string }[] = [];
      while (!cluster.isConverged() || reports[0]?.outcome !== 'in_sync') {
        rounds += 1;
        assert.ok(rounds <= 8, `not converged after ${rounds} rounds`);
        // A second pull from one peer waits for a minute.
        cluster.run(rounds > 2 ? 61_000 : 1_100);
        const asker = rounds > 2 ? 1 + (rounds % 2) : asks;
        const round = cluster.node(asker).agent.round();
        cluster.run(1_000);
        reports = await round;
      }
      const wanted = dumbTwin(left, right);
      for (const { registry, engine } of cluster.nodes.values()) {
        assert.deepEqual(textsOf(registry), wanted);
        for (const name of [
          'differences_decoded',
          'symbols_sent',
          'pulls_started',
          'pages_taken',
          'asked_whole',
        ])
          count(name, engine.counters.get(name));
        count('EQUIVOCATION', registry.refusals.get('EQUIVOCATION'));
        for (const reason of ['MALFORMED', 'ROOT_MISMATCH', 'BAD_SIGNATURE'])
          assert.equal(registry.refusals.get(reason), 0, reason);
      }
      count(`rounds ${rounds}`, 1);
    });
    await fc.assert(property, runs(120));
    t.comment([...reached].map(([name, times]) => `${name}: ${times}`).join(', '));
    for (const name of ['differences_decoded', 'symbols_sent', 'pulls_started', 'EQUIVOCATION'])
      t.ok((reached.get(name) ?? 0) >= 10, `${name}: ${reached.get(name)}`);
  },
);
