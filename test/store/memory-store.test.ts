import t from 'tap';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { makeWrite, runStoreContract, sealedOf } from '../contract/store-contract.ts';

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
