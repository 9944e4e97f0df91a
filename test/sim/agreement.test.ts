import { test } from 'tap';
import { Agreement } from '../../src/sim/agreement.ts';

test('the share is that of the pairs that hold the newest head of an owner that is up', (t) => {
  const agreement = new Agreement();
  t.equal(agreement.share(2), 1, 'nobody disagrees');
  agreement.up('a');
  agreement.up('b');
  agreement.held('a', 10);
  agreement.held('a', 10);
  agreement.held('b', 5);
  t.equal(agreement.share(2), 3 / 4);
  agreement.held('a', 11);
  t.equal(agreement.share(2), 2 / 4, 'a newer head is held by one node alone');
  agreement.held('a', 10);
  t.equal(agreement.share(2), 2 / 4, 'an older one counts for nothing');
  agreement.down('b');
  t.equal(agreement.share(2), 1 / 2);
  agreement.lost('a', 11);
  t.equal(agreement.share(2), 0);
  t.end();
});

test('what was held before its owner was up counts from then on', (t) => {
  const agreement = new Agreement();
  agreement.held('a', 1);
  agreement.held('a', 1);
  agreement.up('a');
  t.equal(agreement.share(2), 1);
  t.end();
});
