/** The classic three over HTTP, and health. */
import t from 'tap';
import { makeFacts, makeSealed, signerOf } from '../record/fixtures.ts';
import { Http } from './http-fixture.ts';
import type { Answer } from './http-fixture.ts';

const refused = (status: number, code: string, reason: string, message: string): Answer => ({
  status,
  body: { error: { code, reason, message } },
});
const badBody = (message: string): Answer =>
  refused(400, 'INVALID_ARGUMENT', 'INVALID_BODY', message);
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const shape = '{"address": "host:port", "app_name": "group/name"}';

t.test('an instance is registered at either of the classic paths, and listed', async (t) => {
  const http = await Http.start(t);
  const { self } = http.node;
  for (const [path, port] of [
    ['/registry/register_instance', 5001],
    ['/register/register_instance', 5002],
  ] as const) {
    const address = `10.0.0.7:${port}`;
    const sent = { address, app_name: 'math/add', last_update: 1 };
    const { status, body } = await http.post(path, sent);
    t.equal(status, 200);
    t.match(body, {
      ip: '10.0.0.7',
      port,
      instanceId: address,
      owner: self,
      conflict: false,
    });
  }
  const seconds = http.node.clock.now().wallMicros / 1_000_000;
  const { status, body } = await http.ask('/registry/list');
  t.equal(status, 200);
  const listed = body as Record<string, { app_name: string; last_update: number }>;
  t.strictSame(Object.keys(listed), ['10.0.0.7:5001', '10.0.0.7:5002']);
  for (const entry of Object.values(listed)) {
    t.strictSame(Object.keys(entry), ['app_name', 'last_update']);
    t.equal(entry.app_name, 'math/add');
    t.ok(Math.abs(entry.last_update - seconds) < 1, 'stamped by the daemon, in seconds');
  }
});

t.test('what is in maintenance is left out of the classic list, which has no health', async (t) => {
  const http = await Http.start(t);
  for (const address of ['10.0.0.7:1', '10.0.0.7:2'])
    await http.post('/registry/register_instance', { address, app_name: 'math/add' });
  const target = { group: 'math', name: 'add', instanceId: '10.0.0.7:1' };
  await http.node.service.setMaintenance({ ...target, on: true });
  const { body } = await http.ask('/registry/list');
  t.strictSame(Object.keys(body as object), ['10.0.0.7:2']);
});

t.test('an app_name without a slash goes to the group default', async (t) => {
  const http = await Http.start(t);
  await http.post('/registry/register_instance', { address: '[::1]:80', app_name: 'add' });
  t.match(http.node.registry.index.list('default'), [{ record: { name: 'add', ip: '::1' } }]);
  t.match((await http.ask('/registry/list')).body, { '[::1]:80': { app_name: 'default/add' } });
});

t.test('of two owners of one address the newest live one is listed', async (t) => {
  const http = await Http.start(t);
  const now = http.node.clock.now().wallMicros;
  const of = (key: number, fields: Parameters<typeof makeSealed>[0]) =>
    makeSealed({ owner: signerOf(key).owner, ip: '10.0.0.7', port: 80, ...fields });
  http.node.hear(2, [of(2, { name: 'old', lastUpdate: now - 2 })]);
  http.node.hear(3, [of(3, { name: 'new', lastUpdate: now - 1 })]);
  http.node.hear(4, [of(4, { name: 'sick', lastUpdate: now, health: 'critical' })]);
  const listed = async (): Promise<unknown> => (await http.ask('/registry/list')).body;
  t.strictSame(await listed(), {
    '10.0.0.7:80': { app_name: 'shop/new', last_update: (now - 1) / 1_000_000 },
  });
  http.node.hear(3, [], makeFacts({ left: true }));
  t.match(await listed(), { '10.0.0.7:80': { app_name: 'shop/old' } });
});

t.test('perform_update is one step of gossip: with whom, and what changed', async (t) => {
  const http = await Http.start(t);
  const { owner } = signerOf(2);
  t.strictSame(await http.ask('/registry/perform_update'), {
    status: 200,
    body: { exchanges: [] },
  });
  http.node.hear(2, []);
  http.node.control.reports = [{ peer: owner, outcome: 'changed', changed: [owner] }];
  t.strictSame((await http.ask('/registry/perform_update')).body, {
    exchanges: [{ peerId: owner, name: 'node-2', outcome: 'changed', ownersChanged: [owner] }],
  });
});

t.test('healthz is 200 while the process lives, readyz 503 until it is ready', async (t) => {
  const http = await Http.start(t);
  http.node.control.state = { isReady: false, why: 'joining: trying seed-1' };
  t.strictSame(await http.ask('/healthz'), { status: 200, body: { status: 'ok' } });
  t.strictSame(await http.ask('/readyz'), {
    status: 503,
    body: { ready: false, readiness: 'joining: trying seed-1' },
  });
  http.node.control.state = { isReady: true, why: 'reconciled with a peer' };
  t.strictSame(await http.ask('/readyz'), {
    status: 200,
    body: { ready: true, readiness: 'reconciled with a peer' },
  });
  t.strictSame(await http.ask('/healthz', { method: 'HEAD' }), { status: 200, body: undefined });
});

t.test('a body that is no JSON object, or lacks what is needed, is refused', async (t) => {
  const http = await Http.start(t);
  const unreadable = 'the body cannot be read: send one JSON object';
  const asIn = `address and app_name must be strings, as in ${shape}`;
  for (const [sent, message] of [
    ['{"address": "x\n', unreadable],
    ['', unreadable],
    ['{"__proto__": {"a": 1}}', unreadable],
    ['null', `the body must be a JSON object like ${shape}`],
    ['"10.0.0.7:80"', `the body must be a JSON object like ${shape}`],
    ['[]', asIn],
    ['{"address": "10.0.0.7:80"}', asIn],
    ['{"address": 80, "app_name": "math/add"}', asIn],
  ] as const)
    t.strictSame(await http.post('/registry/register_instance', sent), badBody(message), sent);
});

t.test('a body over the bound of 256 KiB is refused, one at it is not', async (t) => {
  const http = await Http.start(t);
  const bytesMax = 256 * 1024;
  const frame = JSON.stringify({ address: '10.0.0.7:80', app_name: 'math/add', last_update: '' });
  const pad = (length: number): string => frame.replace('""', `"${'x'.repeat(length)}"`);
  const room = bytesMax - frame.length;
  t.match(await http.post('/registry/register_instance', pad(room)), { status: 200 });
  t.strictSame(
    await http.post('/registry/register_instance', pad(room + 1)),
    badBody(`the body is larger than the ${bytesMax} bytes allowed`),
  );
});

t.test('names and addresses are checked as everywhere, in one line', async (t) => {
  const http = await Http.start(t);
  const nameRule = 'names are 1 to 128 of letters, digits, ".", "_" and "-", and not "__proto__"';
  const address = '10.0.0.7:80';
  for (const [sent, reason, message] of [
    [{ address, app_name: 'a/b/c' }, 'INVALID_NAME', `name is "b/c": ${nameRule}`],
    [{ address, app_name: '/add' }, 'INVALID_NAME', `group is empty: ${nameRule}`],
    [{ address, app_name: 'a\nb' }, 'INVALID_NAME', String.raw`name is "a\nb": ${nameRule}`],
    [
      { address: 'a\nb:80', app_name: 'add' },
      'INVALID_ADDRESS',
      String.raw`address is "a\nb:80": write host:port or [IPv6]:port`,
    ],
    [
      { address: '10.0.0.7', app_name: 'add' },
      'INVALID_ADDRESS',
      'address is "10.0.0.7": write host:port or [IPv6]:port',
    ],
    [
      { address: '10.0.0.7:65536', app_name: 'add' },
      'INVALID_ADDRESS',
      'address is "10.0.0.7:65536": write host:port or [IPv6]:port',
    ],
    [
      { address: 'my_host:80', app_name: 'add' },
      'INVALID_ADDRESS',
      'ip is "my_host": give a literal IPv4 or IPv6 address without a zone, or a host name',
    ],
    [
      { address: '192.0.2.1:0', app_name: 'add' },
      'PORT_WITHOUT_HOST',
      '192.0.2.1 is no address of this host, so its free ports are not known here: give a port',
    ],
  ] as const) {
    const answer = await http.post('/registry/register_instance', sent);
    t.strictSame(answer, refused(400, 'INVALID_ARGUMENT', reason, message));
    t.notMatch(message, unsafe);
  }
});

t.test('a full disk is 429, a stopping daemon 503', async (t) => {
  const http = await Http.start(t);
  const sent = { address: '10.0.0.7:80', app_name: 'add' };
  http.node.store.isFull = true;
  t.match(await http.post('/registry/register_instance', sent), {
    status: 429,
    body: { error: { code: 'RESOURCE_EXHAUSTED', reason: 'DISK', message: /^cannot write/ } },
  });
  http.node.service.close();
  t.match(await http.post('/registry/register_instance', sent), {
    status: 503,
    body: { error: { code: 'UNAVAILABLE', reason: 'STOPPING' } },
  });
});
