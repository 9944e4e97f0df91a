import t from 'tap';
import { PendingWrites } from '../../src/registry/pending-writes.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { contentOfStore, makeWrite, sealedOf } from '../contract/store-contract.ts';
import { signerOf } from '../record/fixtures.ts';

const peer = { owner: 'p', addresses: ['x'], isDead: false, seenAt: 1 };
const { owner } = signerOf(2);

/** What a store holds after the pending batch, on top of what it held. */
function recordsAfter(pending: PendingWrites, store = new MemoryStore()): string[] {
  store.commit(pending.batch(2));
  const all = store.load().owners.flatMap(({ records }) => records);
  return all.map((bytes) => Buffer.from(bytes).toString('hex')).sort();
}

const hex = (...sealed: { bytes: Uint8Array }[]) =>
  sealed.map(({ bytes }) => Buffer.from(bytes).toString('hex')).sort();

t.test('nothing pending is an empty batch', (t) => {
  const pending = new PendingWrites();
  t.equal(pending.isEmpty, true);
  const lists = { owners: [], forgottenOwners: [], peers: [], forgottenPeers: [] };
  t.strictSame(pending.batch(7), { revision: 7, ...lists });
  t.end();
});

t.test('everything that is noted makes it pending, and clearing empties it', (t) => {
  const notes: ((pending: PendingWrites) => void)[] = [
    (pending) => pending.write(makeWrite(2, [])),
    (pending) => pending.forget(owner),
    (pending) => pending.rememberPeer(peer),
    (pending) => pending.forgetPeer('p'),
  ];
  for (const note of notes) {
    const pending = new PendingWrites();
    note(pending);
    t.equal(pending.isEmpty, false);
    pending.clear();
    t.equal(pending.isEmpty, true);
  }
  t.end();
});

t.test('many writes of one owner are one, with the last word on each record', (t) => {
  const pending = new PendingWrites();
  const [a, b, c] = [sealedOf(2, 'a'), sealedOf(2, 'b'), sealedOf(2, 'c')];
  const later = sealedOf(2, 'a', 81);
  pending.write(makeWrite(2, [a, b]));
  pending.write(makeWrite(2, [later], [b]));
  pending.write(makeWrite(2, [c], [], { lastUpdate: 9 }));
  const { owners = [] } = pending.batch(1);
  t.equal(owners.length, 1);
  t.equal(owners[0]?.head.head.lastUpdate, 9);
  t.strictSame(recordsAfter(pending), hex(later, c));
  t.end();
});

t.test('a record removed and put again is there', (t) => {
  const pending = new PendingWrites();
  const b = sealedOf(2, 'b');
  pending.write(makeWrite(2, [], [b]));
  pending.write(makeWrite(2, [b]));
  t.strictSame(recordsAfter(pending), hex(b));
  t.end();
});

t.test('of an owner forgotten after a write nothing is written', (t) => {
  const pending = new PendingWrites();
  const store = new MemoryStore();
  store.commit({ revision: 1, owners: [makeWrite(2, [sealedOf(2, 'old')])] });
  pending.write(makeWrite(2, [sealedOf(2, 'a')]));
  pending.forget(owner);
  t.strictSame(recordsAfter(pending, store), []);
  t.strictSame(contentOfStore(store.load()).owners, []);
  t.end();
});

t.test('of an owner that came back after it was forgotten no old record stays', (t) => {
  const pending = new PendingWrites();
  const store = new MemoryStore();
  store.commit({ revision: 1, owners: [makeWrite(2, [sealedOf(2, 'old')])] });
  pending.forget(owner);
  pending.write(makeWrite(2, [sealedOf(2, 'new')]));
  t.strictSame(recordsAfter(pending, store), hex(sealedOf(2, 'new')));
  t.end();
});

t.test('the last word on a peer wins, whichever it is', (t) => {
  const pending = new PendingWrites();
  pending.forgetPeer('p');
  pending.rememberPeer(peer);
  t.match(pending.batch(1), { peers: [peer], forgottenPeers: [] });
  pending.forgetPeer('p');
  t.strictSame(pending.batch(1).peers, []);
  t.strictSame(pending.batch(1).forgottenPeers, ['p']);
  t.end();
});

t.test('a batch is a copy: what is noted after it waits for the next', (t) => {
  const pending = new PendingWrites();
  pending.rememberPeer(peer);
  const batch = pending.batch(1);
  pending.rememberPeer({ ...peer, owner: 'q' });
  t.strictSame(batch.peers, [peer]);
  t.end();
});
