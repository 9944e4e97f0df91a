/** Each checker is shown what it has to find. */
import { test } from 'tap';
import { keyedHashSigner, keyedHashVerifier } from '../../src/sim/keyed-hash.ts';
import { RecordSet } from '../../src/record/record-set.ts';
import type { OwnerState } from '../../src/record/merge.ts';
import type { Change } from '../../src/registry/change-feed.ts';
import { Checkers, stateFault } from '../../src/sim/checkers.ts';
import { World } from '../../src/sim/world.ts';
import { calmOptions } from './options.ts';
import { ownerState, record } from './state-fixtures.ts';

test('a state that is what its head commits to is right', (t) => {
  t.equal(stateFault(ownerState('a', ['x', 'y']), keyedHashVerifier), undefined);
  t.equal(stateFault(ownerState('a', []), keyedHashVerifier), undefined);
  t.end();
});

test('a forged head, a foreign, a missing and a changed record are found', (t) => {
  const right = ownerState('a', ['x', 'y']);
  const [x, y] = [...right.set.records()];
  const { owner } = right.head.head;
  const setOf = (...records: Parameters<RecordSet['with']>[0][number][]): RecordSet =>
    RecordSet.empty.with(records, []);
  const faultOf = (change: Partial<OwnerState>): string | undefined =>
    stateFault({ ...right, ...change }, keyedHashVerifier);
  if (x === undefined || y === undefined) throw new Error('the fixture holds two records');
  const signature = keyedHashSigner('b').sign('disco/v1/head', 'sim', right.head.body);
  t.match(faultOf({ head: { ...right.head, signature } }), 'not signed by its owner');
  t.match(faultOf({ set: setOf(x, record('another', 'y')) }), 'another owner');
  t.match(faultOf({ set: setOf(x) }), '1 records, the head says 2');
  t.match(faultOf({ set: setOf(x, record(owner, 'z')) }), 'has not the root');
  t.end();
});

function lab(): { world: World; checkers: Checkers; say: (change: Partial<Change>) => void } {
  const world = new World({ ...calmOptions, nodes: 2 });
  const node = world.start(1);
  const checkers = new Checkers(world);
  const base = { revision: 1, owner: node.owner, origin: 'own' as const, events: [] };
  return { world, checkers, say: (change) => checkers.changed(node, [{ ...base, ...change }]) };
}

test('a revision that is left out or comes twice is found', (t) => {
  const { checkers, say } = lab();
  say({ revision: 1 });
  say({ revision: 2 });
  t.strictSame(checkers.violations, []);
  say({ revision: 2 });
  say({ revision: 4 });
  t.strictSame(
    checkers.violations.map(({ checker, sentence }) => `${checker}: ${sentence}`),
    ['revisions: revision 2 came after 2', 'revisions: revision 4 came after 2'],
  );
  t.end();
});

test('a head that falls back is found', (t) => {
  const { world, checkers } = lab();
  const node = world.node(1);
  if (node === undefined) throw new Error('node 1 runs');
  const [older, newer] = [1_000, 2_000].map((lastUpdate) => {
    const state = ownerState('a', []);
    return { ...state, head: { ...state.head, head: { ...state.head.head, lastUpdate } } };
  });
  const registry = { state: () => newer };
  const standIn = Object.assign(Object.create(node) as typeof node, { registry });
  const change = { revision: 1, owner: 'a', origin: 'peer' as const, events: [] };
  checkers.changed(standIn, [change]);
  registry.state = () => older;
  checkers.changed(standIn, [{ ...change, revision: 2 }]);
  t.match(checkers.violations.at(-1), { checker: 'heads rise', node: 1 });
  t.end();
});

test('an expired head that brings instances up again is found', (t) => {
  const { world, checkers } = lab();
  const node = world.node(1);
  if (node === undefined) throw new Error('node 1 runs');
  const state = ownerState('a', ['x']);
  const registry = { state: () => state };
  const standIn = Object.assign(Object.create(node) as typeof node, { registry });
  const [sealed] = [...state.set.records()];
  if (sealed === undefined) throw new Error('the fixture holds a record');
  const up = { kind: 'up' as const, reason: 'registered' as const };
  const events = [{ ...up, instance: { record: sealed.record, node: 'a' } }];
  checkers.changed(standIn, [{ revision: 1, owner: 'a', origin: 'peer', events }]);
  t.match(checkers.violations, [{ checker: 'no zombie', node: 1 }]);
  t.end();
});

test('an exception in the core is found', (t) => {
  const { world, checkers } = lab();
  const node = world.node(1);
  if (node === undefined) throw new Error('node 1 runs');
  checkers.failed(node, 'a step', new Error('boom'));
  t.match(checkers.violations, [{ checker: 'no exception', node: 1, sentence: /boom/ }]);
  t.end();
});
