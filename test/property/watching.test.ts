/** What must hold of nodes that watch each other, in many small clusters: simulated networks. */
import t from 'tap';
import { decodeFrame, encodeFrame, encodeRumor } from '../../src/gossip/message.ts';
import { sealAccusation, sealToken } from '../../src/membership/accusation.ts';
import { World } from '../../src/sim/world.ts';
import type { SimNode } from '../../src/sim/sim-node.ts';
import { calmOptions } from '../sim/options.ts';

const randomSeeds = [1, 2, 3, 4, 5, 6, 7, 8];

function worldOf(nodes: number, randomSeed: number): World {
  const world = new World({ ...calmOptions, nodes, randomSeed });
  world.startWarm(() => []);
  world.clock.advance(3_000);
  return world;
}

function nodeOf(world: World, number: number): SimNode {
  const node = world.node(number);
  if (node === undefined) throw new Error(`node ${number} runs`);
  return node;
}

const counted = (node: SimNode, name: string): number => node.engine.counters.get(name);

t.test('a node that is cut off accuses nobody, whether its links break or fall silent', (t) => {
  let unanswered = 0;
  for (const randomSeed of [...randomSeeds, 9, 10, 11, 12, 13, 14, 15, 16]) {
    const world = worldOf(10, randomSeed);
    const heal = world.network.cut((from, to) => (from === 1) !== (to === 1));
    world.clock.advance(20_000);
    const alone = nodeOf(world, 1);
    t.equal(alone.engine.isIsolated, true);
    unanswered += counted(alone, 'dials_timeout');
    heal();
    world.clock.advance(30_000);
    t.equal(counted(alone, 'accusations_made'), 0);
    for (const node of world.up())
      t.ok([...node.registry.members()].every(({ state }) => state === 'alive'));
  }
  t.ok(unanswered > 0, 'there was something to accuse others of');
  t.end();
});

/** Neighbors of a node say together, and falsely, that it does not answer them. */
function lieAbout(subject: SimNode, liars: readonly SimNode[]): void {
  const at = subject.now().wallMicros;
  const incarnation = subject.registry.member(subject.owner)?.incarnation ?? 0;
  for (const { owner, signer, transport } of liars) {
    const names = { subject: subject.owner, observer: owner };
    const token = sealToken({ ...names, issuedAt: at }, 'sim', subject.signer);
    const claim = { incarnation, since: at, at, confirmed: false, reason: 'silent' } as const;
    const { body, signature } = sealAccusation(token, claim, 'sim', signer);
    const rumor = { head: undefined, previous: 0, records: [], accusations: [{ body, signature }] };
    transport.publish(encodeRumor(rumor));
  }
}

for (const count of [1, 3, 7])
  t.test(`a node that ${count} of its neighbors accuse falsely answers, and lives`, (t) => {
    for (const nodes of [9, 32])
      for (const randomSeed of randomSeeds) {
        const world = worldOf(nodes, randomSeed);
        const subject = nodeOf(world, 1);
        const neighbors = world.up().filter(({ engine }) => engine.isLinked(subject.owner));
        const believers: string[] = [];
        world.observers.push({
          changed: ({ number, engine, registry }) => {
            const { state } = registry.member(subject.owner) ?? {};
            if (state === 'dead') believers.push(`${number}: dead`);
            if (state === 'suspect' && engine.isLinked(subject.owner)) believers.push(`${number}`);
          },
        });
        lieAbout(subject, neighbors.slice(0, count));
        world.clock.advance(5_000);
        t.strictSame(believers, []);
        t.equal(counted(subject, 'refutations'), 1);
        for (const { registry, engine } of world.up()) {
          t.equal(registry.member(subject.owner)?.state, 'alive');
          t.strictSame(engine.accusersOf(subject.owner), []);
        }
      }
    t.end();
  });

t.test('two that cannot reach each other, and are reached by all others, live', (t) => {
  for (const nodes of [9, 32])
    for (const randomSeed of randomSeeds.slice(0, 4)) {
      const world = worldOf(nodes, randomSeed);
      const [one, other] = [nodeOf(world, 1), nodeOf(world, 2)];
      const [a, b] = [one.number, other.number];
      let deaths = 0;
      world.observers.push({
        changed: (node, changes) => {
          for (const { owner } of changes)
            if (node.registry.member(owner)?.state === 'dead') deaths += 1;
        },
      });
      world.network.cut((from, to) => (from === a && to === b) || (from === b && to === a));
      world.network.breakLinks(1);
      world.clock.advance(120_000);
      t.equal(deaths, 0, `${nodes} nodes, random seed ${randomSeed}`);
      t.comment(`${counted(one, 'refutations')} refutations in two minutes`);
    }
  t.end();
});

t.test('who was frozen for a while answers as soon as it goes on', (t) => {
  for (const randomSeed of randomSeeds) {
    const world = worldOf(4, randomSeed);
    const node = nodeOf(world, 1);
    node.process.pause();
    world.clock.advance(4_000);
    const isSuspected = world.up().some(({ engine }) => engine.accusersOf(node.owner).length > 0);
    t.ok(isSuspected);
    node.process.resume();
    world.clock.advance(150);
    t.equal(counted(node, 'refutations'), 1);
    t.ok(world.up().every(({ engine }) => engine.accusersOf(node.owner).length === 0));
  }
  t.end();
});

t.test('who is heard again is told at once what it is accused of', (t) => {
  for (const randomSeed of randomSeeds) {
    const world = worldOf(3, randomSeed);
    const [subject, other] = [nodeOf(world, 1), nodeOf(world, 2)];
    subject.process.pause();
    world.clock.advance(3_000);
    t.equal(other.registry.member(subject.owner)?.state, 'suspect');
    const bytes = encodeFrame({ kind: 'ping', nonce: 1 });
    const effects = other.engine.step({ kind: 'message', peer: subject.owner, bytes }, other.now());
    const told = effects.flatMap((effect) => {
      if (effect.kind !== 'send' || effect.peer !== subject.owner) return [];
      const decoded = decodeFrame(effect.bytes);
      return decoded.kind === 'refused' ? [] : [decoded.value.kind];
    });
    t.ok(told.includes('accusation'), told.join(', '));
    t.equal(other.registry.member(subject.owner)?.state, 'alive', 'and believed');
  }
  t.end();
});
