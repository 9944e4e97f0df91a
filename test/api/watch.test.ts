/** Watch: from a session with a sink that a test holds, and over gRPC. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import t from 'tap';
import { assert } from '../../src/base/assert.ts';
import { parseAddress } from '../../src/base/address.ts';
import type { DiscoError } from '../../src/base/error.ts';
import { WatchSession } from '../../src/api/watch.ts';
import type { WatchMessage, WatchSink } from '../../src/api/watch.ts';
import type { disco } from '../../src/gen/discovery.js';
import { makeFacts, makeSealed, signerOf } from '../record/fixtures.ts';
import { ApiClient, lineOf, Node, serve } from './fixture.ts';

const add = { group: 'math', name: 'add' };
const here = { ...add, ip: '127.0.0.1', port: 5001 };
const owner = signerOf(2).owner;
const far = (instanceId: string, fields: Parameters<typeof makeSealed>[0] = {}) =>
  makeSealed({ owner, ...add, instanceId, ...fields });

/** A sink that takes everything, or nothing more once it is full. */
class TestSink implements WatchSink {
  readonly events: WatchMessage[] = [];
  error: DiscoError | undefined;
  room = Infinity;

  write(event: WatchMessage): boolean {
    this.events.push(event);
    this.room -= 1;
    return this.room > 0;
  }

  fail(error: DiscoError): void {
    this.error = error;
  }

  /** What came since the last call, as lines. */
  lines(): string[] {
    return this.events.splice(0).map(lineOf);
  }
}

interface Watched {
  readonly session: WatchSession;
  readonly sink: TestSink;
}

function watch(
  node: Node,
  request: disco.v1.WatchRequest.$Properties = {},
  { lagMax = 1_000, room = Infinity } = {},
): Watched {
  const sink = new TestSink();
  sink.room = room;
  const session = new WatchSession(node.registry, request, sink, lagMax);
  session.start();
  return { session, sink };
}

/** What to resume from; a failure of the test when there is nothing. */
function cursorOf(event: WatchMessage | undefined): string {
  const cursor = event?.cursor ?? '';
  assert(cursor !== '', 'the event has a cursor');
  return cursor;
}

/** Registers all of them in one turn, and so in one change. */
async function register(node: Node, ...ports: number[]): Promise<void> {
  await Promise.all(ports.map((port) => node.service.register({ ...here, port })));
}

t.test('first a snapshot with its end mark, then changes, each with a cursor', async (t) => {
  const { client, node } = await serve(t);
  await register(node, 5001, 5002);
  const reader = client.watch();
  const snapshot = await reader.snapshot();
  t.strictSame(snapshot.map(lineOf), [
    'SNAPSHOT_BEGIN',
    'UP math/add 127.0.0.1:5001',
    'UP math/add 127.0.0.1:5002',
    'SNAPSHOT_END',
  ]);
  t.strictSame(
    snapshot.map(({ cursor }) => cursor !== ''),
    [false, false, false, true],
    'half a snapshot cannot be resumed',
  );
  await register(node, 5003);
  await node.service.deregister({ ...here, port: 5001 });
  const changes = await reader.take(2);
  t.strictSame(changes.map(lineOf), [
    'UP math/add 127.0.0.1:5003',
    'DOWN math/add 127.0.0.1:5001 deregistered',
  ]);
  t.ok(changes.every(({ cursor }) => cursor !== ''));
  await reader.cancel(node);
});

t.test('a stream that is resumed by its cursor brings only what is new', async (t) => {
  const { client, node } = await serve(t);
  await register(node, 5001);
  const first = client.watch();
  const cursor = cursorOf((await first.snapshot()).at(-1));
  await first.cancel(node);
  await register(node, 5002);
  const second = client.watch({ cursor });
  const [event] = await second.take(1);
  t.equal(lineOf(event ?? {}), 'UP math/add 127.0.0.1:5002');
  await second.cancel(node);
  await register(node, 5003);
  const third = client.watch({ cursor: cursorOf(event) });
  t.strictSame((await third.take(1)).map(lineOf), ['UP math/add 127.0.0.1:5003']);
});

t.test('a stream cut amid one change goes on behind the last event that was read', async (t) => {
  const node = new Node();
  const { sink } = watch(node);
  const ports = [5001, 5002, 5003, 5004];
  await register(node, ...ports);
  const events = sink.events.slice(2);
  t.equal(node.store.commits.length, 1, 'one change brought them all');
  const lines = events.map(lineOf);
  t.equal(lines.length, ports.length);
  for (const [index, event] of events.entries()) {
    const cursor = cursorOf(event);
    t.strictSame(watch(node, { cursor }).sink.lines(), lines.slice(index + 1), cursor);
  }
});

t.test('a filtered stream cut amid one change goes on behind what it was sent', async (t) => {
  const node = new Node();
  const { sink } = watch(node, add);
  await Promise.all([
    node.service.register({ ...here, name: 'sub' }),
    node.service.register(here),
    node.service.register({ ...here, name: 'mul' }),
    node.service.register({ ...here, port: 5002 }),
  ]);
  const [first, second] = sink.events.slice(2);
  t.strictSame(watch(node, { ...add, cursor: cursorOf(first) }).sink.lines(), [
    'UP math/add 127.0.0.1:5002',
  ]);
  t.strictSame(watch(node, { ...add, cursor: cursorOf(second) }).sink.lines(), []);
});

t.test("another database's cursor, and one that is too old or too new: a fresh snapshot", (t) => {
  const node = new Node({ changeFeedMax: 2 });
  const { databaseId, feed } = node.registry;
  const old = `${databaseId}-${feed.revision}`;
  for (const name of ['a', 'b', 'c']) node.hear(2, [far(name)]);
  const fresh = ['SNAPSHOT_BEGIN', 'UP math/add c', 'SNAPSHOT_END'];
  const foreign = `other-${feed.revision}`;
  const future = `${databaseId}-${feed.revision + 1}`;
  for (const cursor of [foreign, old, future, `${databaseId}-9999999999999999`])
    t.strictSame(watch(node, { cursor }).sink.lines(), fresh, cursor);
  t.strictSame(watch(node, { cursor: `${databaseId}-${feed.revision}` }).sink.lines(), []);
  t.end();
});

t.test('a malformed cursor is refused before anything is sent', async (t) => {
  const { client } = await serve(t);
  t.strictSame(await client.watch({ cursor: 'yesterday' }).rest(), {
    events: [],
    refusal: {
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_CURSOR',
      sentence: 'cursor is none that this API gave out: use that of the last event, or none',
    },
  });
});

t.test('a group, a service of it, or a service of all groups can be watched', async (t) => {
  const node = new Node();
  await node.service.register({ ...here, group: 'shop' });
  const math = watch(node, { group: 'math' });
  const adder = watch(node, add);
  const anyAdder = watch(node, { name: 'add' });
  await register(node, 5001);
  await node.service.register({ ...here, name: 'sub' });
  const empty = ['SNAPSHOT_BEGIN', 'SNAPSHOT_END'];
  const sub = 'UP math/sub 127.0.0.1:5001';
  t.strictSame(math.sink.lines(), [...empty, 'UP math/add 127.0.0.1:5001', sub]);
  t.strictSame(adder.sink.lines(), [...empty, 'UP math/add 127.0.0.1:5001']);
  t.strictSame(anyAdder.sink.lines(), [
    'SNAPSHOT_BEGIN',
    'UP shop/add 127.0.0.1:5001',
    'SNAPSHOT_END',
    'UP math/add 127.0.0.1:5001',
  ]);
});

t.test('a DOWN says why: deregistered, owner_left, owner_dead', async (t) => {
  const node = new Node();
  node.hear(2, [far('a'), far('b')]);
  node.hear(3, [makeSealed({ owner: signerOf(3).owner, ...add, instanceId: 'c' })]);
  const { sink } = watch(node);
  sink.lines();
  node.hear(2, [far('a')]);
  node.registry.observe(
    signerOf(3).owner,
    { kind: 'unreachable', why: 'refused' },
    node.clock.now(),
  );
  node.hear(2, [far('a')], makeFacts({ name: 'node-2', left: true }));
  await Promise.resolve();
  t.strictSame(sink.lines(), [
    'DOWN math/add b replaced',
    'DOWN math/add c owner_dead',
    'DOWN math/add a owner_left',
  ]);
});

t.test('being held and being back are UPs, the end of a hold is a DOWN', async (t) => {
  const node = new Node();
  node.holdService('math', 'add');
  const { sink } = watch(node);
  const told = () => sink.events.splice(0).map((one) => [lineOf(one), one.instance?.held]);
  t.strictSame(told(), [
    ['SNAPSHOT_BEGIN', undefined],
    ['UP math/add a', true],
    ['UP math/add b', true],
    ['UP math/add c', true],
    ['UP math/add d', false],
    ['SNAPSHOT_END', undefined],
  ]);
  node.registry.observe(signerOf(2).owner, { kind: 'linked' }, node.clock.now());
  node.clock.advance(30_000);
  node.registry.tick(node.clock.now());
  await Promise.resolve();
  t.strictSame(told(), [
    ['UP math/add a', false],
    ['DOWN math/add b owner_dead', true],
    ['DOWN math/add c owner_dead', true],
  ]);
});

t.test('an update of an instance is an UP of the same instance', async (t) => {
  const node = new Node();
  await register(node, 5001);
  const { sink } = watch(node);
  sink.events.length = 0;
  await node.service.register({ ...here, version: '2' });
  t.match(sink.events, [{ instance: { instanceId: '127.0.0.1:5001', version: '2' } }]);
  t.strictSame(sink.lines(), ['UP math/add 127.0.0.1:5001']);
});

t.test('without a change of what is watched there is no message', async (t) => {
  const { client, node } = await serve(t);
  const reader = client.watch({ group: 'math' });
  await reader.snapshot();
  node.clock.advance(3_600_000);
  const { revision } = node.registry.feed;
  node.registry.tick(node.clock.now());
  t.ok(node.registry.feed.revision > revision, 'a fresh head');
  await node.service.register({ ...here, group: 'shop' });
  await register(node, 5001);
  t.strictSame((await reader.take(1)).map(lineOf), ['UP math/add 127.0.0.1:5001']);
});

t.test('a reader that takes no more is left alone until it does', async (t) => {
  const node = new Node();
  const { session, sink } = watch(node, {}, { room: 3 });
  t.strictSame(sink.lines(), ['SNAPSHOT_BEGIN', 'SNAPSHOT_END']);
  await register(node, 5001);
  t.equal(sink.events.length, 1, 'the third, and it is full');
  await register(node, 5002);
  await register(node, 5003);
  t.strictSame(sink.lines(), ['UP math/add 127.0.0.1:5001']);
  sink.room = Infinity;
  session.resume();
  t.strictSame(sink.lines(), ['UP math/add 127.0.0.1:5002', 'UP math/add 127.0.0.1:5003']);
});

t.test('a reader that takes no more and is one change over the bound is cut off', async (t) => {
  const node = new Node();
  const lagMax = 3;
  const { session, sink } = watch(node, {}, { lagMax, room: 1 });
  for (const port of [1, 2, 3]) await register(node, port);
  t.equal(sink.error, undefined, 'at the bound');
  await register(node, 4);
  t.match(sink.error, {
    code: 'RESOURCE_EXHAUSTED',
    reason: 'WATCH_TOO_SLOW',
    message:
      'this watcher fell more than 3 changes behind: resume with the last cursor, and read faster or watch less',
  });
  session.resume();
  t.strictSame(sink.lines(), ['SNAPSHOT_BEGIN'], 'nothing comes after the error');
});

t.test('a reader that the feed has left behind is cut off', async (t) => {
  const node = new Node({ changeFeedMax: 2 });
  const { session, sink } = watch(node, {}, { room: 2 });
  for (const port of [1, 2, 3]) await register(node, port);
  session.resume();
  t.equal(sink.error?.reason, 'WATCH_TOO_SLOW');
});

t.test('a session that is closed hears of nothing more', async (t) => {
  const node = new Node();
  const { session, sink } = watch(node);
  session.close();
  await register(node, 5001);
  t.strictSame(sink.lines(), ['SNAPSHOT_BEGIN', 'SNAPSHOT_END']);
});

t.test('a client that does not read is cut off, and can resume where it was', async (t) => {
  const { client, node } = await serve(t, { watchLagMax: 10 });
  const reader = client.watch();
  t.equal((await reader.snapshot()).length, 2);
  const cutOff = once(node.followers, 'unfollow');
  const metadata = Object.fromEntries(['a', 'b', 'c', 'd'].map((key) => [key, 'x'.repeat(1_000)]));
  const ports = Array.from({ length: 300 }, (_, index) => 1_000 + index);
  for (const port of ports) await node.service.register({ ...here, port, metadata });
  await cutOff;
  const { events, refusal } = await reader.rest();
  t.strictSame(refusal, {
    code: 'RESOURCE_EXHAUSTED',
    reason: 'WATCH_TOO_SLOW',
    sentence:
      'this watcher fell more than 10 changes behind: resume with the last cursor, and read faster or watch less',
  });
  const seen = events.map(lineOf);
  t.ok(seen.length > 0 && seen.length < ports.length, `${seen.length} were read`);
  const resumed = client.watch({ cursor: cursorOf(events.at(-1)) });
  const rest = (await resumed.take(ports.length - seen.length)).map(lineOf);
  t.strictSame(
    [...seen, ...rest],
    ports.map((port) => `UP math/add 127.0.0.1:${port}`),
  );
});

t.test('one watcher over the bound is refused; a place is free when one goes', async (t) => {
  const { client, node } = await serve(t, { watchersMax: 2 });
  const [first, second] = [client.watch(), client.watch()];
  await Promise.all([first.snapshot(), second.snapshot()]);
  t.strictSame(await client.watch().rest(), {
    events: [],
    refusal: {
      code: 'RESOURCE_EXHAUSTED',
      reason: 'TOO_MANY_WATCHERS',
      sentence: 'this daemon serves 2 watchers already: end some, or raise watchersMax',
    },
  });
  await first.cancel(node);
  t.equal((await client.watch().snapshot()).length, 2);
});

t.test('a watcher whose connection is gone is released', async (t) => {
  const { client, node, bound } = await serve(t, { watchersMax: 1 });
  const { port } = parseAddress(bound[0] as string);
  const sockets: Socket[] = [];
  const wire = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    sockets.push(near, far);
    for (const socket of sockets) socket.on('error', () => undefined);
    near.pipe(far).pipe(near);
  }).listen(0, '127.0.0.1');
  await once(wire, 'listening');
  const distant = new ApiClient(`127.0.0.1:${(wire.address() as AddressInfo).port}`);
  t.teardown(() => {
    distant.close();
    wire.close();
  });
  const reader = distant.watch();
  await reader.snapshot();
  const released = once(node.followers, 'unfollow');
  for (const socket of sockets) socket.destroy();
  await released;
  t.match((await reader.rest()).refusal, { code: 'UNAVAILABLE' });
  t.equal((await client.watch().snapshot()).length, 2);
});

t.test('a server that stops ends its watchers at once and tells them to come back', async (t) => {
  const { client, server, node } = await serve(t);
  const reader = client.watch();
  await reader.snapshot();
  await register(node, 5001);
  const stopped = server.stop(60_000);
  const { events, refusal } = await reader.rest();
  t.strictSame(events.map(lineOf), ['UP math/add 127.0.0.1:5001']);
  t.strictSame(refusal, {
    code: 'UNAVAILABLE',
    reason: 'STOPPING',
    sentence: 'this daemon is stopping: resume with the last cursor once it is back',
  });
  await stopped;
});
