/** Forked registries: what a simulator starts its thousands of nodes from. */
import t from 'tap';
import { AssertionError } from '../../src/base/assert.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { makeRegistration } from '../contract/store-contract.ts';
import { at } from '../record/fixtures.ts';
import { deregister, eventsAfter, keyOf, loadNode, makeIdentity, nameOf } from './fixtures.ts';
import { Owner, register, sendWhole, shown, startNode } from './fixtures.ts';

/** Node 1 with an instance of its own, who knows nodes 2 and 3 with one each. */
function setUp() {
  const store = new MemoryStore();
  const template = startNode({ store });
  template.commit([register('of-1')], at(1));
  const owners = [2, 3].map((key) => new Owner(key));
  for (const owner of owners) {
    const leased = register(`of-${owner.state.head.head.facts.name}`, { ttlMs: 1_000 });
    sendWhole(template, owner.move([leased], at(1)).next, at(1));
  }
  template.flush();
  const stores: MemoryStore[] = [];
  const fork = (key: number) => {
    const forked = store.fork(`store-${key}`);
    stores[key] = forked;
    return template.fork({ identity: makeIdentity(key), store: forked, now: at(2) });
  };
  return { store, stores, template, owners, fork };
}

const peersOf = (node: Registry) => [...node.rememberedPeers()].map(({ owner }) => owner).sort();
const held = (node: Registry) => [...node.owners()].map(([, { head }]) => head);

t.test('a fork holds, shows and remembers what its template does, as another node', (t) => {
  const { template, owners, fork } = setUp();
  const [second, third] = owners as [Owner, Owner];
  const node = fork(2);
  t.equal(node.self, second.id);
  t.equal(node.databaseId, 'store-2');
  t.strictSame(held(node), held(template));
  t.equal(node.state(third.id), template.state(third.id), 'what is equal is one object');
  t.strictSame(shown(node), ['of-1', 'of-node-2', 'of-node-3']);
  t.strictSame([...node.members()], [...template.members()]);
  t.strictSame(peersOf(node), [template.self, third.id].sort(), 'all but itself');
  t.strictSame(peersOf(template), [second.id, third.id].sort());
  t.strictSame(eventsAfter(node, node.feed.revision), []);
  t.end();
});

t.test('what its live records say is registered at a fork, with leases, and no more', (t) => {
  const { fork, template } = setUp();
  const node = fork(2);
  const wanted = makeRegistration({ instanceId: 'of-node-2', ttlMs: 1_000 });
  t.strictSame(node.registration(keyOf('of-node-2')), wanted);
  t.equal(node.registration(keyOf('of-1')), undefined);
  t.ok(template.registration(keyOf('of-1')));
  t.strictSame(node.heartbeat(nameOf('of-node-2'), at(900)), { ttlMs: 1_000 });
  node.tick(at(1_900));
  const health = () => node.index.get('shop', 'cart', node.self, 'of-node-2')?.record.health;
  t.equal(health(), 'critical', 'the lease began with the fork');
  t.equal(template.index.get('shop', 'cart', node.self, 'of-node-2')?.record.health, 'passing');
  t.end();
});

t.test('template and forks go their own ways', (t) => {
  const { template, owners, fork } = setUp();
  const [second, third] = [fork(2), fork(3)];
  const before = held(template);
  second.commit([register('more'), deregister('of-node-2')], at(3));
  third.observe(second.self, { kind: 'unreachable', why: 'refused' }, at(3));
  t.strictSame(shown(second), ['more', 'of-1', 'of-node-3']);
  t.strictSame(shown(third), ['of-1', 'of-node-3']);
  t.strictSame(shown(template), ['of-1', 'of-node-2', 'of-node-3']);
  t.strictSame(held(template), before);
  t.equal(third.member(second.self)?.state, 'dead');
  t.equal(second.member(second.self)?.state, 'alive');
  sendWhole(template, owners[1]!.move([register('late')], at(4)).next, at(4));
  t.strictSame(shown(template), ['late', 'of-1', 'of-node-2', 'of-node-3']);
  t.strictSame(shown(fork2(template)), shown(template));
  t.strictSame(shown(third), ['of-1', 'of-node-3']);
  t.end();

  function fork2(of: Registry): Registry {
    of.flush();
    return of.fork({ identity: makeIdentity(2), store: new MemoryStore(), now: at(5) });
  }
});

t.test('news reach a fork as they reach any node, from its template too', (t) => {
  const { template, fork } = setUp();
  const node = fork(2);
  const { revision } = node.feed;
  template.commit([register('new')], at(3));
  t.equal(sendWhole(node, template.state(template.self)!, at(3)).kind, 'applied');
  t.strictSame(eventsAfter(node, revision), ['up new registered']);
  t.equal(sendWhole(template, node.state(node.self)!, at(3)).kind, 'duplicate');
  t.end();
});

t.test('a fork that crashed comes back from its own store', (t) => {
  const { stores, template, fork } = setUp();
  const node = fork(2);
  const { revision } = node.feed;
  node.commit([register('more')], at(3));
  const third = template.member([...template.owners()][2]![0])!.owner;
  node.observe(third, { kind: 'unreachable', why: 'refused' }, at(3));
  node.tick(at(4));
  const again = startNode({ key: 2, store: stores[2]! }, at(5));
  t.strictSame(shown(again), ['more', 'of-1', 'of-node-2']);
  t.ok(again.registration(keyOf('of-node-2')));
  t.equal(again.registration(keyOf('of-1')), undefined);
  t.equal(again.member(third)?.state, 'dead');
  t.ok(again.feed.revision > node.feed.revision);
  t.ok(node.feed.revision > revision);
  t.strictSame(peersOf(again), peersOf(node));
  t.strictSame(again.refusals.entries(), []);
  const untouched = loadNode({ store: stores[2]! }, at(5));
  t.equal(untouched.registration(keyOf('more'))?.instanceId, 'more');
  t.end();
});

t.test('a fork for the same owner keeps what was asked for', (t) => {
  const { stores, template, fork } = setUp();
  const node = fork(1);
  t.strictSame(node.registration(keyOf('of-1')), template.registration(keyOf('of-1')));
  t.strictSame(peersOf(node), peersOf(template));
  t.equal(stores[1]!.load().registrations.length, 1);
  t.end();
});

t.test('tombstones of a fork are collected after their grace', (t) => {
  const { template, owners, fork } = setUp();
  sendWhole(template, owners[0]!.move([deregister('of-node-2')], at(2)).next, at(2));
  template.flush();
  const node = fork(2);
  node.tick(at(600_001));
  t.equal(node.state(node.self)?.set.tombstones, 1);
  node.tick(at(600_002));
  t.equal(node.state(node.self)?.set.tombstones, 0);
  t.end();
});

t.test('only an owner that is held can be forked, and only when nothing is pending', (t) => {
  const { template } = setUp();
  const of = (key: number) => () =>
    template.fork({ identity: makeIdentity(key), store: new MemoryStore(), now: at(2) });
  t.throws(of(9), new AssertionError('a fork is of an owner that is held'));
  sendWhole(template, new Owner(9).state, at(2));
  const bug = new AssertionError('what a registry holds is on disk before it is forked');
  t.throws(of(9), bug);
  t.end();
});
