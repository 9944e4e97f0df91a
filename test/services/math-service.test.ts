import * as grpc from '@grpc/grpc-js';
import { test, type Test } from 'tap';
import { MathService } from '../../src/services/math-service.ts';
import { OperationChannels } from '../../src/services/operation-channels.ts';
import type { Operation } from '../../src/services/operation.ts';
import { FakeDaemon } from '../client/fake-daemon.ts';
import { HandClock } from '../client/hand-clock.ts';

// What grpc-js prints when it cannot bind would be noise between the results.
grpc.setLogVerbosity(grpc.logVerbosity.NONE);

const { signal } = new AbortController();

interface Setting {
  readonly operation?: Operation;
  readonly host?: string;
  readonly port?: number;
  readonly clock?: HandClock;
  readonly lingerMs?: number;
  readonly report?: (line: string) => void;
  readonly signal?: AbortSignal;
}

function start(daemon: FakeDaemon, setting: Setting = {}): Promise<MathService> {
  return MathService.start({
    operation: setting.operation ?? 'add',
    listen: { host: setting.host ?? '127.0.0.1', port: setting.port ?? 0 },
    connect: { address: daemon.address, clock: setting.clock },
    lingerMs: setting.lingerMs,
    report: setting.report ?? (() => undefined),
    signal: setting.signal ?? signal,
  });
}

async function serving(t: Test, setting: Setting = {}) {
  const daemon = await FakeDaemon.start((run) => t.teardown(run));
  const service = await start(daemon, setting);
  t.teardown(() => service.stop());
  const channels = new OperationChannels(1);
  t.teardown(() => channels.close());
  const { operation } = service;
  const call = (left: number, right: number, meant = operation) =>
    channels.call(service.address, { operation: meant, left, right, signal });
  return { daemon, service, call };
}

test('a service computes its operation and says who did', async (t) => {
  for (const [operation, value] of Object.entries({ add: 9, sub: 3, mul: 18, div: 2 })) {
    const { call, service } = await serving(t, { operation: operation as Operation });
    t.strictSame(await call(6, 3), { value, servedBy: service.address });
  }
});

test('a service registers itself in the group math, with a ttl', async (t) => {
  const { daemon, service } = await serving(t);
  const [instance] = daemon.instances.values();
  t.match(instance, { group: 'math', name: 'add', ip: '127.0.0.1' });
  t.equal(Number(instance?.ttlMs), 10_000);
  t.equal(service.address, `127.0.0.1:${instance?.port}`);
});

test('behind a wildcard the daemon says at which address others find it', async (t) => {
  const { daemon, service } = await serving(t, { host: '0.0.0.0' });
  const [instance] = daemon.instances.values();
  t.equal(instance?.ip, '127.0.0.1', 'the answer of the fake daemon');
  t.equal(service.address, `127.0.0.1:${instance?.port}`);
});

test('a division by zero is the fault of the caller', async (t) => {
  const { call } = await serving(t, { operation: 'div' });
  await t.rejects(call(1, 0), {
    code: grpc.status.INVALID_ARGUMENT,
    message: /1 cannot be divided by zero/,
  });
});

test('numbers that are not finite are the fault of the caller', async (t) => {
  const { call } = await serving(t);
  for (const [left, right] of [
    [Infinity, 1],
    [1, Number.NaN],
    [Number.MAX_VALUE, Number.MAX_VALUE],
  ] as const) {
    await t.rejects(call(left, right), {
      code: grpc.status.INVALID_ARGUMENT,
      message: /INVALID_ARGUMENT/,
    });
  }
});

test('a call that is meant for another operation is refused', async (t) => {
  const { call } = await serving(t);
  await t.rejects(call(1, 2, 'mul'), {
    code: grpc.status.FAILED_PRECONDITION,
    message: /this is math\/add, not math\/mul/,
  });
});

test('stopping deregisters and then takes no more calls', async (t) => {
  const { daemon, service, call } = await serving(t);
  await call(1, 2);
  await service.stop();
  await service.stop();
  t.strictSame(daemon.calls.slice(-1), ['Deregister']);
  t.equal(daemon.instances.size, 0);
  await t.rejects(call(1, 2), { code: grpc.status.UNAVAILABLE, message: /UNAVAILABLE/ });
});

test('a service serves on for a while after it is deregistered', async (t) => {
  const clock = new HandClock();
  const { daemon, service, call } = await serving(t, { clock, lingerMs: 250 });
  const deregistered = daemon.next('Deregister');
  const stopped = service.stop();
  await deregistered;
  t.equal(daemon.instances.size, 0);
  t.match(await call(1, 2), { value: 3 });
  await clock.advanceUntil(stopped, 250);
  await t.rejects(call(1, 2), { code: grpc.status.UNAVAILABLE, message: /UNAVAILABLE/ });
});

test('a service that starts before its daemon waits for it and says so', async (t) => {
  const daemon = await FakeDaemon.start((run) => t.teardown(run));
  await daemon.stop();
  const waiting = Promise.withResolvers<string>();
  const starting = start(daemon, { report: waiting.resolve });
  t.match(await waiting.promise, /^waiting: no disco daemon answers at unix:/);
  await daemon.restart();
  const service = await starting;
  t.equal(daemon.instances.size, 1);
  await service.stop();
});

test('an abort ends the waiting for a daemon', async (t) => {
  const daemon = await FakeDaemon.start((run) => t.teardown(run));
  await daemon.stop();
  const controller = new AbortController();
  const starting = start(daemon, {
    report: () => controller.abort(new Error('stopped')),
    signal: controller.signal,
  });
  await t.rejects(starting, { message: 'stopped' });
});

test('a registration that the daemon refuses ends the service', async (t) => {
  const daemon = await FakeDaemon.start((run) => t.teardown(run));
  const message = 'there are enough of you';
  daemon.refuse('Register', { code: 8, reason: 'TOO_MANY_RECORDS', message });
  await t.rejects(start(daemon), { reason: 'TOO_MANY_RECORDS', message });
});

test('an address that cannot be bound ends the service before it registers', async (t) => {
  const { daemon, service } = await serving(t);
  const port = Number(service.address.split(':')[1]);
  const calls = daemon.calls.length;
  await t.rejects(start(daemon, { port }), { message: /cannot listen on 127\.0\.0\.1:\d+/ });
  t.equal(daemon.calls.length, calls);
});

test('a service without its daemon goes on serving and is registered again', async (t) => {
  const lost = Promise.withResolvers<string>();
  const again = Promise.withResolvers<string>();
  const report = (line: string): void => (line.includes('again') ? again : lost).resolve(line);
  const clock = new HandClock();
  const { daemon, call } = await serving(t, { report, clock });
  t.equal((await call(1, 2)).value, 3);
  daemon.forget();
  clock.advance(4_000);
  t.match(await lost.promise, /^math\/add still serves, but its registration is lost: /);
  t.equal(await again.promise, 'math/add is registered again');
  t.equal(daemon.instances.size, 1);
  t.equal((await call(1, 2)).value, 3);
});
