/** Whatever two nodes hold, one exchange between them leaves both with the larger of each pair. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import t from 'tap';
import { compareWithHeld } from '../../src/record/merge.ts';
import type { OwnerState } from '../../src/record/merge.ts';
import type { OwnerId } from '../../src/record/owner.ts';
import { Ghost } from '../gossip/ghosts.ts';
import { converse, LoneNode } from '../gossip/lone-node.ts';
import { forkedHistory, holds, play, recordsOf, straightHistory, textOf } from './histories.ts';

/** What each of the two came to hold of one owner, in three steps: indexes; -1: nothing new. */
const step = fc.array(fc.integer({ min: -1, max: 9 }), { minLength: 3, maxLength: 3 });

/** Keys of the owners; those of the nodes are 1 and 2. */
const firstKey = 10;

function give(node: LoneNode, states: readonly OwnerState[], index = -1): void {
  if (index < 0) return;
  const state = states[index % states.length] as OwnerState;
  const records = recordsOf(state).map(({ bytes }) => bytes);
  node.registry.receive(state.head, records, true, node.clock.now());
  node.settle();
}

/** Until the newest has settled, whatever is settling before it. */
function settle(...nodes: readonly LoneNode[]): void {
  for (const node of [...nodes, ...nodes]) node.settle();
}

/** What both nodes are to hold of an owner in the end. */
function largerOf(...nodes: readonly LoneNode[]): Map<OwnerId, OwnerState> {
  const larger = new Map<OwnerId, OwnerState>();
  for (const { registry } of nodes)
    for (const [owner, state] of registry.owners())
      if (compareWithHeld(larger.get(owner), state.head) === 'newer') larger.set(owner, state);
  return larger;
}

function assertHolds({ registry }: LoneNode, expected: ReadonlyMap<OwnerId, OwnerState>): void {
  const picture = ([owner, state]: [OwnerId, OwnerState]) => `${owner} ${textOf(state)}`;
  assert.deepEqual([...registry.owners()].map(picture).sort(), [...expected].map(picture).sort());
}

const ways = [
  { way: 'by coded symbols', symbolsMax: 256, history: forkedHistory, says: ['symbols', 'want'] },
  // A snapshot compares numbers: two heads with one lastUpdate are left to the symbols.
  { way: 'by a snapshot', symbolsMax: 4, history: straightHistory, says: ['pull', 'page'] },
];

for (const { way, symbolsMax, history, says } of ways)
  t.test(`two nodes end with the larger of each pair of heads, ${way}`, (t) => {
    const said: string[] = [];
    const owners = fc.array(fc.record({ history, asker: step, answerer: step }), { minLength: 1 });
    holds(
      t,
      100,
      fc.property(owners, (lives) => {
        const asker = new LoneNode({ number: 1, symbolsMax });
        const answerer = new LoneNode({ number: 2, symbolsMax });
        for (const round of [0, 1, 2])
          for (const [index, life] of lives.entries()) {
            const states = play(life.history, firstKey + index).map(({ next }) => next);
            give(asker, states, life.asker[round]);
            give(answerer, states, life.answerer[round]);
          }
        settle(asker, answerer);
        const expected = largerOf(asker, answerer);
        asker.reconciler.start(answerer.registry.self);
        said.push(...converse(asker, answerer));
        assertHolds(asker, expected);
        assertHolds(answerer, expected);
        // What is equal is seen to be equal: nothing is left of a head that was replaced.
        settle(asker, answerer);
        asker.reconciler.start(answerer.registry.self);
        assert.deepEqual(converse(asker, answerer), ['digest', 'same']);
      }),
    );
    for (const kind of [...says, 'delta']) t.ok(said.includes(kind), kind);
    t.end();
  });

t.test('a snapshot of several pages leaves out nobody', (t) => {
  const micros = new LoneNode().clock.now().wallMicros;
  const ghosts = Array.from({ length: 14 }, (_, index) => new Ghost(100 + index, micros, 6, 8_000));
  let pages = 0;
  holds(
    t,
    12,
    fc.property(fc.array(fc.boolean(), { minLength: 14, maxLength: 14 }), (isAtAsker) => {
      const asker = new LoneNode({ number: 1, symbolsMax: 4 });
      const answerer = new LoneNode({ number: 2, symbolsMax: 4 });
      answerer.give(...ghosts);
      asker.give(...ghosts.filter((_, index) => isAtAsker[index] === true && index < 7));
      const expected = largerOf(asker, answerer);
      asker.reconciler.start(answerer.registry.self);
      pages += converse(asker, answerer).filter((kind) => kind === 'page').length;
      assertHolds(asker, expected);
      assertHolds(answerer, expected);
    }),
  );
  t.ok(pages >= 24, `${pages} pages`);
  t.end();
});
