import { test } from 'tap';
import { closestWord, closeWords } from '../../src/base/spelling.ts';

const known = ['gossipK', 'gossipIntervalMs', 'listen', 'name'];

test('a letter too many, too few, wrong or in the wrong case still finds the word', (t) => {
  const typed = ['listenn', 'lisen', 'lisden', 'LISTEN', 'gossip_k', 'nane'];
  const found = typed.map((word) => closestWord(word, known));
  t.strictSame(found, ['listen', 'listen', 'listen', 'listen', 'gossipK', 'name']);
  t.end();
});

test('two neighbors swapped are one mistake, the commonest of short words', (t) => {
  const found = ['nmae', 'anme', 'naem', 'naxme', 'mane'].map((word) => closestWord(word, known));
  t.strictSame(found, ['name', 'name', 'name', 'name', undefined]);
  t.end();
});

test('a word unlike all others finds none', (t) => {
  t.equal(closestWord('port', known), undefined);
  t.equal(closestWord('', known), undefined);
  t.equal(closestWord('listen', []), undefined);
  t.end();
});

test('all that are close, the closest first, no more than were asked for', (t) => {
  const nodes = ['node-1', 'node-22', 'node-2', 'other', 'NODE-3'];
  t.strictSame(closeWords('node-2', nodes, 5), ['node-2', 'node-1', 'node-22', 'NODE-3']);
  t.strictSame(closeWords('node-2', nodes, 2), ['node-2', 'node-1']);
  t.strictSame(closeWords('zzz', nodes, 5), []);
  t.end();
});
