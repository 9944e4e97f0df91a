/** Watches over HTTP: events, cursors, seats, and readers that are too slow. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import { makeSealed, signerOf } from '../record/fixtures.ts';
import { Http, StreamReader } from './http-fixture.ts';
import type { StreamBlock } from './http-fixture.ts';

const instanceOf = (data: StreamBlock['data']): Readonly<Record<string, unknown>> =>
  (data?.['instance'] ?? {}) as Record<string, unknown>;

const idOf = ({ id }: StreamBlock | undefined = {}): string => {
  if (id === undefined) throw new Error('the event has no id');
  return id;
};

t.test('a watch is a snapshot, an end mark, then changes, each with its cursor', async (t) => {
  const http = await Http.start(t);
  await http.register(5001);
  const stream = await http.stream(t, '/v1/watch?group=math');
  t.equal(stream.response.statusCode, 200);
  t.match(stream.response.headers, { 'content-type': /^text\/event-stream/ });
  const [begin, up, end] = await stream.events(3);
  t.strictSame(begin, { event: 'snapshot_begin', data: { kind: 'snapshot_begin' } });
  t.match(up, {
    event: 'up',
    data: { kind: 'up', instance: { name: 'add', port: 5001, health: 'passing' } },
  });
  t.equal(up?.id, undefined, 'amid a snapshot there is nothing to resume from');
  t.strictSame(end, {
    event: 'snapshot_end',
    id: idOf(end),
    data: { kind: 'snapshot_end', cursor: idOf(end) },
  });
  await http.register(5002);
  await http.post('/v1/register', { group: 'shop', name: 'db', ip: '10.0.0.7', port: 1 });
  await http.post('/v1/deregister', { group: 'math', name: 'add', instanceId: '10.0.0.7:5001' });
  const [added, gone] = await stream.events(2);
  t.match(added, { event: 'up', data: { instance: { port: 5002 }, cursor: idOf(added) } });
  t.match(gone, { event: 'down', data: { instance: { port: 5001 }, reason: 'deregistered' } });
});

t.test('who comes back with the last id is told what it missed, and no more', async (t) => {
  const http = await Http.start(t);
  const stream = await http.stream(t, '/v1/watch');
  const first = idOf((await stream.events(2))[1]);
  await http.register(5001);
  const second = idOf((await stream.events(1))[0]);
  stream.response.destroy();
  await http.register(5002);

  const portsAfter = async (path: string, headers: Record<string, string> = {}) => {
    const [event] = await (await http.stream(t, path, headers)).events(1);
    return event?.event === 'up' ? instanceOf(event.data)['port'] : undefined;
  };
  t.equal(await portsAfter('/v1/watch', { 'last-event-id': second }), 5002);
  t.equal(await portsAfter(`/v1/watch?cursor=${first}`), 5001);
  t.equal(
    await portsAfter(`/v1/watch?cursor=${first}`, { 'last-event-id': second }),
    5002,
    'a browser repeats the address that it began with',
  );
  const lost = await http.stream(t, '/v1/watch', { 'last-event-id': 'other-1' });
  t.match(await lost.events(1), [{ event: 'snapshot_begin' }], 'of another database');
});

t.test('a stream that is refused is an ordinary answer, and takes no seat', async (t) => {
  const http = await Http.start(t);
  t.match(await http.ask('/v1/watch?cursor=x', {}), {
    status: 400,
    body: { reason: 'INVALID_CURSOR', status: 400 },
  });
  t.match(await http.ask('/v1/watch?group=a%20b'), { body: { reason: 'INVALID_NAME' } });
  t.match(await http.ask('/v1/watch', { method: 'HEAD' }), { status: 405 });
  t.equal(http.node.service.watchers.taken, 0);
});

t.test('a seat is free again when its reader goes', async (t) => {
  const http = await Http.start(t, { watchersMax: 1 });
  const stream = await http.stream(t, '/v1/members/watch');
  t.match(await http.ask('/v1/watch'), {
    status: 429,
    body: { code: 'RESOURCE_EXHAUSTED', reason: 'TOO_MANY_WATCHERS' },
  });
  stream.response.destroy();
  const { followers } = http.node;
  await once(followers, 'unfollow');
  t.equal(http.node.service.watchers.taken, 0);
  t.match(await (await http.stream(t, '/v1/watch')).events(1), [{ event: 'snapshot_begin' }]);
});

t.test('members are watched as states, without cursors', async (t) => {
  const http = await Http.start(t);
  const stream = await http.stream(t, '/v1/members/watch');
  t.match(await stream.events(2), [
    { event: 'member', data: { kind: 'member', member: { self: true, state: 'alive' } } },
    { event: 'snapshot_end', data: { kind: 'snapshot_end' } },
  ]);
  http.node.hear(2, []);
  const [event] = await stream.events(1);
  t.match(event, { event: 'member', data: { member: { name: 'node-2', state: 'alive' } } });
  t.equal(event?.id, undefined);
});

t.test('a quiet stream shows that it lives', async (t) => {
  const http = await Http.start(t, { keepAliveMs: 5 });
  const stream = await http.stream(t, '/v1/watch');
  await stream.events(2);
  t.strictSame(await stream.next(), { comment: 'keep-alive' });
});

t.test('a snapshot that is larger than any buffer arrives whole, as it is read', async (t) => {
  const http = await Http.start(t);
  const signer = signerOf(2);
  const metadata = { text: 'x'.repeat(1_000) };
  const make = (_: unknown, id: number) =>
    makeSealed({ owner: signer.owner, instanceId: `i${String(id).padStart(4, '0')}`, metadata });
  const sealed = Array.from({ length: 500 }, make);
  http.node.hear(2, sealed);
  const stream = await http.stream(t, '/v1/watch');
  await turn();
  const events = await stream.events(sealed.length + 2);
  t.strictSame(
    events.slice(1, -1).map(({ data }) => instanceOf(data)['instanceId']),
    sealed.map(({ record }) => record.instanceId),
  );
  t.equal(events.at(-1)?.event, 'snapshot_end');
});

t.test('a reader that is too slow is told so behind what it can still take', async (t) => {
  const lag = 50;
  const http = await Http.start(t, { watchLagMax: lag });
  const { node } = http;
  const request = http.send('/v1/watch');
  t.teardown(() => request.destroy());
  // Not read until all is over.
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const [signer, text] = [signerOf(2), 'x'.repeat(1_000)];
  const metadata = Object.fromEntries(Array.from({ length: 3 }, (_, key) => [`k${key}`, text]));
  let isEnded = false;
  node.followers.once('unfollow', () => (isEnded = true));
  for (let round = 0; !isEnded; round += 1) {
    const records = [0, 1, 2, 3, 4, 5, 6, 7].map((id) =>
      makeSealed({
        owner: signer.owner,
        instanceId: `i${id}`,
        lastUpdate: node.clock.now().wallMicros + round,
        metadata,
      }),
    );
    node.hear(2, records);
    await turn();
  }
  t.equal(node.service.watchers.taken, 0);
  const blocks = await new StreamReader(response).rest();
  const last = blocks.at(-1);
  t.match(last, {
    event: 'end',
    data: { status: 429, code: 'RESOURCE_EXHAUSTED', reason: 'WATCH_TOO_SLOW' },
  });
  t.match(last?.data, { detail: new RegExp(`more than ${lag} changes behind: resume with `) });
  t.ok(
    blocks.some(({ event, id }) => event === 'up' && id !== undefined),
    'and can resume',
  );
});
