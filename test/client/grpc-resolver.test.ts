import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import * as grpc from '@grpc/grpc-js';
import { test } from 'tap';
import { registerDiscoResolver } from '../../src/client/grpc-resolver.ts';
import { disco as wire } from '../../src/gen/discovery.js';
import { drain, leastLoad, openChannel, pickFirst, setUp, setUpWith } from './backends.ts';
import { startBackend, untilServedBy, type Backend } from './backends.ts';
import { wireInstance } from './fake-daemon.ts';
import { serveWho } from './who-service.ts';

test('a channel without a policy of its own goes round all instances', async (t) => {
  await setUp(t, 'a', 'b', 'c');
  const { who } = openChannel(t);
  await untilServedBy(who, 'a', 'b', 'c');
  const answers = [];
  for (let nth = 0; nth < 6; nth++) answers.push(await who());
  t.strictSame(answers.slice(0, 3), answers.slice(3));
});

test('the authority is the service, name before group', async (t) => {
  const { daemon } = await setUp(t);
  const authority = Promise.withResolvers<string>();
  const { port } = await serveWho(t, 'a', authority.resolve);
  daemon.put(wireInstance({ port }));
  t.equal(await openChannel(t).who(), 'a');
  t.equal(await authority.promise, 'add.math');
});

test('instances that come are called, those that go are not, and no call fails', async (t) => {
  const { daemon, backends } = await setUp(t, 'a');
  const { who } = openChannel(t);
  t.equal(await who(), 'a');
  const b = await startBackend(t, 'b');
  daemon.put(b.stated);
  await untilServedBy(who, 'a', 'b');
  const [a] = backends as [Backend];
  daemon.drop(a.stated);
  await untilServedBy(who, 'b');
  await drain(a);
  t.equal(await who(), 'b');
});

test('while the daemon is away calls go on, to a channel that is opened then as well', async (t) => {
  const { daemon, disco, backends } = await setUp(t, 'a', 'b');
  const { who } = openChannel(t);
  await untilServedBy(who, 'a', 'b');
  await daemon.stop();
  await disco.withView('math/add', async (view) => {
    if (!view.stale) await new Promise<void>((resolve) => view.onChange(() => resolve()));
    t.ok(view.stale);
  });
  await untilServedBy(who, 'a', 'b');
  await untilServedBy(openChannel(t).who, 'a', 'b');
  // An instance that dies meanwhile is left out by the channel itself.
  backends[0]?.server.forceShutdown();
  await untilServedBy(() => who().catch(() => 'failed'), 'b');
  const c = await startBackend(t, 'c');
  daemon.drop(backends[0]?.stated ?? {});
  daemon.put(c.stated);
  await daemon.restart();
  await untilServedBy(who, 'b', 'c');
});

test('pick_first stays with one, and goes to another when that one is gone', async (t) => {
  const { daemon, backends } = await setUp(t, 'a', 'b');
  const { who } = openChannel(t, pickFirst);
  const first = await who();
  await untilServedBy(who, first);
  const gone = backends.find(({ id }) => id === first) as Backend;
  const left = backends.find(({ id }) => id !== first) as Backend;
  daemon.drop(gone.stated);
  await untilServedBy(who, left.id);
  await drain(gone);
  t.equal(await who(), left.id);
});

test('pick_first survives the death of its instance while the daemon is away', async (t) => {
  const { daemon, backends } = await setUp(t, 'a', 'b');
  const { who } = openChannel(t, pickFirst);
  const first = await who();
  await daemon.stop();
  backends.find(({ id }) => id === first)?.server.forceShutdown();
  const left = first === 'a' ? 'b' : 'a';
  await untilServedBy(() => who().catch(() => 'failed'), left);
});

test('disco_least_load gives even shares, also of calls that do not end', async (t) => {
  const { daemon } = await setUp(t);
  const gate = Promise.withResolvers<void>();
  let hanging: number | undefined;
  const hang = (): unknown => {
    if (hanging === undefined) return undefined;
    hanging += 1;
    return gate.promise;
  };
  for (const id of ['a', 'b', 'c', 'd']) {
    const { port } = await serveWho(t, id, hang);
    daemon.put(wireInstance({ port, instanceId: id }));
  }
  const { who } = openChannel(t, leastLoad);
  await untilServedBy(who, 'a', 'b', 'c', 'd');
  hanging = 0;
  const calls = Array.from({ length: 60 }, () => who());
  while (hanging < calls.length) await turn();
  gate.resolve();
  const answers = await Promise.all(calls);
  for (const id of 'abcd') {
    const share = answers.filter((answer) => answer === id).length;
    t.ok(share >= 14 && share <= 16, `${id} has ${share} of 60`);
  }
});

test('disco_least_load leaves out an instance that is busier than any other', async (t) => {
  const { daemon } = await setUp(t);
  const gate = Promise.withResolvers<void>();
  let isFirst = true;
  const hangOnce = (): unknown => {
    if (!isFirst) return undefined;
    isFirst = false;
    return gate.promise;
  };
  for (const id of ['a', 'b']) {
    const { port } = await serveWho(t, id, hangOnce);
    daemon.put(wireInstance({ port, instanceId: id }));
  }
  const { who } = openChannel(t, leastLoad);
  const busy = who();
  while (isFirst) await turn();
  const idle = await who();
  for (let nth = 0; nth < 40; nth++) t.equal(await who(), idle);
  gate.resolve();
  t.not(await busy, idle);
  await untilServedBy(who, 'a', 'b');
});

test('only the healthy are called: passing, else warning', async (t) => {
  const { HEALTH_WARNING, HEALTH_CRITICAL } = wire.v1.Health;
  const { daemon, backends } = await setUp(t, 'a', 'b', 'c');
  const [a, b, c] = backends as [Backend, Backend, Backend];
  daemon.put({ ...b.stated, health: HEALTH_WARNING, lastUpdate: 2 });
  daemon.put({ ...c.stated, health: HEALTH_CRITICAL, lastUpdate: 3 });
  const { who } = openChannel(t);
  await untilServedBy(who, 'a');
  daemon.drop(a.stated);
  await untilServedBy(who, 'b');
});

test('two claims on one address are one endpoint, and a host name is one too', async (t) => {
  const { daemon, backends } = await setUp(t, 'a', 'b');
  const [a, b] = backends as [Backend, Backend];
  daemon.put({ ...a.stated, owner: 'owner-2', conflict: true });
  daemon.put({ ...b.stated, ip: 'localhost', lastUpdate: 2 });
  const { who } = openChannel(t);
  await untilServedBy(who, 'a', 'b');
  const counts = { a: 0, b: 0 };
  for (let nth = 0; nth < 40; nth++) counts[(await who()) as 'a' | 'b'] += 1;
  t.strictSame(counts, { a: 20, b: 20 });
});

test('a service that nobody registered fails at once, until somebody does', async (t) => {
  const { daemon } = await setUp(t);
  const { who } = openChannel(t);
  await t.rejects(who(), {
    code: grpc.status.UNAVAILABLE,
    details: /no instance of math\/add is registered/,
  });
  const a = await startBackend(t, 'a');
  daemon.put(a.stated);
  await untilServedBy(() => who().catch(() => 'failed'), 'a');
  const { HEALTH_MAINTENANCE } = wire.v1.Health;
  daemon.put({ ...a.stated, health: HEALTH_MAINTENANCE, lastUpdate: 2 });
  const out = /^14 UNAVAILABLE: math\/add has 1 instances, but none .* is passing or warning/;
  await untilServedBy(() => who().catch((error: Error) => String(out.test(error.message))), 'true');
  daemon.put({ ...a.stated, lastUpdate: 3 });
  await untilServedBy(() => who().catch(() => 'failed'), 'a');
});

test('a channel that never heard of an instance fails with what keeps it from it', async (t) => {
  const { daemon } = await setUp(t, 'a');
  await daemon.stop();
  const { who } = openChannel(t);
  await t.rejects(who(), {
    code: grpc.status.UNAVAILABLE,
    details: /^no disco daemon answers at unix:/,
  });
  await daemon.restart();
  await untilServedBy(() => who().catch(() => 'failed'), 'a');
});

test('a channel that found every view in use is served when one is given back', async (t) => {
  const { disco } = await setUpWith(t, { resolvedViewsMax: 1 }, 'a');
  const done = Promise.withResolvers<void>();
  const lent = disco.withView('math/mul', () => done.promise);
  const { who } = openChannel(t);
  await t.rejects(who(), {
    code: grpc.status.UNAVAILABLE,
    message: /1 services are being resolved at once/,
  });
  done.resolve();
  await lent;
  await untilServedBy(() => who().catch(() => 'failed'), 'a');
});

test('after the client is closed a new channel says so, and an old one still works', async (t) => {
  const { disco } = await setUp(t, 'a');
  const { who } = openChannel(t);
  t.equal(await who(), 'a');
  await disco.close();
  t.equal(await who(), 'a');
  await t.rejects(openChannel(t).who(), {
    code: grpc.status.UNAVAILABLE,
    message: /this disco client is closed/,
  });
});

test('a target that names no service is refused when the channel is opened', async (t) => {
  await setUp(t);
  for (const target of ['disco:///math', 'disco:///math/add/x', 'disco://host/math/add']) {
    t.throws(() => openChannel(t, {}, target), {
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_NAME',
      message: /expected disco:\/\/\/group\/name/,
    });
  }
});

test('two clients have two schemes', async (t) => {
  const one = await setUp(t, 'a');
  const other = await setUp(t, 'b');
  registerDiscoResolver(one.disco, { scheme: 'disco-one' });
  t.equal(await openChannel(t, {}, 'disco-one:///math/add').who(), 'a');
  t.equal(await openChannel(t).who(), 'b');
  t.equal(other.daemon.countOf('Watch'), 1);
});

/** A resolver without a channel, and what it tells. */
function openResolver() {
  const { createResolver, uriToString } = grpc.experimental;
  const told: string[] = [];
  const waiting: (() => void)[] = [];
  const tell = (text: string): void => {
    told.push(text);
    for (const resolve of waiting.splice(0)) resolve();
  };
  const uri = { scheme: 'disco', authority: '', path: 'math/add' };
  if (uriToString(uri) !== 'disco:///math/add') throw new Error(uriToString(uri));
  const resolver = createResolver(uri, listenerOf(tell), {});
  const next = (): Promise<void> => new Promise((resolve) => waiting.push(resolve));
  return { resolver, told, next };
}

/** What a channel of this grpc-js hands to its resolver: a function since 1.14. */
function listenerOf(tell: (text: string) => void): grpc.experimental.ResolverListener {
  const ports = (endpoints: readonly grpc.experimental.Endpoint[]): string =>
    endpoints
      .flatMap(({ addresses }) => addresses.map((at) => ('port' in at ? at.port : 0)))
      .join();
  if ('statusOrFromValue' in grpc.experimental) {
    return (endpoints) => {
      tell(endpoints.ok ? ports(endpoints.value) : endpoints.error.details);
      return true;
    };
  }
  const older = {
    onSuccessfulResolution: (found: grpc.experimental.Endpoint[]) => tell(ports(found)),
    onError: (error: grpc.StatusObject) => tell(error.details),
  };
  return older as unknown as grpc.experimental.ResolverListener;
}

test('the channel is told when addresses change, and not when anything else does', async (t) => {
  const { daemon, disco } = await setUp(t);
  const stated = wireInstance({ port: 1 });
  daemon.put(stated);
  daemon.put(wireInstance({ port: 2 }));
  const { resolver, told, next } = openResolver();
  t.teardown(() => resolver.destroy());
  let first = next();
  resolver.updateResolution();
  t.strictSame(told, [], 'never from within its own call');
  await first;
  t.strictSame(told, ['1,2'], 'one answer of a whole snapshot');
  resolver.updateResolution();
  await disco.withView('math/add', async (view) => {
    const seen = new Promise<void>((resolve) => view.onChange(() => resolve()));
    daemon.put({ ...stated, metadata: { a: 'b' }, lastUpdate: 2 });
    await seen;
  });
  first = next();
  daemon.put(wireInstance({ port: 3 }));
  await first;
  t.strictSame(told, ['1,2', '1,2,3']);
});

// That of grpc-js 1.13 forgets it after a pause, and keeps its calls waiting until it is told again.
test('a channel that asks again while there is nobody to call is told so again', async (t) => {
  const { daemon } = await setUp(t);
  const { resolver, told, next } = openResolver();
  t.teardown(() => resolver.destroy());
  const first = next();
  resolver.updateResolution();
  await first;
  t.match(told, ['', /^no instance of math\/add is registered/]);
  resolver.updateResolution();
  t.equal(told.length, 2, 'never from within its own call');
  await turn();
  t.match(told.slice(2), [/^no instance of math\/add is registered/]);
  const second = next();
  daemon.put(wireInstance({ port: 1 }));
  await second;
  resolver.updateResolution();
  await turn();
  t.strictSame(told.slice(3), ['1']);
});

test('a channel that goes idle and wakes, a thousand times and more, is told each time', async (t) => {
  const { daemon, disco } = await setUp(t);
  daemon.put(wireInstance({ port: 1 }));
  const { resolver, told, next } = openResolver();
  const times = 1_001;
  for (let nth = 0; nth < times; nth++) {
    const answer = next();
    resolver.updateResolution();
    await answer;
    resolver.destroy();
  }
  t.strictSame(
    told,
    Array.from({ length: times }, () => '1'),
  );
  t.equal(daemon.countOf('Watch'), 1, 'of one watch');
  await disco.withView('math/add', async (view) => {
    const seen = new Promise<void>((resolve) => view.onChange(() => resolve()));
    daemon.put(wireInstance({ port: 2 }));
    await seen;
  });
  await turn();
  t.equal(told.length, times, 'and after the last time it is told nothing');
});

test('channels to one service share one watch, which ends with the client', async (t) => {
  const { daemon, disco } = await setUp(t, 'a');
  const channels = Array.from({ length: 3 }, () => openChannel(t));
  for (const { who } of channels) t.equal(await who(), 'a');
  t.equal(daemon.countOf('Watch'), 1);
  for (const { client } of channels) client.close();
  t.equal(daemon.watchers, 1, 'kept, as after resolve()');
  const ended = once(daemon.answered, 'watch ended');
  await disco.close();
  await ended;
  t.equal(daemon.watchers, 0);
});
