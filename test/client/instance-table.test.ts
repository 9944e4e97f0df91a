import fc from 'fast-check';
import { test } from 'tap';
import { disco } from '../../src/gen/discovery.js';
import { compareInstances, instanceFromProto } from '../../src/client/instance.ts';
import { InstanceTable, type InstanceChange } from '../../src/client/instance-table.ts';
import { wireInstance } from './fake-daemon.ts';

const { SNAPSHOT_BEGIN, SNAPSHOT_END, UP, DOWN } = disco.v1.WatchEvent.Kind;
const add = wireInstance();
const mul = wireInstance({ name: 'mul', port: 4001 });

function snapshot(table: InstanceTable, wires: (typeof add)[], cursor: string): InstanceChange[] {
  const events = wires.map((instance) => ({ kind: UP, instance }));
  const all = [{ kind: SNAPSHOT_BEGIN }, ...events, { kind: SNAPSHOT_END, cursor }];
  return all.flatMap((event) => table.apply(event));
}

function names(table: InstanceTable): string[] {
  return table.list().map((instance) => instance.name);
}

test('a snapshot shows itself at its end, not before', async (t) => {
  const table = new InstanceTable(10);
  t.strictSame(table.apply({ kind: SNAPSHOT_BEGIN }), []);
  t.strictSame(table.apply({ kind: UP, instance: mul, cursor: '1:1' }), []);
  t.strictSame(table.apply({ kind: UP, instance: add, cursor: '1:1' }), []);
  t.strictSame(names(table), []);
  t.notOk(table.complete);
  t.ok(table.inSnapshot);
  const changes = table.apply({ kind: SNAPSHOT_END, cursor: '1:1' });
  t.strictSame(names(table), ['add', 'mul']);
  t.ok(table.complete);
  t.notOk(table.inSnapshot);
  t.match(changes, [
    { kind: 'up', instance: { name: 'mul' } },
    { kind: 'up', instance: { name: 'add' } },
  ]);
  t.equal(table.cursor, '1:1');
});

test('a snapshot that was cut leaves the list and the cursor as they were', async (t) => {
  const table = new InstanceTable(10);
  snapshot(table, [add], '1:1');
  table.apply({ kind: SNAPSHOT_BEGIN });
  table.apply({ kind: UP, instance: mul, cursor: '2:9' });
  table.cut();
  t.strictSame(names(table), ['add']);
  t.equal(table.cursor, '1:1');
});

test('a fresh snapshot tells only the differences', async (t) => {
  const table = new InstanceTable(10);
  snapshot(table, [add, mul], '1:1');
  const before = table.list();
  const changed = { ...add, lastUpdate: 2 };
  const sub = wireInstance({ name: 'sub', port: 4002 });
  const changes = snapshot(table, [changed, sub], '2:1');
  t.match(changes, [
    { kind: 'down', instance: { name: 'mul' }, reason: 'snapshot' },
    { kind: 'up', instance: { name: 'add', lastUpdate: 2 }, previous: { lastUpdate: 1 } },
    { kind: 'up', instance: { name: 'sub' }, previous: undefined },
  ]);
  t.equal(changes.length, 3);
  t.strictSame(snapshot(table, [changed, sub], '2:2'), [], 'an equal snapshot tells nothing');
  t.strictSame(
    before.map(({ name }) => name),
    ['add', 'mul'],
    'a list handed out stays as it was',
  );
});

test('changes after the snapshot are told one by one', async (t) => {
  const table = new InstanceTable(10);
  snapshot(table, [add], '1:1');
  const up = table.apply({ kind: UP, instance: mul, cursor: '1:2' });
  t.match(up, [{ kind: 'up', instance: { name: 'mul' }, previous: undefined }]);
  const down = table.apply({ kind: DOWN, instance: mul, cursor: '1:3', reason: 'owner_dead' });
  t.match(down, [{ kind: 'down', instance: { name: 'mul' }, reason: 'owner_dead' }]);
  t.equal(table.cursor, '1:3');
  t.strictSame(names(table), ['add']);
});

test('an instance that goes down inside a snapshot is not in it', async (t) => {
  const table = new InstanceTable(10);
  table.apply({ kind: SNAPSHOT_BEGIN });
  table.apply({ kind: UP, instance: add });
  table.apply({ kind: DOWN, instance: add });
  table.apply({ kind: SNAPSHOT_END, cursor: '1:1' });
  t.strictSame(names(table), []);
});

test('what nobody knew cannot go down, but moves the cursor', async (t) => {
  const table = new InstanceTable(10);
  snapshot(table, [], '1:1');
  t.strictSame(table.apply({ kind: DOWN, instance: add, cursor: '1:2' }), []);
  t.equal(table.cursor, '1:2');
});

test('events that say nothing change nothing', async (t) => {
  const table = new InstanceTable(10);
  snapshot(table, [add], '1:1');
  t.strictSame(table.apply({ kind: 99 as never, instance: mul, cursor: '1:9' }), []);
  t.strictSame(table.apply({ kind: UP, cursor: '1:9' }), []);
  t.strictSame(table.apply({ kind: SNAPSHOT_END, cursor: '' }), [], 'an end without a beginning');
  t.strictSame(names(table), ['add']);
  t.equal(table.cursor, '1:1');
});

test('the list is the same array until something changes', async (t) => {
  const table = new InstanceTable(10);
  snapshot(table, [add], '1:1');
  const list = table.list();
  t.equal(table.list(), list);
  t.ok(Object.isFrozen(list));
  table.apply({ kind: UP, instance: mul });
  t.not(table.list(), list);
});

test('one instance more than the bound is refused, and the list stays', async (t) => {
  const table = new InstanceTable(1);
  snapshot(table, [add], '1:1');
  table.apply({ kind: UP, instance: { ...add, lastUpdate: 5 } });
  t.throws(() => table.apply({ kind: UP, instance: mul }), {
    code: 'RESOURCE_EXHAUSTED',
    reason: 'TOO_MANY_RECORDS',
    message: /more than 1 instances/,
  });
  t.strictSame(names(table), ['add']);
  table.apply({ kind: SNAPSHOT_BEGIN });
  table.apply({ kind: UP, instance: add });
  t.throws(() => table.apply({ kind: UP, instance: mul }), {
    message: /more than 1 instances/,
  });
});

test('a forgotten cursor asks for a fresh snapshot', async (t) => {
  const table = new InstanceTable(1);
  snapshot(table, [add], '1:1');
  table.forgetCursor();
  t.equal(table.cursor, '');
});

test('the list is that of a dumb twin, and the changes lead from one to the next', (t) => {
  const wire = fc
    .record({ port: fc.integer({ min: 1, max: 5 }), owner: fc.constantFrom('x', 'y') })
    .chain((fixed) => fc.nat(3).map((lastUpdate) => wireInstance({ ...fixed, lastUpdate })));
  const event = fc.oneof(
    fc.constant({ kind: SNAPSHOT_BEGIN }),
    fc.constant({ kind: SNAPSHOT_END }),
    wire.map((instance) => ({ kind: UP, instance })),
    wire.map((instance) => ({ kind: DOWN, instance })),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const table = new InstanceTable(100);
      let shown: (typeof add)[] = [];
      let staged: (typeof add)[] | undefined;
      const told = new Map<string, unknown>();
      const keyOf = (item: { owner?: string | null; port?: number | null }): string =>
        `${item.owner} ${item.port}`;
      for (const next of events) {
        for (const change of table.apply(next)) {
          if (change.kind === 'up') told.set(keyOf(change.instance), change.instance);
          else told.delete(keyOf(change.instance));
        }
        const target = staged ?? shown;
        const instance = 'instance' in next ? next.instance : add;
        const without = target.filter((item) => keyOf(item) !== keyOf(instance));
        if (next.kind === SNAPSHOT_BEGIN) staged = [];
        else if (next.kind === SNAPSHOT_END) {
          shown = staged ?? shown;
          staged = undefined;
        } else {
          const result = next.kind === UP ? [...without, instance] : without;
          if (staged === undefined) shown = result;
          else staged = result;
        }
        const expected = shown.map(instanceFromProto).sort(compareInstances);
        const actual = table.list();
        if (JSON.stringify(actual) !== JSON.stringify(expected)) return false;
        const followed = [...told.values()] as typeof actual;
        const sorted = followed.toSorted(compareInstances);
        if (JSON.stringify(sorted) !== JSON.stringify(expected)) return false;
      }
      return true;
    }),
  );
  t.end();
});
