/** What a schema has to say of a request, as our callers are told. */
import t from 'tap';
import { listOf, oneOf, flag, text, uint32, asked } from '../../src/api/json-schema.ts';
import { readQuery, schemaFault } from '../../src/api/schema-fault.ts';
import { Http } from './http-fixture.ts';

const base = { group: 'math', name: 'add' };
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

t.test('a body that does not fit is refused with the field and what to give', async (t) => {
  const http = await Http.start(t);
  const kinds = 'one of tcp, http, grpc, identity';
  for (const [body, sentence] of [
    [{ name: 'add' }, 'group is missing: give a text'],
    [{ ...base, prot: 80 }, 'the body has no field "prot": did you mean "port"?'],
    [{ ...base, zzzzzzzzz: 1 }, /^the body has no field "zzzzzzzzz": it has group, name, ip, /],
    [{ ...base, port: '80' }, 'port is "80": give a whole number from 0 to 4294967295'],
    [{ ...base, port: -1 }, 'port is -1: give a whole number from 0 to 4294967295'],
    [{ ...base, port: 1.5 }, 'port is 1.5: give a whole number from 0 to 4294967295'],
    [{ ...base, port: null }, 'port is null: give a whole number from 0 to 4294967295'],
    [{ ...base, group: ['math'] }, 'group is a list: give a text'],
    [{ ...base, ttlMs: 1e300 }, 'ttlMs is 1e+300: give a whole number from 0 to 9007199254740991'],
    [{ ...base, tags: 'blue' }, 'tags is "blue": give a list'],
    [{ ...base, tags: ['blue', 7] }, 'tags[1] is 7: give a text'],
    [{ ...base, metadata: { rack: 7 } }, 'metadata.rack is 7: give a text'],
    [
      { ...base, metadata: { 'a\n/~b': {} } },
      String.raw`metadata["a\n/~b"] is an object: give a text`,
    ],
    [{ ...base, checks: [{}] }, `checks[0].kind is missing: give ${kinds}`],
    [{ ...base, checks: [{ kind: 'tpc' }] }, `checks[0].kind is "tpc": give ${kinds}`],
    [
      { ...base, checks: [{ kind: 'tcp', knd: 1 }] },
      'checks[0] has no field "knd": did you mean "kind"?',
    ],
    [
      { ...base, checks: [{ kind: 'tcp', tls: 'no' }] },
      'checks[0].tls is "no": give true or false',
    ],
    [[], 'the body is a list: give a JSON object'],
    [null, 'the body is null: give a JSON object'],
  ] as const) {
    const { status, body: problem } = await http.post('/v1/register', body);
    t.equal(status, 400);
    const { reason, detail } = problem as { reason: string; detail: string };
    t.equal(reason, 'INVALID_BODY');
    t.notMatch(detail, unsafe);
    if (typeof sentence === 'string') t.equal(detail, sentence);
    else t.match(detail, sentence);
  }
  t.match((await http.post('/v1/gossip', { peer: 1 })).body, {
    detail: 'the body has no field "peer": it takes none',
  });
  t.equal(http.node.registry.index.count, 0);
});

t.test('a query that does not fit is refused, a misspelt filter above all', async (t) => {
  const http = await Http.start(t);
  const healths = 'one of passing, warning, critical, maintenance';
  for (const [query, sentence] of [
    ['gruop=math', 'the query has no parameter "gruop": did you mean "group"?'],
    ['__proto__=1', /^the query has no parameter "__proto__": it has group, name, health, /],
    ['health=pasing', `health[0] is "pasing": give ${healths}`],
    ['health=passing&health=', `health[1] is "": give ${healths}`],
    ['group=a&group=b', 'group is given more than once: give it once'],
    ['pageSize=ten', 'pageSize is "ten": give a whole number from 0 to 4294967295'],
    ['pageSize=-1', 'pageSize is "-1": give a whole number from 0 to 4294967295'],
    ['pageSize=1&pageSize=2', 'pageSize is given more than once: give it once'],
    ['staleOk', 'staleOk is "": give true or false'],
  ] as const) {
    const { status, body } = await http.ask(`/v1/services?${query}`);
    t.equal(status, 400, query);
    const { reason, detail } = body as { reason: string; detail: string };
    t.equal(reason, 'INVALID_QUERY');
    if (typeof sentence === 'string') t.equal(detail, sentence);
    else t.match(detail, sentence);
  }
  t.match((await http.ask('/v1/status?verbose=1')).body, {
    detail: 'the query has no parameter "verbose": it takes none',
  });
  t.match((await http.post('/v1/register?group=math', base)).body, { reason: 'INVALID_QUERY' });
});

t.test('what fits by its shape the service judges, in the words that gRPC is told', async (t) => {
  const http = await Http.start(t);
  for (const [body, reason, detail] of [
    [{ ...base, group: 'a b' }, 'INVALID_NAME', /^group is "a b": names are 1 to 128 of /],
    [{ ...base, port: 65_536 }, 'INVALID_PORT', /^port is 65536: ports are 1 to 65535/],
    [{ ...base, ttlMs: 5 }, 'INVALID_TTL', 'ttlMs is 5: give 100 to 86400000 ms, or 0 for none'],
    [
      { ...base, checks: [{ kind: 'http', expectedStatus: 42 }] },
      'INVALID_CHECK',
      'checks[0].expectedStatus is 42: give 200 to 599, or 0 for any of 200 to 299',
    ],
  ] as const)
    t.match(await http.post('/v1/register', body), { status: 400, body: { reason, detail } });
  t.match(await http.ask('/v1/services?pageToken=none'), {
    status: 400,
    body: {
      reason: 'INVALID_PAGE',
      detail: 'pageToken is none that this API gave out: start without one',
    },
  });
});

t.test('a query is read as its schema wants it, where the text says so', (t) => {
  const schema = asked('', {
    text: text(''),
    count: uint32(''),
    isOn: flag(''),
    words: listOf(oneOf(['a'], ''), ''),
  });
  t.strictSame(readQuery(schema, { text: '7', count: '7', isOn: 'false', words: 'a' }), {
    text: '7',
    count: 7,
    isOn: false,
    words: ['a'],
  });
  const strange = { count: '1e3', isOn: 'yes', text: ['a', 'b'], other: '1', toString: '1' };
  t.strictSame(readQuery(schema, strange), strange);
  t.strictSame(readQuery(schema, { count: '12345678901234567' }), { count: '12345678901234567' });
  t.end();
});

t.test('a complaint that says nothing is told all the same', (t) => {
  t.match(schemaFault([], 'body'), { reason: 'INVALID_BODY', message: 'the body does not fit' });
  t.end();
});
