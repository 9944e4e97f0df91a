import t from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import { LostMembers } from '../../src/gossip/lost-members.ts';

const peersOf = (lost: LostMembers): string[] =>
  Array.from({ length: lost.size }, (_, index) => lost.at(index).peer).sort();

t.test('what is kept is what was added and not deleted', (t) => {
  const random = seededRandom(1);
  const lost = new LostMembers(random);
  const expected = new Set<string>();
  for (let step = 0; step < 2_000; step++) {
    const peer = `peer ${random.int(50)}`;
    if (random.next() < 0.5) {
      lost.add(peer, [`address of ${peer}`]);
      expected.add(peer);
    } else {
      lost.delete(peer);
      expected.delete(peer);
    }
    t.strictSame(peersOf(lost), [...expected].sort());
  }
  for (let index = 0; index < lost.size; index++) {
    const { peer, addresses } = lost.at(index);
    t.strictSame(addresses, [`address of ${peer}`]);
  }
  t.end();
});

t.test('a member that moved is kept once, at its last address', (t) => {
  const lost = new LostMembers(seededRandom(1));
  lost.add('a', ['here']);
  lost.add('a', ['there']);
  t.equal(lost.size, 1);
  t.strictSame(lost.at(0), { peer: 'a', addresses: ['there'] });
  t.throws(() => lost.at(1), /as many lost members/);
  t.end();
});

t.test('one more than 1,000 takes the place of another', (t) => {
  const lost = new LostMembers(seededRandom(1));
  for (let index = 0; index < 1_000; index++) lost.add(`peer ${index}`, []);
  lost.add('one more', []);
  t.equal(lost.size, 1_000);
  t.ok(peersOf(lost).includes('one more'));
  t.equal(new Set(peersOf(lost)).size, 1_000);
  for (const peer of peersOf(lost)) lost.delete(peer);
  t.equal(lost.size, 0);
  t.end();
});
