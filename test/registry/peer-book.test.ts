import t from 'tap';
import type { Member, MemberState } from '../../src/membership/member.ts';
import { PeerBook, rememberedPeersMax } from '../../src/registry/peer-book.ts';
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

const noted = (book: PeerBook, ...of: Parameters<PeerBook['note']>) => book.note(...of)?.remembered;
const owners = (book: PeerBook) => [...book.values()].map(({ owner }) => owner);

t.test('a peer is noted when it is new, dies, returns or moves, and not otherwise', (t) => {
  const book = new PeerBook();
  const first = { owner: 'p', addresses: ['x'], isDead: false, seenAt: at(1).wallMicros };
  t.strictSame(noted(book, member('p'), ['x'], at(1)), first);
  t.equal(noted(book, member('p'), ['x'], at(2)), undefined);
  t.equal(noted(book, member('p', 'suspect'), ['x'], at(2)), undefined);
  t.match(noted(book, member('p', 'dead'), ['x'], at(3)), { isDead: true });
  t.equal(noted(book, member('p', 'left'), ['x'], at(4)), undefined, 'gone is gone');
  t.match(noted(book, member('p'), ['x'], at(5)), { isDead: false, seenAt: at(5).wallMicros });
  t.match(noted(book, member('p'), ['x', 'y'], at(6)), { addresses: ['x', 'y'] });
  t.match(noted(book, member('p'), ['y', 'x'], at(7)), { addresses: ['y', 'x'] });
  t.strictSame(owners(book), ['p']);
  t.end();
});

t.test('what an earlier life remembered is known', (t) => {
  const book = new PeerBook([stored('p', 1), stored('q', 2, true)]);
  t.strictSame(book.get('q'), stored('q', 2, true));
  t.equal(book.get('r'), undefined);
  t.equal(book.note(member('p'), ['/ip4/10.0.0.7/tcp/1'], at(1)), undefined);
  t.end();
});

const fill = (prefix: string, count: number, isDead = false) =>
  Array.from({ length: count }, (_, i) => stored(`${prefix}${i}`, 5_000 + i, isDead));

t.test(`${rememberedPeersMax} living ones are enough: one more is not remembered`, (t) => {
  const book = new PeerBook(fill('alive', rememberedPeersMax - 1));
  t.match(book.note(member('last'), ['x'], at(1)), { forgotten: undefined });
  t.equal(book.note(member('more'), ['x'], at(1)), undefined);
  t.equal(owners(book).length, rememberedPeersMax);
  t.match(noted(book, member('last'), ['y'], at(2)), { addresses: ['y'] }, 'known ones move on');
  t.end();
});

t.test('a full book that is mostly dead takes a new peer for the one that died first', (t) => {
  const half = rememberedPeersMax / 2;
  const book = new PeerBook([...fill('dead', half + 1, true).toReversed(), ...fill('a', half - 1)]);
  t.match(book.note(member('new'), ['x'], at(1)), {
    remembered: { owner: 'new' },
    forgotten: 'dead0',
  });
  t.equal(book.get('dead0'), undefined);
  t.equal(owners(book).length, rememberedPeersMax);
  t.equal(book.note(member('newer'), ['x'], at(2)), undefined, 'the other half may be a half');
  book.note(member('new', 'dead'), ['x'], at(3));
  t.match(book.note(member('newer', 'dead'), ['x'], at(4)), { forgotten: 'dead1' });
  t.end();
});

t.test('a fork and its origin go their own ways', (t) => {
  const book = new PeerBook([stored('p', 1), stored('q', 2, true)]);
  const fork = book.fork();
  fork.forget('p');
  book.note(member('r'), ['x'], at(1));
  t.strictSame(owners(fork), ['q']);
  t.strictSame(owners(book), ['p', 'q', 'r']);
  t.end();
});
