/** The ways into the cluster, and who is dialed because it is lost. */
import t from 'tap';
import { Counters } from '../../src/base/counters.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { DialTarget, GossipContext } from '../../src/gossip/context.ts';
import { Dialer } from '../../src/gossip/dialer.ts';
import { Search } from '../../src/gossip/search.ts';
import { ed25519Verifier } from '../../src/record/signature.ts';
import { at } from '../record/fixtures.ts';
import { makeIdentity, Owner, sendWhole, startNode } from '../registry/fixtures.ts';
import { testConfig } from './cluster.ts';

const seed = '/ip4/127.0.0.1/tcp/7946';

function make(seeds: readonly string[], others: number) {
  const dials: DialTarget[] = [];
  const registry = startNode();
  const owners = Array.from({ length: others }, (_, index) => new Owner(index + 2));
  for (const { state } of owners) sendWhole(registry, state, at(0));
  const context: GossipContext = {
    registry,
    identity: makeIdentity(1),
    verifier: ed25519Verifier,
    config: testConfig,
    random: seededRandom(1),
    counters: new Counters(),
    now: at(0),
    emit: (effect) => void (effect.kind === 'dial' && dials.push(effect.target)),
  };
  const dialer = new Dialer(context, {
    isLinked: () => false,
    isDoubtful: () => false,
    isIsolated: () => false,
  });
  const search = new Search(context, seeds, dialer);
  /** Whoever is dialed once more had its last dial fail. */
  const tick = (times: number): DialTarget[] => {
    for (let count = 0; count < times; count++) {
      search.tick();
      for (const target of dials) dialer.settle(target);
    }
    return dials.splice(0);
  };
  const die = (owner: string): void => {
    registry.observe(owner, { kind: 'unreachable', why: 'refused' }, at(0));
    search.note(owner, 'dead');
  };
  return { registry, owners, search, tick, die };
}

t.test('whoever lives, and a seed node that does, is not looked for', (t) => {
  const { owners, search, tick } = make([seed], 2);
  search.dialed({ addresses: [seed] }, owners[0]?.id);
  t.strictSame(tick(100), []);
  t.end();
});

t.test('a seed node at which nobody answered is dialed again, until somebody does', (t) => {
  const { registry, search, tick } = make([seed], 1);
  t.strictSame(new Set(tick(20).map(({ addresses }) => String(addresses))), new Set([seed]));
  search.dialed({ addresses: [seed] }, registry.self);
  t.strictSame(tick(20), []);
  t.end();
});

t.test(
  'the dead are dialed where they were, each in its turn, until they live or are linked',
  (t) => {
    const { owners, search, tick, die } = make([], 4);
    const [a, b, c] = owners.map(({ id }) => id) as [string, string, string];
    for (const owner of [a, b, c]) die(owner);
    const dialed = tick(100);
    t.strictSame(new Set(dialed.map(({ peer }) => peer)), new Set([a, b, c]));
    t.ok(dialed.every(({ addresses }) => addresses.length > 0));
    t.ok(search.note(a, 'alive'), 'it is back');
    t.notOk(search.note(a, 'alive'), 'and was so before');
    search.linked(b);
    t.strictSame(new Set(tick(100).map(({ peer }) => peer)), new Set([c]));
    t.end();
  },
);

t.test('of many who live each leaves most of it to the others', (t) => {
  const { owners, tick, die } = make([], 79);
  for (const { id } of owners.slice(0, 40)) die(id);
  const { length } = tick(1_000);
  t.ok(length > 70 && length < 130, `${length} dials in 1,000 intervals by one of 40 who live`);
  t.end();
});

t.test('without seed nodes and memories there is nobody to look for', (t) => {
  const nothing = make([], 0);
  t.ok(nothing.search.isFutile);
  t.strictSame(nothing.search.begin(), []);
  t.equal(nothing.search.describeTried(), 'no seed nodes and 0 remembered peers');
  const { registry, search } = make([seed], 0);
  t.notOk(search.isFutile);
  search.dialed({ addresses: [seed] }, registry.self);
  t.ok(search.isFutile, 'its only seed node is this node itself');
  t.end();
});

t.test('ways in are all seed nodes and all who are remembered, the dead last', (t) => {
  const { registry, owners, search, die } = make([seed], 3);
  die(owners[1]?.id as string);
  const remembered = [...registry.rememberedPeers()];
  const ways = search.begin();
  t.equal(ways.length, 1 + remembered.length);
  t.ok(ways.includes(seed));
  const isDead = ways.map((way) => typeof way !== 'string' && way.isDead);
  t.strictSame(
    isDead,
    isDead.toSorted((a, b) => Number(a) - Number(b)),
  );
  t.match(search.describeTried(), new RegExp(`^seed nodes ${seed} and ${remembered.length} `));
  t.end();
});
