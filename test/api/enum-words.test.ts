/** Enums of the proto as people write them. */
import t from 'tap';
import { EnumWords } from '../../src/api/enum-words.ts';
import { disco } from '../../src/gen/discovery.js';

const { Health, GetRequest } = disco.v1;

t.test('a word is the name without the prefix that all share, in small letters', (t) => {
  const words = new EnumWords(Health, 'HEALTH_');
  t.strictSame(words.words, ['passing', 'warning', 'critical', 'maintenance']);
  for (const word of words.words) t.equal(words.word(words.number(word)), word);
  t.equal(words.number('critical'), Health.HEALTH_CRITICAL);
  t.equal(new EnumWords(GetRequest.Policy).number('round_robin'), GetRequest.Policy.ROUND_ROBIN);
  t.end();
});

t.test('what is unspecified, missing or of a newer release has no word', (t) => {
  const words = new EnumWords(Health, 'HEALTH_');
  for (const value of [0, undefined, null, 99]) t.equal(words.word(value), undefined);
  for (const word of ['unspecified', 'Passing', '', 'toString', undefined])
    t.equal(words.number(word), 0);
  t.end();
});
