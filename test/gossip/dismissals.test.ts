/** Dismissals: a dead node is let go everywhere, and a living one loses nothing by it. */
import t from 'tap';
import { Dismissals, dismissalsMax, dismissalsOfOneMax } from '../../src/gossip/dismissals.ts';
import { sealDismissal } from '../../src/membership/dismissal.ts';
import type { Dismissal } from '../../src/membership/dismissal.ts';
import type { MemberState } from '../../src/membership/member.ts';
import type { Sealed } from '../../src/record/head.ts';
import type { OwnerId } from '../../src/record/owner.ts';
import { HostilePeer } from '../attack/hostile-peer.ts';
import { makeState } from '../record/fixtures.ts';
import { signerOf, TestCluster } from './cluster.ts';
import type { TestNode } from './cluster.ts';
import { Ghost } from './ghosts.ts';
import { LoneNode } from './lone-node.ts';

const stateAt = (cluster: TestCluster, number: number, owner: OwnerId): MemberState | undefined =>
  cluster.node(number).registry.member(owner)?.state;

const areAll = (cluster: TestCluster, owner: OwnerId, state: MemberState): boolean =>
  [...cluster.nodes.keys()].every((number) => stateAt(cluster, number, owner) === state);

const refutationsOf = ({ engine }: TestNode): number => engine.counters.get('refutations');

/** Notes every dial to that owner from now on. */
function spyOnDials(cluster: TestCluster, owner: OwnerId): { count: number } {
  const dials = { count: 0 };
  for (const { transport } of cluster.nodes.values()) {
    const dial = transport.dial.bind(transport);
    transport.dial = (target, timeoutMs, done) => {
      if (target.peer === owner) dials.count += 1;
      dial(target, timeoutMs, done);
    };
  }
  return dials;
}

/** `count` nodes of which the last was killed, and all know. */
async function withDead(count: number): Promise<{ cluster: TestCluster; dead: OwnerId }> {
  const cluster = await TestCluster.of(count);
  const dead = cluster.node(count).registry.self;
  cluster.crash(count);
  cluster.until(() => areAll(cluster, dead, 'dead'), 10_000);
  return { cluster, dead };
}

t.test(
  'a dead node that is dismissed at one node is let go by all, and dialed no more',
  async (t) => {
    const { cluster, dead } = await withDead(6);
    const before = spyOnDials(cluster, dead);
    cluster.run(10_000);
    t.ok(before.count > 10, 'until then each of them dials it again and again');
    cluster.node(2).agent.dismiss(dead);
    const tookMs = cluster.until(() => areAll(cluster, dead, 'left'), 1_000);
    t.ok(tookMs <= 100, `all of them know after ${tookMs} ms`);
    cluster.run(1_000);
    const after = spyOnDials(cluster, dead);
    cluster.run(60_000);
    t.equal(after.count, 0);
    t.ok(areAll(cluster, dead, 'left'));
  },
);

t.test('each node tells a dismissal once, not again and again', async (t) => {
  const { cluster, dead } = await withDead(6);
  cluster.node(2).agent.dismiss(dead);
  cluster.run(10_000);
  const taken = [...cluster.nodes.values()].map(({ engine }) =>
    engine.counters.get('dismissals_taken'),
  );
  t.strictSame(taken, [1, 1, 1, 1, 1]);
  const known = [...cluster.nodes.values()].reduce(
    (sum, { engine }) => sum + engine.counters.get('dismissals_known'),
    0,
  );
  // One to 4 others, and each of those to the 3 who are neither itself nor its source.
  t.equal(known, 4 * 3);
});

t.test('beyond the full mesh a dismissal reaches everyone just as well', async (t) => {
  const { cluster, dead } = await withDead(30);
  cluster.node(17).agent.dismiss(dead);
  cluster.until(() => areAll(cluster, dead, 'left'), 1_000);
  t.ok(areAll(cluster, dead, 'left'));
});

t.test('a node that lives cannot be dismissed', async (t) => {
  const cluster = await TestCluster.of(4);
  const { self } = cluster.node(4).registry;
  cluster.node(1).agent.dismiss(self);
  cluster.run(2_000);
  t.ok(areAll(cluster, self, 'alive'));
  t.equal(cluster.node(1).engine.counters.get('dismissals_taken'), 0);
  t.equal(refutationsOf(cluster.node(4)), 0, 'it never heard of it');
});

t.test('who is dead to one node alone answers its dismissal, and is alive to all', async (t) => {
  const cluster = await TestCluster.of(4);
  const { self } = cluster.node(4).registry;
  cluster.cut([1], [4]);
  const { registry } = cluster.node(1);
  registry.observe(self, { kind: 'unreachable', why: 'silent' }, cluster.clock.now());
  cluster.node(1).agent.dismiss(self);
  t.equal(stateAt(cluster, 1, self), 'left', 'the word of an operator holds here');
  cluster.until(() => refutationsOf(cluster.node(4)) === 1, 1_000);
  cluster.until(() => areAll(cluster, self, 'alive'), 1_000);
  t.ok(
    areAll(cluster, self, 'alive'),
    'by its neighbors, although the two cannot reach each other',
  );
});

t.test('both sides of a partition may dismiss the other: healed, all live', async (t) => {
  const cluster = await TestCluster.of(4);
  const [left, right] = [cluster.node(2).registry.self, cluster.node(3).registry.self];
  cluster.cut([1, 2], [3, 4]);
  cluster.until(
    () => stateAt(cluster, 1, right) === 'dead' && stateAt(cluster, 4, left) === 'dead',
    10_000,
  );
  cluster.node(1).agent.dismiss(right);
  cluster.node(4).agent.dismiss(left);
  cluster.run(5_000);
  t.equal(stateAt(cluster, 2, right), 'left');
  t.equal(stateAt(cluster, 3, left), 'left');
  cluster.cut();
  cluster.until(() => areAll(cluster, left, 'alive') && areAll(cluster, right, 'alive'), 10_000);
  t.ok(cluster.isConverged());
});

t.test('a dismissed node that comes back with a new life is simply alive again', async (t) => {
  const cluster = await TestCluster.of(4);
  const { self } = cluster.node(4).registry;
  const store = cluster.crash(4);
  cluster.until(() => areAll(cluster, self, 'dead'), 10_000);
  cluster.node(1).agent.dismiss(self);
  cluster.until(() => areAll(cluster, self, 'left'), 1_000);
  await cluster.start(4, { store });
  cluster.register(4, 'back');
  cluster.until(() => areAll(cluster, self, 'alive'), 5_000);
  cluster.until(() => cluster.isSeenByAll('back'), 5_000);
  cluster.crash(4);
  cluster.until(() => areAll(cluster, self, 'dead'), 10_000);
  cluster.run(30_000);
  t.ok(areAll(cluster, self, 'dead'), 'what was said of one life says nothing of the next');
});

t.test('who was away, and who comes new, hears of it all the same', async (t) => {
  const cluster = await TestCluster.of(5);
  const { self } = cluster.node(5).registry;
  const away = cluster.crash(4);
  cluster.crash(5);
  cluster.until(() => areAll(cluster, self, 'dead'), 10_000);
  cluster.node(1).agent.dismiss(self);
  cluster.run(30_000);
  await cluster.start(4, { store: away });
  await cluster.start(6);
  cluster.until(() => stateAt(cluster, 4, self) === 'left', 5_000);
  // It has the head of the dismissed from its peers, and finds out for itself that nobody is there.
  cluster.until(() => stateAt(cluster, 6, self) === 'left', 30_000);
  t.ok(areAll(cluster, self, 'left'));
});

t.test('a dismissal waits where the subject is dead a moment later only', (t) => {
  const { node, dismissals, subject, now } = lone();
  const peer = signerOf(3).owner;
  dismissals.take(peer, said({ subject: subject.owner }));
  t.equal(node.registry.member(subject.owner)?.state, 'alive');
  dismissals.follow();
  t.equal(node.registry.member(subject.owner)?.state, 'alive', 'alive it stays');
  node.registry.observe(subject.owner, { kind: 'unreachable', why: 'refused' }, now());
  dismissals.follow();
  t.equal(node.registry.member(subject.owner)?.state, 'left');
  t.end();
});

t.test('a dismissal of another life, before or behind, does nothing', (t) => {
  const { node, dismissals, subject, now, refused } = lone();
  node.registry.observe(subject.owner, { kind: 'unreachable', why: 'refused' }, now());
  const peer = signerOf(3).owner;
  const { incarnation } = node.registry.member(subject.owner) ?? { incarnation: 0 };
  t.equal(incarnation, 1);
  dismissals.take(peer, said({ subject: subject.owner, incarnation: 2 }));
  dismissals.follow();
  t.equal(node.registry.member(subject.owner)?.state, 'dead');
  t.strictSame(refused, []);
  t.end();
});

t.test('the word of a key that is no member waits until it is one', (t) => {
  const { node, dismissals, subject, now } = lone();
  node.registry.observe(subject.owner, { kind: 'unreachable', why: 'refused' }, now());
  const stranger = new Ghost(9, node.clock.now().wallMicros);
  dismissals.take(signerOf(3).owner, said({ subject: subject.owner }, 9));
  t.equal(node.registry.member(subject.owner)?.state, 'dead');
  t.strictSame(node.sent(), [], 'nor is it told on');
  node.give(stranger);
  dismissals.follow();
  t.equal(node.registry.member(subject.owner)?.state, 'left');
  t.equal(node.kinds().length, 1, 'told to the one peer that did not send it');
  t.end();
});

t.test('what nobody may say is refused by name and told of the sender', (t) => {
  const { node, dismissals, subject, refused } = lone();
  const peer = signerOf(3).owner;
  const { wallMicros } = node.clock.now();
  const good = said({ subject: subject.owner });
  const { clockAheadMs, reapAfterMs } = node.context.config;
  const bad: readonly Sealed[] = [
    { body: Buffer.from('noise'), signature: good.signature },
    { body: good.body, signature: Buffer.alloc(64) },
    said({ subject: subject.owner }, 3, 'elsewhere'),
    said({ subject: subject.owner, incarnation: 0 }),
    said({ subject: subject.owner, at: wallMicros + clockAheadMs * 1000 + 1_000_000 }),
    said({ subject: subject.owner, at: wallMicros - reapAfterMs * 1000 - 1 }),
  ];
  for (const sealed of bad) dismissals.take(peer, sealed);
  const reasons = ['MALFORMED', 'BAD_SIGNATURE', 'BAD_SIGNATURE'];
  t.strictSame(refused, [...reasons, 'OUT_OF_RANGE', 'CLOCK_AHEAD', 'EXPIRED']);
  t.equal(dismissals.size, 0);
  t.equal(node.registry.refusals.get('BAD_SIGNATURE'), 2, 'and counted');
  t.end();
});

t.test('this node itself is not dismissed: it refutes, of the life that it lives', (t) => {
  const { node, dismissals, refutes } = lone();
  const { self } = node.registry;
  const incarnation = node.registry.member(self)?.incarnation ?? 0;
  const peer = signerOf(3).owner;
  dismissals.take(peer, said({ subject: self, incarnation: incarnation + 1 }));
  dismissals.take(peer, said({ subject: self, incarnation: incarnation - 1 }));
  t.equal(refutes.count, 0);
  dismissals.take(peer, said({ subject: self, incarnation }));
  t.equal(refutes.count, 1);
  t.equal(dismissals.size, 0);
  t.end();
});

t.test(`of one signer ${dismissalsOfOneMax} are taken in an hour, and one more is not`, (t) => {
  const { node, dismissals, refused } = lone();
  const peer = signerOf(3).owner;
  const takeUpTo = (last: number, first = 1): void => {
    for (let incarnation = first; incarnation <= last; incarnation++)
      dismissals.take(peer, said({ subject: signerOf(99).owner, incarnation }));
  };
  takeUpTo(dismissalsOfOneMax);
  t.strictSame([dismissals.size, refused], [dismissalsOfOneMax, []]);
  takeUpTo(dismissalsOfOneMax + 1);
  t.strictSame([dismissals.size, refused], [dismissalsOfOneMax, ['TOO_MANY_DISMISSALS']]);
  node.clock.advance(3_600_000);
  takeUpTo(dismissalsOfOneMax + 1, dismissalsOfOneMax + 1);
  t.equal(dismissals.size, dismissalsOfOneMax + 1, 'another hour, another word');
  t.end();
});

t.test(`${dismissalsMax} are held, whoever signed them, until they are over`, (t) => {
  const { node, dismissals, refused } = lone();
  const peer = signerOf(3).owner;
  const signers = dismissalsMax / dismissalsOfOneMax;
  const say = (signer: number, incarnation: number): void => {
    const { wallMicros } = node.clock.now();
    const subject = signerOf(99).owner;
    dismissals.take(peer, said({ subject, incarnation, at: wallMicros }, 100 + signer));
  };
  for (let index = 0; index < dismissalsMax; index++)
    say(Math.floor(index / dismissalsOfOneMax), index + 1);
  t.strictSame([dismissals.size, refused], [dismissalsMax, []]);
  say(signers, dismissalsMax + 1);
  node.clock.advance(3_600_000);
  say(signers, dismissalsMax + 2);
  t.strictSame(refused, ['TOO_MANY_DISMISSALS', 'TOO_MANY_DISMISSALS']);
  node.clock.advance(node.context.config.reapAfterMs);
  say(signers, dismissalsMax + 3);
  t.equal(dismissals.size, 1, 'those of yesterday are forgotten');
  t.end();
});

t.test('a forged dismissal is a strike against the peer that sent it', async (t) => {
  const { cluster, dead } = await withDead(4);
  const node = cluster.node(1);
  const peer = HostilePeer.greeted(cluster, 66, node);
  const incarnation = node.registry.member(dead)?.incarnation ?? 0;
  const { wallMicros } = cluster.clock.now();
  const { body } = sealDismissal(
    { subject: dead, incarnation, at: wallMicros },
    'test',
    signerOf(2),
  );
  const forged = { body, signature: Buffer.alloc(64) };
  for (let time = 0; time < 3; time++)
    peer.send(node.registry.self, { kind: 'dismissal', sealed: forged });
  cluster.run(100);
  t.equal(node.registry.refusals.get('BAD_SIGNATURE'), 3);
  t.notOk(peer.isLinked(node), 'banned');
  t.equal(node.registry.member(dead)?.state, 'dead');
});

/** Node 1 alone, which knows nodes 2 and 3, and thinks that it is linked with 3 and 4. */
function lone() {
  const node = new LoneNode();
  const { wallMicros } = node.clock.now();
  node.give(new Ghost(3, wallMicros));
  // A ghost says that it has left, and the subject lives as far as it says.
  const subject = signerOf(2);
  const { head } = makeState([], { lastUpdate: wallMicros }, subject);
  node.registry.receive(head, [], true, node.clock.now());
  const refused: string[] = [];
  const refutes = { count: 0 };
  const dismissals = new Dismissals(node.context, {
    peers: () => [signerOf(3).owner, signerOf(4).owner],
    refused: (_, reason) => void refused.push(reason),
    refute: () => void refutes.count++,
  });
  const now = () => node.clock.now();
  return { node, dismissals, subject, now, refused, refutes };
}

/** Signed by node 3 of this cluster unless told otherwise. */
function said(
  { subject, incarnation = 1, at }: Partial<Dismissal> & Pick<Dismissal, 'subject'>,
  signer = 3,
  cluster = 'test',
): Sealed {
  const when = at ?? new LoneNode().clock.now().wallMicros;
  const { body, signature } = sealDismissal(
    { subject, incarnation, at: when },
    cluster,
    signerOf(signer),
  );
  return { body, signature };
}
