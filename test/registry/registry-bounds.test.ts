/** Every bound of the registry, held exactly and gone over by one. */
import t from 'tap';
import { at, makeSealed } from '../record/fixtures.ts';
import { thrownBy } from '../store/fixtures.ts';
import {
  deregister,
  eventsAfter,
  Owner,
  register,
  sendWhole,
  shown,
  startNode,
} from './fixtures.ts';
import { WatchedStore } from './fixtures.ts';

const refused = (reason: string) => ({ kind: 'refused', reason });

t.test('a clock may be 60 s ahead, and 61 s are refused by name', (t) => {
  const node = startNode();
  t.strictSame(sendWhole(node, new Owner(2, at(61_000)).state, at(0)), refused('CLOCK_AHEAD'));
  t.equal(sendWhole(node, new Owner(3, at(59_000)).state, at(0)).kind, 'applied');
  t.equal(sendWhole(node, new Owner(4, at(60_000)).state, at(0)).kind, 'applied');
  t.equal(node.refusals.get('CLOCK_AHEAD'), 1);
  t.end();
});

t.test('a head older than reapAfterMs is accepted from nobody', (t) => {
  const reapAfterMs = 100_000;
  const node = startNode({ config: { reapAfterMs } });
  t.strictSame(sendWhole(node, new Owner(2, at(-100_001)).state, at(0)), refused('EXPIRED'));
  t.equal(sendWhole(node, new Owner(3, at(-100_000)).state, at(0)).kind, 'applied');
  t.equal(node.refusals.get('EXPIRED'), 1);
  t.end();
});

t.test('a head of another cluster is refused', (t) => {
  const node = startNode();
  const { head } = new Owner(2).state;
  const body = Buffer.from(head.body);
  body.write('prod', 2);
  const verdict = node.receive({ body, signature: head.signature }, [], true, at(0));
  t.strictSame(verdict, refused('WRONG_CLUSTER'));
  t.equal(node.refusals.get('WRONG_CLUSTER'), 1);
  t.end();
});

t.test('a head may be as large as headBytesMax', (t) => {
  const { state } = new Owner(2);
  const headBytesMax = state.head.body.length;
  const facts = { name: '' };
  const node = startNode({ facts, config: { headBytesMax } });
  t.equal(sendWhole(node, state, at(0)).kind, 'applied');
  const strict = startNode({ facts, config: { headBytesMax: headBytesMax - 1 } });
  t.strictSame(sendWhole(strict, state, at(0)), refused('HEAD_TOO_LARGE'));
  t.end();
});

t.test('a record may be as large as recordBytesMax', (t) => {
  const other = new Owner(2);
  const { next, puts } = other.move([register('a')], at(0));
  const recordBytesMax = puts[0]!.bytes.length;
  t.equal(sendWhole(startNode({ config: { recordBytesMax } }), next, at(0)).kind, 'applied');
  const strict = startNode({ config: { recordBytesMax: recordBytesMax - 1 } });
  t.strictSame(sendWhole(strict, next, at(0)), refused('RECORD_TOO_LARGE'));
  t.end();
});

t.test('an owner may have as many records as recordsPerOwnerMax', (t) => {
  const other = new Owner(2);
  const node = startNode({ config: { recordsPerOwnerMax: 2 } });
  const two = other.move([register('a'), register('b')], at(0)).next;
  t.equal(sendWhole(node, two, at(0)).kind, 'applied');
  const three = other.move([register('c')], at(1)).next;
  t.strictSame(sendWhole(node, three, at(1)), refused('TOO_MANY_RECORDS'));
  t.strictSame(shown(node), ['a', 'b'], 'what was held stays');
  t.end();
});

t.test('an owner may have as many bytes as bytesPerOwnerMax', (t) => {
  const other = new Owner(2);
  const { next } = other.move([register('a'), register('b')], at(0));
  const bytesPerOwnerMax = next.set.bytes;
  t.equal(sendWhole(startNode({ config: { bytesPerOwnerMax } }), next, at(0)).kind, 'applied');
  const strict = startNode({ config: { bytesPerOwnerMax: bytesPerOwnerMax - 1 } });
  t.strictSame(sendWhole(strict, next, at(0)), refused('TOO_MANY_RECORDS'));
  t.end();
});

t.test('over headsMax a new owner is refused, and known ones go on', (t) => {
  const node = startNode({ config: { headsMax: 3 } });
  const [second, third, fourth] = [new Owner(2), new Owner(3), new Owner(4)];
  t.equal(sendWhole(node, second.state, at(0)).kind, 'applied');
  t.equal(sendWhole(node, third.state, at(0)).kind, 'applied');
  t.strictSame(sendWhole(node, fourth.state, at(0)), refused('TOO_MANY_HEADS'));
  t.equal(node.state(fourth.id), undefined);
  t.equal(sendWhole(node, second.move([register('a')], at(1)).next, at(1)).kind, 'applied');
  t.end();
});

t.test('over recordsMax a new owner is refused, and known ones go on', (t) => {
  const node = startNode({ config: { recordsMax: 3 } });
  const [second, third] = [new Owner(2), new Owner(3)];
  sendWhole(node, second.move([register('a'), register('b')], at(0)).next, at(0));
  const two = third.move([register('c'), register('d')], at(0)).next;
  t.strictSame(sendWhole(node, two, at(0)), refused('TOO_MANY_RECORDS'));
  t.equal(node.state(third.id), undefined);
  const more = second.move([register('e'), register('f')], at(1)).next;
  t.equal(sendWhole(node, more, at(1)).kind, 'applied');
  t.end();
});

t.test('records of a reaped owner make room for those of a new one', (t) => {
  const reapAfterMs = 100_000;
  const node = startNode({ config: { recordsMax: 2, reapAfterMs } });
  sendWhole(node, new Owner(2).move([register('a'), register('b')], at(0)).next, at(0));
  const late = new Owner(3, at(200_000)).move([register('c')], at(200_000)).next;
  t.strictSame(sendWhole(node, late, at(200_000)), refused('TOO_MANY_RECORDS'));
  node.tick(at(200_000));
  t.equal(sendWhole(node, late, at(200_000)).kind, 'applied');
  t.end();
});

t.test('an own record over recordBytesMax is refused with both sizes', (t) => {
  const node = startNode({ config: { recordBytesMax: 300 } });
  const [large] = node.commit([register('a', { metadata: { note: 'x'.repeat(400) } })], at(1));
  t.match(large, {
    kind: 'failed',
    error: { code: 'INVALID_ARGUMENT', reason: 'RECORD_TOO_LARGE' },
  });
  t.match(large, {
    error: { message: /takes \d+ bytes, the bound is 300: shorten its metadata or tags/ },
  });
  t.strictSame(shown(node), []);
  const [fits] = node.commit([register('a')], at(2));
  t.equal(fits?.kind, 'done');
  t.end();
});

t.test(
  'own records over recordsPerOwnerMax are refused, and a change of a known one is not',
  (t) => {
    const node = startNode({ config: { recordsPerOwnerMax: 2, tombstonesMax: 0 } });
    const results = node.commit([register('a'), register('b'), register('c')], at(1));
    const failed = {
      kind: 'failed',
      error: { code: 'RESOURCE_EXHAUSTED', reason: 'TOO_MANY_RECORDS' },
    };
    t.match(results, [{ kind: 'done' }, { kind: 'done' }, failed]);
    t.match(results[2], {
      error: { message: /this daemon holds 2 records of its own in \d+ bytes/ },
    });
    t.match(node.commit([register('a', { port: 81 })], at(2)), [{ kind: 'done' }]);
    t.match(node.commit([deregister('a')], at(3)), [{ kind: 'done' }], 'a tombstone always fits');
    t.match(node.commit([register('c')], at(4)), [{ kind: 'done' }]);
    t.strictSame(shown(node), ['b', 'c']);
    t.end();
  },
);

t.test('own bytes over bytesPerOwnerMax are refused', (t) => {
  const { bytes } = makeSealed({ instanceId: 'a' });
  const node = startNode({ config: { bytesPerOwnerMax: bytes.length * 2 } });
  const fill = [register('a'), register('b'), register('c')];
  const kinds = node.commit(fill, at(1)).map(({ kind }) => kind);
  t.strictSame(kinds, ['done', 'failed', 'failed']);
  t.end();
});

t.test('the feed keeps changeFeedMax events, and a slower follower is told to list again', (t) => {
  const node = startNode({ config: { changeFeedMax: 3 } });
  for (let i = 1; i <= 3; i++) node.commit([register(`i${i}`)], at(i));
  t.equal(node.feed.read(1).kind, 'changes');
  t.strictSame(node.feed.read(0), { kind: 'lost' });
  node.commit([register('i4')], at(4));
  t.strictSame(node.feed.read(1), { kind: 'lost' });
  t.strictSame(eventsAfter(node, 2), ['up i2 registered', 'up i3 registered', 'up i4 registered']);
  t.strictSame(node.feed.read(node.feed.revision + 1), { kind: 'lost' }, 'a cursor from nowhere');
  t.end();
});

t.test('facts that would make a head too large for everyone are refused with both sizes', (t) => {
  const store = new WatchedStore();
  const node = startNode({ store, config: { headBytesMax: 300 } });
  const before = node.state(node.self);
  const addresses = Array.from({ length: 40 }, (_, i) => `/ip4/10.0.0.${i}/tcp/7600`);
  const error = thrownBy(() => node.commit([{ kind: 'facts', facts: { addresses } }], at(1)));
  t.equal(error.code, 'INVALID_ARGUMENT');
  t.equal(error.reason, 'CONFIG');
  t.match(error.message, /head takes \d+ bytes, the bound is 300: shorten its name or advertise/);
  t.equal(node.state(node.self), before);
  t.equal(store.batches.length, 1);
  node.commit([register('a')], at(2));
  t.strictSame(shown(node), ['a'], 'and the facts of before stay in force');
  t.end();
});

t.test('over bytesMax a new owner is refused, and known ones go on', (t) => {
  const second = new Owner(2);
  const { next } = second.move([register('a'), register('b')], at(0));
  const node = startNode({ config: { bytesMax: next.set.bytes } });
  t.equal(sendWhole(node, next, at(0)).kind, 'applied');
  const one = new Owner(3).move([register('c')], at(0)).next;
  t.strictSame(sendWhole(node, one, at(0)), refused('TOO_MANY_RECORDS'));
  t.equal(node.refusals.get('TOO_MANY_RECORDS'), 1);
  t.equal(sendWhole(node, second.move([register('c')], at(1)).next, at(1)).kind, 'applied');
  t.end();
});

t.test('an owner whose first head had no records is as good as new when they come', (t) => {
  const node = startNode({ config: { recordsMax: 2 } });
  const [second, third] = [new Owner(2), new Owner(3)];
  t.equal(sendWhole(node, third.state, at(0)).kind, 'applied');
  sendWhole(node, second.move([register('a'), register('b')], at(0)).next, at(0));
  const flood = third.move([register('c')], at(1)).next;
  t.strictSame(sendWhole(node, flood, at(1)), refused('TOO_MANY_RECORDS'));
  t.equal(node.state(third.id)?.set.count, 0, 'what was held stays');
  const fresh = new Owner(3, at(2)).state;
  t.equal(sendWhole(node, fresh, at(2)).kind, 'applied', 'it lives on without them');
  const gone = second.move(
    [deregister('a'), { kind: 'reclaim', above: second.state.head.head }],
    at(3),
  );
  t.equal(gone.next.set.count, 1);
  t.equal(sendWhole(node, gone.next, at(3)).kind, 'applied');
  const late = new Owner(3, at(4)).move([register('c')], at(4)).next;
  t.equal(sendWhole(node, late, at(4)).kind, 'applied', 'there is room again');
  t.end();
});

t.test('heads of a future that was a wrong clock of ours are dropped, and come again true', (t) => {
  const node = startNode();
  const store = node.state(node.self);
  const wrong = { monoMs: 10, wallMicros: at(100_000_000).wallMicros };
  const ahead = new Owner(2, at(100_000_000)).move([register('a')], wrong).next;
  t.equal(sendWhole(node, ahead, wrong).kind, 'applied');
  node.commit([register('mine')], wrong);
  const true1 = new Owner(3).move([register('b')], at(11)).next;
  node.tick({ monoMs: 11, wallMicros: wrong.wallMicros });
  t.equal(sendWhole(node, true1, at(12)).kind, 'applied');
  node.tick(at(13));
  t.strictSame(shown(node), ['b', 'mine'], 'never what is our own');
  t.strictSame(sendWhole(node, ahead, at(14)), refused('CLOCK_AHEAD'));
  const honest = new Owner(2, at(14)).move([register('a')], at(14)).next;
  t.equal(sendWhole(node, honest, at(15)).kind, 'applied');
  t.strictSame(shown(node), ['a', 'b', 'mine']);
  t.ok(node.state(node.self)!.head.head.lastUpdate > store!.head.head.lastUpdate);
  t.end();
});

t.test('an own registration over recordsPerOwnerMax for tombstones alone gets through', (t) => {
  const node = startNode({ config: { recordsPerOwnerMax: 2, tombstonesMax: 2 } });
  const peer = startNode({ key: 2, config: { recordsPerOwnerMax: 2 } });
  node.commit([register('a'), register('b')], at(1));
  node.commit([deregister('a')], at(2));
  sendWhole(peer, node.state(node.self)!, at(2));
  t.match(node.commit([register('c')], at(3)), [{ kind: 'done' }]);
  t.strictSame(shown(node), ['b', 'c']);
  t.equal(sendWhole(peer, node.state(node.self)!, at(4)).kind, 'applied');
  t.strictSame(shown(peer), ['b', 'c']);
  t.match(node.commit([register('d')], at(5)), [{ error: { reason: 'TOO_MANY_RECORDS' } }]);
  t.end();
});
