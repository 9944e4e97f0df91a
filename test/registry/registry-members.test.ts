/** What becomes of instances when their owner dies, leaves, returns or falls silent. */
import t from 'tap';
import { at } from '../record/fixtures.ts';
import { deregister, eventsAfter, hourMs, Owner, register, sendWhole, shown } from './fixtures.ts';
import { startNode, WatchedStore } from './fixtures.ts';

/** A node that holds an owner with instances a and b. */
function setUp(config = {}) {
  const store = new WatchedStore();
  const node = startNode({ store, config });
  const other = new Owner(2);
  sendWhole(node, other.move([register('a'), register('b')], at(1)).next, at(1));
  return { store, node, other, revision: node.feed.revision };
}

t.test('instances of an owner met for the first time are registered, not back', (t) => {
  const { node } = setUp();
  t.strictSame(eventsAfter(node, 1).sort(), ['up a registered', 'up b registered']);
  t.end();
});

t.test('death hides what an owner registered, and a live link shows it again', (t) => {
  const { node, other, revision } = setUp();
  const members = node.membersRevision;
  node.observe(other.id, { kind: 'unreachable', why: 'refused' }, at(2));
  t.strictSame(shown(node), []);
  t.equal(node.member(other.id)?.state, 'dead');
  t.equal(node.state(other.id)?.set.count, 2, 'it hides, it does not delete');
  t.strictSame(eventsAfter(node, revision).sort(), ['down a owner_dead', 'down b owner_dead']);
  t.match(node.index.departure('shop', 'cart'), { reason: 'owner_dead', at: at(2).wallMicros });
  t.equal(node.membersRevision, members + 1);
  node.observe(other.id, { kind: 'linked' }, at(3));
  t.strictSame(shown(node), ['a', 'b']);
  const back = eventsAfter(node, revision + 1).sort();
  t.strictSame(back, ['up a owner_back', 'up b owner_back']);
  t.match(node.feed.read(revision), { changes: [{ origin: 'member' }, { origin: 'member' }] });
  t.equal(node.index.departure('shop', 'cart'), undefined);
  t.end();
});

t.test('what a dead owner still says is held and stays hidden until it is refuted', (t) => {
  const { node, other } = setUp();
  node.observe(other.id, { kind: 'unreachable', why: 'refused' }, at(2));
  const { revision } = node.feed;
  const update = other.move([register('c'), deregister('a')], at(3)).next;
  t.equal(sendWhole(node, update, at(3)).kind, 'applied');
  t.strictSame(shown(node), []);
  t.strictSame(eventsAfter(node, revision), []);
  const refuted = other.move([{ kind: 'reincarnate', above: 0 }], at(4)).next;
  t.equal(sendWhole(node, refuted, at(4)).kind, 'applied');
  t.equal(node.member(other.id)?.state, 'alive');
  t.strictSame(shown(node), ['b', 'c']);
  t.strictSame(eventsAfter(node, revision).sort(), ['up b owner_back', 'up c owner_back']);
  t.end();
});

t.test('a head that left hides at once, and only a new life shows again', (t) => {
  const { node, other, revision } = setUp();
  sendWhole(node, other.move([{ kind: 'facts', facts: { left: true } }], at(2)).next, at(2));
  t.equal(node.member(other.id)?.state, 'left');
  t.strictSame(eventsAfter(node, revision).sort(), ['down a owner_left', 'down b owner_left']);
  node.observe(other.id, { kind: 'linked' }, at(3));
  node.observe(other.id, { kind: 'unreachable', why: 'refused' }, at(3));
  t.equal(node.member(other.id)?.state, 'left');
  const mutations = [
    { kind: 'facts' as const, facts: { left: false } },
    { kind: 'reincarnate' as const, above: 0 },
  ];
  sendWhole(node, other.move(mutations, at(4)).next, at(4));
  t.strictSame(shown(node), ['a', 'b']);
  t.end();
});

t.test('what is observed of nobody known, of oneself or again changes nothing', (t) => {
  const { node, revision } = setUp();
  node.observe(new Owner(9).id, { kind: 'unreachable', why: 'refused' }, at(2));
  node.observe(node.self, { kind: 'unreachable', why: 'refused' }, at(2));
  node.observe(new Owner(2).id, { kind: 'linked' }, at(2));
  t.equal(node.feed.revision, revision);
  t.equal(node.member(node.self)?.state, 'alive');
  t.end();
});

t.test('changes of a shown owner tell only what changed', (t) => {
  const { node, other, revision } = setUp();
  const mutations = [register('a', { port: 81 }), deregister('b'), register('c')];
  sendWhole(node, other.move(mutations, at(2)).next, at(2));
  const events = ['down b deregistered', 'up a updated', 'up c registered'];
  t.strictSame(eventsAfter(node, revision).sort(), events);
  const collected = other.move([{ kind: 'refresh' }], at(hourMs)).next;
  t.equal(collected.set.tombstones, 0);
  sendWhole(node, collected, at(hourMs));
  t.strictSame(eventsAfter(node, revision + 1), [], 'a tombstone that is forgotten is no news');
  t.end();
});

t.test('an instance that is gone without a tombstone was replaced', (t) => {
  const { node, revision } = setUp();
  const reborn = new Owner(2, at(5)).move([register('b')], at(6)).next;
  t.equal(sendWhole(node, reborn, at(6)).kind, 'applied');
  t.strictSame(eventsAfter(node, revision).sort(), ['down a replaced', 'up b updated']);
  t.end();
});

t.test('an owner silent for reapAfterMs is dropped, from disk too, and may come again', (t) => {
  const { store, node, other, revision } = setUp();
  node.tick(at(24 * hourMs));
  t.strictSame(shown(node), ['a', 'b'], 'not before');
  node.tick(at(24 * hourMs + 2));
  t.equal(node.state(other.id), undefined);
  t.equal(node.member(other.id), undefined);
  t.strictSame(shown(node), []);
  const expired = eventsAfter(node, revision).filter((event) => event.startsWith('down'));
  t.strictSame(expired.sort(), ['down a expired', 'down b expired']);
  t.match(node.index.departure('shop', 'cart'), { reason: 'expired' });
  t.strictSame(
    store.load().owners.map(({ owner }) => owner),
    [node.self],
  );
  const before = node.feed.revision;
  sendWhole(node, other.move([register('a')], at(25 * hourMs)).next, at(25 * hourMs));
  t.strictSame(shown(node), ['a', 'b']);
  t.strictSame(eventsAfter(node, before).sort(), ['up a registered', 'up b registered']);
  t.end();
});

t.test('an owner that goes on signing is not reaped', (t) => {
  const { node, other } = setUp();
  for (let hour = 1; hour <= 60; hour += 1) {
    sendWhole(node, other.move([{ kind: 'refresh' }], at(hour * hourMs)).next, at(hour * hourMs));
    node.tick(at(hour * hourMs));
  }
  t.strictSame(shown(node), ['a', 'b']);
  t.end();
});

t.test('a wall clock set forward by days drops nobody who was heard of lately', (t) => {
  const { node } = setUp();
  const jumped = { monoMs: 10_000, wallMicros: at(72 * hourMs).wallMicros };
  node.tick(jumped);
  t.strictSame(shown(node), ['a', 'b']);
  node.tick({ monoMs: 24 * hourMs, wallMicros: at(96 * hourMs).wallMicros });
  t.strictSame(shown(node), ['a', 'b']);
  node.tick({ monoMs: 24 * hourMs + 2, wallMicros: at(96 * hourMs).wallMicros });
  t.strictSame(shown(node), [], 'silent for as long on the monotonic clock too');
  t.end();
});

t.test('two owners that claim one address are flagged while both are shown', (t) => {
  const node = startNode();
  node.commit([register('mine')], at(1));
  const other = new Owner(2);
  sendWhole(node, other.move([register('theirs')], at(2)).next, at(2));
  const conflicts = () => node.index.list().map((instance) => node.index.isConflict(instance));
  t.strictSame(conflicts(), [true, true]);
  node.observe(other.id, { kind: 'unreachable', why: 'refused' }, at(3));
  t.strictSame(conflicts(), [false]);
  node.observe(other.id, { kind: 'linked' }, at(4));
  t.strictSame(conflicts(), [true, true]);
  sendWhole(node, other.move([register('theirs', { port: 81 })], at(5)).next, at(5));
  t.strictSame(conflicts(), [false, false]);
  t.end();
});

t.test('peers are remembered with their addresses, dead ones too', (t) => {
  const { store, node, other } = setUp();
  node.observe(other.id, { kind: 'unreachable', why: 'refused' }, at(2));
  node.flush();
  const { addresses } = other.state.head.head.facts;
  const peer = { owner: other.id, addresses, isDead: true, seenAt: at(2).wallMicros };
  t.strictSame([...node.rememberedPeers()], [peer]);
  t.strictSame(store.load().peers, [peer]);
  t.end();
});
