import t from 'tap';
import { sha256 } from '../../src/record/hash.ts';
import { RecordSet } from '../../src/record/record-set.ts';
import { contentOf, makeSealed, makeTombstone } from './fixtures.ts';

const make = (count: number, offset = 0) =>
  Array.from({ length: count }, (_, i) => makeSealed({ instanceId: `i${i + offset}` }));

t.test('the empty set has a root of its own and nothing in it', (t) => {
  const { empty } = RecordSet;
  t.strictSame(empty.root, sha256('disco/v1/root', ...Array(16).fill(new Uint8Array(32))));
  t.strictSame([empty.count, empty.tombstones, empty.bytes], [0, 0, 0]);
  t.strictSame([...empty.records()], []);
  t.end();
});

t.test('a set knows its records by key and bucket, its count, tombstones and bytes', (t) => {
  const live = makeSealed({ instanceId: 'a' });
  const gone = makeTombstone({ instanceId: 'b' });
  const set = RecordSet.empty.with([live, gone], []);
  t.equal(set.get(live.key, live.bucket), live);
  t.equal(set.get(gone.key, gone.bucket), gone);
  t.equal(set.get('shop/cart/c', live.bucket), undefined);
  t.strictSame([set.count, set.tombstones], [2, 1]);
  t.equal(set.bytes, live.bytes.length + gone.bytes.length);
  t.end();
});

t.test('a put replaces what had its key, and is undone by removing it', (t) => {
  const [first, other] = make(2);
  const again = makeTombstone({ instanceId: 'i0', lastUpdate: 9 });
  const set = RecordSet.empty.with([first!, other!], []);
  const replaced = set.with([again], []);
  t.strictSame([replaced.count, replaced.tombstones], [2, 1]);
  t.equal(replaced.bytes, again.bytes.length + other!.bytes.length);
  t.equal(replaced.get(again.key, again.bucket), again);
  t.strictSame(replaced.with([first!], []).root, set.root);
  t.strictSame(replaced.with([], [first!]).root, RecordSet.empty.with([other!], []).root);
  t.end();
});

t.test('a set is a value: what is made from it leaves it as it was', (t) => {
  const set = RecordSet.empty.with(make(50), []);
  const before = contentOf(set);
  const { root } = set;
  set.with(make(50, 25), make(10));
  t.strictSame(contentOf(set), before);
  t.equal(set.root, root);
  t.equal(set.with([], []), set);
  t.end();
});

t.test('removing what is not there changes nothing, and removing all gives the empty set', (t) => {
  const records = make(300);
  const set = RecordSet.empty.with(records, []);
  t.strictSame(set.with([], make(5, 1_000)).root, set.root);
  const emptied = set.with([], records);
  t.strictSame(emptied.root, RecordSet.empty.root);
  t.strictSame([emptied.count, emptied.tombstones, emptied.bytes], [0, 0, 0]);
  t.end();
});

t.test('what is both put and removed stays', (t) => {
  const [record] = make(1);
  t.equal(RecordSet.empty.with([record!], [record!]).count, 1);
  t.equal(RecordSet.empty.with([record!], []).with([record!], [record!]).count, 1);
  t.end();
});

t.test('what is above a lastUpdate is all that is, and nothing else, in order', (t) => {
  const stamped = Array.from({ length: 600 }, (_, i) =>
    makeSealed({ instanceId: `i${i}`, lastUpdate: 1_000 + ((i * 7) % 600) }),
  );
  const whole = RecordSet.empty.with(stamped, []);
  const older = makeSealed({ instanceId: 'i3', lastUpdate: 10 });
  const newer = makeSealed({ instanceId: 'i4', lastUpdate: 5_000 });
  const without = stamped.filter(({ record }) => record.lastUpdate > 1_500);
  for (const set of [RecordSet.empty, whole, whole.with([older, newer], without)])
    for (const lastUpdate of [0, 10, 1_000, 1_300, 1_598, 1_599, 4_999, 5_000]) {
      const above = [...set.records()].filter(({ record }) => record.lastUpdate > lastUpdate);
      t.strictSame([...set.since(lastUpdate)], above, `${set.count} records, ${lastUpdate}`);
    }
  t.equal([...whole.since(1_598)].length, 1);
  t.end();
});

t.test('equal sets have one root and one order, whatever the way there', (t) => {
  const records = make(400);
  const atOnce = RecordSet.empty.with(records, []);
  const oneByOne = records.toReversed().reduce((set, r) => set.with([r], []), RecordSet.empty);
  t.strictSame(oneByOne.root, atOnce.root);
  t.strictSame(contentOf(oneByOne), contentOf(atOnce));
  t.equal(contentOf(atOnce).length, 400);
  t.end();
});

t.test('any other record gives another root', (t) => {
  const records = make(40);
  const roots = records.map((record) =>
    Buffer.from(
      RecordSet.empty.with(records, []).with([makeSealed({ ...record.record, port: 1 })], []).root,
    ).toString('hex'),
  );
  t.equal(new Set(roots).size, 40);
  t.end();
});
