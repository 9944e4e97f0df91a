import { test } from 'tap';
import { closestWord } from '../../src/base/spelling.ts';

const known = ['gossipK', 'gossipIntervalMs', 'listen', 'name'];

test('a letter too many, too few, wrong or in the wrong case still finds the word', (t) => {
  const typed = ['listenn', 'lisen', 'lisden', 'LISTEN', 'gossip_k', 'nane'];
  const found = typed.map((word) => closestWord(word, known));
  t.strictSame(found, ['listen', 'listen', 'listen', 'listen', 'gossipK', 'name']);
  t.end();
});

test('a word unlike all others finds none', (t) => {
  t.equal(closestWord('port', known), undefined);
  t.equal(closestWord('', known), undefined);
  t.equal(closestWord('listen', []), undefined);
  t.end();
});
