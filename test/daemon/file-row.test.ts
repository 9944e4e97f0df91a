import t from 'tap';
import { bytes, choice, flag, integer, objects, pairs } from '../../src/daemon/file-row.ts';
import { refused, required, text, texts, unknownKey } from '../../src/daemon/file-row.ts';
import type { Row } from '../../src/daemon/file-row.ts';
import { parseJsonFile } from '../../src/daemon/json-file.ts';

function read<Value>(row: Row<Value>, value: unknown): Value | string {
  try {
    return row.read(parseJsonFile('a.json', JSON.stringify(value)));
  } catch (error) {
    return (error as Error).message;
  }
}

const place = objects({ name: required(text()), port: integer(1, 9) });

const rows: readonly (readonly [Row<unknown>, given: unknown, read: unknown])[] = [
  [text(), 'a', 'a'],
  [text(), 1, 'got 1, expected a text'],
  [integer(1, 9), 9, 9],
  [integer(1, 9), 10, 'got 10, expected a whole number from 1 to 9'],
  [integer(1, 9), 1.5, 'got 1.5, expected a whole number from 1 to 9'],
  [bytes(), 'AAE', Buffer.of(0, 1)],
  [bytes(), 'AAE=', 'got "AAE=", expected bytes in base64url, without padding'],
  [flag(), true, true],
  [flag(), 'yes', 'got "yes", expected true or false'],
  [choice({ one: 1, two: 2 }), 'two', 2],
  [choice({ one: 1, two: 2 }), 'three', 'got "three", expected one of one, two'],
  [choice({ one: 1 }), 'toString', 'got "toString", expected one of one'],
  [texts(() => undefined), ['a', 'b'], ['a', 'b']],
  [texts(() => undefined), ['a', 1], 'got a list, expected a list of texts'],
  [pairs(() => undefined), { a: 'b' }, { a: 'b' }],
  [pairs(() => undefined), { a: 1 }, 'got an object, expected an object whose values are texts'],
  [place, [{ name: 'a', port: 2 }, { name: 'b' }], [{ name: 'a', port: 2 }, { name: 'b' }]],
  [place, [], []],
  [place, {}, 'got an object, expected a list of objects'],
  [place, [1], '[0]: got 1, expected an object'],
  [place, [{ name: 'a' }, { port: 2 }], '[1]: there is no key name'],
  [place, [{ name: 'a', port: 10 }], '[0].port: got 10, expected a whole number from 1 to 9'],
  [place, [{ name: 'a', prt: 1 }], '[0].prt is not known; did you mean port?'],
  [refused('it has no place here'), 1, 'it has no place here'],
];

for (const [row, given, expected] of rows)
  t.test(`${JSON.stringify(given)} is read as ${JSON.stringify(expected)}`, (t) => {
    t.strictSame(read(row, given), expected);
    t.end();
  });

t.test('what a row refuses is told in its own words', (t) => {
  const short = text((value) => {
    if (value.length > 1) throw new Error('too long');
  });
  t.equal(read(short, 'ab'), 'too long');
  t.equal(short.isRequired, false);
  t.equal(required(short).isRequired, true);
  t.end();
});

t.test('a key that is near none names all of them', (t) => {
  t.equal(unknownKey('colour', ['name', 'port']), 'is not known; known are name, port');
  t.end();
});
