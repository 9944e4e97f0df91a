import t from 'tap';
import { TimedStore } from '../../src/daemon/timed-store.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { SpyStore } from '../api/fixture.ts';
import { runStoreContract } from '../contract/store-contract.ts';
import { thrownBy } from '../store/fixtures.ts';

runStoreContract('timed', () => {
  const store = new TimedStore(new MemoryStore('memory1'), () => undefined);
  return { open: () => store };
});

t.test('each commit is told with its time, and whether it was done', (t) => {
  const told: [number, boolean][] = [];
  const store = new SpyStore();
  const watched = new TimedStore(store, (...commit) => void told.push(commit));
  watched.commit({ revision: 1 });
  store.isFull = true;
  t.equal(thrownBy(() => watched.commit({ revision: 2 })).reason, 'DISK');
  t.strictSame(
    told.map(([, isDone]) => isDone),
    [true, false],
  );
  t.ok(told.every(([seconds]) => seconds >= 0 && seconds < 1));
  t.end();
});
