import t from 'tap';
import { isSignedByOwner } from '../../src/record/head.ts';
import { assertInvariant } from '../../src/record/merge.ts';
import type { OwnerState } from '../../src/record/merge.ts';
import type { Health } from '../../src/record/record.ts';
import { ed25519Verifier } from '../../src/record/signature.ts';
import { advance } from '../../src/registry/own-state.ts';
import type { Mutation, OwnBounds } from '../../src/registry/own-state.ts';
import { makeFacts, makeHead, startMicros } from '../record/fixtures.ts';
import { makeCheck } from '../contract/store-contract.ts';
import { deregister, keyOf, makeIdentity, register, smallConfig } from './fixtures.ts';

const identity = makeIdentity(1);
const run = (
  state: OwnerState | undefined,
  mutations: Mutation[],
  micros = startMicros,
  bounds: Partial<OwnBounds> = {},
) => advance(state, makeFacts(), mutations, identity, { ...smallConfig, ...bounds }, micros);

const ids = ({ set }: OwnerState) =>
  [...set.records()].map(({ record }) => record.instanceId).sort();

t.test('one call signs one head over the outcome of all mutations', (t) => {
  const { next, puts, removes, results } = run(undefined, [
    { kind: 'reincarnate', above: 4 },
    register('a'),
    register('b'),
    { kind: 'facts', facts: { name: 'renamed' } },
  ]);
  t.match(next.head.head, {
    cluster: 'test',
    owner: identity.signer.owner,
    bootId: identity.bootId,
    incarnation: 5,
    floor: 0,
    count: 2,
    facts: { ...makeFacts(), name: 'renamed' },
  });
  t.equal(isSignedByOwner(next.head, ed25519Verifier), true);
  t.doesNotThrow(() => assertInvariant(next));
  t.strictSame(puts.map(({ record }) => record.instanceId).sort(), ['a', 'b']);
  t.strictSame(removes, []);
  t.strictSame(
    results.map(({ kind }) => kind),
    ['done', 'done', 'done', 'done'],
  );
  t.end();
});

t.test('a record says what was registered, and the zone of its node when that said none', (t) => {
  const endpoints = [{ name: 'metrics', port: 9_100, ip: '' }];
  const mutations = [register('a', { weight: 7, endpoints }), register('b', { zone: 'us-1' })];
  const there = { ...identity, zone: 'eu-1' };
  const { puts } = advance(undefined, makeFacts(), mutations, there, smallConfig, startMicros);
  t.match(
    puts.map(({ record }) => record),
    [
      { weight: 7, zone: 'eu-1', endpoints },
      { weight: 100, zone: 'us-1', endpoints: [] },
    ],
  );
  t.equal(run(undefined, [register('a')]).puts[0]?.record.zone, '');
  t.end();
});

t.test('stamps rise strictly, from the clock or from the last one, head last', (t) => {
  const first = run(undefined, [register('a'), register('b')]).next;
  const stamps = new Set([...first.set.records()].map(({ record }) => record.lastUpdate));
  t.strictSame(stamps, new Set([startMicros, startMicros + 1]));
  t.equal(first.head.head.lastUpdate, startMicros + 2);
  const back = run(first, [register('c')], 5).next;
  t.equal(back.head.head.lastUpdate, startMicros + 4, 'the clock was set back');
  const later = run(back, [{ kind: 'refresh' }], startMicros + 9_000).next;
  t.equal(later.head.head.lastUpdate, startMicros + 9_000);
  t.end();
});

t.test('the last mutation of an instance wins, and only its record is written', (t) => {
  const { next, puts } = run(undefined, [register('a'), register('a', { port: 81 })]);
  t.strictSame(
    puts.map(({ record }) => record.port),
    [81],
  );
  t.equal(next.set.count, 1);
  const gone = run(undefined, [register('a'), deregister('a')]);
  t.strictSame(
    gone.puts.map(({ record }) => record.deleted),
    [true],
  );
  t.equal(gone.next.set.tombstones, 1);
  t.end();
});

t.test('a tombstone carries nothing but the name', (t) => {
  const { next } = run(run(undefined, [register('a')]).next, [deregister('a')]);
  const [tombstone] = [...next.set.records()];
  t.match(tombstone?.record, { instanceId: 'a', deleted: true, ip: '', port: 0, metadata: {} });
  t.strictSame([tombstone?.record.tags, tombstone?.record.version], [[], '']);
  t.end();
});

t.test('health changes nothing else, and nothing of what is gone or unknown', (t) => {
  const first = run(undefined, [register('a'), register('b')]).next;
  const critical: Mutation = { kind: 'health', key: keyOf('a'), health: 'critical' };
  const moved = run(run(first, [deregister('b')]).next, [
    critical,
    { ...critical, key: keyOf('b') },
    { ...critical, key: keyOf('x') },
    deregister('b'),
  ]);
  const unknown = { kind: 'failed', error: { code: 'NOT_FOUND', reason: 'UNKNOWN_INSTANCE' } };
  t.match(moved.results, [{ kind: 'done' }, unknown, unknown, unknown]);
  t.strictSame(
    moved.puts.map(({ record }) => record.health),
    ['critical'],
  );
  t.match(moved.puts[0]?.record, { ip: '10.0.0.7', port: 8080, metadata: { zone: 'a' } });
  t.end();
});

t.test('registering again makes an instance passing, and lifts its tombstone', (t) => {
  const critical: Mutation = { kind: 'health', key: keyOf('a'), health: 'critical' };
  const sick = run(undefined, [register('a'), critical]).next;
  t.equal([...run(sick, [register('a')]).next.set.records()][0]?.record.health, 'passing');
  const gone = run(sick, [deregister('a')]).next;
  const back = run(gone, [register('a')]).next;
  t.strictSame([back.set.count, back.set.tombstones], [1, 0]);
  t.end();
});

t.test('an incarnation is above both its own and the one that was seen', (t) => {
  const first = run(undefined, [{ kind: 'reincarnate', above: 7 }]).next;
  t.equal(first.head.head.incarnation, 8);
  t.equal(run(first, [{ kind: 'reincarnate', above: 3 }]).next.head.head.incarnation, 9);
  t.equal(run(first, [register('a')]).next.head.head.incarnation, 8);
  t.end();
});

t.test('tombstones go in the order of their age, and the floor is at the last that went', (t) => {
  const graceMs = 1_000;
  const bounds = { tombstoneGraceMs: graceMs };
  let state = run(undefined, [register('a'), register('b'), register('c')], 1_000).next;
  state = run(state, [deregister('a')], 1_000_000).next;
  state = run(state, [deregister('b')], 2_000_000).next;
  const early = run(state, [{ kind: 'refresh' }], 2_500_000, bounds);
  t.strictSame(
    early.removes.map(({ record }) => record.instanceId),
    ['a'],
  );
  t.equal(early.next.head.head.floor, 1_000_000);
  t.strictSame(ids(early.next), ['b', 'c']);
  const late = run(early.next, [{ kind: 'refresh' }], 3_000_000, bounds);
  t.equal(late.next.head.head.floor, 2_000_000);
  t.strictSame(ids(late.next), ['c']);
  t.strictSame(run(state, [register('d')], 9_000_000, bounds).removes, [], 'not with every write');
  t.end();
});

t.test('with no tombstone to collect the floor stays', (t) => {
  const { next } = run(
    run(undefined, [register('a')]).next,
    [{ kind: 'refresh' }],
    startMicros * 2,
  );
  t.equal(next.head.head.floor, 0);
  t.end();
});

t.test('reclaiming stamps all that lives above the head that was seen', (t) => {
  const state = run(undefined, [register('a'), register('b'), deregister('b')]).next;
  const seen = makeHead(undefined, { lastUpdate: startMicros + 500, incarnation: 9 }).head;
  const { next, puts, removes } = run(state, [{ kind: 'reclaim', above: seen }]);
  t.equal(next.head.head.floor, startMicros + 500);
  t.equal(next.head.head.incarnation, 10);
  t.strictSame(
    puts.map(({ record }) => record.instanceId),
    ['a'],
  );
  t.ok(puts.every(({ record }) => record.lastUpdate > startMicros + 500));
  t.strictSame(
    removes.map(({ record }) => record.instanceId),
    ['b'],
  );
  t.strictSame(ids(next), ['a']);
  t.end();
});

t.test('reclaiming from a head that is older than ours goes above ours', (t) => {
  const state = run(undefined, [register('a')]).next;
  const own = state.head.head.lastUpdate;
  const seen = makeHead(undefined, { lastUpdate: 5, incarnation: 1 }).head;
  const { next } = run(state, [{ kind: 'reclaim', above: seen }]);
  t.equal(next.head.head.floor, own);
  t.ok([...next.set.records()].every(({ record }) => record.lastUpdate > own));
  t.end();
});

const fillMax = 4;
const full = { recordsPerOwnerMax: fillMax, tombstonesMax: fillMax };

t.test(
  'a registration that tombstones leave no room for has the older half of them given up',
  (t) => {
    const { next: filled } = run(
      undefined,
      [...'abcd'].map((id) => register(id)),
      10,
      full,
    );
    const gone = run(filled, [...'abc'].map(deregister), 20, full).next;
    t.strictSame([gone.set.count, gone.set.tombstones], [4, 3]);
    const { next, puts, removes, results } = run(gone, [register('e')], 30, full);
    t.match(results, [{ kind: 'done' }]);
    t.strictSame(ids(next), ['c', 'd', 'e']);
    t.strictSame(removes.map(({ record }) => record.instanceId).sort(), ['a', 'b']);
    t.strictSame(
      puts.map(({ record }) => record.instanceId),
      ['e'],
    );
    const newest = removes.map(({ record }) => record.lastUpdate).sort((a, b) => b - a)[0];
    t.equal(next.head.head.floor, newest);
    t.doesNotThrow(() => assertInvariant(next));
    t.end();
  },
);

t.test('for bytes as for records all tombstones go if need be, and none in vain', (t) => {
  const large = (id: string) => register(id, { metadata: { note: 'x'.repeat(400) } });
  const { next: filled } = run(undefined, [large('a'), large('b'), register('c')]);
  const { next: gone } = run(filled, [deregister('b'), deregister('c')], startMicros + 9);
  const tombstone = [...gone.set.records()].find(({ record }) => record.deleted)!;
  const { bytes } = run(gone, [large('d')], startMicros + 20).next.set;
  const bounds = { bytesPerOwnerMax: bytes - tombstone.bytes.length - 1 };
  const { next } = run(gone, [large('d')], startMicros + 20, bounds);
  t.strictSame(ids(next), ['a', 'd']);
  const tight = { bytesPerOwnerMax: gone.set.bytes };
  const { next: same, results, removes } = run(gone, [large('d'), register('a')], 1, tight);
  t.match(results, [{ kind: 'failed', error: { reason: 'TOO_MANY_RECORDS' } }, { kind: 'done' }]);
  t.strictSame(ids(same), ['a', 'b', 'c'], 'what does not fit anyway costs nobody a tombstone');
  t.strictSame(removes, []);
  t.end();
});

t.test('one call may take a name out, give up its tombstone and register it anew', (t) => {
  const { next: filled } = run(
    undefined,
    [...'abcd'].map((id) => register(id)),
    10,
    full,
  );
  const steps = [deregister('a'), register('e'), deregister('b'), register('a')];
  const { next, puts, removes, results } = run(filled, steps, 20, full);
  t.match(results, [{ kind: 'done' }, { kind: 'done' }, { kind: 'done' }, { kind: 'done' }]);
  t.strictSame(ids(next), ['a', 'c', 'd', 'e']);
  t.strictSame(puts.map(({ record }) => record.instanceId).sort(), ['a', 'e']);
  t.strictSame(
    removes.map(({ record }) => record.instanceId),
    ['b'],
  );
  t.end();
});

t.test(
  'a rewind stamps everything anew at the present, and gives up tombstones of the future',
  (t) => {
    const future = startMicros + 10_000_000_000;
    const before = run(undefined, [register('a'), register('b'), register('c')], future).next;
    const gone = run(before, [deregister('b'), deregister('c')], future).next;
    const { next, puts, removes } = run(gone, [{ kind: 'rewind' }, register('c')]);
    const { lastUpdate, floor, incarnation } = next.head.head;
    t.equal(lastUpdate, startMicros + 3);
    t.equal(floor, startMicros, 'whoever holds less is sent the whole');
    t.equal(incarnation, before.head.head.incarnation + 1);
    const stamps = [...next.set.records()]
      .map(({ record }) => record.lastUpdate)
      .sort((a, b) => a - b);
    t.strictSame(stamps, [startMicros + 1, startMicros + 2]);
    t.equal(next.set.tombstones, 0);
    t.strictSame(puts.map(({ record }) => record.instanceId).sort(), ['a', 'c']);
    t.strictSame(
      removes.map(({ record }) => record.instanceId),
      ['b'],
      'but not what was registered again',
    );
    t.doesNotThrow(() => assertInvariant(next));
    t.end();
  },
);

t.test('what has checks is critical until they pass, and keeps its health where it is', (t) => {
  const checks = [makeCheck()];
  const healthOf = ({ set }: OwnerState) => [...set.records()].map(({ record }) => record.health);
  const told = (health: Health): Mutation => ({ kind: 'health', key: keyOf('a'), health });
  let state = run(undefined, [register('a', { checks })]).next;
  t.strictSame(healthOf(state), ['critical']);
  state = run(state, [told('warning'), register('a', { checks, tags: ['new'] })], 20).next;
  t.strictSame(healthOf(state), ['warning'], 'the place is the same');
  state = run(state, [told('passing'), register('a', { checks, ip: '10.0.0.8' })], 30).next;
  t.strictSame(healthOf(state), ['critical'], 'nobody has looked at the other place yet');
  state = run(state, [register('a', { checks: [] })], 40).next;
  t.strictSame(healthOf(state), ['passing'], 'by the word of its owner');
  state = run(state, [register('a', { checks })], 50).next;
  t.strictSame(healthOf(state), ['passing'], 'checks that are new to it have said nothing yet');
  state = run(state, [deregister('a'), register('a', { checks })], 60).next;
  t.strictSame(healthOf(state), ['critical'], 'it was gone in between');
  t.end();
});
