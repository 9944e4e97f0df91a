/** Own writes, and the verdicts on what peers send. Bounds, members, restarts: beside this file. */
import t from 'tap';
import { assertInvariant } from '../../src/record/merge.ts';
import { contentOf, at, makeHead, makeSealed, signerOf, startMicros } from '../record/fixtures.ts';
import { makeRegistration } from '../contract/store-contract.ts';
import { deregister, eventsAfter, keyOf, Owner, register, sendDelta } from './fixtures.ts';
import { sendWhole, shown, startNode, WatchedStore } from './fixtures.ts';

t.test('a life begins with a head of a higher incarnation than any second before', (t) => {
  const store = new WatchedStore();
  const node = startNode({ store });
  const head = node.state(node.self)!.head.head;
  t.equal(head.lastUpdate, startMicros);
  t.equal(head.incarnation, startMicros / 1_000_000 + 1);
  t.equal(node.member(node.self)?.state, 'alive');
  t.equal(node.feed.revision, 1);
  t.equal(store.load().owners.length, 1);
  t.equal(store.load().revision, 1);
  t.end();
});

t.test('what is registered here is shown, told and on disk', (t) => {
  const store = new WatchedStore();
  const node = startNode({ store });
  const [result] = node.commit([register('a')], at(5));
  t.match(result, { kind: 'done', sealed: { key: 'shop/cart/a' } });
  t.match(node.index.get('shop', 'cart', node.self, 'a'), {
    node: 'node-1',
    record: { owner: node.self, ip: '10.0.0.7', port: 8080, health: 'passing', deleted: false },
  });
  t.strictSame(eventsAfter(node, 1), ['up a registered']);
  t.match(node.feed.read(1), { changes: [{ revision: 2, owner: node.self, origin: 'own' }] });
  t.strictSame(store.load().registrations, [makeRegistration({ instanceId: 'a' })]);
  t.equal(store.load().owners[0]?.records.length, 1);
  t.strictSame(node.registration(keyOf('a')), makeRegistration({ instanceId: 'a' }));
  t.end();
});

t.test('an own write is on disk before anyone can see it', (t) => {
  const store = new WatchedStore();
  const node = startNode({ store });
  const seen: unknown[] = [];
  store.onCommit = () =>
    seen.push([shown(node), node.feed.revision, node.registration(keyOf('a'))]);
  node.commit([register('a')], at(1));
  t.strictSame(seen, [[[], 1, undefined]]);
  t.strictSame(shown(node), ['a']);
  t.end();
});

t.test('when the disk refuses a write nothing has changed, and a later one works', (t) => {
  const store = new WatchedStore();
  const node = startNode({ store });
  node.commit([register('a')], at(1));
  const before = node.state(node.self);
  store.isFull = true;
  const refused = () => node.commit([register('b'), deregister('a')], at(2));
  t.throws(refused, WatchedStore.diskError);
  t.equal(node.state(node.self), before);
  t.strictSame(shown(node), ['a']);
  t.equal(node.feed.revision, 2);
  t.equal(node.registration(keyOf('b')), undefined);
  t.ok(node.registration(keyOf('a')));
  store.isFull = false;
  node.commit([register('b'), deregister('a')], at(3));
  t.strictSame(shown(node), ['b']);
  t.strictSame(eventsAfter(node, 2), ['up b registered', 'down a deregistered']);
  t.end();
});

t.test('many writes are one head, one transaction and one revision', (t) => {
  const store = new WatchedStore();
  const node = startNode({ store });
  const mutations = Array.from({ length: 20 }, (_, i) => register(`i${i}`));
  const results = node.commit(mutations, at(1));
  t.equal(results.length, 20);
  t.equal(store.batches.length, 2, 'the begin, and these');
  t.equal(node.feed.revision, 2);
  const { head, set } = node.state(node.self)!;
  const stamps = [...set.records()].map(({ record }) => record.lastUpdate);
  t.equal(new Set(stamps).size, 20, 'no two records bear one lastUpdate');
  t.ok(Math.max(...stamps) < head.head.lastUpdate);
  t.end();
});

t.test('each write is answered for itself, in order', (t) => {
  const node = startNode();
  const [first, second, third] = node.commit(
    [register('a'), deregister('b'), register('c')],
    at(1),
  );
  t.equal(first?.kind, 'done');
  t.match(second, { kind: 'failed', error: { code: 'NOT_FOUND', reason: 'UNKNOWN_INSTANCE' } });
  t.match(second, { error: { message: 'shop/cart/b is not registered at this daemon' } });
  t.equal(third?.kind, 'done');
  t.strictSame(shown(node), ['a', 'c']);
  t.end();
});

t.test('registering again updates, and deregistering drops the wish too', (t) => {
  const store = new WatchedStore();
  const node = startNode({ store });
  node.commit([register('a')], at(1));
  node.commit([register('a', { port: 81 })], at(2));
  t.equal(node.index.get('shop', 'cart', node.self, 'a')?.record.port, 81);
  node.commit([deregister('a')], at(3));
  t.strictSame(eventsAfter(node, 2), ['up a updated', 'down a deregistered']);
  t.strictSame(store.load().registrations, []);
  t.equal(node.registration(keyOf('a')), undefined);
  t.match(node.index.departure('shop', 'cart'), { reason: 'deregistered', at: at(3).wallMicros });
  t.end();
});

t.test('what a peer says of itself is applied once, then a duplicate, then stale', (t) => {
  const node = startNode();
  const other = new Owner(2);
  const first = other.move([register('a')], at(1)).next;
  t.strictSame(sendWhole(node, first, at(2)), { kind: 'applied', owner: other.id, before: 0 });
  t.strictSame(shown(node), ['a']);
  t.strictSame(sendWhole(node, first, at(2)), { kind: 'duplicate', owner: other.id });
  const second = other.move([register('b')], at(3)).next;
  t.equal(sendWhole(node, second, at(4)).kind, 'applied');
  const revision = node.feed.revision;
  t.strictSame(sendWhole(node, first, at(5)), { kind: 'stale', owner: other.id });
  t.equal(node.feed.revision, revision);
  t.equal(node.state(other.id)?.head.hash.toString(), second.head.hash.toString());
  t.strictSame(node.refusals.entries(), []);
  t.end();
});

t.test('a delta that does not start from what is held is a gap from there', (t) => {
  const node = startNode();
  const other = new Owner(2);
  const held = other.version;
  sendWhole(node, other.state, at(1));
  const between = other.move([register('a')], at(2)).next;
  const last = other.move([register('b')], at(3)).next;
  const verdict = sendDelta(node, last, between.head.head.lastUpdate, at(4));
  t.match(verdict, { kind: 'gap', owner: other.id, held, head: { head: last.head.head } });
  t.strictSame(shown(node), []);
  t.equal(sendDelta(node, last, held, at(5)).kind, 'applied');
  t.strictSame(shown(node), ['a', 'b']);
  const stranger = new Owner(3);
  const unknown = stranger.move([register('c')], at(2)).next;
  t.match(sendDelta(node, unknown, stranger.version, at(4)), { kind: 'gap', held: 0 });
  t.end();
});

t.test('a newer own head is handed back as own, and changes nothing', (t) => {
  const node = startNode();
  const past = new Owner(1, at(1_000));
  const before = node.state(node.self);
  t.match(sendWhole(node, past.state, at(0)), {
    kind: 'own',
    head: { head: past.state.head.head },
  });
  t.equal(node.state(node.self), before);
  const older = new Owner(1, at(-1_000));
  t.strictSame(sendWhole(node, older.state, at(0)), { kind: 'stale', owner: node.self });
  t.end();
});

t.test('a forged head is refused by its signature and leaves no trace but a count', (t) => {
  const node = startNode();
  const { head } = new Owner(2, at(1)).state;
  const signature = signerOf(3).sign('disco/v1/head', head.head.cluster, head.body);
  const forged = { body: head.body, signature };
  const badSignature = { kind: 'refused', reason: 'BAD_SIGNATURE' };
  t.strictSame(node.receive(forged, [], true, at(1)), badSignature);
  t.equal(node.state(head.head.owner), undefined);
  t.equal(node.member(head.head.owner), undefined);
  const ownForged = { body: new Owner(1, at(9)).state.head.body, signature };
  t.strictSame(node.receive(ownForged, [], true, at(9)), badSignature);
  t.strictSame(node.refusals.entries(), [['BAD_SIGNATURE', 2]]);
  t.end();
});

t.test('one bad record spoils all that came with it, under its own reason', (t) => {
  const node = startNode();
  const other = new Owner(2);
  const { next } = other.move([register('a')], at(1));
  const [good] = [...next.set.records()].map(({ bytes }) => bytes) as [Uint8Array];
  const foreign = makeSealed({ owner: signerOf(3).owner }).bytes;
  const send = (...records: Uint8Array[]) => node.receive(next.head, records, true, at(1));
  t.strictSame(send(good, Buffer.from('ff', 'hex')), { kind: 'refused', reason: 'MALFORMED' });
  t.strictSame(send(good, foreign), { kind: 'refused', reason: 'OWNER_MISMATCH' });
  t.strictSame(send(), { kind: 'refused', reason: 'ROOT_MISMATCH' });
  t.equal(node.state(other.id), undefined);
  t.equal(send(good).kind, 'applied');
  t.end();
});

t.test('a relay that adds a forged record of a known key fools nobody', (t) => {
  const node = startNode();
  const other = new Owner(2);
  const { next } = other.move([register('a')], at(1));
  sendWhole(node, next, at(1));
  const refreshed = other.move([{ kind: 'refresh' }], at(2)).next;
  const forged = makeSealed({ owner: other.id, instanceId: 'a', ip: '6.6.6.6' });
  const records = [forged, ...refreshed.set.records()].map(({ bytes }) => bytes);
  const { revision } = node.feed;
  t.equal(node.receive(refreshed.head, records, true, at(3)).kind, 'applied');
  t.equal(node.index.get('shop', 'cart', other.id, 'a')?.record.ip, '10.0.0.7');
  t.strictSame(eventsAfter(node, revision), []);
  t.end();
});

t.test('an owner that says two things at once is counted, and all end with the same one', (t) => {
  const other = new Owner(2);
  const incarnations = [1, 2, 3, 4, 5, 6];
  const heads = incarnations.map((incarnation) =>
    makeHead(undefined, { incarnation, lastUpdate: startMicros }, other.identity.signer),
  );
  const winner = heads.toSorted((a, b) => Buffer.compare(a.hash, b.hash)).at(-1);
  for (const order of [heads, heads.toReversed()]) {
    const node = startNode();
    for (const head of order) node.receive(head, [], true, at(1));
    t.strictSame(node.state(other.id)?.head.hash, winner?.hash);
    t.equal(node.refusals.get('EQUIVOCATION'), heads.length - 1);
  }
  t.end();
});

t.test('an unsigned accusation of saying two things at once is not counted as one', (t) => {
  const node = startNode();
  const other = new Owner(2);
  sendWhole(node, other.state, at(0));
  const { lastUpdate } = other.state.head.head;
  const forged = makeHead(undefined, { lastUpdate, incarnation: 9 }, other.identity.signer);
  const signature = new Uint8Array(64);
  const verdict = node.receive({ body: forged.body, signature }, [], true, at(0));
  t.strictSame(verdict, { kind: 'refused', reason: 'BAD_SIGNATURE' });
  t.equal(node.refusals.get('EQUIVOCATION'), 0);
  t.end();
});

t.test('what is held of everyone adds up to what their heads commit to', (t) => {
  const node = startNode();
  const other = new Owner(2);
  node.commit([register('mine')], at(1));
  sendWhole(node, other.move([register('a'), register('b')], at(1)).next, at(2));
  sendDelta(node, other.move([deregister('a')], at(3)).next, other.version - 2, at(4));
  for (const [, state] of node.owners()) t.doesNotThrow(() => assertInvariant(state));
  t.equal([...node.owners()].length, 2);
  t.equal(contentOf(node.state(other.id)!.set).length, 2);
  t.strictSame([...node.members()].map(({ owner }) => owner).sort(), [node.self, other.id].sort());
  t.end();
});
