/** Entity tags: the same list is not sent again. */
import t from 'tap';
import { entityTag, isNamed } from '../../src/api/entity-tag.ts';
import { Http } from './http-fixture.ts';

t.test('a tag is weak, and as different as the texts are', (t) => {
  t.match(entityTag(''), /^W\/"[\w-]{16}"$/);
  t.equal(entityTag('a'), entityTag('a'));
  t.not(entityTag('a'), entityTag('b'));
  t.end();
});

t.test('a tag is found among many, weak or strong, and by a star', (t) => {
  for (const header of ['W/"a"', '"a"', '"b", W/"a"', ' "b" ,"a" ', '*', '"b", *'])
    t.equal(isNamed(header, 'W/"a"'), true, header);
  for (const header of [undefined, '', '"b"', 'a', 'w/"a"', '"A"', '"a', '**'])
    t.equal(isNamed(header, 'W/"a"'), false, String(header));
  t.end();
});

const tagOf = async (http: Http, path = '/v1/services'): Promise<string> =>
  String((await http.whole(path)).headers.etag);

t.test('who has the list already is told so, until something in it changes', async (t) => {
  const http = await Http.start(t);
  await http.register(5001);
  const held = await tagOf(http);
  const again = (path = '/v1/services', method = 'GET') =>
    http.whole(path, { method, headers: { 'if-none-match': held } });
  const same = await again();
  t.equal(same.status, 304);
  t.equal(same.bytes.length, 0);
  t.match(same.headers, { etag: held, 'cache-control': 'no-cache', vary: 'accept-encoding' });
  t.equal((await again('/v1/services', 'HEAD')).status, 304);

  await http.register(5001, { tags: ['blue'] });
  const changed = await again();
  t.equal(changed.status, 200);
  t.not(changed.headers.etag, held);
  t.equal((await again('/v1/services?group=none')).status, 200, 'another list');
});

t.test('the age of a list is a header, also of 304, and does not change its tag', async (t) => {
  const http = await Http.start(t);
  await http.register(5001);
  const held = await tagOf(http);
  const ageOf = async () => {
    const { status, headers } = await http.whole('/v1/services', {
      headers: { 'if-none-match': held },
    });
    return [status, headers['disco-since-reconcile-ms']];
  };
  t.strictSame(await ageOf(), [304, '250']);
  http.node.control.reconciledMs = 5_000;
  t.strictSame(await ageOf(), [304, '5000']);
  http.node.control.reconciledMs = undefined;
  t.strictSame(await ageOf(), [304, undefined]);
});

t.test('whatever the list says changes its tag: marks, holds, owners, checks', async (t) => {
  const http = await Http.start(t);
  const { node } = http;
  await http.register(5001, { checks: [{ kind: 'tcp' }] });
  const tags = [await tagOf(http)];
  node.control.partial = true;
  tags.push(await tagOf(http));
  node.control.isolated = true;
  tags.push(await tagOf(http));
  node.holdService('math', 'mul');
  tags.push(await tagOf(http));
  const result = { time: 1, durationMs: 1, hasPassed: true, output: 'connected' };
  const [check] = node.registry.registration('math/add/10.0.0.7:5001')?.checks ?? [];
  if (check === undefined) throw new Error('the check is not registered');
  node.control.reported = {
    'math/add/10.0.0.7:5001': [{ check, health: 'passing', results: [result] }],
  };
  tags.push(await tagOf(http));
  t.equal(new Set(tags).size, tags.length, tags.join(' '));
});
