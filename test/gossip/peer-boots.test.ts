import t from 'tap';
import { PeerBoots } from '../../src/gossip/peer-boots.ts';
import { flipBit, makeHead } from '../record/fixtures.ts';

t.test('a hello of another boot id over the same link is another process', (t) => {
  const boots = new PeerBoots();
  const first = makeHead(undefined, { bootId: '00000000000000aa' });
  const later = makeHead(undefined, { bootId: '00000000000000aa', lastUpdate: 2 });
  const other = makeHead(undefined, { bootId: '00000000000000bb' });
  const { owner, cluster } = first.head;
  t.notOk(boots.isAnother(owner, first, cluster));
  t.notOk(boots.isAnother(owner, later, cluster));
  t.ok(boots.isAnother(owner, other, cluster));
  boots.forget(owner);
  t.notOk(boots.isAnother(owner, first, cluster), 'the link is a new one');
  t.end();
});

t.test('what is no head of the peer says nothing about it', (t) => {
  const boots = new PeerBoots();
  const first = makeHead(undefined, { bootId: '00000000000000aa' });
  const other = makeHead(undefined, { bootId: '00000000000000bb' });
  const { owner, cluster } = first.head;
  boots.isAnother(owner, first, cluster);
  t.notOk(boots.isAnother(owner, { ...other, body: flipBit(other.body, 0) }, cluster));
  t.notOk(boots.isAnother(owner, other, 'elsewhere'));
  t.notOk(boots.isAnother('somebody else', other, cluster));
  t.end();
});
