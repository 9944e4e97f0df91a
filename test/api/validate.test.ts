/** Every rule about what may be sent: code, reason and sentence as a client of gRPC gets them. */
import t from 'tap';
import {
  checkMetadata,
  checkPort,
  checkTags,
  metadataMax,
  metadataValueCharsMax,
  quote,
  tagCharsMax,
  tagsMax,
  ttlMsMax,
  ttlMsMin,
  versionCharsMax,
} from '../../src/api/validate.ts';
import { makeFacts, makeSealed, signerOf } from '../record/fixtures.ts';
import { serve } from './fixture.ts';
import type { Refusal, UnaryName } from './fixture.ts';

const add = { group: 'math', name: 'add' };
const here = { ...add, ip: '127.0.0.1', port: 5001 };
const nameRule = 'names are 1 to 128 of letters, digits, ".", "_" and "-", and not "__proto__"';
const hostRule = 'give a literal IPv4 or IPv6 address without a zone, or a host name';
const portRule = 'ports are 1 to 65535; leave ip and port out to be given a free one';
const idRule = 'instance ids are 1 to 160 of letters, digits, ".", "_", "-", ":", "[" and "]"';
const tagRule = 'tags are 1 to 128 printable characters';
const valueRule = 'values are at most 1024 printable characters';
const versionRule = 'versions are at most 128 printable characters';
const ttlRule = 'give 100 to 86400000 ms, or 0 for none';

const refused = (reason: string, sentence: string): Refusal => ({
  code: 'INVALID_ARGUMENT',
  reason,
  sentence,
});

/** One line, and nothing in it that a terminal or a log would act on. */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

const a60 = 'a'.repeat(60);
/** What is sent as a name, and how the sentence shows it. */
const badNames: readonly (readonly [what: string, sent: string, shown: string])[] = [
  ['an empty name', '', 'is empty'],
  ['a name of 129 characters', 'a'.repeat(129), `is "${a60}… (129 characters)"`],
  ['a name of 1 MiB', 'a'.repeat(2 ** 20), `is "${a60}… (1048576 characters)"`],
  ['a slash', 'a/b', 'is "a/b"'],
  ['a way up', '../x', 'is "../x"'],
  ['a space', 'a b', 'is "a b"'],
  ['__proto__', '__proto__', 'is "__proto__"'],
  ['a line break', 'a\nlevel=error', String.raw`is "a\nlevel=error"`],
  ['an escape sequence', '\u001b[2J', String.raw`is "\u001b[2J"`],
  ['a C1 control character', 'a\u0085b', String.raw`is "a\u0085b"`],
  ['a right-to-left mark', 'a\u200fb', String.raw`is "a\u200fb"`],
  ['a right-to-left override', 'a\u202eb', String.raw`is "a\u202eb"`],
  ['an Arabic letter mark', 'a\u061cb', String.raw`is "a\u061cb"`],
  ['an invisible tag character', 'a\u{e0041}b', String.raw`is "a\u{e0041}b"`],
  ['a line separator', 'a\u2028b', String.raw`is "a\u2028b"`],
  ['NUL', 'a\u0000b', String.raw`is "a\u0000b"`],
  ['a quotation mark', 'a"b', String.raw`is "a\"b"`],
  ['an umlaut', 'ä', 'is "ä"'],
];

t.test('a group or a name that breaks the rule is refused, and shown in one line', async (t) => {
  const { client } = await serve(t);
  for (const [what, sent, shown] of badNames) {
    const group = await client.refusal('Register', { ...here, group: sent });
    t.strictSame(group, refused('INVALID_NAME', `group ${shown}: ${nameRule}`), `group: ${what}`);
    const name = await client.refusal('Register', { ...here, name: sent });
    t.strictSame(name, refused('INVALID_NAME', `name ${shown}: ${nameRule}`), `name: ${what}`);
    t.notMatch(name.sentence, unsafe, what);
  }
});

t.test('a name at the bound of 128 characters is taken', async (t) => {
  const { client } = await serve(t);
  const name = 'aZ09._-'.padEnd(128, 'x');
  await client.call('Register', { ...here, group: name, name });
  t.match(await client.call('Get', { group: name, name }), { group: name, name });
});

t.test('every method checks the names that it is given', async (t) => {
  const { client } = await serve(t);
  const named: readonly UnaryName[] = ['Register', 'Deregister', 'Get', 'Heartbeat'];
  const both: readonly UnaryName[] = [...named, 'List', 'ListByGroup'];
  for (const method of both) {
    const group = await client.refusal(method, { group: 'a b', name: 'add' });
    t.strictSame(group, refused('INVALID_NAME', `group is "a b": ${nameRule}`), method);
    const name = await client.refusal(method, { group: 'math', name: 'a b' });
    t.strictSame(name, refused('INVALID_NAME', `name is "a b": ${nameRule}`), method);
  }
  for (const method of [...named, 'ListByGroup'] as const) {
    const none = await client.refusal(method, {});
    t.strictSame(none, refused('INVALID_NAME', `group is empty: ${nameRule}`), method);
  }
  const watched = await client.watch({ group: 'a b' }).rest();
  t.strictSame(watched.refusal, refused('INVALID_NAME', `group is "a b": ${nameRule}`));
  const name = await client.watch({ group: 'a', name: 'a\nb' }).rest();
  t.strictSame(name.refusal, refused('INVALID_NAME', String.raw`name is "a\nb": ${nameRule}`));
});

t.test('an address that stands for all of a host is no place to call', async (t) => {
  const { client } = await serve(t);
  for (const ip of ['0.0.0.0', '::']) {
    const refusal = await client.refusal('Register', { ...here, ip });
    const rule = 'it stands for every address of a host, and nobody can call it; leave ip out';
    t.strictSame(refusal, refused('INVALID_ADDRESS', `ip is "${ip}": ${rule}`));
  }
});

t.test('a host that is no address and no host name is refused', async (t) => {
  const { client } = await serve(t);
  const hosts = ['999.1.1.1', 'a b', '1.2.3', '::g', 'fe80::1%eth0', '-x', 'a_b', '10.0.0.1/8'];
  for (const ip of hosts) {
    const refusal = await client.refusal('Register', { ...here, ip });
    t.strictSame(refusal, refused('INVALID_ADDRESS', `ip is "${ip}": ${hostRule}`), ip);
  }
  for (const [ip, shown] of [
    ['a\u0000b', String.raw`"a\u0000b"`],
    ['x\r\nHost: y', String.raw`"x\r\nHost: y"`],
  ] as const) {
    const refusal = await client.refusal('Deregister', { ...here, ip });
    t.strictSame(refusal, refused('INVALID_ADDRESS', `ip is ${shown}: ${hostRule}`), shown);
  }
});

t.test('literal addresses of both families and host names are taken', async (t) => {
  const { client } = await serve(t);
  for (const [ip, instanceId] of [
    ['10.0.0.7', '10.0.0.7:5001'],
    ['::1', '[::1]:5001'],
    ['db-1.internal', 'db-1.internal:5001'],
  ] as const)
    t.match(await client.call('Register', { ...here, ip }), { ip, port: 5001, instanceId });
});

t.test('port 65536 is refused, 65535 is taken', async (t) => {
  const { client } = await serve(t);
  const refusal = await client.refusal('Register', { ...here, port: 65_536 });
  t.strictSame(refusal, refused('INVALID_PORT', `port is 65536: ${portRule}`));
  const gone = await client.refusal('Deregister', { ...here, port: 65_536 });
  t.strictSame(gone, refused('INVALID_PORT', `port is 65536: ${portRule}`));
  t.match(await client.call('Register', { ...here, port: 65_535 }), { port: 65_535 });
});

t.test('port 0 is refused for an address that is not of this host', async (t) => {
  const { client } = await serve(t);
  // TEST-NET-1 (RFC 5737): no host has it.
  const refusal = await client.refusal('Register', { ...add, ip: '192.0.2.1' });
  const sentence =
    '192.0.2.1 is no address of this host, so its free ports are not known here: give a port';
  t.strictSame(refusal, refused('PORT_WITHOUT_HOST', sentence));
});

t.test('an instance id that breaks the rule is refused, also where one is asked for', async (t) => {
  const { client } = await serve(t);
  const bad = [
    ['a/b', '"a/b"'],
    ['a b', '"a b"'],
    ['__proto__', '"__proto__"'],
    ['a\u2029b', String.raw`"a\u2029b"`],
    ['b'.repeat(161), `"${'b'.repeat(60)}… (161 characters)"`],
  ] as const;
  for (const method of ['Register', 'Deregister', 'Heartbeat'] as const)
    for (const [instanceId, shown] of bad) {
      const refusal = await client.refusal(method, { ...add, instanceId });
      const sentence = `instance_id is ${shown}: ${idRule}`;
      t.strictSame(refusal, refused('INVALID_NAME', sentence), `${method} ${shown}`);
    }
});

t.test('ip:port that is too long for an instance id asks for one that is shorter', async (t) => {
  const { client } = await serve(t);
  const ip = Array(4).fill('a'.repeat(40)).join('.');
  const refusal = await client.refusal('Register', { ...here, ip });
  const sentence =
    'instance_id was left out, and ip:port is too long for one (168 characters): give a shorter instance_id';
  t.strictSame(refusal, refused('INVALID_NAME', sentence));
  t.match(await client.call('Register', { ...here, ip, instanceId: 'one' }), { ip });
});

t.test('tags have to be few, short and printable', async (t) => {
  const { client } = await serve(t);
  const tags = Array.from({ length: tagsMax + 1 }, (_, index) => `tag-${index}`);
  const rows = [
    [tags, `there are ${tagsMax + 1} tags: at most ${tagsMax} are allowed`],
    [[''], `a tag is "": ${tagRule}`],
    [['x'.repeat(tagCharsMax + 1)], `a tag is "${'x'.repeat(60)}… (129 characters)": ${tagRule}`],
    [['ok', 'a\tb'], String.raw`a tag is "a\tb": ${tagRule}`],
    [['a\u202eb'], String.raw`a tag is "a\u202eb": ${tagRule}`],
  ] as const;
  for (const [sent, sentence] of rows)
    for (const method of ['Register', 'List'] as const) {
      const refusal = await client.refusal(method, { ...add, tags: [...sent] });
      t.strictSame(refusal, refused('INVALID_TAG', sentence), method);
    }
  await client.call('Register', { ...here, tags: tags.slice(0, tagsMax) });
});

t.test('metadata has to be little, with names for keys and printable values', async (t) => {
  const { client } = await serve(t);
  const count = metadataMax + 1;
  const many = Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'v']));
  const proto = JSON.parse('{"__proto__": "x"}') as Record<string, string>;
  const long = 'v'.repeat(metadataValueCharsMax + 1);
  const rows = [
    [many, `metadata has ${count} pairs: at most ${metadataMax} are allowed`],
    [{ 'a b': 'x' }, `a metadata key is "a b": ${nameRule}`],
    [{ '': 'x' }, `a metadata key is "": ${nameRule}`],
    [proto, `a metadata key is "__proto__": ${nameRule}`],
    [{ zone: 'a\nb' }, String.raw`metadata zone is "a\nb": ${valueRule}`],
    [{ zone: long }, `metadata zone is "${'v'.repeat(60)}… (1025 characters)": ${valueRule}`],
  ] as const;
  for (const [metadata, sentence] of rows)
    for (const method of ['Register', 'List'] as const) {
      const refusal = await client.refusal(method, { ...add, metadata });
      t.strictSame(refusal, refused('INVALID_METADATA', sentence), `${method} ${sentence}`);
    }
});

t.test('a version has to be short and printable', async (t) => {
  const { client } = await serve(t);
  const rows = [
    ['1\u0007', String.raw`version is "1\u0007": ${versionRule}`],
    [
      '1'.repeat(versionCharsMax + 1),
      `version is "${'1'.repeat(60)}… (129 characters)": ${versionRule}`,
    ],
  ] as const;
  for (const [version, sentence] of rows)
    for (const method of ['Register', 'List'] as const)
      t.strictSame(
        await client.refusal(method, { ...add, version }),
        refused('INVALID_VERSION', sentence),
      );
});

t.test('a ttl has to be within its bounds', async (t) => {
  const { client } = await serve(t);
  const afterMax = 7 * ttlMsMax;
  const rows = [
    [{ ttlMs: ttlMsMin - 1 }, `ttl_ms is 99: ${ttlRule}`],
    [{ ttlMs: ttlMsMax + 1 }, `ttl_ms is 86400001: ${ttlRule}`],
    [{ ttlMs: 2 ** 63 }, `ttl_ms is 9223372036854775808: ${ttlRule}`],
    [
      { ttlMs: 1_000, deregisterAfterMs: afterMax + 1 },
      'deregister_after_ms is 604800001: give at most 604800000 ms, or 0 for never',
    ],
    [
      { deregisterAfterMs: 1_000 },
      'deregister_after_ms is 1000 and ttl_ms is 0: without a ttl or checks it would never begin; give ttl_ms or checks too',
    ],
  ] as const;
  for (const [fields, sentence] of rows) {
    const refusal = await client.refusal('Register', { ...here, ...fields });
    t.strictSame(refusal, refused('INVALID_TTL', sentence));
  }
  for (const ttlMs of [ttlMsMin, ttlMsMax])
    await client.call('Register', { ...here, ttlMs, deregisterAfterMs: afterMax });
});

t.test('a registration that does not fit into one record is refused', async (t) => {
  const { client } = await serve(t);
  const value = 'v'.repeat(metadataValueCharsMax);
  const keys = Array.from({ length: 8 }, (_, index) => `key-${index}`);
  const metadata = Object.fromEntries(keys.map((key) => [key, value]));
  const refusal = await client.refusal('Register', { ...here, metadata });
  t.match(refusal, { code: 'INVALID_ARGUMENT', reason: 'RECORD_TOO_LARGE' });
  t.match(
    refusal.sentence,
    /^the registration takes \d{4} bytes, the bound is 8192: shorten its metadata or tags$/,
  );
});

t.test('a page token and a cursor that nobody gave out are refused', async (t) => {
  const { client } = await serve(t);
  for (const pageToken of ['x', 'a\u0000b', '../..', 'e30'])
    t.strictSame(
      await client.refusal('List', { pageToken }),
      refused('INVALID_PAGE', 'page_token is none that this API gave out: start without one'),
      quote(pageToken),
    );
  const sentence = 'cursor is none that this API gave out: use that of the last event, or none';
  for (const cursor of ['x', 'memory-', '-1', 'memory--1', 'memory-1.', 'me/mory-1', 'memory-1\n'])
    t.strictSame(
      (await client.watch({ cursor }).rest()).refusal,
      refused('INVALID_CURSOR', sentence),
      quote(cursor),
    );
});

t.test('what is registered at another node cannot be changed here', async (t) => {
  const { client, node } = await serve(t);
  const owner = signerOf(2).owner;
  node.hear(2, [makeSealed({ owner, group: 'math', name: 'add', instanceId: 'far' })]);
  const where = `was registered at node "node-2" (${owner}), which alone can change it: ask that daemon`;
  for (const [request, shown] of [
    [add, 'math/add'],
    [{ ...add, instanceId: 'far' }, 'math/add/far'],
  ] as const)
    for (const method of ['Deregister', 'Heartbeat'] as const)
      t.strictSame(await client.refusal(method, request), {
        code: 'FAILED_PRECONDITION',
        reason: 'NOT_OWNED_HERE',
        sentence: `${shown} ${where}`,
      });
});

t.test('the name of a foreign node cannot break the line of an error', async (t) => {
  const { client, node } = await serve(t);
  const owner = signerOf(2).owner;
  const record = makeSealed({ owner, group: 'math', name: 'add', instanceId: 'far' });
  node.hear(2, [record], makeFacts({ name: 'x\nlevel=error' }));
  const { sentence } = await client.refusal('Deregister', add);
  t.match(sentence, String.raw`at node "x\nlevel=error" (`);
  t.notMatch(sentence, unsafe);
});

t.test('several instances of one name: the error names some and asks for one', async (t) => {
  const { client } = await serve(t);
  for (const port of [5001, 5002]) await client.call('Register', { ...here, port });
  for (const method of ['Deregister', 'Heartbeat'] as const)
    t.strictSame(
      await client.refusal(method, add),
      refused(
        'AMBIGUOUS_INSTANCE',
        'math/add has 2 instances here (127.0.0.1:5001, 127.0.0.1:5002): give the instance_id of one (disco deregister --id)',
      ),
    );
  const more = Array.from({ length: 1_000 }, (_, index) => 6_000 + index);
  await Promise.all(more.map((port) => client.call('Register', { ...here, port })));
  const { sentence } = await client.refusal('Deregister', add);
  t.match(sentence, /^math\/add has 1002 instances here \((127\.0\.0\.1:\d+, ){5}…\): give the /);
});

t.test('what is not registered cannot be deregistered, nor renewed', async (t) => {
  const { client } = await serve(t);
  for (const method of ['Deregister', 'Heartbeat'] as const) {
    const shown = ['math/add', 'math/add/one'] as const;
    for (const [index, request] of [add, { ...add, instanceId: 'one' }].entries())
      t.strictSame(await client.refusal(method, request), {
        code: 'NOT_FOUND',
        reason: 'UNKNOWN_INSTANCE',
        sentence: `${shown[index]} is not registered at this daemon: "disco list" shows what is`,
      });
  }
});

t.test('a Heartbeat for what has no ttl is refused', async (t) => {
  const { client } = await serve(t);
  await client.call('Register', here);
  t.strictSame(await client.refusal('Heartbeat', add), {
    code: 'FAILED_PRECONDITION',
    reason: 'NO_TTL',
    sentence:
      'math/add/127.0.0.1:5001 was registered without a ttl, so there is nothing to renew: register it with ttl_ms',
  });
});

t.test('equal tags are kept once, and what is in order is passed on as it is', (t) => {
  t.strictSame(checkTags(['b', 'a', 'b']), ['b', 'a']);
  const metadata = { zone: 'ünïcode "quoted" 🚀' };
  t.equal(checkMetadata(metadata), metadata);
  t.throws(() => checkPort(1.5), { reason: 'INVALID_PORT', message: `port is 1.5: ${portRule}` });
  t.throws(() => checkPort(-1), { reason: 'INVALID_PORT', message: `port is -1: ${portRule}` });
  t.end();
});

t.test('half of a surrogate pair is shown as an escape', (t) => {
  t.equal(
    quote(`${'a'.repeat(59)}🚀`),
    `"${'a'.repeat(59)}${String.raw`\ud83d`}… (61 characters)"`,
  );
  t.end();
});
