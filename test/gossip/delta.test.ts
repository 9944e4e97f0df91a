import t from 'tap';
import { bytesOf, chunkBytesMax, deltasOf } from '../../src/gossip/delta.ts';
import { encodeFrame, frameBytesMax } from '../../src/gossip/message.ts';
import type { Delta } from '../../src/gossip/frame.ts';
import { Owner, register, deregister } from '../registry/fixtures.ts';
import { at } from '../record/fixtures.ts';
import { Ghost } from './ghosts.ts';

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
