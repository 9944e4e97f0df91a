import t from 'tap';
import { DiscoError } from '../../src/base/error.ts';
import { advance } from '../../src/registry/own-state.ts';
import type { MutationResult } from '../../src/registry/own-state.ts';
import {
  registrationChanges,
  Registrations,
  registrationsOf,
} from '../../src/registry/registrations.ts';
import { makeRegistration } from '../contract/store-contract.ts';
import { at, makeFacts, makeSealed, startMicros } from '../record/fixtures.ts';
import { deregister, keyOf, makeIdentity, nameOf, Owner, register } from './fixtures.ts';
import { smallConfig } from './fixtures.ts';

const wished = makeRegistration({ instanceId: 'a', ttlMs: 1_000, deregisterAfterMs: 500 });
const done = (instanceId: string): MutationResult => ({
  kind: 'done',
  sealed: makeSealed({ instanceId }),
});

t.test('what an earlier life was asked for is wanted still, with leases once it begins', (t) => {
  const registrations = new Registrations([wished]);
  t.equal(registrations.get(keyOf('a')), wished);
  t.strictSame([...registrations.entries()], [[keyOf('a'), wished]]);
  t.strictSame(registrations.due(at(9_000)), [], 'no lease runs before the life begins');
  registrations.startLeases(at(9_000));
  t.strictSame(registrations.due(at(9_999)), []);
  const critical = { kind: 'health', key: keyOf('a'), health: 'critical' };
  t.strictSame(registrations.due(at(10_000)), [critical]);
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
  const due = registrations.due(at(1_000));
  t.strictSame(registrations.due(at(1_001)), due);
  registrations.noteDue(due);
  t.strictSame(registrations.due(at(1_002)), []);
  t.strictSame(registrations.due(at(1_500)), [deregister('a')]);
  registrations.note({ registrations: [], droppedRegistrations: [nameOf('a')] }, at(1_500));
  t.strictSame(registrations.due(at(9_000)), []);
  t.equal(registrations.get(keyOf('a')), undefined);
  t.end();
});

t.test('renewing tells the ttl, and refuses what is unknown or has none', (t) => {
  const registrations = new Registrations([makeRegistration({ instanceId: 'b' })]);
  registrations.note({ registrations: [wished], droppedRegistrations: [] }, at(0));
  t.strictSame(registrations.renew(nameOf('a'), at(900)), { key: keyOf('a'), ttlMs: 1_000 });
  t.strictSame(registrations.due(at(1_899)), []);
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
