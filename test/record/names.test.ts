import t from 'tap';
import { hostCharsMax, hostPort, instanceIdCharsMax, isHost } from '../../src/record/names.ts';
import { isInstanceId, isName, isPort, nameCharsMax } from '../../src/record/names.ts';

t.test('names are letters, digits, dots, dashes and underscores', (t) => {
  for (const name of ['a', 'A-b_c.9', '..', 'x'.repeat(nameCharsMax)]) t.ok(isName(name), name);
  const bad = ['', ' ', 'a b', 'a/b', 'a\n', 'a\0', 'ä', '__proto__', 'a:1', '[a]'];
  for (const name of [...bad, 'x'.repeat(nameCharsMax + 1)])
    t.notOk(isName(name), JSON.stringify(name));
  t.end();
});

t.test('instance ids may look like an address with a port', (t) => {
  const good = ['10.0.0.7:80', '[::1]:80', 'a', 'x'.repeat(instanceIdCharsMax)];
  for (const id of good) t.ok(isInstanceId(id), id);
  const bad = ['', 'a/b', 'a b', 'a\n', '__proto__', 'x'.repeat(instanceIdCharsMax + 1)];
  for (const id of bad) t.notOk(isInstanceId(id), JSON.stringify(id));
  t.end();
});

t.test('a host is a literal address or a host name of RFC 1123', (t) => {
  const longest = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`;
  t.equal(longest.length, hostCharsMax);
  const good = ['10.0.0.7', '::1', 'fe80::1', 'db', 'db.internal', '3com.com', 'a-b.c', longest];
  for (const host of good) t.ok(isHost(host), host);
  const bad = ['', '10.0.0.256', '10.0.0', '1', 'a_b', '-a', 'a-', 'a..b', '.a', 'a.', 'a b'];
  for (const host of [...bad, 'a'.repeat(64), `${longest}d`, '[::1]', 'a\n'])
    t.notOk(isHost(host), JSON.stringify(host));
  t.end();
});

t.test('a long hostile host name does not tie the judge up', (t) => {
  t.notOk(isHost(`${'a-'.repeat(126)}!`));
  t.notOk(isHost('a'.repeat(1_000_000)));
  t.end();
});

t.test('ports run from 1 to 65535', (t) => {
  for (const port of [1, 80, 65_535]) t.ok(isPort(port));
  for (const port of [0, -1, 65_536, 1.5, NaN, Infinity]) t.notOk(isPort(port));
  t.end();
});

t.test('an IPv6 address is put into brackets before its port', (t) => {
  t.equal(hostPort('10.0.0.7', 80), '10.0.0.7:80');
  t.equal(hostPort('::1', 80), '[::1]:80');
  t.equal(hostPort('db.internal', 80), 'db.internal:80');
  t.end();
});
