import t from 'tap';
import { Brake } from '../../src/registry/brake.ts';
import { ChangeFeed } from '../../src/registry/change-feed.ts';
import { Holdings } from '../../src/registry/holdings.ts';
import { rememberedPeersMax } from '../../src/registry/peer-book.ts';
import { at, makeHead, makeSealed, makeState, signerOf } from '../record/fixtures.ts';

const [self, other] = [signerOf(1).owner, signerOf(2).owner];
const brake = () => new Brake({ brakeWindowMs: 10_000, holdMaxMs: 30_000 });
const make = () => new Holdings(self, new ChangeFeed(0, 100), brake());
const sealed = makeSealed({ owner: other, instanceId: 'a' });
const passage = {
  next: makeState([sealed], {}, signerOf(2)),
  puts: [sealed],
  removes: [],
};

t.test(
  'an owner that moves moves everything with it: list, feed, book and what is to be written',
  (t) => {
    const holdings = make();
    holdings.accept(passage, 'peer', at(1));
    t.equal(holdings.owners.get(other)?.state, passage.next);
    t.equal(holdings.index.count, 1);
    t.match(holdings.feed.read(0), { changes: [{ owner: other, origin: 'peer', revision: 1 }] });
    t.equal(holdings.peers.get(other)?.isDead, false);
    t.match(holdings.pending.batch(1).peers, [{ owner: other }]);
    holdings.observe(other, { kind: 'unreachable', why: 'refused' }, at(2));
    t.equal(holdings.index.count, 0);
    t.match(holdings.feed.read(1), { changes: [{ owner: other, origin: 'member' }] });
    t.match(holdings.pending.batch(1).peers, [{ owner: other, isDead: true }]);
    holdings.forget(other, at(3));
    t.equal(holdings.owners.size, 0);
    t.strictSame(holdings.pending.batch(1).forgottenOwners, [other]);
    t.equal(holdings.peers.get(other)?.isDead, true, 'whom to dial is still known');
    t.end();
  },
);

t.test('a node does not remember itself, nor does it see itself die', (t) => {
  const holdings = make();
  holdings.accept({ next: makeState([]), puts: [], removes: [] }, 'own', at(1));
  holdings.observe(self, { kind: 'unreachable', why: 'refused' }, at(2));
  t.equal(holdings.owners.get(self)?.member.state, 'alive');
  t.equal(holdings.peers.get(self), undefined);
  t.equal(holdings.feed.revision, 1);
  t.end();
});

t.test('a peer that had to make room in the book is forgotten on disk too', (t) => {
  const holdings = make();
  const { head } = makeHead();
  for (let i = 0; i <= rememberedPeersMax; i++) {
    const { next } = passage;
    const named = { ...head, owner: `o${i}` };
    const state = { set: next.set, head: { ...next.head, head: named } };
    holdings.accept({ next: state, puts: [], removes: [] }, 'peer', at(i));
    holdings.observe(`o${i}`, { kind: 'unreachable', why: 'refused' }, at(i));
  }
  t.strictSame(holdings.pending.batch(1).forgottenPeers, ['o0']);
  t.equal([...holdings.peers.values()].length, rememberedPeersMax);
  t.end();
});

t.test('a fork remembers whose it was instead of itself', (t) => {
  const holdings = make();
  holdings.accept({ next: makeState([]), puts: [], removes: [] }, 'own', at(1));
  holdings.accept(passage, 'peer', at(1));
  const fork = holdings.fork(other, new ChangeFeed(7, 100), at(2));
  t.strictSame(
    [...fork.peers.values()].map(({ owner }) => owner),
    [self],
  );
  t.match(fork.pending.batch(1), { peers: [{ owner: self }], forgottenPeers: [other] });
  t.equal(fork.feed.revision, 7);
  t.equal(fork.owners.get(other), holdings.owners.get(other));
  t.end();
});
