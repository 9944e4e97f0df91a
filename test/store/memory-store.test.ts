import t from 'tap';
import { MemoryStore } from '../../src/store/memory-store.ts';
import {
  contentOfStore,
  makeWrite,
  runStoreContract,
  sealedOf,
} from '../contract/store-contract.ts';

runStoreContract('memory', () => {
  const store = new MemoryStore('memory1');
  return { open: () => store };
});

t.test('what is in memory stays over a close, as a file would', (t) => {
  const store = new MemoryStore();
  t.equal(store.databaseId, 'memory');
  store.commit({ revision: 4, owners: [makeWrite(1, [sealedOf(1, 'a')])] });
  store.close();
  t.equal(store.load().revision, 4);
  t.equal(store.load().owners.length, 1);
  t.end();
});

t.test('a fork holds what its origin held, and goes its own way over lives', (t) => {
  const store = new MemoryStore('one');
  const peer = { owner: 'p', addresses: ['x'], isDead: false, seenAt: 1 };
  store.commit({ revision: 4, owners: [makeWrite(1, [sealedOf(1, 'a')])], peers: [peer] });
  const before = contentOfStore(store.load());
  const fork = store.fork('two');
  t.equal(fork.databaseId, 'two');
  t.strictSame(contentOfStore(fork.load()), before);
  const more = makeWrite(1, [sealedOf(1, 'b')]);
  fork.commit({ revision: 5, owners: [more], forgottenPeers: ['p'] });
  fork.close();
  t.strictSame(contentOfStore(store.load()), before);
  t.equal(fork.load().owners[0]?.records.length, 2);
  store.commit({ revision: 6, forgottenOwners: [more.owner] });
  t.equal(fork.load().owners.length, 1);
  t.strictSame([fork.load().revision, fork.load().peers.length], [5, 0]);
  t.end();
});

t.test('forks that write the same head over different records keep their own', (t) => {
  const store = new MemoryStore('one');
  const [a, b] = [sealedOf(1, 'a'), sealedOf(1, 'b')];
  store.commit({ revision: 1, owners: [makeWrite(1, [a])] });
  const fork = store.fork('two');
  const write = makeWrite(1, [b]);
  store.commit({ revision: 2, owners: [write] });
  fork.commit({ revision: 2, owners: [{ ...write, removes: [a] }] });
  const recordsOf = (of: MemoryStore) => of.load().owners.map(({ records }) => records);
  t.strictSame(recordsOf(store), [[a.bytes, b.bytes]]);
  t.strictSame(recordsOf(fork), [[b.bytes]]);
  store.commit({ revision: 3, owners: [{ ...write, puts: [], removes: [] }] });
  t.strictSame(recordsOf(store), [[a.bytes, b.bytes]], 'a new head alone touches no record');
  t.end();
});
