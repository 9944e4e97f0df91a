import fc from 'fast-check';
import t from 'tap';
import {
  instanceLabels,
  ownedLabel,
  safeLabel,
  servicePaths,
  wireName,
} from '../../src/api/dns-labels.ts';

const hostLabel = /^[a-z0-9]([a-z0-9-]{0,56}[a-z0-9])?$/;
const anyName = fc.stringMatching(/^[A-Za-z0-9._:[\]-]{1,160}$/);

t.test('what is a host label already is its own safe label', (t) => {
  for (const text of ['a', 'add', 'web-1', '10', 'a'.repeat(58)]) t.equal(safeLabel(text), text);
  t.end();
});

t.test('anything else is made one, which keeps what it can and never changes', (t) => {
  t.equal(safeLabel('10.0.0.5:5001'), '10-0-0-5-5001-1bdabb89');
  t.match(safeLabel('[2001:db8::1]:80'), /^2001-db8-1-80-[0-9a-f]{8}$/);
  t.match(safeLabel('Add'), /^add-[0-9a-f]{8}$/);
  t.match(safeLabel('-'), /^x-[0-9a-f]{8}$/);
  t.match(safeLabel('a'.repeat(59)), /^a{49}-[0-9a-f]{8}$/);
  t.end();
});

t.test('any name has a safe label, and names unlike each other have unlike ones', (t) => {
  fc.assert(
    fc.property(anyName, anyName, (one, other) => {
      if (!hostLabel.test(safeLabel(one))) return false;
      return (one === other) === (safeLabel(one) === safeLabel(other));
    }),
  );
  t.end();
});

t.test('a service is called by its names, and where these are no host labels safely too', (t) => {
  t.strictSame(servicePaths('math', 'add'), [['add', 'math']]);
  const [natural, safe] = servicePaths('math', 'Add.v2');
  t.strictSame(natural, ['add', 'v2', 'math']);
  t.strictSame(safe, [safeLabel('Add.v2'), 'math']);
  t.end();
});

t.test('a service that no name in DNS can spell has its safe name alone', (t) => {
  for (const name of ['a'.repeat(64), 'a..b', '.a', 'a.'])
    t.strictSame(servicePaths('math', name), [[safeLabel(name), 'math']]);
  const long = Array.from({ length: 64 }, () => 'a').join('.');
  t.equal(servicePaths(long, 'a'.repeat(63)).length, 2, 'a name of 198 bytes');
  t.equal(servicePaths(long, long).length, 1, 'one of 263 bytes');
  t.end();
});

t.test('an instance is called by its id, safely, and for itself alone', (t) => {
  t.strictSame(instanceLabels('web-1', 'me'), ['web-1', ownedLabel('web-1', 'me')]);
  const id = 'Web_1:80';
  t.strictSame(instanceLabels(id, 'me'), [safeLabel(id), 'web_1:80', ownedLabel(id, 'me')]);
  t.not(ownedLabel('a', 'me'), ownedLabel('a', 'you'));
  t.notOk(instanceLabels('10.0.0.5:80', 'me').some((label) => label.includes('.')));
  t.end();
});

t.test('a name travels as labels behind their lengths, and the root', (t) => {
  t.equal(wireName(['ab', 'disco']).toString('latin1'), '\x02ab\x05disco\x00');
  t.equal(wireName([]).toString('latin1'), '\x00');
  t.end();
});
