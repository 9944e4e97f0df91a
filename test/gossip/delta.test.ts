import t from 'tap';
import { bytesOf, chunkBytesMax, deltasOf, Staging } from '../../src/gossip/delta.ts';
import { encodeFrame, frameBytesMax } from '../../src/gossip/message.ts';
import type { Delta } from '../../src/gossip/frame.ts';
import { Owner, register, deregister } from '../registry/fixtures.ts';
import { at } from '../record/fixtures.ts';
import { Ghost } from './ghosts.ts';
import { LoneNode, peerOf } from './lone-node.ts';

const wallMicros = 1_750_000_000_000_000;
const recordsIn = (deltas: readonly Delta[]): number =>
  deltas.reduce((sum, { records }) => sum + records.length, 0);

t.test('nothing leads from a version that is as new, or newer', (t) => {
  const { state } = new Ghost(100, wallMicros, 3);
  const { lastUpdate } = state.head.head;
  t.strictSame(deltasOf(state, lastUpdate), []);
  t.strictSame(deltasOf(state, lastUpdate + 1), []);
  t.end();
});

t.test('from an older version lead the records above it, under the newest head', (t) => {
  const ghost = new Ghost(100, wallMicros, 5);
  const held = ghost.state.head.head.lastUpdate;
  ghost.register(wallMicros + 9_000_000, 2);
  const [delta, ...rest] = deltasOf(ghost.state, held) as [Delta];
  t.strictSame(rest, []);
  t.match(delta, { whole: false, more: false });
  t.equal(delta.records.length, 2);
  t.equal(delta.head.body, ghost.state.head.body);
  ghost.refresh(wallMicros + 10_000_000);
  const refreshed = ghost.state.head.head.lastUpdate;
  t.equal(recordsIn(deltasOf(ghost.state, refreshed - 1)), 0, 'a mere refresh: the head alone');
  t.end();
});

t.test('from nothing, and from below the floor, leads only the whole', (t) => {
  const owner = new Owner(1, at(0), { tombstonesMax: 1 });
  owner.move([register('a'), register('b'), register('c')], at(10));
  const early = owner.version;
  owner.move([deregister('a'), deregister('b')], at(20));
  const { floor } = owner.state.head.head;
  t.ok(floor > early, 'the tombstones are collected');
  for (const held of [0, early, floor - 1]) {
    const deltas = deltasOf(owner.state, held);
    t.match(deltas, [{ whole: true, more: false }], `from ${held}`);
    t.equal(recordsIn(deltas), owner.state.set.count);
  }
  owner.move([register('d')], at(30));
  t.match(deltasOf(owner.state, floor), [{ whole: false }], 'at the floor nothing is missing');
  t.end();
});

t.test('an owner that fills more than a chunk is cut into chunks that fit a frame', (t) => {
  const { state } = new Ghost(100, wallMicros, 300, 4_000);
  const deltas = deltasOf(state, 0);
  t.equal(deltas.length, Math.ceil(state.set.bytes / chunkBytesMax));
  t.strictSame(
    deltas.map(({ more }) => more),
    deltas.map((_, index) => index < deltas.length - 1),
  );
  t.equal(recordsIn(deltas), 300);
  for (const delta of deltas) {
    t.ok(delta.records.reduce((sum, { length }) => sum + length, 0) <= chunkBytesMax);
    t.ok(encodeFrame(delta).length <= frameBytesMax);
  }
  const heads = deltas.length * (state.head.body.length + state.head.signature.length);
  t.equal(bytesOf(deltas), state.set.bytes + heads);
  t.end();
});

t.test('a chunk of the smallest records fits a frame with all their lengths', (t) => {
  const { state } = new Ghost(100, wallMicros, 9_000, 100);
  const frames = deltasOf(state, 0).map((delta) => encodeFrame(delta).length);
  t.ok(Math.max(...frames) <= frameBytesMax, `${Math.max(...frames)} bytes`);
  t.end();
});

t.test('chunks stay invisible until the last is there', (t) => {
  const staging = new Staging(16 * 1024 * 1024);
  const deltas = deltasOf(new Ghost(100, wallMicros, 300, 4_000).state, 0);
  const taken = deltas.map((delta) => staging.take('peer', delta));
  t.strictSame(taken.slice(0, -1), Array(deltas.length - 1).fill('wait'));
  t.equal(taken.at(-1)?.length, 300);
  t.end();
});

t.test('chunks of two peers, or under two heads, do not mix', (t) => {
  const staging = new Staging(16 * 1024 * 1024);
  const [first, last] = deltasOf(new Ghost(100, wallMicros, 200, 4_000).state, 0) as Delta[];
  const [other, otherLast] = deltasOf(new Ghost(101, wallMicros, 200, 4_000).state, 0) as Delta[];
  if (!first || !last || !other || !otherLast) throw new Error('two chunks each');
  staging.take('a', first);
  staging.take('b', other);
  t.equal(staging.take('b', otherLast).length, 200);
  t.equal(staging.take('a', last).length, 200);
  staging.take('a', first);
  staging.take('a', other);
  t.equal(staging.take('a', last).length, last.records.length, 'the other head came in between');
  staging.take('a', first);
  staging.forget('a');
  t.equal(staging.take('a', last).length, last.records.length, 'nothing is left of it');
  t.end();
});

t.test('more of one owner than it may have is given up', (t) => {
  const { state } = new Ghost(100, wallMicros, 300, 4_000);
  const deltas = deltasOf(state, 0);
  const exact = new Staging(state.set.bytes);
  t.equal(deltas.map((delta) => exact.take('peer', delta)).at(-1)?.length, 300);
  const tight = new Staging(state.set.bytes - 1);
  t.equal(deltas.map((delta) => tight.take('peer', delta)).at(-1), 'too_many');
  t.end();
});

t.test('empty records count for what they take, and no record keeps its frame alive', (t) => {
  const staging = new Staging(54_000);
  const head = { body: Buffer.from('body'), signature: Buffer.alloc(64) };
  const chunk = { kind: 'delta', head, whole: true, more: true } as const;
  const empty = Array.from({ length: 500 }, () => new Uint8Array());
  t.equal(staging.take('peer', { ...chunk, records: empty }), 'wait');
  t.equal(staging.take('peer', { ...chunk, records: empty }), 'wait', 'a thousand of 54 bytes');
  t.equal(staging.take('peer', { ...chunk, records: [new Uint8Array()] }), 'too_many');
  staging.forget('peer');
  const records = [Buffer.alloc(1_000_000).subarray(0, 60)];
  staging.take('peer', { ...chunk, records });
  const [kept] = staging.take('peer', { ...chunk, records, more: false }) as Uint8Array[];
  t.ok((kept?.buffer.byteLength ?? Infinity) < 10_000);
  t.end();
});

t.test('a staged delta over the bound is counted once, and leaves nothing behind', (t) => {
  const { state } = new Ghost(100, wallMicros, 600, 4_000);
  const node = new LoneNode({ config: { bytesPerOwnerMax: 600_000 } });
  const deltas = deltasOf(state, 0);
  t.ok(deltas.length > 4, 'the bound is passed long before the last chunk');
  const answers = deltas.flatMap((delta) => node.on(peerOf(2), delta));
  t.strictSame(answers, [], 'nobody is asked for it again');
  t.equal(node.registry.refusals.get('TOO_MANY_RECORDS'), 1);
  t.equal(node.registry.refusals.get('ROOT_MISMATCH'), 0, 'the rest is not taken for a whole');
  t.equal(node.registry.state(state.head.head.owner), undefined);
  const small = new Ghost(101, wallMicros, 2);
  for (const delta of deltasOf(small.state, 0)) node.on(peerOf(2), delta);
  t.equal(node.registry.state(small.owner)?.set.count, 2, 'the next owner is taken again');
  t.end();
});
