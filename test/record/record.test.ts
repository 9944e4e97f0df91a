import t from 'tap';
import { isInstanceId, isName } from '../../src/record/names.ts';
import { healths, recordKey } from '../../src/record/record.ts';

t.test('a key is group, name and id, and no two names give one key', (t) => {
  t.equal(recordKey('shop', 'cart', '10.0.0.7:80'), 'shop/cart/10.0.0.7:80');
  t.equal(isName('a/b') || isInstanceId('a/b'), false, 'since no part of it can hold a slash');
  t.end();
});

t.test('healths stand in the order of their numbers in the API', (t) => {
  t.strictSame(healths, ['passing', 'warning', 'critical', 'maintenance']);
  t.end();
});
