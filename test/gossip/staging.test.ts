import t from 'tap';
import { Counters } from '../../src/base/counters.ts';
import { deltasOf } from '../../src/gossip/delta.ts';
import type { Delta } from '../../src/gossip/frame.ts';
import { Staging, stagedBytesMax } from '../../src/gossip/staging.ts';
import { defaults } from '../../src/daemon/config-options.ts';
import { Ghost } from './ghosts.ts';
import { LoneNode, peerOf } from './lone-node.ts';

const wallMicros = 1_750_000_000_000_000;
const stagingOf = (bytesMax: number): Staging => new Staging(bytesMax, new Counters());

t.test('chunks stay invisible until the last is there', (t) => {
  const staging = stagingOf(16 * 1024 * 1024);
  const deltas = deltasOf(new Ghost(100, wallMicros, 300, 4_000).state, 0);
  const taken = deltas.map((delta) => staging.take('peer', delta));
  t.strictSame(taken.slice(0, -1), Array(deltas.length - 1).fill('wait'));
  t.equal(taken.at(-1)?.length, 300);
  t.end();
});

t.test('chunks of two peers, or under two heads, do not mix', (t) => {
  const staging = stagingOf(16 * 1024 * 1024);
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
  const exact = stagingOf(state.set.bytes);
  t.equal(deltas.map((delta) => exact.take('peer', delta)).at(-1)?.length, 300);
  const tight = stagingOf(state.set.bytes - 1);
  t.equal(deltas.map((delta) => tight.take('peer', delta)).at(-1), 'too_many');
  t.end();
});

t.test('empty records count for what they take, and no record keeps its frame alive', (t) => {
  const staging = stagingOf(54_000);
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

/** Chunks of 100 bytes under a head of their own, and the last one. */
function chunksOf(number: number): { chunk: Delta; last: Delta } {
  const head = { body: Buffer.from('body'), signature: Buffer.alloc(64, number) };
  const records = [Buffer.alloc(100, number)];
  const chunk = { kind: 'delta', head, whole: true, records, more: true } as const;
  return { chunk, last: { ...chunk, more: false } };
}

t.test('of all that is staged, one byte over the total, the longest untouched is given up', (t) => {
  const counters = new Counters();
  const staging = new Staging(300, counters, 500);
  const [a, b, c] = [chunksOf(1), chunksOf(2), chunksOf(3)];
  for (const peer of [1, 2, 3, 4, 5]) staging.take(`p${peer}`, chunksOf(peer).chunk);
  t.equal(staging.bytes, 500);
  t.equal(counters.get('deltas_given_up'), 0);
  t.equal(staging.take('p1', a.chunk), 'wait');
  t.equal(counters.get('deltas_given_up'), 1);
  t.equal(staging.bytes, 500);
  t.equal(staging.take('p2', b.chunk), 'wait', 'what is left of it is let pass');
  t.equal(staging.take('p2', b.last), 'wait', 'and not taken for all there is');
  t.equal(staging.bytes, 500);
  t.equal(staging.take('p1', a.last).length, 3, 'who went on is whole');
  t.equal(staging.take('p3', c.last).length, 2);
  t.equal(staging.bytes, 200);
  t.equal(staging.take('p2', b.last).length, 1, 'its next delta begins anew');
  for (const peer of ['p4', 'p5', 'p6']) staging.forget(peer);
  t.equal(staging.bytes, 0);
  t.end();
});

t.test('as many peers as may be connected stage no more than 64 MiB between them', (t) => {
  const staging = stagingOf(defaults.bytesPerOwnerMax);
  const [chunk] = deltasOf(new Ghost(100, wallMicros, 200, 4_000).state, 0);
  if (chunk === undefined) throw new Error('a chunk');
  let most = 0;
  for (let round = 0; round < 4; round++)
    for (let peer = 0; peer < defaults.connectionsMax; peer++) {
      staging.take(`peer ${peer}`, chunk);
      most = Math.max(most, staging.bytes);
    }
  t.ok(most <= stagedBytesMax && most > stagedBytesMax - 1024 * 1024, `${most} bytes`);
  t.equal(stagedBytesMax, 64 * 1024 * 1024);
  t.end();
});
