import Long from 'long';
import { test } from 'tap';
import {
  exchangeFromProto,
  memberFromProto,
  membersEventFromProto,
  optionalNumber,
  statusFromProto,
} from '../../src/client/daemon-status.ts';
import { disco } from '../../src/gen/discovery.js';

test('a member comes with plain numbers and words', (t) => {
  const lastUpdate = Long.fromString('1795251187047001', true);
  const message = { peerId: 'p', name: 'n', state: disco.v1.Member.State.DEAD, lastUpdate };
  const member = memberFromProto({ ...message, addresses: ['/ip4/1.2.3.4/tcp/1'], linked: true });
  t.match(member, { peerId: 'p', state: 'dead', lastUpdate: 1_795_251_187_047_001, linked: true });
  t.strictSame(member.addresses, ['/ip4/1.2.3.4/tcp/1']);
  t.end();
});

test('a state that only a newer daemon knows is no reason to call a member well', (t) => {
  t.equal(memberFromProto({ state: 99 as never }).state, 'suspect');
  t.equal(memberFromProto({}).state, 'suspect');
  t.end();
});

test('what is said against a member comes with it, and an unknown round trip is none', (t) => {
  const { Member } = disco.v1;
  const accuser = { peerId: 'a', name: 'n', reason: 'silent', since: 5, confirmed: true };
  const sent = { peerId: 'p', accusers: [accuser], rttMicros: 350 };
  const member = memberFromProto(Member.decode(Member.encode(sent).finish()));
  t.strictSame(member.accusers, [accuser]);
  t.equal(member.rttMicros, 350);
  t.match(memberFromProto({}), { accusers: [], rttMicros: undefined });
  t.match(memberFromProto({ accusers: [{}] }).accusers, [{ name: '', since: 0, confirmed: false }]);
  t.end();
});

test('an event of the members is a member, the end of them, one forgotten, or unknown', (t) => {
  const { Kind } = disco.v1.MembersEvent;
  const member = { peerId: 'p', state: disco.v1.Member.State.ALIVE };
  t.match(membersEventFromProto({ kind: Kind.MEMBER, member }), {
    kind: 'member',
    member: { peerId: 'p', state: 'alive' },
  });
  t.strictSame(membersEventFromProto({ kind: Kind.SNAPSHOT_END }), { kind: 'snapshot_end' });
  t.match(membersEventFromProto({ kind: Kind.FORGOTTEN, member }), { kind: 'forgotten' });
  t.equal(membersEventFromProto({}), undefined);
  t.end();
});

test('a status survives the wire', (t) => {
  const sent = { name: 'n', ready: true, revision: 7, refused: { EXPIRED: 3 }, membersAlive: 2 };
  const { StatusResponse } = disco.v1;
  const status = statusFromProto(StatusResponse.decode(StatusResponse.encode(sent).finish()));
  t.match(status, {
    name: 'n',
    ready: true,
    revision: 7,
    refused: { EXPIRED: 3 },
    membersAlive: 2,
  });
  t.equal(status.sinceReconcileMs, undefined, 'absent before the first reconcile');
  t.strictSame(status.listen, []);
  t.end();
});

test('what is held and that a daemon is isolated survive the wire', (t) => {
  const sent = { holding: [{ group: 'math', name: 'add', instances: 3 }], isolated: true };
  const { StatusResponse } = disco.v1;
  const bytes = StatusResponse.encode({ ...sent, servicesHolding: 7 }).finish();
  const { holding, servicesHolding, isolated } = statusFromProto(StatusResponse.decode(bytes));
  t.match(holding, [{ group: 'math', name: 'add', instances: 3, since: 0 }]);
  t.strictSame([servicesHolding, isolated], [7, true]);
  t.end();
});

test('of registration files all that is told survives the wire', (t) => {
  const bad = [{ file: 'a.json', problem: 'line 1: no' }];
  const serviceFiles = { directory: '/d', files: 3, instances: 2, problem: '', bad, filesBad: 1 };
  const { StatusResponse } = disco.v1;
  const bytes = StatusResponse.encode({ serviceFiles }).finish();
  t.strictSame(statusFromProto(StatusResponse.decode(bytes)).serviceFiles, serviceFiles);
  const none = StatusResponse.decode(StatusResponse.encode({}).finish());
  t.equal(statusFromProto(none).serviceFiles, undefined, 'a daemon that knows none');
  t.end();
});

test('what is in maintenance at a daemon survives the wire', (t) => {
  const rule = { group: 'math', name: 'add', instanceId: '', reason: 'x', since: 1_750e12 };
  const { StatusResponse, Member } = disco.v1;
  const sent = { maintenance: [rule, {}], maintenanceRules: 7 };
  const status = statusFromProto(StatusResponse.decode(StatusResponse.encode(sent).finish()));
  const node = { group: '', name: '', instanceId: '', reason: '', since: 0 };
  t.strictSame(status.maintenance, [rule, node]);
  t.equal(status.maintenanceRules, 7);
  const member = Member.decode(Member.encode({ maintenance: 'moving' }).finish());
  t.equal(memberFromProto(member).maintenance, 'moving');
  t.equal(memberFromProto({}).maintenance, '');
  t.end();
});

test('an outcome that is not known counts as failed', (t) => {
  t.equal(exchangeFromProto({ outcome: 'in_sync' }).outcome, 'in_sync');
  t.equal(exchangeFromProto({ outcome: 'changed', ownersChanged: ['o'] }).ownersChanged.length, 1);
  t.equal(exchangeFromProto({ outcome: 'something new' }).outcome, 'failed');
  t.end();
});

test('an absent number is undefined, and zero is zero', (t) => {
  t.strictSame([undefined, null, 0, Long.UZERO].map(optionalNumber), [undefined, undefined, 0, 0]);
  t.end();
});
