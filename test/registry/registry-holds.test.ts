/** What becomes of a service most of whose owners fall silent at once. */
import t from 'tap';
import { at } from '../record/fixtures.ts';
import { deregister, eventsAfter, makeIdentity, Owner, register } from './fixtures.ts';
import { sendWhole, shown, startNode, WatchedStore } from './fixtures.ts';

/** A node that holds owners 2 to 5, each with an instance of one service. */
function setUp() {
  const store = new WatchedStore();
  const node = startNode({ store });
  const owners = ['a', 'b', 'c', 'd'].map((id, index) => {
    const owner = new Owner(index + 2);
    sendWhole(node, owner.move([register(id, { ip: `10.0.0.${index}` })], at(1)).next, at(1));
    return owner;
  }) as [Owner, Owner, Owner, Owner];
  const silent = (ms: number, ...which: Owner[]): void => {
    for (const { id } of which) node.observe(id, { kind: 'unreachable', why: 'silent' }, at(ms));
  };
  const held = () =>
    node.index
      .list()
      .filter(({ isHeld }) => isHeld === true)
      .map(({ record }) => record.instanceId);
  const { revision } = node.feed;
  return { store, node, owners, silent, held, revision };
}

t.test('most of a service falls silent: it is shown as it was, and marked', (t) => {
  const { node, owners, silent, held, revision } = setUp();
  const [a, b, c] = owners;
  silent(10, a);
  t.strictSame(shown(node), ['b', 'c', 'd'], 'one alone vanishes');
  silent(20, b);
  silent(30, c);
  t.strictSame(shown(node), ['a', 'b', 'c', 'd']);
  t.strictSame(held(), ['a', 'b', 'c']);
  t.equal(node.index.departure('shop', 'cart'), undefined);
  t.strictSame(eventsAfter(node, revision), [
    'down a owner_dead',
    'down b owner_dead',
    'up a held',
    'up b held',
    'up c held',
  ]);
  t.match(node.brake.hold('shop', 'cart'), { since: at(30).wallMicros, instances: 3 });
  t.equal(node.member(a.id)?.state, 'dead', 'the member list says what was found');
  t.end();
});

t.test('most of a service refuses connections: it is gone at once', (t) => {
  const { node, owners, revision } = setUp();
  for (const { id } of owners) node.observe(id, { kind: 'unreachable', why: 'refused' }, at(10));
  t.strictSame(shown(node), []);
  t.equal(node.brake.isIdle, true);
  t.strictSame(
    eventsAfter(node, revision),
    ['a', 'b', 'c', 'd'].map((id) => `down ${id} owner_dead`),
  );
  t.end();
});

t.test('what comes back is an instance like any other, and the last one ends the hold', (t) => {
  const { node, owners, silent, held } = setUp();
  const [a, b, c] = owners;
  silent(10, a, b, c);
  const { revision } = node.feed;
  node.observe(a.id, { kind: 'linked' }, at(20));
  sendWhole(node, b.move([{ kind: 'reincarnate', above: 0 }], at(30)).next, at(30));
  t.strictSame(held(), ['c']);
  node.observe(c.id, { kind: 'linked' }, at(40));
  t.strictSame(held(), []);
  t.equal(node.brake.isIdle, true);
  t.strictSame(shown(node), ['a', 'b', 'c', 'd']);
  t.strictSame(eventsAfter(node, revision), [
    'up a owner_back',
    'up b owner_back',
    'up c owner_back',
  ]);
  t.end();
});

t.test('after holdMaxMs the truth is shown, on a full disk too, and is held no more', (t) => {
  const { store, node, owners, silent } = setUp();
  const [a, b, c, d] = owners;
  silent(10, a, b, c);
  node.tick(at(30_009));
  t.strictSame(shown(node), ['a', 'b', 'c', 'd']);
  const { revision } = node.feed;
  store.isFull = true;
  // The own head is due, and cannot be written.
  t.throws(() => node.tick(at(4_000_000)), WatchedStore.diskError);
  t.strictSame(shown(node), ['d']);
  t.strictSame(
    eventsAfter(node, revision),
    ['a', 'b', 'c'].map((id) => `down ${id} owner_dead`),
  );
  silent(4_000_001, a, b, c, d);
  t.strictSame(shown(node), []);
  t.match(node.index.departure('shop', 'cart'), { reason: 'owner_dead' });
  t.end();
});

t.test('what its owner takes back, leaves behind or is refused for is not held longer', (t) => {
  const { node, owners, silent, held } = setUp();
  const [a, b, c] = owners;
  silent(10, a, b, c);
  const { revision } = node.feed;
  sendWhole(node, a.move([deregister('a')], at(20)).next, at(20));
  t.strictSame(held(), ['b', 'c']);
  sendWhole(node, b.move([{ kind: 'facts', facts: { left: true } }], at(30)).next, at(30));
  t.strictSame(held(), ['c']);
  node.observe(c.id, { kind: 'unreachable', why: 'refused' }, at(40));
  t.strictSame(shown(node), ['d']);
  t.equal(node.brake.isIdle, true);
  t.strictSame(eventsAfter(node, revision), [
    'down a deregistered',
    'down b owner_left',
    'down c owner_dead',
  ]);
  t.end();
});

t.test('what a silent owner said last is what is held, and nothing that is new', (t) => {
  const { node, owners, silent, held } = setUp();
  const [a, b, c] = owners;
  silent(10, a, b, c);
  const { revision } = node.feed;
  const mutations = [register('a', { port: 81 }), register('new')];
  sendWhole(node, a.move(mutations, at(20)).next, at(20));
  t.strictSame(held(), ['a', 'b', 'c']);
  t.strictSame(eventsAfter(node, revision), ['up a updated']);
  t.match(node.index.service('shop', 'cart'), [{ record: { port: 81 }, isHeld: true }, {}, {}, {}]);
  t.end();
});

t.test('what was deregistered within the window is not brought back by a hold', (t) => {
  const { node, owners, silent } = setUp();
  const [a, b, c, d] = owners;
  const e = new Owner(6);
  sendWhole(node, e.move([register('e')], at(2)).next, at(2));
  silent(10, a, b);
  sendWhole(node, a.move([deregister('a')], at(20)).next, at(20));
  silent(30, c);
  t.strictSame(shown(node), ['d', 'e'], 'of four that were wanted two are left');
  silent(40, d);
  t.strictSame(shown(node), ['b', 'c', 'd', 'e']);
  t.end();
});

t.test('a node that lost its own network holds what others registered, not its own', (t) => {
  const { node, owners, silent, held } = setUp();
  node.commit([register('own')], at(5));
  silent(10, ...owners);
  t.strictSame(shown(node), ['a', 'b', 'c', 'd', 'own']);
  t.strictSame(held(), ['a', 'b', 'c', 'd']);
  t.end();
});

t.test('a restart holds nothing: it shows what it knows, and waits to hear more', (t) => {
  const { store, node, owners, silent } = setUp();
  const [a, b, c] = owners;
  silent(10, a, b, c);
  node.flush();
  const next = startNode({ store }, at(20));
  t.strictSame(shown(next), ['d']);
  t.equal(next.brake.isIdle, true);
  next.observe(a.id, { kind: 'linked' }, at(30));
  t.strictSame(shown(next), ['a', 'd']);
  t.end();
});

t.test('a fork shows no more than a restart would', (t) => {
  const { store, node, owners, silent } = setUp();
  const [a, b, c] = owners;
  silent(10, a, b, c);
  node.flush();
  const fork = node.fork({ identity: makeIdentity(1), store, now: at(20) });
  t.strictSame(shown(fork), ['d']);
  t.strictSame(shown(node), ['a', 'b', 'c', 'd']);
  t.end();
});
