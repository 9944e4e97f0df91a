import { setImmediate as turn } from 'node:timers/promises';
import { test, type Test } from 'tap';
import { systemClock } from '../../src/base/clock.ts';
import { DiscoError } from '../../src/base/error.ts';
import { seededRandom } from '../../src/base/random.ts';
import { DiscoveryStub } from '../../src/client/discovery-stub.ts';
import type { RegisterOptions } from '../../src/client/register-options.ts';
import { Registration } from '../../src/client/registration.ts';
import { FakeDaemon } from './fake-daemon.ts';
import { HandClock } from './hand-clock.ts';
import { away, refusing, ScriptedCaller, unknown } from './scripted-caller.ts';

async function registered(t: Test, over: Partial<RegisterOptions> = {}) {
  const caller = new ScriptedCaller();
  const clock = new HandClock();
  const states: string[] = [];
  const options: RegisterOptions = {
    group: 'math',
    name: 'add',
    onStateChange: (state, problem) => states.push(`${state} ${problem?.reason ?? ''}`.trim()),
    ...over,
  };
  const tools = { caller, clock, random: seededRandom(7) };
  const closed: Registration[] = [];
  const registration = await Registration.register(tools, options, (one) => closed.push(one));
  t.teardown(() => registration.close());
  const advance = async (byMs: number): Promise<void> => {
    clock.advance(byMs);
    await turn();
  };
  return { caller, clock, states, registration, closed, advance };
}

test('the answer of the daemon is what is registered', async (t) => {
  const { registration, caller, states } = await registered(t);
  t.match(registration, { group: 'math', name: 'add', ip: '10.0.0.7', port: 4711 });
  t.match(registration, { instanceId: '10.0.0.7:4711', owner: 'owner-1', conflict: false });
  t.equal(registration.state, 'registered');
  t.strictSame(states, [], 'the beginning is no change');
  t.match(caller.requests[0], { ip: '', port: 0, ttlMs: 10_000, deregisterAfterMs: 60_000 });
});

test('a heartbeat is sent every third of the ttl', async (t) => {
  const { caller, clock, advance } = await registered(t, { ttlMs: 9_000 });
  for (let beat = 1; beat <= 3; beat++) {
    const dueMs = clock.nextInMs ?? Infinity;
    t.ok(dueMs >= 2_700 && dueMs <= 3_300, `${dueMs} ms is about 3,000`);
    await advance(dueMs);
    t.equal(caller.calls.length, 1 + beat);
  }
  t.strictSame(caller.since(1), ['Heartbeat', 'Heartbeat', 'Heartbeat']);
  t.strictSame(caller.requests[1], { group: 'math', name: 'add', instanceId: '10.0.0.7:4711' });
});

test('the ttl that the daemon granted sets the pace', async (t) => {
  const { caller, clock, advance } = await registered(t, { ttlMs: 9_000 });
  caller.heartbeat = () => ({ ttlMs: 3_000 });
  await advance(3_300);
  const dueMs = clock.nextInMs ?? Infinity;
  t.ok(dueMs >= 900 && dueMs <= 1_100, `${dueMs} ms is about 1,000`);
});

test('without a ttl nothing is sent, and nothing deregisters it', async (t) => {
  const { caller, clock } = await registered(t, { ttlMs: 0 });
  t.equal(clock.nextInMs, undefined);
  t.match(caller.requests[0], { ttlMs: 0, deregisterAfterMs: 0 });
});

test('weight, zone and endpoints go to the daemon, and nothing for what is not given', async (t) => {
  const endpoints = [{ name: 'metrics', port: 9_100 }];
  const { caller } = await registered(t, { weight: 7, zone: 'eu-1', endpoints });
  const sent = { weight: 7, zone: 'eu-1', endpoints: [{ name: 'metrics', port: 9_100, ip: '' }] };
  t.match(caller.requests[0], sent);
  const { caller: plain } = await registered(t, {});
  t.match(plain.requests[0], { weight: 0, zone: '', endpoints: [] });
});

test('a weight or a port that the wire would bend is refused before it is sent', async (t) => {
  for (const weight of [0, -1, 1.5, 65_536, NaN])
    await t.rejects(registered(t, { weight }), {
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_WEIGHT',
      message: `weight is ${weight}; expected 1 to 65535`,
    });
  const endpoints = [{ name: 'metrics', port: 65_536 }];
  await t.rejects(registered(t, { endpoints }), {
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_PORT',
  });
});

test('an instance that the daemon lost is registered again at once, on the same port', async (t) => {
  const { caller, states, advance } = await registered(t, { metadata: { zone: 'a' } });
  caller.heartbeat = refusing(unknown);
  await advance(4_000);
  t.strictSame(caller.since(1), ['Heartbeat', 'Register']);
  t.match(caller.requests[2], { port: 4711, metadata: { zone: 'a' }, ttlMs: 10_000 });
  t.strictSame(states, ['lost UNKNOWN_INSTANCE', 'registered']);
});

test('an address that was left to the daemon is left to it again, and may be another', async (t) => {
  const { caller, registration, advance } = await registered(t);
  const moved = { ip: '10.0.0.8', port: 4711, instanceId: '10.0.0.8:4711', owner: 'owner-2' };
  caller.heartbeat = refusing(unknown);
  caller.register = () => ({ ...moved, conflict: true });
  await advance(4_000);
  t.match(caller.requests[2], { ip: '', instanceId: '' });
  t.match(registration, { ...moved, conflict: true });
  caller.heartbeat = () => ({ ttlMs: 0 });
  await advance(4_000);
  t.match(caller.requests.at(-1), { instanceId: '10.0.0.8:4711' });
  await registration.close();
  t.match(caller.requests.at(-1), { instanceId: '10.0.0.8:4711' }, 'what is taken back');
});

test('an address and an id that were given are given again', async (t) => {
  const given = { ip: '10.0.0.7', port: 4711, instanceId: 'mine' };
  const { caller, advance } = await registered(t, given);
  caller.heartbeat = refusing(unknown);
  await advance(4_000);
  t.match(caller.requests[2], given);
});

test('a daemon that was away is registered at again, after ever longer pauses', async (t) => {
  const { caller, clock, states, registration, advance } = await registered(t, { ttlMs: 9_000 });
  caller.heartbeat = refusing(away);
  caller.register = refusing(away);
  await advance(3_300);
  t.strictSame(states, ['lost NO_DAEMON']);
  t.equal(registration.state, 'lost');
  const pauses: number[] = [];
  for (let attempt = 0; attempt < 7; attempt++) {
    pauses.push(clock.nextInMs ?? Infinity);
    await advance(clock.nextInMs ?? 0);
  }
  const expected = [250, 500, 1_000, 2_000, 3_000, 3_000, 3_000];
  for (const [index, pause] of pauses.entries()) {
    const middle = expected[index] ?? 0;
    t.ok(pause >= middle * 0.9 && pause <= middle * 1.1, `${pause} ms is about ${middle}`);
  }
  t.strictSame(new Set(caller.since(2)), new Set(['Register']));
  caller.register = new ScriptedCaller().register;
  await advance(3_300);
  t.strictSame(states, ['lost NO_DAEMON', 'registered']);
  t.equal(registration.ip, '10.0.0.7');
});

test('that the daemon is back and refuses it is told, once', async (t) => {
  const { caller, clock, states, registration, advance } = await registered(t, { ttlMs: 9_000 });
  caller.heartbeat = refusing(away);
  caller.register = refusing(away);
  await advance(3_300);
  caller.register = refusing(new DiscoError('RESOURCE_EXHAUSTED', 'TOO_MANY_RECORDS', 'full'));
  await advance(clock.nextInMs ?? 0);
  await advance(clock.nextInMs ?? 0);
  t.strictSame(states, ['lost NO_DAEMON', 'lost TOO_MANY_RECORDS']);
  t.equal(registration.state, 'lost');
  caller.register = new ScriptedCaller().register;
  await advance(clock.nextInMs ?? 0);
  t.strictSame(states.slice(2), ['registered']);
});

test('close takes the registration back, once, and stops the heartbeats', async (t) => {
  const { caller, clock, registration, closed } = await registered(t);
  t.equal(await registration.close(), true);
  t.equal(await registration.close(), true);
  t.strictSame(caller.since(1), ['Deregister']);
  t.match(caller.requests[1], { group: 'math', name: 'add', instanceId: '10.0.0.7:4711' });
  t.equal(clock.nextInMs, undefined);
  t.strictSame(closed, [registration]);
});

test('close waits for the call on its way, so that it has the last word', async (t) => {
  const { caller, clock, registration } = await registered(t);
  const pending = Promise.withResolvers<unknown>();
  caller.heartbeat = () => pending.promise;
  clock.advance(4_000);
  await turn();
  const closed = registration.close();
  await turn();
  t.strictSame(caller.since(1), ['Heartbeat']);
  pending.reject(unknown);
  await closed;
  t.strictSame(caller.since(1), ['Heartbeat', 'Deregister'], 'and does not register again');
  t.equal(clock.nextInMs, undefined);
});

test('close lingers once the daemon has confirmed, so that callers hear of it first', async (t) => {
  const { caller, clock, registration } = await registered(t, { lingerMs: 250 });
  let isClosed = false;
  const closing = registration.close().then(() => (isClosed = true));
  await turn();
  t.strictSame(caller.since(1), ['Deregister'], 'at once');
  clock.advance(249);
  await turn();
  t.notOk(isClosed);
  clock.advance(1);
  await closing;
  const other = await registered(t, { lingerMs: 250 });
  other.caller.deregister = refusing(away);
  t.equal(await other.registration.close(), false, 'and not when nobody hears of it');
});

test('how long it lingers has bounds', async (t) => {
  for (const lingerMs of [-1, 60_001, Number.NaN, Infinity]) {
    await t.rejects(registered(t, { lingerMs }), {
      code: 'INVALID_ARGUMENT',
      reason: 'USAGE',
      message: `lingerMs is ${lingerMs}; expected milliseconds from 0 to 60000`,
    });
  }
});

test('close does not throw when the daemon is gone, but says so', async (t) => {
  const { caller, registration } = await registered(t);
  caller.deregister = refusing(away);
  t.equal(await registration.close(), false);
});

test('an instance that the daemon no longer knows is taken back well enough', async (t) => {
  const { caller, registration } = await registered(t);
  caller.deregister = refusing(unknown);
  t.equal(await registration.close(), true);
});

test('an abort closes the registration', async (t) => {
  const controller = new AbortController();
  const { caller, registration } = await registered(t, { signal: controller.signal });
  controller.abort();
  await registration.close();
  t.strictSame(caller.since(1), ['Deregister']);
});

test('an abort while the daemon answers leaves nothing registered', async (t) => {
  const caller = new ScriptedCaller();
  const controller = new AbortController();
  const answer = caller.register();
  caller.register = () => {
    controller.abort(new Error('too late'));
    return answer;
  };
  const tools = { caller, clock: new HandClock(), random: seededRandom(7) };
  const options = { group: 'math', name: 'add', signal: controller.signal };
  await t.rejects(Registration.register(tools, options), { message: 'too late' });
  await turn();
  t.strictSame(caller.calls, ['Register', 'Deregister']);
});

test('a listener that throws is a warning and stops nothing', async (t) => {
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
  const { caller, registration, advance } = await registered(t, {
    onStateChange: () => {
      throw new Error('a mistake in the application');
    },
  });
  caller.heartbeat = refusing(unknown);
  await advance(4_000);
  t.equal(registration.state, 'registered');
  t.equal((await warned).message, 'a mistake in the application');
});

test('numbers that protobuf would bend are refused before they are sent', async (t) => {
  const caller = new ScriptedCaller();
  const tools = { caller, clock: new HandClock(), random: seededRandom(7) };
  const base = { group: 'math', name: 'add' };
  for (const bad of [-1, 1.5, Number.NaN, Infinity]) {
    await t.rejects(Registration.register(tools, { ...base, ttlMs: bad }), {
      reason: 'INVALID_TTL',
      message: `ttlMs is ${bad}; expected whole milliseconds, 0 for none`,
    });
    await t.rejects(Registration.register(tools, { ...base, deregisterAfterMs: bad }), {
      message: /^deregisterAfterMs is/,
    });
    await t.rejects(Registration.register(tools, { ...base, port: bad }), {
      reason: 'INVALID_PORT',
      message: /^port is/,
    });
  }
  await t.rejects(Registration.register(tools, { ...base, port: 65_536 }), { message: /65536/ });
  t.strictSame(caller.calls, []);
});

test('what the daemon refuses at first is thrown', async (t) => {
  const caller = new ScriptedCaller();
  caller.register = refusing(new DiscoError('INVALID_ARGUMENT', 'INVALID_NAME', 'no blanks'));
  const tools = { caller, clock: new HandClock(), random: seededRandom(7) };
  await t.rejects(Registration.register(tools, { group: 'a b', name: 'c' }), {
    code: 'INVALID_ARGUMENT',
    message: 'no blanks',
  });
});

test('a real daemon that restarts without its database has the instance again', async (t) => {
  const daemon = await FakeDaemon.start((run) => t.teardown(run));
  const stub = new DiscoveryStub({ address: daemon.address, source: 'as given' }, 1_000);
  const states: string[] = [];
  const lost = Promise.withResolvers<void>();
  const again = Promise.withResolvers<void>();
  const registration = await Registration.register(
    { caller: stub, clock: systemClock, random: seededRandom(7) },
    {
      group: 'math',
      name: 'add',
      ttlMs: 60,
      onStateChange: (state) => {
        states.push(state);
        if (state === 'lost') lost.resolve();
        else again.resolve();
      },
    },
  );
  const first = [...daemon.instances.keys()];
  await daemon.next('Heartbeat');
  await daemon.stop();
  await lost.promise;
  daemon.forget();
  await daemon.restart();
  await again.promise;
  t.strictSame([...daemon.instances.keys()], first);
  await daemon.next('Heartbeat');
  t.strictSame(states, ['lost', 'registered']);
  t.equal(await registration.close(), true);
  t.equal(daemon.instances.size, 0);
  stub.close();
});

test('its checks are asked for with it, and again when it is registered again', async (t) => {
  const checks = [{ kind: 'http', path: '/healthz' } as const];
  const { caller, advance } = await registered(t, { checks, ttlMs: 3_000 });
  caller.heartbeat = refusing(unknown);
  await advance(1_100);
  const asked = caller.requests.filter((_, index) => caller.calls[index] === 'Register');
  t.equal(asked.length, 2);
  for (const request of asked) t.match(request, { checks: [{ kind: 2, path: '/healthz' }] });
});

test('a check that makes no sense is refused before anything is asked', async (t) => {
  const checks = [{ kind: 'tcp', intervalMs: 0.5 } as const];
  await t.rejects(registered(t, { checks }), { code: 'INVALID_ARGUMENT', reason: 'INVALID_CHECK' });
});
