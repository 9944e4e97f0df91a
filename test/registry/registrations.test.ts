import t from 'tap';
import { DiscoError } from '../../src/base/error.ts';
import { advance } from '../../src/registry/own-state.ts';
import type { Health } from '../../src/record/record.ts';
import type { MutationResult } from '../../src/registry/own-state.ts';
import {
  registrationChanges,
  Registrations,
  registrationsOf,
} from '../../src/registry/registrations.ts';
import { makeCheck, makeRegistration } from '../contract/store-contract.ts';
import { at, makeFacts, makeSealed, startMicros } from '../record/fixtures.ts';
import { deregister, keyOf, makeIdentity, nameOf, Owner, register } from './fixtures.ts';
import { smallConfig } from './fixtures.ts';

const wished = makeRegistration({ instanceId: 'a', ttlMs: 1_000, deregisterAfterMs: 500 });
const passing = () => 'passing' as const;
const done = (instanceId: string): MutationResult => ({
  kind: 'done',
  sealed: makeSealed({ instanceId }),
});

t.test('what an earlier life was asked for is wanted still, with leases once it begins', (t) => {
  const registrations = new Registrations([wished]);
  t.equal(registrations.get(keyOf('a')), wished);
  t.strictSame([...registrations.entries()], [[keyOf('a'), wished]]);
  t.strictSame(registrations.due(at(9_000), passing), [], 'no lease runs before the life begins');
  registrations.startLeases(at(9_000), passing);
  t.strictSame(registrations.due(at(9_999), passing), []);
  const critical = { kind: 'health', key: keyOf('a'), health: 'critical' };
  t.strictSame(registrations.due(at(10_000), passing), [critical]);
  t.end();
});

t.test('a new life says what its state lacks, and what that says of another zone', (t) => {
  const there = { ...makeIdentity(1), zone: 'eu-1' };
  const here = { ...makeIdentity(1), zone: 'us-1' };
  const mutations = [register('a'), register('b', { zone: 'eu-1' }), register('c')];
  const sick = { kind: 'health', key: keyOf('c'), health: 'critical' } as const;
  const bounds = smallConfig;
  const moved = advance(undefined, makeFacts(), [...mutations, sick], there, bounds, startMicros);
  const wanted = [...mutations, register('d')].flatMap((mutation) =>
    mutation.kind === 'register' ? [mutation.registration] : [],
  );
  const registrations = new Registrations(wanted);
  t.strictSame(registrations.toAnnounce(moved.next, there), [register('d')]);
  t.strictSame(
    registrations.toAnnounce(moved.next, here),
    [register('a'), register('c'), sick, register('d')],
    'a zone of its own is kept, and so is health',
  );
  t.equal(registrations.toAnnounce(undefined, here).length, wanted.length);
  t.end();
});

t.test('a miss is asked for until it is noted, then the end after deregisterAfterMs', (t) => {
  const registrations = new Registrations([]);
  registrations.note({ registrations: [wished], droppedRegistrations: [] }, at(0));
  const due = registrations.due(at(1_000), passing);
  t.strictSame(registrations.due(at(1_001), passing), due);
  registrations.noteDue(due, at(1_001));
  t.strictSame(registrations.due(at(1_002), passing), []);
  t.strictSame(registrations.due(at(1_500), passing), [deregister('a')]);
  registrations.note({ registrations: [], droppedRegistrations: [nameOf('a')] }, at(1_500));
  t.strictSame(registrations.due(at(9_000), passing), []);
  t.equal(registrations.get(keyOf('a')), undefined);
  t.end();
});

t.test('renewing tells the ttl, and refuses what is unknown or has none', (t) => {
  const registrations = new Registrations([makeRegistration({ instanceId: 'b' })]);
  registrations.note({ registrations: [wished], droppedRegistrations: [] }, at(0));
  t.strictSame(registrations.renew(nameOf('a'), at(900)), { key: keyOf('a'), ttlMs: 1_000 });
  t.strictSame(registrations.due(at(1_899), passing), []);
  const unknown = 'shop/cart/x is not registered at this daemon: register it again';
  t.throws(
    () => registrations.renew(nameOf('x'), at(1)),
    new DiscoError('NOT_FOUND', 'UNKNOWN_INSTANCE', unknown),
  );
  t.throws(() => registrations.renew(nameOf('b'), at(1)), {
    code: 'FAILED_PRECONDITION',
    reason: 'NO_TTL',
  });
  t.end();
});

t.test('only what was done changes what is wanted', (t) => {
  const error = new DiscoError('NOT_FOUND', 'UNKNOWN_INSTANCE', 'x');
  const mutations = [register('a'), register('b'), deregister('c')];
  const results: MutationResult[] = [
    done('a'),
    { kind: 'failed', error },
    { kind: 'failed', error },
  ];
  t.strictSame(registrationChanges(mutations, results), {
    registrations: [makeRegistration({ instanceId: 'a' })],
    droppedRegistrations: [],
  });
  t.end();
});

t.test('the last word on an instance wins within one batch', (t) => {
  const twice = registrationChanges(
    [register('a'), register('a', { port: 81 })],
    [done('a'), done('a')],
  );
  t.strictSame(twice.registrations, [makeRegistration({ instanceId: 'a', port: 81 })]);
  const gone = registrationChanges([register('a'), deregister('a')], [done('a'), done('a')]);
  t.strictSame(gone.registrations, []);
  t.match(gone.droppedRegistrations, [nameOf('a')]);
  const back = registrationChanges([deregister('a'), register('a')], [done('a'), done('a')]);
  t.equal(back.registrations.length, 1);
  t.strictSame(back.droppedRegistrations, []);
  t.end();
});

t.test('health, facts and refreshing are nothing that was wished for', (t) => {
  const health = { kind: 'health' as const, key: keyOf('a'), health: 'critical' as const };
  const changes = registrationChanges(
    [health, { kind: 'refresh' }],
    [done('a'), { kind: 'done', sealed: undefined }],
  );
  t.strictSame(changes, { registrations: [], droppedRegistrations: [] });
  t.end();
});

t.test('the live records of a state lead back to what was asked for', (t) => {
  const wanted = makeRegistration({ instanceId: 'a', ttlMs: 5_000 });
  const owner = new Owner(1);
  owner.move([{ kind: 'register', registration: wanted }, register('b')], at(1));
  const { next } = owner.move([deregister('b')], at(2));
  t.strictSame(registrationsOf(next), [wanted]);
  t.end();
});

const checked = { instanceId: 'a', checks: [makeCheck()] };

/** One instance with checks, and the record of it: it tells what was made true. */
function withChecks(
  fields: Parameters<typeof makeRegistration>[0] = {},
  first: Health = 'passing',
) {
  const registrations = new Registrations([]);
  let told = first;
  const note = (change: typeof fields, ms: number) => {
    const wanted = makeRegistration({ ...checked, ...fields, ...change });
    registrations.note({ registrations: [wanted], droppedRegistrations: [] }, at(ms));
  };
  note({}, 0);
  const due = (ms: number): string[] => {
    const mutations = registrations.due(at(ms), () => told);
    for (const each of mutations) if (each.kind === 'health') told = each.health;
    registrations.noteDue(mutations, at(ms));
    return mutations.map((each) => (each.kind === 'health' ? each.health : each.kind));
  };
  const find = (health: Health, ms: number) =>
    registrations.noteChecked(keyOf('a'), health, at(ms));
  const health = (ms: number) => registrations.healthOf(keyOf('a'), at(ms));
  return { registrations, note, due, find, health };
}

t.test('what the checks come to is asked for when it is news, once', (t) => {
  const { due, find } = withChecks();
  t.strictSame(due(1), [], 'before they said anything the record stays');
  find('passing', 2);
  t.strictSame(due(3), []);
  find('warning', 4);
  t.strictSame(due(5), ['warning']);
  find('warning', 6);
  t.strictSame(due(7), []);
  find('critical', 8);
  find('passing', 9);
  t.strictSame(due(10), ['passing'], 'the last word between two looks counts');
  t.end();
});

t.test('a change that the disk refused is asked for again', (t) => {
  const { registrations, find } = withChecks();
  find('critical', 1);
  const critical = { kind: 'health', key: keyOf('a'), health: 'critical' };
  t.strictSame(registrations.due(at(2), passing), [critical]);
  t.strictSame(registrations.due(at(3), passing), [critical]);
  t.end();
});

t.test('of lease and checks the worse one counts', (t) => {
  const { registrations, due, find, health } = withChecks({ ttlMs: 1_000 });
  find('warning', 1);
  t.strictSame(due(2), ['warning']);
  t.strictSame(due(1_000), ['critical'], 'the lease is missed');
  find('passing', 1_001);
  t.strictSame(due(1_002), [], 'checks do not make up for a heartbeat');
  registrations.renew(nameOf('a'), at(1_100));
  t.equal(health(1_100), 'passing');
  find('critical', 1_200);
  t.strictSame(due(1_201), []);
  t.strictSame(due(2_100), [], 'a lease missed by a critical one is no change');
  find('passing', 2_101);
  t.strictSame(due(2_102), []);
  t.end();
});

t.test('without a ttl it is deregistered when the checks were critical for so long', (t) => {
  const { due, find } = withChecks({ deregisterAfterMs: 500 });
  find('critical', 100);
  t.strictSame(due(101), ['critical']);
  find('critical', 400);
  t.strictSame(due(599), []);
  find('warning', 599);
  t.strictSame(due(600), ['warning'], 'it recovered in time');
  find('critical', 1_000);
  t.strictSame(due(1_499), ['critical']);
  t.strictSame(due(1_500), ['deregister']);
  t.end();
});

t.test('with a ttl only a missed heartbeat deregisters: who sends them wants to stay', (t) => {
  const { due, find } = withChecks({ ttlMs: 60_000, deregisterAfterMs: 500 });
  find('critical', 1);
  t.strictSame(due(2), ['critical']);
  t.strictSame(due(59_000), []);
  t.strictSame(due(60_500), ['deregister']);
  t.end();
});

t.test('registering again keeps what the checks said, at another address it does not', (t) => {
  const { note, due, find, health } = withChecks({}, 'critical');
  find('passing', 1);
  t.strictSame(due(2), ['passing']);
  note({ tags: ['new'] }, 3);
  t.equal(health(3), 'passing');
  note({ port: 9_999 }, 4);
  t.equal(health(4), undefined);
  note({ port: 9_999, checks: [] }, 5);
  t.equal(health(5), 'passing', 'without checks it passes by the word of its owner');
  find('critical', 6);
  t.strictSame(due(7), [], 'the last run of a check that is gone changes nothing');
  t.end();
});

t.test('registering again is a heartbeat: what the checks said is true again at once', (t) => {
  const { note, due, find } = withChecks({ ttlMs: 1_000 });
  find('passing', 1);
  t.strictSame(due(1_000), ['critical']);
  note({}, 1_500);
  t.strictSame(due(1_501), ['passing']);
  t.end();
});

t.test('another deregisterAfterMs counts from the same moment', (t) => {
  const { note, due, find } = withChecks({ deregisterAfterMs: 60_000 });
  find('critical', 100);
  t.strictSame(due(101), ['critical']);
  note({ deregisterAfterMs: 500 }, 200);
  t.strictSame(due(599), []);
  t.strictSame(due(600), ['deregister']);
  t.end();
});

t.test('a last run of checks that are gone does not deregister what has none', (t) => {
  const { note, due, find } = withChecks({ deregisterAfterMs: 500 });
  note({ deregisterAfterMs: 500, checks: [] }, 1);
  find('critical', 2);
  t.strictSame(due(10_000), []);
  t.end();
});

t.test('no check ends what an operator said', (t) => {
  const { due, find } = withChecks({}, 'maintenance');
  find('passing', 1);
  t.strictSame(due(2), []);
  t.end();
});

t.test('a lease that may have been missed before a restart outlives passing checks', (t) => {
  const wanted = makeRegistration({ ...checked, ttlMs: 1_000 });
  const registrations = new Registrations([wanted]);
  registrations.startLeases(at(0), () => 'critical');
  registrations.noteChecked(keyOf('a'), 'passing', at(1));
  t.equal(registrations.healthOf(keyOf('a'), at(1)), 'critical');
  registrations.renew(nameOf('a'), at(2));
  t.equal(registrations.healthOf(keyOf('a'), at(2)), 'passing');
  t.equal(registrations.healthOf(keyOf('x'), at(2)), undefined);
  t.end();
});
