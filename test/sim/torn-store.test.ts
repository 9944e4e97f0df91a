import { test } from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import { tornStore } from '../../src/sim/torn-store.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { ownerState } from './state-fixtures.ts';

const owners = Array.from({ length: 20 }, (_, index) => ownerState(`owner ${index}`, ['x']));
const [self] = owners.map(({ head }) => head.head.owner) as [string];

function filled(): MemoryStore {
  const store = new MemoryStore();
  const writes = owners.map(({ head, set }) => {
    return { owner: head.head.owner, head, puts: [...set.records()], removes: [] };
  });
  store.commit({ revision: 7, owners: writes });
  return store;
}

test('a lost batch takes some owners, never the own one, and they stay lost', (t) => {
  for (let seed = 1; seed <= 10; seed++) {
    const torn = tornStore(filled(), self, 'batch', seededRandom(seed));
    const found = torn.load().owners.map(({ owner }) => owner);
    t.ok(found.length < owners.length && found.includes(self), `seed ${seed}`);
    t.equal(torn.load().owners.length, found.length);
    t.equal(torn.load().revision, 7);
  }
  t.end();
});

test('a damaged row differs by one bit of one head, once', (t) => {
  const store = filled();
  const torn = tornStore(store, self, 'row', seededRandom(1));
  const whole = store.load().owners;
  const flipped = torn.load().owners.map(({ head }, index) => {
    return head.body.reduce((bits, byte, at) => {
      return bits + bitsOf(byte ^ (whole[index]?.head.body[at] ?? 0));
    }, 0);
  });
  t.equal(
    flipped.reduce((sum, bits) => sum + bits, 0),
    1,
  );
  t.strictSame(torn.load(), store.load());
  t.end();
});

function bitsOf(byte: number): number {
  return [...byte.toString(2)].filter((bit) => bit === '1').length;
}
