/** Lives after lives over one store: what comes back, what stays hidden, what is never used twice. */
import t from 'tap';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { contentOfStore } from '../contract/store-contract.ts';
import { at, contentOf, flipBit, makeFacts } from '../record/fixtures.ts';
import { databaseFile, sqliteDisk, withDatabase } from '../store/fixtures.ts';
import { deregister, eventsAfter, hourMs, loadNode, nameOf, Owner, register } from './fixtures.ts';
import { sendDelta, sendWhole, shown, smallConfig, startNode, WatchedStore } from './fixtures.ts';

t.test('a restart brings own registrations back under a higher incarnation', (t) => {
  const store = new MemoryStore();
  const first = startNode({ store });
  first.commit([register('a'), register('b')], at(1));
  first.commit([deregister('b')], at(2));
  const before = first.state(first.self)!.head.head;
  const second = startNode({ store }, at(3));
  const after = second.state(second.self)!.head.head;
  t.strictSame(shown(second), ['a']);
  t.ok(after.incarnation > before.incarnation);
  t.ok(after.lastUpdate > before.lastUpdate);
  t.equal(second.state(second.self)?.set.tombstones, 1, 'what is gone stays gone');
  t.end();
});

t.test('a restart, and a newcomer, still know since when a service is gone', (t) => {
  const store = new MemoryStore();
  const first = startNode({ store });
  first.commit([register('a')], at(1));
  first.commit([deregister('a')], at(2_000));
  const gone = {
    at: at(2_000).wallMicros,
    reason: 'deregistered',
    instanceId: 'a',
    node: 'node-1',
  };
  const second = startNode({ store }, at(9_000));
  t.match(second.index.departure('shop', 'cart'), gone);
  const newcomer = startNode({ key: 2 }, at(9_000));
  sendWhole(newcomer, second.state(second.self)!, at(9_000));
  t.match(newcomer.index.departure('shop', 'cart'), gone);
  second.commit([register('b')], at(9_001));
  t.equal(second.index.departure('shop', 'cart'), undefined);
  t.end();
});

t.test('a restart with the clock set back still goes above what was said', (t) => {
  const store = new MemoryStore();
  const first = startNode({ store }, at(hourMs));
  first.commit([register('a')], at(hourMs));
  const before = first.state(first.self)!.head.head;
  const after = startNode({ store }, at(0)).state(first.self)!.head.head;
  t.equal(after.lastUpdate, before.lastUpdate + 1);
  t.ok(after.incarnation > before.incarnation);
  t.end();
});

t.test('what a node had left comes back when it starts again', (t) => {
  const store = new MemoryStore();
  const first = startNode({ store });
  first.commit([register('a')], at(1));
  first.commit([{ kind: 'facts', facts: { left: true } }], at(2));
  t.strictSame(shown(first), []);
  const second = startNode({ store }, at(3));
  t.equal(second.member(second.self)?.state, 'alive');
  t.strictSame(shown(second), ['a']);
  t.end();
});

t.test("revisions are never given out twice, though peers' changes were not on disk", (t) => {
  const store = new MemoryStore();
  const first = startNode({ store });
  const other = new Owner(2);
  for (let i = 1; i <= 50; i++) sendWhole(first, other.move([register('a')], at(i)).next, at(i));
  const { revision } = first.feed;
  const second = startNode({ store }, at(100));
  t.ok(second.feed.revision > revision);
  t.strictSame(second.feed.read(revision), { kind: 'lost' }, 'an old cursor lists again');
  const third = startNode({ store }, at(200));
  t.ok(third.feed.revision > second.feed.revision);
  t.end();
});

t.test('what peers said is on disk after a tick, and held again by the next life', (t) => {
  const store = new MemoryStore();
  const first = startNode({ store });
  const other = new Owner(2);
  sendWhole(first, other.move([register('a'), register('b')], at(1)).next, at(1));
  t.equal(store.load().owners.length, 1, 'not at once');
  first.tick(at(2));
  const next = other.move([deregister('b')], at(3)).next;
  sendDelta(first, next, first.state(other.id)!.head.head.lastUpdate, at(3));
  first.flush();
  const second = startNode({ store }, at(4));
  t.strictSame(contentOf(second.state(other.id)!.set), contentOf(next.set));
  t.strictSame(shown(second), ['a']);
  t.strictSame(second.refusals.entries(), []);
  t.end();
});

t.test('what peers said is kept for a retry when the disk refuses it', (t) => {
  const store = new WatchedStore();
  const node = startNode({ store });
  const other = new Owner(2);
  sendWhole(node, other.move([register('a')], at(1)).next, at(1));
  store.isFull = true;
  t.throws(() => node.tick(at(2)), WatchedStore.diskError);
  t.strictSame(shown(node), ['a'], 'readers see it all the same');
  store.isFull = false;
  node.tick(at(3));
  t.equal(store.load().owners.length, 2);
  const { length } = store.batches;
  node.tick(at(4));
  t.equal(store.batches.length, length, 'nothing new, nothing written');
  t.end();
});

t.test('an own write takes with it what peers said before', (t) => {
  const store = new WatchedStore();
  const node = startNode({ store });
  sendWhole(node, new Owner(2).state, at(1));
  node.commit([register('a')], at(2));
  t.equal(store.load().owners.length, 2);
  t.end();
});

t.test('an owner that was dead before a restart stays hidden after it', (t) => {
  const store = new MemoryStore();
  const first = startNode({ store });
  const other = new Owner(2);
  sendWhole(first, other.move([register('a')], at(1)).next, at(1));
  first.observe(other.id, { kind: 'unreachable', why: 'refused' }, at(2));
  first.flush();
  const second = startNode({ store }, at(3));
  t.equal(second.member(other.id)?.state, 'dead');
  t.strictSame(shown(second), []);
  t.strictSame(
    [...second.rememberedPeers()].map(({ isDead }) => isDead),
    [true],
  );
  second.observe(other.id, { kind: 'linked' }, at(4));
  t.strictSame(shown(second), ['a']);
  t.end();
});

t.test('an instance that was critical before a restart is revived by a heartbeat', (t) => {
  const store = new MemoryStore();
  const first = startNode({ store });
  first.commit([register('a', { ttlMs: 1_000 })], at(0));
  first.tick(at(1_000));
  const second = startNode({ store }, at(1_500));
  second.heartbeat(nameOf('a'), at(1_600));
  t.equal(second.index.get('shop', 'cart', second.self, 'a')?.record.health, 'passing');
  t.end();
});

t.test('leases start anew with a life, since nobody could renew them meanwhile', (t) => {
  const store = new MemoryStore();
  startNode({ store }).commit([register('a', { ttlMs: 1_000 })], at(0));
  const second = startNode({ store }, at(hourMs));
  second.tick(at(hourMs + 999));
  t.equal(second.index.list()[0]?.record.health, 'passing');
  second.tick(at(hourMs + 1_000));
  t.equal(second.index.list()[0]?.record.health, 'critical');
  t.end();
});

t.test('an own record damaged on disk is registered again', (t) => {
  const file = databaseFile(t);
  const disk = sqliteDisk(t, file);
  const first = startNode({ store: disk.open() });
  const [result] = first.commit([register('a'), register('b'), register('c')], at(1));
  t.equal(result?.kind, 'done');
  first.commit([deregister('c')], at(2));
  const damage = (db: Parameters<Parameters<typeof withDatabase>[1]>[0]) => {
    const body = db.prepare("SELECT body FROM record WHERE instance_id = 'a'").pluck().get();
    const update = db.prepare("UPDATE record SET body = ? WHERE instance_id = 'a'");
    return update.run(flipBit(body as Uint8Array, 77));
  };
  withDatabase(file, damage);
  const second = startNode({ store: disk.open() }, at(3));
  t.strictSame(shown(second), ['a', 'b']);
  t.equal(second.refusals.get('STORED_ROOT_MISMATCH'), 1);
  const third = startNode({ store: disk.open() }, at(4));
  t.strictSame(shown(third), ['a', 'b']);
  t.strictSame(third.refusals.entries(), [], 'nothing of the damage is left');
  t.end();
});

t.test('a peer whose stored records do not add up is left out until it is heard again', (t) => {
  const store = new MemoryStore();
  const first = startNode({ store });
  const other = new Owner(2);
  const { next } = other.move([register('a'), register('b')], at(1));
  sendWhole(first, next, at(1));
  first.flush();
  const lost = [...next.set.records()].filter(({ record }) => record.instanceId === 'b');
  const write = { owner: other.id, head: next.head, puts: [], removes: lost };
  store.commit({ revision: first.feed.revision, owners: [write] });
  const second = startNode({ store }, at(2));
  t.equal(second.state(other.id), undefined);
  t.equal(second.refusals.get('STORED_ROOT_MISMATCH'), 1);
  // Meanwhile "a" went for good: no old row of it may come back with the next life.
  other.move([deregister('a')], at(3));
  const collected = other.move([{ kind: 'refresh' }], at(hourMs)).next;
  t.equal(sendWhole(second, collected, at(hourMs)).kind, 'applied');
  second.flush();
  const third = startNode({ store }, at(hourMs + 1));
  t.strictSame(shown(third), ['b']);
  t.strictSame(third.refusals.entries(), []);
  t.end();
});

t.test('an owner that was reaped and came back within one batch has only its new records', (t) => {
  const store = new MemoryStore();
  const config = { reapAfterMs: 10_000 };
  const disk = new WatchedStore(store);
  const node = startNode({ store: disk, config });
  sendWhole(node, new Owner(2).move([register('a'), register('b')], at(1)).next, at(1));
  node.flush();
  disk.isFull = true;
  t.throws(() => node.tick(at(20_000)), WatchedStore.diskError);
  t.strictSame(shown(node), []);
  disk.isFull = false;
  const reborn = new Owner(2, at(20_001)).move([register('b')], at(20_002)).next;
  sendWhole(node, reborn, at(20_004));
  node.flush();
  const third = loadNode({ store, config }, at(20_006));
  t.strictSame(shown(third), ['b']);
  t.strictSame(third.refusals.entries(), []);
  t.end();
});

t.test('owners that expired while this node was down are gone, from disk too', (t) => {
  const store = new MemoryStore();
  const first = startNode({ store });
  sendWhole(first, new Owner(2).move([register('a')], at(1)).next, at(1));
  first.flush();
  const second = startNode({ store }, at(48 * hourMs));
  second.tick(at(48 * hourMs));
  t.strictSame(shown(second), []);
  t.strictSame(second.refusals.entries(), [], 'time alone is no fault');
  t.strictSame(
    contentOfStore(store.load()).owners.map(({ owner }) => owner),
    [second.self],
  );
  t.strictSame([...second.rememberedPeers()].length, 1, 'whom to dial is still known');
  t.end();
});

t.test('own records that are months old are as good as new', (t) => {
  const store = new MemoryStore();
  startNode({ store }).commit([register('a')], at(1));
  const second = startNode({ store }, at(2_000 * hourMs));
  t.strictSame(shown(second), ['a']);
  t.equal(second.state(second.self)?.head.head.lastUpdate, at(2_000 * hourMs).wallMicros);
  t.end();
});

t.test('the first life tells of no instance twice, and the next one of all that it loads', (t) => {
  const store = new MemoryStore();
  const first = startNode({ store });
  first.commit([register('a')], at(1));
  t.strictSame(eventsAfter(first, 0), ['up a registered']);
  const second = loadNode({ store }, at(2));
  t.equal(second.databaseId, first.databaseId);
  t.strictSame(shown(second), ['a'], 'reads are served before the life begins');
  t.end();
});

t.test('an own head too far ahead for others goes back to the present with the next tick', (t) => {
  const store = new MemoryStore();
  const first = startNode({ store }, at(10 * hourMs));
  first.commit([register('a'), register('b')], at(10 * hourMs));
  first.commit([deregister('b')], at(10 * hourMs));
  const before = first.state(first.self)!.head.head;
  const edge = before.lastUpdate / 1000 - 60_000 - at(0).wallMicros / 1000;
  first.tick(at(Math.ceil(edge)));
  t.equal(first.state(first.self)?.head.head, before, 'not while others would still take it');
  first.tick(at(hourMs));
  const after = first.state(first.self)!.head.head;
  t.equal(after.floor, at(hourMs).wallMicros);
  t.ok(after.lastUpdate - after.floor < 10 && after.incarnation > before.incarnation);
  const second = startNode({ store }, at(hourMs + 1));
  t.strictSame(shown(second), ['a']);
  t.strictSame(second.refusals.entries(), [], 'the disk holds the same');
  t.end();
});

t.test('a life after a lost database speaks in old stamps until it reclaims', (t) => {
  const node = loadNode();
  const now = at(48 * hourMs);
  node.begin(makeFacts(), now, true);
  node.commit([register('a')], now);
  t.ok(node.isReborn);
  const old = node.state(node.self)!.head.head;
  const ageMs = (now.wallMicros - old.lastUpdate) / 1000;
  t.ok(ageMs > 23 * hourMs && ageMs < 24 * hourMs, `${ageMs} ms old: others take it, and tell it`);
  node.tick(now);
  t.equal(node.state(node.self)?.head.head, old, 'no refresh, however old it looks');
  node.commit([{ kind: 'reclaim', above: old }], now);
  t.notOk(node.isReborn);
  const records = [...node.state(node.self)!.set.records()];
  t.ok(records.every(({ record }) => record.lastUpdate >= now.wallMicros));
  t.end();
});

t.test('while the past is not known, what was taken back stays so, however long it takes', (t) => {
  const node = loadNode();
  const own = () => node.state(node.self)!;
  let now = at(48 * hourMs);
  node.begin(makeFacts(), now, true);
  node.commit([register('a'), register('b')], now);
  node.commit([deregister('a')], now);
  now = at(48 * hourMs + 10 * smallConfig.tombstoneGraceMs);
  node.tick(now);
  node.commit([{ kind: 'refresh' }], now);
  t.equal(own().set.tombstones, 1, 'longer than its grace');
  now = at(hourMs);
  node.tick(now);
  t.equal(own().head.head.floor, own().head.head.lastUpdate - 3, 'the clock went back');
  t.equal(own().set.tombstones, 1);
  t.ok([...own().set.records()].every(({ record }) => record.lastUpdate > own().head.head.floor));
  t.strictSame(shown(node), ['b']);
  node.commit([{ kind: 'reclaim', above: own().head.head }], now);
  t.equal(own().set.tombstones, 0, 'and then nobody has to be told');
  t.strictSame(shown(node), ['b']);
  t.end();
});

t.test('a life that ended while it still listened for its past is followed by another', (t) => {
  const store = new MemoryStore();
  const first = loadNode({ store });
  first.begin(makeFacts(), at(48 * hourMs), true);
  first.commit([register('a')], at(48 * hourMs));
  const second = loadNode({ store }, at(48 * hourMs + 3_000));
  second.begin(makeFacts(), at(48 * hourMs + 3_000), true);
  t.ok(second.isReborn, 'what others hold of the life before the first is in force still');
  second.commit(
    [{ kind: 'reclaim', above: second.state(second.self)!.head.head }],
    at(49 * hourMs),
  );
  const third = loadNode({ store }, at(50 * hourMs));
  third.begin(makeFacts(), at(50 * hourMs), true);
  t.notOk(third.isReborn);
  t.strictSame(shown(third), ['a']);
  t.end();
});

t.test('a life that holds an own head is not reborn, whatever it is told', (t) => {
  const store = new MemoryStore();
  startNode({ store });
  const node = loadNode({ store }, at(1));
  node.begin(makeFacts(), at(1), true);
  t.notOk(node.isReborn);
  t.end();
});

t.test("a clock that was set back far does not cost a restart the peers' heads", (t) => {
  const store = new MemoryStore();
  const now = at(100_000 * hourMs);
  const first = startNode({ store }, now);
  sendWhole(first, new Owner(2, now).move([register('a')], now).next, now);
  first.flush();
  const second = loadNode({ store }, at(0));
  t.strictSame(shown(second), ['a']);
  t.strictSame(second.refusals.entries(), []);
  t.end();
});
