import t from 'tap';
import { Counters } from '../../src/base/counters.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { Effect, GossipContext } from '../../src/gossip/context.ts';
import { Dialer } from '../../src/gossip/dialer.ts';
import { ed25519Verifier } from '../../src/record/signature.ts';
import { at } from '../record/fixtures.ts';
import { makeIdentity, Owner, sendWhole, startNode } from '../registry/fixtures.ts';
import { testConfig } from './cluster.ts';

const pendingDialsMax = 3;
type Dial = Extract<Effect, { kind: 'dial' }>;

function make() {
  const dials: Dial[] = [];
  const linked = new Set<string>();
  const registry = startNode();
  const member = new Owner(2);
  sendWhole(registry, member.state, at(0));
  const context: GossipContext & { now: typeof now } = {
    registry,
    identity: makeIdentity(1),
    verifier: ed25519Verifier,
    config: { ...testConfig, pendingDialsMax },
    random: seededRandom(1),
    counters: new Counters(),
    now: at(0),
    emit: (effect) => void (effect.kind === 'dial' && dials.push(effect)),
  };
  const doubts = { isDoubtful: false, isIsolated: false };
  const dialer = new Dialer(context, {
    isLinked: (peer) => linked.has(peer),
    isDoubtful: () => doubts.isDoubtful,
    isIsolated: () => doubts.isIsolated,
  });
  const taken = (): Dial[] => dials.splice(0);
  return { dialer, context, registry, member, linked, doubts, taken };
}
const now = at(0);
const seed = (number: number): string => `way ${number}`;
const way = (number: number) => ({ addresses: [seed(number)] });

t.test('no more dials than the bound are pending, and each ended one lets another begin', (t) => {
  const { dialer, taken } = make();
  dialer.setWaysIn([1, 2, 3, 4, 5].map(seed));
  dialer.proceed(0);
  t.equal(taken().length, pendingDialsMax);
  dialer.proceed(0);
  t.equal(taken().length, 0);
  dialer.settle(way(1));
  dialer.proceed(0);
  t.strictSame(
    taken().map(({ target }) => target),
    [way(4)],
  );
  dialer.settle(way(2));
  dialer.proceed(1);
  t.equal(taken().length, 0, 'a link counts as much as a dial');
  dialer.setWaysIn([]);
  dialer.settle(way(3));
  dialer.proceed(0);
  t.equal(taken().length, 0, 'what is not needed any more is not dialed');
  t.end();
});

t.test('who is to be confirmed goes first, with less patience', (t) => {
  const { dialer, member, taken } = make();
  dialer.setWaysIn([1, 2, 3, 4].map(seed));
  dialer.proceed(0);
  taken();
  dialer.confirm(member.id);
  dialer.confirm(member.id);
  t.equal(taken().length, 0, 'there is no room');
  dialer.settle(way(1));
  dialer.proceed(0);
  const [dial] = taken();
  t.match(dial, { target: { peer: member.id }, timeoutMs: testConfig.dialTimeoutMs });
  t.equal(dialer.pendingCount, pendingDialsMax);
  t.end();
});

t.test('who does not answer in time is told once, the ways in never', (t) => {
  const { dialer, context, member } = make();
  dialer.setWaysIn([1].map(seed));
  dialer.proceed(0);
  dialer.dialMember(member.id);
  context.now = at(testConfig.dialTimeoutMs - 1);
  t.strictSame(dialer.late(), []);
  context.now = at(testConfig.dialTimeoutMs);
  t.strictSame(dialer.late(), [member.id]);
  t.strictSame(dialer.late(), []);
  dialer.settle({ peer: member.id, addresses: member.state.head.head.facts.addresses });
  dialer.dialMember(member.id);
  context.now = at(3 * testConfig.dialTimeoutMs);
  t.strictSame(dialer.late(), [member.id], 'the next dial is another one');
  t.end();
});

t.test('a node that doubts itself has five times the patience', (t) => {
  const { dialer, doubts, member, taken } = make();
  doubts.isDoubtful = true;
  dialer.confirm(member.id);
  t.equal(taken()[0]?.timeoutMs, 5 * testConfig.dialTimeoutMs);
  t.end();
});

t.test('who is linked, or dialed there already, is not dialed', (t) => {
  const { dialer, linked, member, taken } = make();
  dialer.dialMember(member.id);
  dialer.dialMember(member.id);
  t.equal(taken().length, 1);
  const addresses = member.state.head.head.facts.addresses;
  t.equal(dialer.settle({ peer: member.id, addresses }), 'sound');
  linked.add(member.id);
  dialer.dialMember(member.id);
  dialer.confirm(member.id);
  t.equal(taken().length, 0);
  t.end();
});

t.test('a failed dial says nothing of a member that moved, or began a new life', (t) => {
  for (const change of ['moved', 'restarted']) {
    const { dialer, registry, member, taken } = make();
    dialer.dialMember(member.id);
    const target = taken()[0]?.target ?? { addresses: [] };
    const { incarnation } = member.state.head.head;
    if (change === 'moved')
      member.move([{ kind: 'facts', facts: { addresses: ['/ip4/10.0.0.9/tcp/1'] } }], at(1));
    else member.move([{ kind: 'reincarnate', above: incarnation }], at(1));
    sendWhole(registry, member.state, at(1));
    if (change === 'moved') {
      dialer.dialMember(member.id);
      t.equal(taken().length, 1, 'its new address is dialed without waiting for the old one');
    }
    t.equal(dialer.settle(target), 'stale', change);
  }
  t.end();
});

t.test('a dial that began when nobody was heard is a deaf one, whoever is heard since', (t) => {
  const { dialer, doubts, member, taken } = make();
  doubts.isIsolated = true;
  dialer.confirm(member.id);
  doubts.isIsolated = false;
  const target = taken()[0]?.target ?? { addresses: [] };
  t.equal(dialer.settle(target), 'deaf');
  dialer.confirm(member.id);
  t.equal(dialer.settle(target), 'sound');
  t.end();
});

t.test('dials to the lost are short but for some, so that one follows soon on a healing', (t) => {
  const { dialer, member, doubts, taken } = make();
  const target = { peer: member.id, addresses: ['lost'] };
  const timeouts = (count: number): number[] =>
    Array.from({ length: count }, () => {
      dialer.dialLost(target);
      dialer.settle(target);
      return taken().map(({ timeoutMs }) => timeoutMs);
    }).flat();
  const drawn = timeouts(100);
  t.strictSame(new Set(drawn.toSorted((a, b) => a - b)), new Set([1_000, 5_000]));
  const long = drawn.filter((timeoutMs) => timeoutMs === 5_000).length;
  t.ok(long >= 15 && long <= 35, `${long} of 100 wait for a slow host`);
  doubts.isDoubtful = true;
  t.strictSame([...new Set(timeouts(20))], [5_000], 'who is slow itself gives all of them time');
  dialer.setWaysIn([1, 2, 3].map(seed));
  dialer.proceed(0);
  taken();
  dialer.dialLost(target);
  t.equal(taken().length, 0, 'they wait for room as all others');
  t.end();
});
