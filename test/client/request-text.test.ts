import { test } from 'tap';
import { textMapOf, textOf, textsOf } from '../../src/client/request-text.ts';

const refused = (message: string) => ({ code: 'INVALID_ARGUMENT', reason: 'USAGE', message });

test('what is left out is empty, and what is given is copied', async (t) => {
  t.equal(textOf('ip', undefined), '');
  t.equal(textOf('ip', null), '');
  t.equal(textOf('ip', '10.0.0.7'), '10.0.0.7');
  t.strictSame(textsOf('tags', undefined), []);
  const tags = ['blue'];
  t.strictSame(textsOf('tags', tags), tags);
  t.not(textsOf('tags', tags), tags);
  t.strictSame(textMapOf('metadata', undefined), {});
  t.strictSame(textMapOf('metadata', { rack: '7' }), { rack: '7' });
});

test('what protobuf would write as an empty text is refused, with its place', async (t) => {
  t.throws(() => textOf('ip', 5), refused('ip is 5; expected a string'));
  t.throws(() => textsOf('tags', 'blue'), refused("tags is 'blue'; expected an array of strings"));
  t.throws(() => textsOf('tags', ['a', 7]), refused('tags[1] is 7; expected a string'));
  t.throws(() => textsOf('tags', [null]), refused('tags[0] is null; expected a string'));
  t.throws(
    () => textMapOf('metadata', { rack: 7 }),
    refused('metadata.rack is 7; expected a string'),
  );
  t.throws(
    () => textMapOf('metadata', ['a']),
    refused("metadata is [ 'a' ]; expected an object of strings"),
  );
  t.throws(
    () => textMapOf('metadata', 'a=b'),
    refused("metadata is 'a=b'; expected an object of strings"),
  );
});
