/** JSON Schemas as short words. */
import t from 'tap';
import * as schema from '../../src/api/json-schema.ts';

t.test('numbers are bounded by what the wire takes, and what JSON tells exactly', (t) => {
  t.strictSame(schema.uint32('How many.'), {
    type: 'integer',
    minimum: 0,
    maximum: 4_294_967_295,
    description: 'How many.',
  });
  t.match(schema.uint64(''), { maximum: 9_007_199_254_740_991, format: 'int64' });
  t.end();
});

t.test('what is asked takes nothing but its fields, what is answered may grow', (t) => {
  const fields = { a: schema.text(''), b: schema.flag('') };
  t.match(schema.asked('', fields, ['a']), { additionalProperties: false, required: ['a'] });
  t.equal(schema.asked('', fields)['required'], undefined);
  t.equal(schema.answered('', fields)['additionalProperties'], undefined);
  t.strictSame(schema.answered('', fields)['required'], ['a', 'b']);
  t.strictSame(schema.answered('', fields, ['a'])['required'], ['b']);
  t.end();
});

t.test('parts are put together by lists, maps, words and names', (t) => {
  t.match(schema.listOf(schema.named('Check'), ''), { type: 'array', items: { $ref: 'Check#' } });
  t.match(schema.mapOf(schema.text(''), ''), { additionalProperties: { type: 'string' } });
  t.strictSame(schema.oneOf(['a', 'b'], 'Which.'), {
    type: 'string',
    enum: ['a', 'b'],
    description: 'Which.',
  });
  t.end();
});
