/** Exchanges while a head is settled on one side only, or about to expire there: nothing is sent twice. */
import t from 'tap';
import { bytesOf } from '../../src/gossip/delta.ts';
import type { Frame } from '../../src/gossip/frame.ts';
import { settleMs } from '../../src/gossip/settled-heads.ts';
import { Ghost, ghosts } from './ghosts.ts';
import { converse, LoneNode } from './lone-node.ts';

const startMicros = 1_750_000_000_000_000;

/** Two nodes that hold the same, and have met before. */
function pair(...held: readonly Ghost[]): { asker: LoneNode; answerer: LoneNode } {
  const [asker, answerer] = [new LoneNode({ number: 1 }), new LoneNode({ number: 2 })] as const;
  for (const node of [asker, answerer]) node.give(...held);
  asker.reconciler.start(answerer.registry.self);
  converse(asker, answerer);
  for (const node of [asker, answerer]) node.settle();
  return { asker, answerer };
}

function ask(asker: LoneNode, answerer: LoneNode): string[] {
  asker.reconciler.start(answerer.registry.self);
  return converse(asker, answerer);
}

for (const first of ['asker', 'answerer'] as const) {
  t.test(`a new head that has settled at the ${first} alone is not sent again`, (t) => {
    const [ghost, ...rest] = ghosts(3, startMicros, 4) as [Ghost, ...Ghost[]];
    const nodes = pair(ghost, ...rest);
    ghost.register(startMicros + 5_000_000, 2);
    const second = first === 'asker' ? 'answerer' : 'asker';
    ghost.giveTo(nodes[first].registry, nodes[first].clock.now());
    nodes[first].settle();
    ghost.giveTo(nodes[second].registry, nodes[second].clock.now());
    const said = ask(nodes.asker, nodes.answerer);
    t.ok(said.includes('difference'), 'the digests differ');
    t.notOk(said.includes('delta'), said.join(' '));
    t.strictSame(nodes.asker.outcomes.at(-1), 'in_sync');
    nodes[second].settle();
    t.strictSame(ask(nodes.asker, nodes.answerer), ['digest', 'same']);
    t.end();
  });

  t.test(`a head that the ${first} leaves out for its age is not sent again`, (t) => {
    const old = new Ghost(100, startMicros, 4);
    const nodes = pair(old, new Ghost(101, startMicros));
    const horizonMicros = (86_400_000 - 120_000) * 1_000;
    const { monoMs } = nodes[first].clock.now();
    const earliest = nodes[first].clock.now().wallMicros;
    t.ok(earliest - horizonMicros < old.state.head.head.lastUpdate);
    nodes[first].heads.settle(monoMs + 60_000, old.state.head.head.lastUpdate + 1, 60_000);
    const said = ask(nodes.asker, nodes.answerer);
    t.ok(said.includes('difference'), 'the digests differ');
    t.notOk(said.includes('delta'), said.join(' '));
    t.end();
  });
}

t.test('a head that changed again is told, although the one before has just come', (t) => {
  const ghost = new Ghost(100, startMicros, 4);
  const { asker, answerer } = pair(ghost);
  ghost.register(startMicros + 5_000_000, 2);
  asker.give(ghost);
  ghost.giveTo(answerer.registry, answerer.clock.now());
  answerer.reconciler.follow();
  ghost.register(startMicros + 6_000_000, 1);
  ghost.giveTo(answerer.registry, answerer.clock.now());
  const said = ask(asker, answerer);
  t.equal(
    asker.registry.state(ghost.owner)?.head.head.lastUpdate,
    ghost.state.head.head.lastUpdate,
  );
  t.equal(said.filter((kind) => kind === 'delta').length, 1);
  t.end();
});

t.test('two heads with one number are told from one that is not settled yet', (t) => {
  const nodes = { asker: new LoneNode({ number: 1 }), answerer: new LoneNode({ number: 2 }) };
  const [one, other] = [new Ghost(100, startMicros, 2), new Ghost(100, startMicros, 2, 400)];
  t.equal(one?.state.head.head.lastUpdate, other?.state.head.head.lastUpdate);
  nodes.asker.give(one as Ghost);
  nodes.answerer.give(other as Ghost);
  nodes.asker.clock.advance(settleMs);
  ask(nodes.asker, nodes.answerer);
  const held = [nodes.asker, nodes.answerer].map(({ registry }) =>
    registry.state(one?.owner ?? ''),
  );
  t.same(held[0]?.head.hash, held[1]?.head.hash);
  const equivocations = [nodes.asker, nodes.answerer].map(({ registry }) =>
    registry.refusals.get('EQUIVOCATION'),
  );
  t.ok(Math.max(...equivocations) > 0);
  t.end();
});

t.test('what is sent of one record changed among many is that record', (t) => {
  const ghost = new Ghost(100, startMicros, 50);
  const { asker, answerer } = pair(ghost);
  ghost.register(startMicros + 5_000_000, 1);
  asker.give(ghost);
  const deltas: Frame[] = [];
  asker.reconciler.start(answerer.registry.self);
  const [self, peer] = [asker.registry.self, answerer.registry.self];
  for (let turn = 0; turn < 5; turn++) {
    const said = asker.sent();
    deltas.push(...said.filter(({ kind }) => kind === 'delta'));
    for (const frame of said) answerer.reconciler.on(self, frame as never);
    for (const frame of answerer.sent()) asker.reconciler.on(peer, frame as never);
  }
  t.ok(bytesOf(deltas as never) < 900, `${bytesOf(deltas as never)} bytes`);
  t.end();
});
