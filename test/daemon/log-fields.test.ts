import fc from 'fast-check';
import t from 'tap';
import {
  depthMax,
  entryCharsMax,
  entryItemsMax,
  itemsMax,
  safeFields,
  textCharsMax,
} from '../../src/daemon/log-fields.ts';

t.test('what is small and no secret stays as it is', (t) => {
  const fields = {
    peer: 'p',
    count: 2,
    isOpen: true,
    none: null,
    list: ['a', 1],
    deep: { b: 'c' },
  };
  t.strictSame(JSON.parse(JSON.stringify(safeFields(fields))), fields);
  t.end();
});

t.test('fields that are named like secrets are left out', (t) => {
  const names = [
    'password',
    'passphrase',
    'token',
    'accessToken',
    'authorization',
    'Set-Cookie',
    'api_key',
    'apiKey',
    'private-key',
    'privateKey',
    'clientSecret',
    'credentials',
  ];
  for (const name of names) {
    const safe = safeFields({ [name]: 'hush', deep: { [name]: { a: 'hush' } } });
    t.notMatch(JSON.stringify(safe), 'hush', name);
  }
  t.end();
});

t.test('names that only look alike are told', (t) => {
  const fields = { key: 'math/add/1', tokens: 5, keyFile: '/var/lib/disco/key', secretary: 'Ann' };
  t.strictSame({ ...safeFields(fields) }, fields);
  t.end();
});

t.test('secrets within a text are left out, and the rest of it stays', (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ['Authorization: Bearer abcdefgh12345678', 'Authorization: Bearer [redacted]'],
    [
      'dial http://me:hunter2@10.0.0.5:80/x failed',
      'dial http://me:[redacted]@10.0.0.5:80/x failed',
    ],
    ['-----BEGIN EC PRIVATE KEY-----\nAA\n-----END EC PRIVATE KEY-----, read', '[redacted], read'],
    ['-----BEGIN PRIVATE KEY-----\nAA', '[redacted]'],
  ];
  for (const [text, expected] of cases) t.equal(safeFields({ text })['text'], expected);
  t.end();
});

t.test(`a text of more than ${textCharsMax} characters says how much is missing`, (t) => {
  const { text } = safeFields({ text: 'x'.repeat(textCharsMax + 7) });
  t.equal(text, `${'x'.repeat(textCharsMax)}… [7 more characters]`);
  t.equal(safeFields({ text: 'x'.repeat(textCharsMax) })['text'], 'x'.repeat(textCharsMax));
  t.end();
});

t.test(`a list of more than ${itemsMax} items and an object of more names say so`, (t) => {
  const list = Array.from({ length: itemsMax + 1 }, (_, index) => index);
  const object = Object.fromEntries(list.map((index) => [`n${index}`, index]));
  const safe = safeFields({ list, object });
  t.strictSame((safe['list'] as unknown[]).slice(itemsMax - 1), [itemsMax - 1, '[1 more]']);
  t.equal((safe['object'] as Record<string, unknown>)['more'], '[1 more]');
  t.end();
});

t.test('what is nested too deep, or in a circle, is cut off', (t) => {
  const circle: Record<string, unknown> = {};
  circle['again'] = circle;
  const text = JSON.stringify(safeFields({ circle }));
  t.match(text, '[deeper]');
  t.equal(text.split('again').length - 1, depthMax - 1);
  t.end();
});

t.test(
  `of nested lists there are ${entryItemsMax} items in an entry, however wide they are`,
  (t) => {
    const nest = (depth: number): unknown =>
      depth === 0 ? 'x' : Array.from({ length: 30 }, () => nest(depth - 1));
    const text = JSON.stringify(safeFields({ wide: nest(4) }));
    t.ok(text.split('"x"').length - 1 < entryItemsMax);
    t.match(text, 'more]');
    t.end();
  },
);

t.test('what JSON does not know is told in words', (t) => {
  const safe = safeFields({
    big: 12n,
    bytes: new Uint8Array(3),
    error: new RangeError('too far'),
    run: () => 1,
    at: new Date(Number.NaN),
  });
  t.strictSame(
    { ...safe },
    {
      big: '12',
      bytes: '[3 bytes]',
      error: 'RangeError: too far',
      run: '[function]',
      at: 'Invalid Date',
    },
  );
  t.end();
});

t.test('a getter that throws is no reason to fall', (t) => {
  const fields = Object.defineProperty({}, 'x', {
    enumerable: true,
    get: () => {
      throw new Error('no');
    },
  });
  t.match(safeFields(fields), { unreadable: 'Error: no' });
  t.end();
});

t.test('whatever there is, the copy is JSON and within its bounds', (t) => {
  fc.assert(
    fc.property(fc.object({ maxDepth: 8, maxKeys: 20 }), fc.string(), (fields, text) => {
      const line = JSON.stringify(safeFields({ ...fields, long: text.repeat(20_000) }));
      // Each character is six at most when it is escaped.
      return line.length < 6 * (entryCharsMax + 10_000);
    }),
    { numRuns: 200 },
  );
  t.end();
});
