/** Registrations that are given up while the daemon answers, and those that prove who they are. */
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import { Identity } from '../../src/client/identity.ts';
import { Registration } from '../../src/client/registration.ts';
import { HandClock } from './hand-clock.ts';
import { away, refusing, ScriptedCaller, unknown } from './scripted-caller.ts';

/** What a daemon asks of what `ScriptedCaller` registers. */
const challenge = {
  nonce: new Uint8Array(32),
  owner: '12D3',
  instance: 'math/add/10.0.0.7:4711',
};

test('an abort does not wait for the daemon, and what it answers later is taken back', async (t) => {
  const caller = new ScriptedCaller();
  const answer = caller.register();
  const late = Promise.withResolvers<unknown>();
  caller.register = () => late.promise;
  const left: Promise<void>[] = [];
  const background = (work: Promise<void>): void => void left.push(work);
  const tools = { caller, clock: new HandClock(), random: seededRandom(7), background };
  const abort = new AbortController();
  const identity = new Identity('');
  const options = { group: 'math', name: 'add', signal: abort.signal, identity };
  const registering = Registration.register(tools, options);
  abort.abort(new Error('enough'));
  await t.rejects(registering, { message: 'enough' });
  t.strictSame([caller.calls, left.length], [['Register'], 1]);
  late.resolve(answer);
  await Promise.all(left);
  t.strictSame(caller.calls, ['Register', 'Deregister']);
  t.match(caller.requests[1], { group: 'math', name: 'add', instanceId: '10.0.0.7:4711' });
  t.equal((await identity.answer(challenge)).kind, 'not_me');
});

test('an abort leaves nothing to do when the daemon refuses after all', async (t) => {
  const caller = new ScriptedCaller();
  const late = Promise.withResolvers<unknown>();
  caller.register = () => late.promise;
  const left: Promise<void>[] = [];
  const background = (work: Promise<void>): void => void left.push(work);
  const tools = { caller, clock: new HandClock(), random: seededRandom(7), background };
  const abort = new AbortController();
  const options = { group: 'math', name: 'add', signal: abort.signal };
  const registering = Registration.register(tools, options);
  abort.abort(new Error('enough'));
  await t.rejects(registering, { message: 'enough' });
  late.reject(away);
  await Promise.all(left);
  t.strictSame(caller.calls, ['Register']);
});

test('whoever gave up before has nothing asked', async (t) => {
  const caller = new ScriptedCaller();
  const tools = { caller, clock: new HandClock(), random: seededRandom(7) };
  const signal = AbortSignal.abort(new Error('enough'));
  const options = { group: 'math', name: 'add', signal };
  await t.rejects(Registration.register(tools, options), { message: 'enough' });
  t.strictSame(caller.calls, []);
});

test('its identity is checked, and answers until it is taken back', async (t) => {
  const identity = new Identity('/proof', { intervalMs: 1_000 });
  const checks = [{ kind: 'tcp' } as const];
  const caller = new ScriptedCaller();
  const clock = new HandClock();
  const tools = { caller, clock, random: seededRandom(7) };
  const options = { group: 'math', name: 'add', identity, checks };
  const registration = await Registration.register(tools, options);
  caller.heartbeat = refusing(unknown);
  clock.advance(4_000);
  await turn();
  const asked = caller.requests.filter((_, index) => caller.calls[index] === 'Register');
  t.equal(asked.length, 2, 'registered again, with the same key');
  for (const request of asked)
    t.match(request, {
      checks: [{ kind: 1 }, { kind: 4, path: '/proof', intervalMs: 1_000 }],
      identityKey: identity.publicKey,
    });
  t.equal((await identity.answer(challenge)).kind, 'signed');
  const pending = Promise.withResolvers<unknown>();
  caller.deregister = () => pending.promise;
  const closed = registration.close();
  await turn();
  t.equal((await identity.answer(challenge)).kind, 'signed', 'until the daemon knows');
  pending.resolve({});
  await closed;
  t.equal((await identity.answer(challenge)).kind, 'not_me');
});

test('an identity stands for nothing when the registration fails', async (t) => {
  const caller = new ScriptedCaller();
  caller.register = refusing(away);
  const identity = new Identity('');
  const tools = { caller, clock: new HandClock(), random: seededRandom(7) };
  const options = { group: 'math', name: 'add', identity };
  await t.rejects(Registration.register(tools, options), {
    code: 'UNAVAILABLE',
    reason: 'NO_DAEMON',
  });
  t.equal((await identity.answer(challenge)).kind, 'not_me');
});

test('who is registered again at another address proves that one from then on', async (t) => {
  const caller = new ScriptedCaller();
  const clock = new HandClock();
  const identity = new Identity('');
  const options = { group: 'math', name: 'add', identity };
  const registration = await Registration.register(
    { caller, clock, random: seededRandom(7) },
    options,
  );
  const moved = { ip: '10.0.0.8', port: 4711, instanceId: '10.0.0.8:4711', owner: 'owner-1' };
  caller.heartbeat = refusing(unknown);
  caller.register = () => ({ ...moved, conflict: false });
  clock.advance(4_000);
  await turn();
  t.equal((await identity.answer(challenge)).kind, 'not_me', 'not the old one');
  const instance = 'math/add/10.0.0.8:4711';
  t.equal((await identity.answer({ ...challenge, instance })).kind, 'signed');
  await registration.close();
  t.equal((await identity.answer({ ...challenge, instance })).kind, 'not_me');
});
