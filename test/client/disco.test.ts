import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import { test } from 'tap';
import { Disco } from '../../src/client/disco.ts';
import { disco as wire } from '../../src/gen/discovery.js';
import { connected } from './connected.ts';
import { FakeDaemon, wireInstance } from './fake-daemon.ts';

const add = wireInstance();
const service = { group: 'math', name: 'add' };

test('connect finds the daemon by its run file', async (t) => {
  const daemon = await FakeDaemon.start((run) => t.teardown(run));
  const dataDir = t.testdir({ 'daemon.json': JSON.stringify({ grpc: [daemon.address] }) });
  const disco = await Disco.connect({ dataDir });
  t.equal(disco.address, daemon.address);
  t.equal((await disco.status()).name, 'node-1');
  await disco.close();
});

test('connect without a daemon says where it looked and what to do', async (t) => {
  const daemon = await FakeDaemon.start((run) => t.teardown(run));
  await daemon.stop();
  await t.rejects(Disco.connect({ address: daemon.address }), {
    name: 'DiscoError',
    code: 'UNAVAILABLE',
    reason: 'NO_DAEMON',
    message:
      `no disco daemon answers at ${daemon.address} (as given); ` +
      'run `disco start` on this host, or name another address with DISCO_ADDR',
  });
});

test('connect gives up on a daemon that hangs', async (t) => {
  const daemon = await FakeDaemon.start((run) => t.teardown(run));
  daemon.hang('Status');
  await t.rejects(Disco.connect({ address: daemon.address, timeoutMs: 30 }), {
    reason: 'TIMEOUT',
    message: /within 30 ms/,
  });
});

test('whatever the daemon is asked can be given up, before it is asked too', async (t) => {
  const { daemon, disco } = await connected(t, { timeoutMs: 3_000 });
  const ofNode = ['Status', 'Members', 'ForceLeave', 'Gossip', 'Leave'] as const;
  const ofServices = ['Register', 'Deregister', 'Get', 'List', 'SetMaintenance'] as const;
  const hung = [...ofNode, ...ofServices];
  for (const method of hung) daemon.hang(method);
  const abort = new AbortController();
  const { signal } = abort;
  const { address } = daemon;
  const ask = () => [
    Disco.connect({ address, signal }),
    disco.status({ signal }),
    disco.members({ signal }),
    disco.forceLeave('node-2', { signal }),
    disco.gossip({ signal }),
    disco.leave({ signal }),
    disco.register({ ...service, signal }),
    disco.deregister({ ...service, signal }),
    disco.get('math', 'add', { signal }),
    disco.list({}, { signal }),
    disco.setMaintenance({ on: true, signal }),
    disco.resolve('math/add', undefined, signal),
    disco.fetch('http://add.math/', { signal }),
  ];
  daemon.holdSnapshots = true;
  const during = ask();
  const counts = () => hung.map((method) => daemon.countOf(method));
  // The first Status was that of the client itself.
  const expected = hung.map((method) => (method === 'Status' ? 3 : 1));
  while (counts().join() !== expected.join()) await once(daemon.answered, 'called');
  const reason = new Error('enough');
  abort.abort(reason);
  const before = ask();
  for (const outcome of await Promise.allSettled<unknown>([...during, ...before])) {
    t.strictSame(outcome, { status: 'rejected', reason });
  }
  t.strictSame(counts(), expected, 'who has given up asks for nothing');
});

test('to give up after the answer changes nothing of it', async (t) => {
  const { daemon, disco } = await connected(t);
  daemon.put(add);
  const abort = new AbortController();
  const { signal } = abort;
  const { instance } = await disco.get('math', 'add', { signal });
  const { instances } = await disco.list({}, { signal });
  const resolved = await disco.resolve('math/add', undefined, signal);
  abort.abort(new Error('enough'));
  t.strictSame([instance.port, instances.length, resolved.port], [4000, 1, 4000]);
  await t.rejects(disco.resolve('math/add', undefined, signal), { message: 'enough' });
  t.equal((await disco.resolve('math/add')).port, 4000);
});

test('who gives up while the daemon registers leaves nothing there', async (t) => {
  const { daemon, disco } = await connected(t);
  const abort = new AbortController();
  const registering = disco.register({ ...service, port: 1, signal: abort.signal });
  const registered = daemon.next('Register');
  const deregistered = daemon.next('Deregister');
  // It is on its way, and not answered.
  abort.abort(new Error('enough'));
  await t.rejects(registering, { message: 'enough' });
  await Promise.all([registered, deregistered]);
  t.equal(daemon.instances.size, 0);
  await disco.close();
});

test('a time that is none is refused', async (t) => {
  for (const timeoutMs of [0, -1, Number.NaN])
    await t.rejects(Disco.connect({ address: '127.0.0.1:1', timeoutMs }), {
      code: 'INVALID_ARGUMENT',
      reason: 'USAGE',
      message: `timeoutMs is ${timeoutMs}; expected more than 0`,
    });
});

test('an address that is none is refused without trying', async (t) => {
  await t.rejects(Disco.connect({ address: 'nonsense' }), {
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_ADDRESS',
    message: /expected unix:/,
  });
});

test('what is registered is listed, got and gone after close', async (t) => {
  const { daemon, disco } = await connected(t);
  const registration = await disco.register({ ...service, port: 4711, metadata: { zone: 'a' } });
  t.match(await disco.get('math', 'add'), {
    instance: { port: 4711, metadata: { zone: 'a' }, health: 'passing', ttlMs: 10_000 },
    candidates: 1,
    partial: false,
  });
  t.match(await disco.list(), { instances: [{ port: 4711 }], partial: false });
  t.equal(await registration.close(), true);
  t.equal(daemon.instances.size, 0);
  await t.rejects(disco.get('math', 'add'), {
    code: 'NOT_FOUND',
    reason: 'UNKNOWN_SERVICE',
    message: /never heard of/,
  });
});

test('close takes back every registration and closes every view', async (t) => {
  const { daemon, disco } = await connected(t);
  await disco.register({ ...service, port: 1 });
  await disco.register({ ...service, port: 2 });
  const view = disco.watch();
  await view.ready();
  t.equal(daemon.instances.size, 2);
  await Promise.all([disco.close(), disco.close()]);
  t.equal(daemon.instances.size, 0);
  t.ok(view.ended);
  const closed = { code: 'FAILED_PRECONDITION', reason: 'STOPPING', message: /is closed/ };
  await t.rejects(disco.register(service), closed);
  await t.rejects(disco.resolve('math/add'), closed);
  await t.rejects(disco.status(), closed);
  t.throws(() => disco.watch(), closed);
});

test('close does not throw when the daemon is gone', async (t) => {
  const { daemon, disco } = await connected(t);
  await disco.register(service);
  await daemon.stop();
  await disco.close();
});

test('a registration that was on its way at close is taken back too', async (t) => {
  const { daemon, disco } = await connected(t);
  const registering = disco.register(service);
  const closing = disco.close();
  await t.rejects(registering, { reason: 'STOPPING', message: /is closed/ });
  await closing;
  t.strictSame(daemon.calls, ['Status', 'Register', 'Deregister']);
  t.equal(daemon.instances.size, 0);
});

test('deregister takes back what another process registered', async (t) => {
  const { daemon, disco } = await connected(t);
  daemon.put(add);
  t.equal(await disco.deregister({ ...service, instanceId: '127.0.0.1:4000' }), '127.0.0.1:4000');
  t.equal(daemon.instances.size, 0);
  await t.rejects(disco.deregister({ ...service, instanceId: 'x' }), {
    code: 'NOT_FOUND',
    reason: 'UNKNOWN_INSTANCE',
    message: /no such instance/,
  });
});

test('resolve asks the daemon once and then the own cache', async (t) => {
  const { daemon, disco } = await connected(t);
  daemon.put(add);
  t.equal((await disco.resolve('math/add')).port, 4000);
  t.equal((await disco.resolve('math/add')).port, 4000);
  t.equal((await disco.resolve('math/add', ({ port }) => port === 4000)).port, 4000);
  t.equal(daemon.countOf('Watch'), 1);
  await daemon.stop();
  t.equal((await disco.resolve('math/add')).port, 4000, 'and while the daemon is away');
});

test('resolve keeps a bounded number of views', async (t) => {
  const { daemon, disco } = await connected(t, { resolvedViewsMax: 1 });
  daemon.put(add);
  daemon.put(wireInstance({ name: 'mul', port: 4001 }));
  const ended = new Promise((resolve) => daemon.answered.once('watch ended', resolve));
  await disco.resolve('math/add');
  await disco.resolve('math/mul');
  await ended;
  t.equal(daemon.watchers, 1);
});

test('who waits for a first list can stop waiting', async (t) => {
  const { daemon, disco } = await connected(t);
  daemon.holdSnapshots = true;
  const abort = new AbortController();
  const waiting = disco.resolve('math/add', undefined, abort.signal);
  abort.abort(new Error('enough'));
  await t.rejects(waiting, { message: 'enough' });
  await t.rejects(disco.resolve('math/add', undefined, abort.signal), { message: 'enough' });
});

test('a lent view is that of resolve, and is not closed while it is in use', async (t) => {
  const { daemon, disco } = await connected(t, { resolvedViewsMax: 1 });
  daemon.put(add);
  await disco.resolve('math/add');
  const done = Promise.withResolvers<void>();
  const lent = disco.withView('math/add', async (view) => {
    t.ok(view.loaded);
    await done.promise;
    return view.balancer('least_load').next()?.port;
  });
  await t.rejects(disco.resolve('math/mul'), {
    code: 'RESOURCE_EXHAUSTED',
    reason: 'TOO_MANY_WATCHERS',
    message: /1 services are being resolved at once/,
  });
  t.equal(daemon.countOf('Watch'), 1);
  done.resolve();
  t.equal(await lent, 4000);
});

test('resolve says what is missing', async (t) => {
  const { daemon, disco } = await connected(t);
  await t.rejects(disco.resolve('math/add'), {
    code: 'NOT_FOUND',
    reason: 'UNKNOWN_SERVICE',
    message: /no instance of math\/add is registered/,
  });
  daemon.put(wireInstance({ name: 'mul', health: wire.v1.Health.HEALTH_CRITICAL }));
  await t.rejects(disco.resolve('math/mul'), {
    code: 'NOT_FOUND',
    reason: 'NO_HEALTHY_INSTANCE',
    message: /math\/mul has 1 instances, but none/,
  });
  for (const bad of ['add', '/add', 'math/', 'a/b/c', '']) {
    await t.rejects(disco.resolve(bad), {
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_NAME',
      message: /expected group\/name/,
    });
  }
});

test('members, status, gossip and leave come as plain values', async (t) => {
  const { disco, daemon } = await connected(t);
  t.match(await disco.members(), [
    { peerId: 'owner-1', state: 'alive', incarnation: 7, self: true, linked: false, addresses: [] },
  ]);
  t.match(await disco.status(), {
    peerId: 'owner-1',
    cluster: 'default',
    ready: true,
    startedAt: 1_700_000_000_000_000,
    sinceReconcileMs: undefined,
    refused: { bad_signature: 2 },
    counted: {},
  });
  t.strictSame(await disco.gossip(), [
    { peerId: 'owner-2', name: 'node-2', outcome: 'changed', ownersChanged: ['x'] },
  ]);
  await disco.leave();
  t.equal(daemon.countOf('Leave'), 1);
});

test('a watch of the members gives what the daemon tells, and ends with it', async (t) => {
  const { disco, daemon } = await connected(t);
  const { Kind } = wire.v1.MembersEvent;
  daemon.membersEvents = [
    { kind: Kind.MEMBER, member: { peerId: 'owner-1', state: 1, rttMicros: 350 } },
    { kind: 99 as never },
    { kind: Kind.SNAPSHOT_END },
    { kind: Kind.FORGOTTEN, member: { peerId: 'owner-1', state: 3 } },
  ];
  const told: object[] = [];
  for await (const event of disco.watchMembers()) told.push(event);
  t.match(told, [
    { kind: 'member', member: { peerId: 'owner-1', state: 'alive', rttMicros: 350 } },
    { kind: 'snapshot_end' },
    { kind: 'forgotten', member: { state: 'dead', rttMicros: undefined } },
  ]);
  t.equal(told.length, 3, 'what only a newer daemon tells is passed over');
  const stop = new AbortController();
  stop.abort(new Error('enough'));
  await t.rejects(disco.watchMembers({ signal: stop.signal }).next(), { message: 'enough' });
  await daemon.stop();
  await t.rejects(disco.watchMembers().next(), { code: 'UNAVAILABLE', reason: 'NO_DAEMON' });
});

test('a dead member is dismissed by its name, and a refusal reaches the caller', async (t) => {
  const { disco, daemon } = await connected(t);
  t.strictSame(await disco.forceLeave('node-2'), { peerId: 'owner-2', name: 'node-2' });
  const message = '"node-2" is alive: stop it';
  daemon.refuse('ForceLeave', {
    code: status.FAILED_PRECONDITION,
    reason: 'MEMBER_ALIVE',
    message,
  });
  const expected = { code: 'FAILED_PRECONDITION', reason: 'MEMBER_ALIVE', message };
  await t.rejects(disco.forceLeave('node-2'), expected);
});

test('a refusal of Register reaches the caller', async (t) => {
  const { daemon, disco } = await connected(t);
  const message = 'port 0 of a foreign host means nothing';
  const refusal = { code: status.INVALID_ARGUMENT, reason: 'PORT_WITHOUT_HOST', message };
  daemon.refuse('Register', refusal);
  await t.rejects(disco.register({ ...service, ip: '10.0.0.9' }), {
    code: 'INVALID_ARGUMENT',
    reason: 'PORT_WITHOUT_HOST',
    message,
  });
});

test('one registration or view more than the bound is refused', async (t) => {
  const { daemon, disco } = await connected(t, { timeoutMs: 30_000 });
  const ports = Array.from({ length: 1_000 }, (_, index) => index + 1);
  await Promise.all(ports.map((port) => disco.register({ ...service, port, ttlMs: 0 })));
  await t.rejects(disco.register(service), {
    code: 'RESOURCE_EXHAUSTED',
    reason: 'TOO_MANY_RECORDS',
    message: /1000 registrations/,
  });
  const views = ports.map((port) => disco.watch({ group: 'none', name: `n${port}` }));
  t.throws(() => disco.watch(), {
    code: 'RESOURCE_EXHAUSTED',
    reason: 'TOO_MANY_WATCHERS',
    message: /1000 open views/,
  });
  views[0]?.close();
  disco.watch();
  await disco.close();
  t.equal(daemon.instances.size, 0);
});
