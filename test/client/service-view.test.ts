import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { test, type Test } from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { DiscoveryStub, type StreamCaller } from '../../src/client/discovery-stub.ts';
import { ServiceView, type ViewChange, type ViewOptions } from '../../src/client/service-view.ts';
import { disco } from '../../src/gen/discovery.js';
import { FakeDaemon, wireInstance } from './fake-daemon.ts';
import { HandClock } from './hand-clock.ts';

const { HEALTH_WARNING, HEALTH_CRITICAL, HEALTH_MAINTENANCE } = disco.v1.Health;
const { SNAPSHOT_BEGIN, SNAPSHOT_END, UP } = disco.v1.WatchEvent.Kind;
const add = wireInstance();
const mul = wireInstance({ name: 'mul', port: 4001 });

function startDaemon(t: Test): Promise<FakeDaemon> {
  return FakeDaemon.start((run) => t.teardown(run));
}

function viewOf(t: Test, daemon: FakeDaemon, options: ViewOptions = {}): ServiceView {
  const stub = new DiscoveryStub({ address: daemon.address, source: 'as given' }, 1_000);
  const tools = { caller: stub, clock: systemClock, random: seededRandom(7) };
  const view = new ServiceView(tools, options);
  t.teardown(() => {
    view.close();
    stub.close();
  });
  return view;
}

/** The next change of a kind, after which the view has taken it. */
function next(view: ServiceView, kind: ViewChange['kind']): Promise<ViewChange> {
  return new Promise((resolve) => {
    const stop = view.onChange((change) => {
      if (change.kind !== kind) return;
      stop();
      resolve(change);
    });
  });
}

function names(view: ServiceView): string[] {
  return view.instances().map((instance) => instance.name);
}

test('a view is ready with its first snapshot, sorted and fresh', async (t) => {
  const daemon = await startDaemon(t);
  daemon.put(mul);
  daemon.put(add);
  const view = viewOf(t, daemon, { group: 'math' });
  t.ok(view.stale, 'before the first snapshot nothing is known');
  t.notOk(view.loaded);
  await view.ready();
  t.strictSame(names(view), ['add', 'mul']);
  t.notOk(view.stale);
  t.ok(view.loaded);
  t.equal(view.problem, undefined);
  await view.ready(0);
});

test('group and name narrow what is watched', async (t) => {
  const daemon = await startDaemon(t);
  daemon.put(add);
  daemon.put(mul);
  const asked = daemon.next('Watch');
  const view = viewOf(t, daemon, { group: 'math', name: 'mul' });
  await view.ready();
  t.match(await asked, { group: 'math', name: 'mul', cursor: '' });
  t.strictSame(names(view), ['mul']);
});

test('changes arrive in the list before its listeners hear of them', async (t) => {
  const daemon = await startDaemon(t);
  const view = viewOf(t, daemon);
  await view.ready();
  const seen: string[][] = [];
  const stop = view.onChange(() => seen.push(names(view)));
  const up = next(view, 'up');
  daemon.put(add);
  t.match(await up, { kind: 'up', instance: { name: 'add' }, previous: undefined });
  const down = next(view, 'down');
  daemon.drop(add, 'owner_dead');
  t.match(await down, { kind: 'down', instance: { name: 'add' }, reason: 'owner_dead' });
  stop();
  const again = next(view, 'up');
  daemon.put(add);
  await again;
  t.strictSame(seen, [['add'], []], 'nothing is told to one who stopped');
});

test('the last good answer stays, marked stale, while the daemon is away', async (t) => {
  const daemon = await startDaemon(t);
  daemon.put(add);
  const view = viewOf(t, daemon);
  await view.ready();
  const stale = next(view, 'stale');
  await daemon.stop();
  t.match(await stale, { kind: 'stale', problem: { code: 'UNAVAILABLE', reason: 'NO_DAEMON' } });
  t.ok(view.stale);
  t.strictSame(names(view), ['add']);
  t.equal(view.pick()?.name, 'add');
  const fresh = next(view, 'fresh');
  await daemon.restart();
  await fresh;
  t.notOk(view.stale);
  t.equal(view.problem, undefined);
  t.strictSame(names(view), ['add']);
});

test('a cut stream is resumed by cursor and brings what was missed', async (t) => {
  const daemon = await startDaemon(t);
  daemon.put(add);
  const view = viewOf(t, daemon);
  await view.ready();
  const kinds: string[] = [];
  view.onChange((change) => kinds.push(change.kind));
  const resumed = daemon.next('Watch');
  const fresh = next(view, 'fresh');
  const message = 'you are too slow';
  daemon.cutWatches({ code: status.RESOURCE_EXHAUSTED, reason: 'WATCH_TOO_SLOW', message });
  daemon.put(mul);
  t.match(await resumed, { cursor: '1:1' });
  await fresh;
  t.strictSame(names(view), ['add', 'mul']);
  t.strictSame(kinds, ['stale', 'up', 'fresh']);
});

test('a fresh snapshot takes the place of the list at its end, not before', async (t) => {
  const daemon = await startDaemon(t);
  daemon.put(add);
  const view = viewOf(t, daemon);
  await view.ready();
  await daemon.stop();
  daemon.forget();
  daemon.put(mul);
  daemon.holdSnapshots = true;
  const asked = daemon.next('Watch');
  await daemon.restart();
  t.match(await asked, { cursor: '1:1' });
  t.strictSame(names(view), ['add']);
  t.ok(view.stale);
  const fresh = next(view, 'fresh');
  const lists: string[][] = [];
  view.onChange(() => lists.push(names(view)));
  daemon.finishSnapshots();
  await fresh;
  t.strictSame(lists, [['mul'], ['mul'], ['mul']], 'down, up and fresh, of one whole list');
});

test('a daemon that is back but not ready does not empty the view', async (t) => {
  const daemon = await startDaemon(t);
  daemon.put(add);
  const view = viewOf(t, daemon);
  await view.ready();
  await daemon.stop();
  daemon.forget();
  daemon.ready = false;
  const asked = daemon.next('Status');
  await daemon.restart();
  await asked;
  await daemon.next('Status');
  t.strictSame(names(view), ['add']);
  t.match(view, { stale: true, problem: { reason: 'DAEMON_LOST', message: /not ready/ } });
  t.equal(daemon.countOf('Watch'), 1);
  const fresh = next(view, 'fresh');
  daemon.put(mul);
  daemon.ready = true;
  await fresh;
  t.strictSame(names(view), ['mul']);
});

test('a cursor that the daemon refuses is given up for a fresh snapshot', async (t) => {
  const daemon = await startDaemon(t);
  daemon.put(add);
  const view = viewOf(t, daemon);
  await view.ready();
  const refusal = { code: status.INVALID_ARGUMENT, reason: 'INVALID_CURSOR', message: 'bad' };
  daemon.refuse('Watch', refusal);
  const refused = daemon.next('Watch');
  daemon.cutWatches({ code: status.INTERNAL, message: 'oops' });
  t.match(await refused, { cursor: '1:1' });
  const asked = daemon.next('Watch');
  const fresh = next(view, 'fresh');
  daemon.allow('Watch');
  t.match(await asked, { cursor: '' });
  await fresh;
  t.strictSame(names(view), ['add']);
});

test('what the daemon refuses for good ends the view', async (t) => {
  const daemon = await startDaemon(t);
  const message = 'a group has no blanks';
  daemon.refuse('Watch', { code: status.INVALID_ARGUMENT, reason: 'INVALID_NAME', message });
  const view = viewOf(t, daemon, { group: 'a b' });
  await t.rejects(view.ready(), { code: 'INVALID_ARGUMENT', reason: 'INVALID_NAME', message });
  t.ok(view.ended);
  await t.rejects(view.ready(), { message }, 'and it stays so');
  t.equal(daemon.countOf('Watch'), 1);
});

test('one instance more than the bound ends the view, with its last list', async (t) => {
  const daemon = await startDaemon(t);
  daemon.put(add);
  const view = viewOf(t, daemon, { instancesMax: 1 });
  await view.ready();
  const stale = next(view, 'stale');
  daemon.put(mul);
  t.match(await stale, { problem: { code: 'RESOURCE_EXHAUSTED', reason: 'TOO_MANY_RECORDS' } });
  t.match(view, { ended: true, stale: true });
  t.strictSame(names(view), ['add']);
});

test('ready gives up with what is in the way', async (t) => {
  const daemon = await startDaemon(t);
  await daemon.stop();
  const view = viewOf(t, daemon);
  await next(view, 'stale');
  await t.rejects(view.ready(1), { code: 'UNAVAILABLE', reason: 'NO_DAEMON' });
  const held = await startDaemon(t);
  held.holdSnapshots = true;
  await t.rejects(viewOf(t, held).ready(1), {
    code: 'UNAVAILABLE',
    reason: 'TIMEOUT',
    message: /no first snapshot within 1 ms/,
  });
});

test('close ends the watch, and the last list can still be read', async (t) => {
  const daemon = await startDaemon(t);
  daemon.put(add);
  const view = viewOf(t, daemon);
  await view.ready();
  const ended = once(daemon.answered, 'watch ended');
  view.onChange(() => t.fail('closing is nothing to tell'));
  view.close();
  view.close();
  await ended;
  t.strictSame(names(view), ['add']);
  t.match(view, { ended: true, stale: true });
  await view.ready();
});

test('close before the first snapshot settles those who wait for it', async (t) => {
  const daemon = await startDaemon(t);
  daemon.holdSnapshots = true;
  const view = viewOf(t, daemon);
  const ready = view.ready();
  view.close();
  await t.rejects(ready, { code: 'FAILED_PRECONDITION', reason: 'STOPPING', message: /closed/ });
});

test('close while the daemon is away ends the waiting for it', async (t) => {
  const daemon = await startDaemon(t);
  await daemon.stop();
  const view = viewOf(t, daemon);
  await next(view, 'stale');
  view.close();
  t.ok(view.ended);
});

test('picks come from the passing, then from the warning, never from others', async (t) => {
  const daemon = await startDaemon(t);
  const warning = wireInstance({ port: 1, instanceId: 'w', health: HEALTH_WARNING });
  const good = [2, 3].map((port) => wireInstance({ port, instanceId: `p${port}` }));
  daemon.put(wireInstance({ port: 4, instanceId: 'c', health: HEALTH_CRITICAL }));
  daemon.put(wireInstance({ port: 5, instanceId: 'm', health: HEALTH_MAINTENANCE }));
  daemon.put(warning);
  for (const instance of good) daemon.put(instance);
  const view = viewOf(t, daemon);
  await view.ready();
  const picks = Array.from({ length: 64 }, () => view.pick()?.instanceId);
  t.strictSame(new Set(picks), new Set(['p2', 'p3']));
  t.equal(view.pick(({ port }) => port === 3)?.instanceId, 'p3');
  t.equal(view.pick(({ port }) => port === 1)?.instanceId, 'w');
  t.equal(
    view.pick(({ port }) => port === 4),
    undefined,
  );
  for (const instance of good) {
    const down = next(view, 'down');
    daemon.drop(instance);
    await down;
  }
  t.equal(view.pick()?.instanceId, 'w');
  const down = next(view, 'down');
  daemon.drop(warning);
  await down;
  t.equal(view.pick(), undefined);
});

test('a listener that throws is a warning and keeps nobody else from hearing', async (t) => {
  const daemon = await startDaemon(t);
  const view = viewOf(t, daemon);
  await view.ready();
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
  view.onChange(() => {
    throw new Error('a mistake in the application');
  });
  const up = next(view, 'up');
  daemon.put(add);
  await up;
  t.equal((await warned).message, 'a mistake in the application');
});

test('one listener more than the bound is refused', async (t) => {
  const daemon = await startDaemon(t);
  const view = viewOf(t, daemon);
  const listener = (): void => undefined;
  const stops = Array.from({ length: 1_000 }, () => view.onChange(listener));
  t.throws(() => view.onChange(listener), {
    code: 'RESOURCE_EXHAUSTED',
    reason: 'TOO_MANY_WATCHERS',
    message: /1000 listeners/,
  });
  stops[0]?.();
  view.onChange(listener);
});

/** A daemon without a network: each Watch plays the next script, Status says what is set. */
class ScriptedStream implements StreamCaller {
  ready = true;
  readonly watches: string[] = [];
  readonly scripts: disco.v1.WatchEvent.$Properties[][] = [];

  async unary(): Promise<never> {
    return { ready: this.ready, readiness: 'waiting' } as never;
  }

  async *serverStream(_name: string, request: object): AsyncGenerator<never> {
    this.watches.push((request as disco.v1.WatchRequest.$Properties).cursor ?? '');
    for (const event of this.scripts.shift() ?? []) yield event as never;
  }
}

function scripted(t: Test, scripts: disco.v1.WatchEvent.$Properties[][]) {
  const caller = new ScriptedStream();
  caller.scripts.push(...scripts);
  const clock = new HandClock();
  const view = new ServiceView({ caller, clock, random: seededRandom(7) });
  t.teardown(() => view.close());
  return { caller, clock, view };
}

const snapshotOfAdd = [
  { kind: SNAPSHOT_BEGIN },
  { kind: UP, instance: add },
  { kind: SNAPSHOT_END, cursor: '1:1' },
];

test('the pauses between streams grow up to two seconds', async (t) => {
  const { caller, clock } = scripted(t, []);
  await turn();
  const pauses: number[] = [];
  for (let attempt = 0; attempt < 8; attempt++) {
    pauses.push(clock.nextInMs ?? Infinity);
    clock.advance(clock.nextInMs ?? 0);
    await turn();
  }
  t.equal(caller.watches.length, 9);
  const expected = [50, 100, 200, 400, 800, 1_600, 2_000, 2_000];
  for (const [index, pause] of pauses.entries()) {
    const middle = expected[index] ?? 0;
    t.ok(pause >= middle * 0.9 && pause <= middle * 1.1, `${pause} ms is about ${middle}`);
  }
});

test('an unready daemon is taken at its word after thirty seconds', async (t) => {
  const { caller, clock, view } = scripted(t, [
    snapshotOfAdd,
    [{ kind: SNAPSHOT_BEGIN }, { kind: SNAPSHOT_END, cursor: '2:1' }],
  ]);
  caller.ready = false;
  await turn();
  for (let passedMs = 0; passedMs < 29_000; passedMs += 1_000) {
    clock.advance(1_000);
    await turn();
  }
  t.strictSame(caller.watches, ['']);
  t.strictSame(names(view), ['add']);
  for (let passedMs = 0; passedMs < 6_000; passedMs += 1_000) {
    clock.advance(1_000);
    await turn();
  }
  t.equal(caller.watches[1], '1:1');
  t.strictSame(names(view), []);
});

test('what is no error of ours is told as a bug, and followed on', async (t) => {
  const { caller, clock, view } = scripted(t, []);
  caller.serverStream = () => {
    throw new TypeError('cannot read properties of undefined');
  };
  await turn();
  t.match(view.problem, { code: 'INTERNAL', reason: 'BUG', message: /cannot read/ });
  t.notOk(view.ended);
  t.ok(clock.nextInMs);
});
