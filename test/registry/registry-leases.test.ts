/** Leases, tombstones, refreshing and reclaiming: what time and earlier lives ask of own records. */
import t from 'tap';
import { DiscoError } from '../../src/base/error.ts';
import { at } from '../record/fixtures.ts';
import { deregister, eventsAfter, hourMs, keyOf, minuteMs, nameOf, Owner } from './fixtures.ts';
import { register, sendDelta, sendWhole, shown, startNode, WatchedStore } from './fixtures.ts';

const leased = (id: string, deregisterAfterMs = 0) =>
  register(id, { ttlMs: 1_000, deregisterAfterMs });

function setUp(deregisterAfterMs = 0) {
  const store = new WatchedStore();
  const node = startNode({ store });
  node.commit([leased('a', deregisterAfterMs), register('b')], at(0));
  const health = () => node.index.get('shop', 'cart', node.self, 'a')?.record.health;
  return { store, node, health };
}

t.test('a missed lease turns an instance critical, once, and a heartbeat revives it', (t) => {
  const { node, health } = setUp();
  const { revision } = node.feed;
  node.tick(at(999));
  t.equal(health(), 'passing');
  node.tick(at(1_000));
  t.equal(health(), 'critical');
  node.tick(at(1_001));
  node.tick(at(50_000));
  t.equal(node.feed.revision, revision + 1, 'told once');
  t.strictSame(node.heartbeat(nameOf('a'), at(50_001)), { ttlMs: 1_000 });
  t.equal(health(), 'passing');
  t.strictSame(eventsAfter(node, revision), ['up a updated', 'up a updated']);
  t.end();
});

t.test('heartbeats in time change nothing that is told to others', (t) => {
  const { node, health } = setUp();
  const { revision } = node.feed;
  for (let ms = 900; ms < 9_000; ms += 900) {
    t.strictSame(node.heartbeat(nameOf('a'), at(ms)), { ttlMs: 1_000 });
    node.tick(at(ms + 50));
  }
  t.equal(health(), 'passing');
  t.equal(node.feed.revision, revision);
  t.end();
});

t.test('a lease missed for deregisterAfterMs is deregistered, on disk too', (t) => {
  const { store, node, health } = setUp(5_000);
  node.tick(at(1_000));
  node.tick(at(5_999));
  t.equal(health(), 'critical');
  node.tick(at(6_000));
  t.strictSame(shown(node), ['b']);
  t.equal(node.registration(keyOf('a')), undefined);
  t.equal(store.load().registrations.length, 1);
  const { revision } = node.feed;
  node.tick(at(60_000));
  t.equal(node.feed.revision, revision);
  t.end();
});

t.test('a node that slept through both deregisters at once', (t) => {
  const { node } = setUp(5_000);
  node.tick(at(hourMs - 1));
  t.strictSame(shown(node), ['b']);
  t.end();
});

t.test('leases run on the monotonic clock: a wall clock set forward expires nothing', (t) => {
  const { node, health } = setUp(5_000);
  node.tick({ monoMs: 500, wallMicros: at(hourMs / 2).wallMicros });
  t.equal(health(), 'passing');
  node.tick({ monoMs: 1_000, wallMicros: at(-hourMs).wallMicros });
  t.equal(health(), 'critical');
  t.end();
});

t.test('a lease missed while the disk was full is not forgotten', (t) => {
  const { store, node, health } = setUp();
  store.isFull = true;
  t.throws(() => node.tick(at(1_000)), WatchedStore.diskError);
  t.equal(health(), 'passing', 'what is not on disk is not true');
  store.isFull = false;
  node.tick(at(2_000));
  t.equal(health(), 'critical');
  t.end();
});

t.test('a heartbeat that the full disk refused revives on the next try', (t) => {
  const { store, node, health } = setUp();
  node.tick(at(1_000));
  store.isFull = true;
  t.throws(() => node.heartbeat(nameOf('a'), at(2_000)), WatchedStore.diskError);
  t.equal(health(), 'critical');
  store.isFull = false;
  node.heartbeat(nameOf('a'), at(2_500));
  t.equal(health(), 'passing');
  t.end();
});

t.test('a heartbeat of nobody, or of one without a ttl, is refused and says what to do', (t) => {
  const { node } = setUp();
  const unknown = 'shop/cart/x is not registered at this daemon: register it again';
  t.throws(
    () => node.heartbeat(nameOf('x'), at(1)),
    new DiscoError('NOT_FOUND', 'UNKNOWN_INSTANCE', unknown),
  );
  const noTtl =
    'shop/cart/b was registered without a ttl, so there is nothing to renew: register it with ttl_ms';
  t.throws(
    () => node.heartbeat(nameOf('b'), at(1)),
    new DiscoError('FAILED_PRECONDITION', 'NO_TTL', noTtl),
  );
  t.end();
});

t.test('registering again without a ttl ends the lease, with another one changes it', (t) => {
  const { node, health } = setUp();
  node.commit([register('a', { ttlMs: 5_000 })], at(500));
  node.tick(at(5_499));
  t.equal(health(), 'passing');
  node.commit([register('a')], at(5_499));
  node.tick(at(hourMs - 1));
  t.equal(health(), 'passing');
  t.end();
});

t.test('a quiet node signs a fresh head every headRefreshMs, and no sooner', (t) => {
  const node = startNode();
  const head = () => node.state(node.self)!.head.head;
  const { incarnation } = head();
  node.tick(at(hourMs - 1));
  t.equal(head().lastUpdate, at(0).wallMicros);
  node.tick(at(hourMs));
  t.equal(head().lastUpdate, at(hourMs).wallMicros);
  t.equal(head().incarnation, incarnation, 'incarnations are for starts and refutations');
  t.end();
});

t.test('tombstones are collected after their grace, and receivers follow', (t) => {
  const node = startNode();
  const peer = startNode({ key: 2 });
  node.commit([register('a'), register('b')], at(1));
  node.commit([deregister('a')], at(2));
  sendWhole(peer, node.state(node.self)!, at(3));
  const held = node.state(node.self)!.head.head.lastUpdate;
  node.tick(at(10 * minuteMs - 1));
  t.equal(node.state(node.self)?.set.tombstones, 1);
  node.tick(at(10 * minuteMs + 10));
  const own = node.state(node.self)!;
  t.equal(own.set.tombstones, 0);
  t.ok(own.head.head.floor <= held, 'whoever holds the tombstone needs no more than the head');
  t.equal(sendDelta(peer, own, held, at(10 * minuteMs + 11)).kind, 'applied');
  t.equal(peer.state(node.self)?.set.count, 1);
  t.end();
});

t.test('tombstones of a node that is never quiet are collected after their grace too', (t) => {
  const node = startNode();
  node.commit([register('a'), register('b')], at(0));
  node.commit([deregister('a')], at(1));
  for (let minute = 1; minute <= 30; minute++) {
    node.commit([register('b', { port: minute })], at(minute * minuteMs));
    node.tick(at(minute * minuteMs + 1));
  }
  t.equal(node.state(node.self)?.set.tombstones, 0);
  t.end();
});

t.test('one tombstone over tombstonesMax lets the older half go', (t) => {
  const node = startNode({ config: { tombstonesMax: 4 } });
  const ids = ['a', 'b', 'c', 'd', 'e'];
  node.commit(
    ids.map((id) => register(id)),
    at(1),
  );
  for (const [index, id] of ids.slice(0, 4).entries()) node.commit([deregister(id)], at(2 + index));
  t.equal(node.state(node.self)?.set.tombstones, 4);
  node.commit([deregister('e')], at(10));
  const { set, head } = node.state(node.self)!;
  const left = [...set.records()].map(({ record }) => record.instanceId).sort();
  t.strictSame(left, ['d', 'e'], 'the newest stay');
  t.equal(head.head.floor, at(4).wallMicros);
  t.end();
});

t.test('a newer own head from an earlier life is gone above, with every record', (t) => {
  const node = startNode();
  node.commit([register('a'), register('b')], at(1));
  node.commit([deregister('b')], at(2));
  const past = new Owner(1, at(30_000)).move([register('old')], at(30_000)).next;
  const verdict = sendWhole(node, past, at(3));
  t.equal(verdict.kind, 'own');
  const { incarnation } = node.state(node.self)!.head.head;
  node.commit([{ kind: 'reclaim', above: past.head.head }], at(4));
  const { head, set } = node.state(node.self)!;
  t.equal(head.head.floor, past.head.head.lastUpdate, 'nobody may apply a delta to the old set');
  t.ok(head.head.lastUpdate > past.head.head.lastUpdate);
  t.equal(head.head.incarnation, incarnation + 1);
  for (const { record } of set.records()) t.ok(record.lastUpdate > past.head.head.lastUpdate);
  t.equal(set.tombstones, 0);
  t.strictSame(shown(node), ['a']);
  const peer = startNode({ key: 2 });
  sendWhole(peer, past, at(5));
  t.equal(sendDelta(peer, node.state(node.self)!, 0, at(5)).kind, 'gap');
  t.equal(sendWhole(peer, node.state(node.self)!, at(5)).kind, 'applied');
  t.strictSame(shown(peer), ['a']);
  t.end();
});

t.test('a write that fails for a reason of its own makes no head and no news', (t) => {
  const node = startNode();
  const before = node.state(node.self);
  const [result] = node.commit([deregister('x')], at(1));
  t.equal(result?.kind, 'failed');
  t.equal(node.state(node.self), before);
  t.equal(node.feed.revision, 1);
  t.end();
});
