import t from 'tap';
import type { Member, MemberState } from '../../src/membership/member.ts';
import { PeerBook } from '../../src/registry/peer-book.ts';
import type { RememberedPeer } from '../../src/store/store.ts';
import { at } from '../record/fixtures.ts';

const member = (owner: string, state: MemberState = 'alive'): Member => ({
  owner,
  state,
  incarnation: 1,
  since: 0,
});
const stored = (owner: string, seenAt: number, isDead = false): RememberedPeer => ({
  owner,
  addresses: ['/ip4/10.0.0.7/tcp/1'],
  isDead,
  seenAt,
});

t.test('a peer is noted when it is new, dies, returns or moves, and not otherwise', (t) => {
  const book = new PeerBook([]);
  const first = { owner: 'p', addresses: ['x'], isDead: false, seenAt: at(1).wallMicros };
  t.strictSame(book.note(member('p'), ['x'], at(1)), first);
  t.equal(book.note(member('p'), ['x'], at(2)), undefined);
  t.equal(book.note(member('p', 'suspect'), ['x'], at(2)), undefined);
  t.match(book.note(member('p', 'dead'), ['x'], at(3)), { isDead: true });
  t.equal(book.note(member('p', 'left'), ['x'], at(4)), undefined, 'gone is gone');
  t.match(book.note(member('p'), ['x'], at(5)), { isDead: false, seenAt: at(5).wallMicros });
  t.match(book.note(member('p'), ['x', 'y'], at(6)), { addresses: ['x', 'y'] });
  t.strictSame(
    [...book.values()].map(({ owner }) => owner),
    ['p'],
  );
  t.end();
});

t.test('what an earlier life remembered is known', (t) => {
  const book = new PeerBook([stored('p', 1), stored('q', 2, true)]);
  t.strictSame(book.get('q'), stored('q', 2, true));
  t.equal(book.get('r'), undefined);
  t.equal(book.note(member('p'), ['/ip4/10.0.0.7/tcp/1'], at(1)), undefined);
  t.end();
});

t.test('a thousand are remembered, and one over lets the oldest go', (t) => {
  const peers = Array.from({ length: 1_000 }, (_, i) => stored(`p${i}`, 5_000 - i));
  const book = new PeerBook(peers);
  t.strictSame(book.trim(), []);
  book.note(member('new'), ['x'], at(1));
  t.strictSame(book.trim(), ['p999']);
  t.equal(book.get('p999'), undefined);
  t.equal([...book.values()].length, 1_000);
  t.end();
});

t.test('the dead are forgotten before the living, however long those have been known', (t) => {
  const living = Array.from({ length: 998 }, (_, i) => stored(`alive${i}`, i));
  const dead = Array.from({ length: 5 }, (_, i) => stored(`dead${i}`, 10_000 + i, true));
  const book = new PeerBook([...dead.toReversed(), ...living]);
  t.strictSame(book.trim(), ['dead0', 'dead1', 'dead2']);
  t.end();
});
