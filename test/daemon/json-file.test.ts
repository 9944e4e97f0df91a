import fc from 'fast-check';
import { test } from 'tap';
import {
  describeNode,
  nodePlace,
  parseJsonFile,
  type JsonNode,
} from '../../src/daemon/json-file.ts';

/** Back to what JSON.parse gives. */
function plain(node: JsonNode): unknown {
  if (node.kind === 'array') return node.items.map(plain);
  if (node.kind !== 'object') return node.value;
  return Object.fromEntries([...node.entries].map(([key, value]) => [key, plain(value)]));
}

test('it reads what JSON.parse reads, to the same value', (t) => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), fc.constantFrom(0, 2), (text, indent) => {
      const written = JSON.stringify(JSON.parse(text), null, indent);
      t.strictSame(plain(parseJsonFile('file', written)), JSON.parse(written));
    }),
    { seed: 1, numRuns: 300 },
  );
  t.end();
});

test('it refuses what JSON.parse refuses', (t) => {
  const mutilated = fc.tuple(
    fc.json(),
    fc.nat(),
    fc.constantFrom('', ',', '"', '}', '0', '\\', 'x'),
  );
  fc.assert(
    fc.property(mutilated, ([text, at, insert]) => {
      const cut = at % text.length;
      const broken = text.slice(0, cut) + insert + text.slice(cut + 1);
      const outcome = (read: () => unknown): string => {
        try {
          read();
          return 'read';
        } catch {
          return 'refused';
        }
      };
      const ours = outcome(() => parseJsonFile('file', broken));
      t.equal(
        ours,
        outcome(() => JSON.parse(broken)),
        broken,
      );
    }),
    { seed: 1, numRuns: 500 },
  );
  t.end();
});

const broken = [
  { text: '', place: [1, 1], what: 'got the end of the file, expected a value' },
  { text: '{"a": 1,\n  }', place: [2, 3], what: "got '}', expected a key in double quotes" },
  { text: '{"a": 1\n "b": 2}', place: [2, 2], what: `got '"', expected ',' or '}'` },
  { text: '{"a" 1}', place: [1, 6], what: "got '1', expected ':'" },
  { text: '{a: 1}', place: [1, 2], what: "got 'a', expected a key in double quotes" },
  { text: '["a",\n\n "b]', place: [3, 2], what: `got '"', expected a closed string` },
  { text: '[1 2]', place: [1, 4], what: "got '2', expected ',' or ']'" },
  { text: '// note\n{}', place: [1, 1], what: "got '/', expected a value" },
  { text: '{} {}', place: [1, 4], what: "got '{', expected the end of the file" },
  { text: '[\u{1f600}]', place: [1, 2], what: "got '\u{1f600}', expected a value" },
  { text: '{"a": 1,\n "a": 2}', place: [2, 2], what: 'key "a" is there twice' },
];

for (const { text, place, what } of broken) {
  const [line, column] = place;
  test(`${JSON.stringify(text)} is refused at line ${line}, column ${column}: ${what}`, (t) => {
    const message = `file x.json, line ${line}, column ${column}: ${what}`;
    const expected = { code: 'INVALID_ARGUMENT', reason: 'CONFIG', message };
    t.throws(() => parseJsonFile('file x.json', text), expected);
    t.end();
  });
}

test('nesting ends at 16 levels', (t) => {
  const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
  t.doesNotThrow(() => parseJsonFile('file', nested(17)));
  const message = 'file, line 1, column 18: nested deeper than 16 levels';
  t.throws(() => parseJsonFile('file', nested(18)), { message });
  t.throws(() => parseJsonFile('file', nested(100_000)), { message });
  t.end();
});

test('a byte order mark at the start is skipped', (t) => {
  t.strictSame(plain(parseJsonFile('file', '\uFEFF{"a": 1}')), { a: 1 });
  t.end();
});

test('a key __proto__ is a key like any other', (t) => {
  const node = parseJsonFile('file', '{"__proto__": 1}');
  t.match(node, { kind: 'object' });
  t.strictSame(Object.keys(plain(node) as object), ['__proto__']);
  t.end();
});

test('a node knows its place and how a person would call it', (t) => {
  const root = parseJsonFile('file', '[\n  "a", 1, true, null, [], {}\n]');
  const items = (root as { items: readonly JsonNode[] }).items;
  t.strictSame(items.map(describeNode), ['"a"', '1', 'true', 'null', 'a list', 'an object']);
  t.equal(nodePlace('file x.json', items[1] as JsonNode), 'file x.json, line 2, column 8');
  t.end();
});
