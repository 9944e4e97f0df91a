/** The rules as a value, and what they do to a node's own records, over restarts too. */
import t from 'tap';
import { isCovered, MaintenanceRules, rulesMax } from '../../src/registry/maintenance.ts';
import { targetText, type MaintenanceTarget } from '../../src/registry/maintenance.ts';
import type { Mutation } from '../../src/registry/own-state.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import type { MaintenanceRule } from '../../src/store/store.ts';
import { at, makeFacts } from '../record/fixtures.ts';
import { deregister, eventsAfter, keyOf, nameOf, Owner, register } from './fixtures.ts';
import { sendWhole, startNode, WatchedStore } from './fixtures.ts';

const node: MaintenanceTarget = { group: '', name: '', instanceId: '' };
const service: MaintenanceTarget = { group: 'shop', name: 'cart', instanceId: '' };
const ruleOf = (target: MaintenanceTarget, reason: string, since = 1): MaintenanceRule => ({
  ...target,
  reason,
  since,
});
const on = (target: MaintenanceTarget, reason: string): Mutation => ({
  kind: 'maintenance',
  rule: ruleOf(target, reason),
});
const off = (target: MaintenanceTarget): Mutation => on(target, '');

/** `a passing`, `b maintenance (why)`: own instances as they are shown. */
const shownBy = (registry: Registry): string[] =>
  registry.index.list().map(({ record: { instanceId, health, maintenance } }) => {
    return `${instanceId} ${health}${maintenance === undefined ? '' : ` (${maintenance.reason})`}`;
  });

t.test('the closest rule counts: the instance, its service, the node', (t) => {
  let rules = MaintenanceRules.none;
  t.equal(rules.closest(nameOf('a')), undefined);
  for (const rule of [ruleOf(node, 'n'), ruleOf(service, 's'), ruleOf(nameOf('a'), 'i')])
    rules = rules.with(rule)!;
  t.equal(rules.closest(nameOf('a'))?.reason, 'i');
  t.equal(rules.closest(nameOf('b'))?.reason, 's');
  t.equal(rules.closest({ ...service, name: 'other' })?.reason, 'n');
  t.equal(rules.nodeReason, 'n');
  const without = rules.with(ruleOf(service, ''))!;
  t.equal(without.closest(nameOf('b'))?.reason, 'n');
  t.equal(rules.closest(nameOf('b'))?.reason, 's', 'a value does not change');
  t.equal(without.with(ruleOf(service, '')), without);
  t.end();
});

t.test('a rule that is given again keeps its time', (t) => {
  const rules = MaintenanceRules.none.with(ruleOf(node, 'one', 5))?.with(ruleOf(node, 'two', 9));
  t.strictSame(rules?.list(), [ruleOf(node, 'two', 5)]);
  t.end();
});

t.test(`${rulesMax} rules are the most, and one of them can always be changed or ended`, (t) => {
  const many = Array.from({ length: rulesMax }, (_, index) => ruleOf(nameOf(`i${index}`), 'x'));
  const full = new MaintenanceRules(many);
  t.equal(full.with(ruleOf(node, 'n')), undefined);
  t.equal(full.with(ruleOf(nameOf('i3'), 'y'))?.list().length, rulesMax);
  t.equal(full.with(ruleOf(nameOf('i3'), ''))?.list().length, rulesMax - 1);
  t.end();
});

t.test('what a target covers, and how people write it', (t) => {
  const rows = [node, service, nameOf('a')].map((target) => [
    targetText(target),
    isCovered(target, nameOf('a')),
    isCovered(target, nameOf('b')),
    isCovered(target, { ...service, group: 'x', instanceId: 'a' }),
  ]);
  t.strictSame(rows, [
    ['', true, true, true],
    ['shop/cart', true, true, false],
    ['shop/cart/a', true, false, false],
  ]);
  t.end();
});

t.test('the facts of a node say its own maintenance, and no other', (t) => {
  const facts = makeFacts();
  const rules = MaintenanceRules.none.with(ruleOf(service, 's'))!;
  t.strictSame(rules.mark(facts), facts);
  const marked = rules.with(ruleOf(node, 'n'))!.mark(facts);
  t.strictSame(marked, { ...facts, maintenance: 'n' });
  t.strictSame(rules.mark(marked), facts);
  t.end();
});

t.test('a node in maintenance says so of all it has, and of what comes later', (t) => {
  const registry = startNode();
  registry.commit([register('a')], at(1));
  registry.commit([on(node, 'kernel'), register('b')], at(2));
  t.strictSame(shownBy(registry), ['a maintenance (kernel)', 'b maintenance (kernel)']);
  registry.commit([register('a', { port: 81 })], at(3));
  t.strictSame(shownBy(registry), ['a maintenance (kernel)', 'b maintenance (kernel)']);
  t.equal(registry.state(registry.self)?.head.head.facts.maintenance, 'kernel');
  registry.commit([off(node)], at(4));
  t.strictSame(shownBy(registry), ['a passing', 'b passing']);
  t.notOk('maintenance' in (registry.state(registry.self)?.head.head.facts ?? {}));
  t.end();
});

t.test('a service stays in maintenance when it is deregistered and registered again', (t) => {
  const registry = startNode();
  registry.commit([register('a'), on(service, 'deploy')], at(1));
  registry.commit([deregister('a')], at(2));
  registry.commit([register('b')], at(3));
  t.strictSame(shownBy(registry), ['b maintenance (deploy)']);
  t.end();
});

t.test('ending one leaves what another rule says, with its reason', (t) => {
  const registry = startNode();
  registry.commit(
    [register('a'), register('b'), on(nameOf('a'), 'disk'), on(node, 'kernel')],
    at(1),
  );
  t.strictSame(shownBy(registry), ['a maintenance (disk)', 'b maintenance (kernel)']);
  const { revision } = registry.feed;
  registry.commit([off(node)], at(2));
  t.strictSame(shownBy(registry), ['a maintenance (disk)', 'b passing']);
  t.strictSame(eventsAfter(registry, revision), ['up b updated'], 'nothing else is told');
  registry.commit([on(node, 'kernel'), off(nameOf('a'))], at(3));
  t.strictSame(shownBy(registry), ['a maintenance (kernel)', 'b maintenance (kernel)']);
  t.end();
});

t.test('it survives a restart, on disk before it is told', (t) => {
  const store = new WatchedStore();
  const first = startNode({ store });
  first.commit([register('a'), on(nameOf('a'), 'disk')], at(1));
  t.strictSame(store.batches.at(-1)?.maintenance, [ruleOf(nameOf('a'), 'disk')]);
  first.commit([on(node, 'kernel')], at(2));
  const second = startNode({ store }, at(3));
  second.commit([register('b')], at(4));
  t.strictSame(shownBy(second), ['a maintenance (disk)', 'b maintenance (kernel)']);
  t.equal(second.state(second.self)?.head.head.facts.maintenance, 'kernel');
  second.commit([off(node), off(nameOf('a'))], at(5));
  t.strictSame(shownBy(startNode({ store }, at(6))), ['a passing', 'b passing']);
  t.end();
});

t.test('a full disk refuses it, and nothing has changed', (t) => {
  const store = new WatchedStore();
  const registry = startNode({ store });
  registry.commit([register('a')], at(1));
  store.isFull = true;
  t.throws(() => registry.commit([on(node, 'kernel')], at(2)), WatchedStore.diskError);
  t.strictSame([shownBy(registry), registry.maintenance.list()], [['a passing'], []]);
  store.isFull = false;
  registry.commit([register('b')], at(3));
  t.strictSame(shownBy(registry), ['a passing', 'b passing']);
  t.end();
});

t.test('leases go on beneath: missed in maintenance is critical after it, unless renewed', (t) => {
  const registry = startNode();
  registry.commit([register('a', { ttlMs: 1_000 }), on(node, 'kernel')], at(0));
  const beneath = () => registry.index.list()[0]?.record.maintenance?.health;
  registry.tick(at(1_000));
  t.strictSame([shownBy(registry), beneath()], [['a maintenance (kernel)'], 'critical']);
  registry.heartbeat(nameOf('a'), at(1_500));
  t.strictSame([shownBy(registry), beneath()], [['a maintenance (kernel)'], 'passing']);
  registry.tick(at(2_500));
  registry.commit([off(node)], at(2_600));
  t.strictSame(shownBy(registry), ['a critical']);
  t.end();
});

t.test('what leaves no room for a reason is in maintenance without one', (t) => {
  const plain = startNode();
  plain.commit([register('a')], at(1));
  const bytes = [...(plain.state(plain.self)?.set.records() ?? [])][0]?.bytes.length ?? 0;
  for (const config of [{ recordBytesMax: bytes + 1 }, { bytesPerOwnerMax: bytes + 1 }]) {
    const registry = startNode({ config });
    registry.commit([register('a'), on(node, 'kernel')], at(1));
    t.strictSame(shownBy(registry), ['a maintenance']);
    registry.commit([register('a')], at(2));
    t.strictSame(shownBy(registry), ['a maintenance']);
    registry.commit([off(node)], at(3));
    t.strictSame(shownBy(registry), ['a passing']);
  }
  t.end();
});

t.test('one rule too many is refused, and the others stay', (t) => {
  const store = new MemoryStore();
  const many = Array.from({ length: rulesMax }, (_, index) => ruleOf(nameOf(`i${index}`), 'x'));
  store.commit({ revision: 1, maintenance: many });
  const registry = startNode({ store });
  const refusal = {
    kind: 'failed',
    error: { reason: 'TOO_MANY_RULES', code: 'RESOURCE_EXHAUSTED' },
  };
  t.match(registry.commit([on(node, 'kernel')], at(1)), [refusal]);
  t.equal(registry.maintenance.list().length, rulesMax);
  t.end();
});

t.test('others are told by the record, and see the health beneath', (t) => {
  const registry = startNode();
  const owner = new Owner(2);
  owner.move([register('a'), { kind: 'health', key: keyOf('a'), health: 'warning' }], at(1));
  sendWhole(registry, owner.move([on(nameOf('a'), 'disk')], at(2)).next, at(3));
  t.match(registry.index.list(), [
    { record: { health: 'maintenance', maintenance: { reason: 'disk', health: 'warning' } } },
  ]);
  t.end();
});

t.test('a fork of another owner has none of our rules', (t) => {
  const registry = startNode();
  const owner = new Owner(2);
  sendWhole(registry, owner.move([register('x')], at(1)).next, at(1));
  registry.commit([on(node, 'kernel')], at(2));
  registry.flush();
  const fork = (identity: Owner['identity'], store: MemoryStore) =>
    registry.fork({ identity, store, now: at(3) });
  t.strictSame(fork(owner.identity, new MemoryStore()).maintenance.list(), []);
  const again = fork(new Owner(1).identity, new MemoryStore());
  t.strictSame(again.maintenance.list(), [ruleOf(node, 'kernel')]);
  t.end();
});
