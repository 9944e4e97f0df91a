/**
 * Frames that are bombs: refused by name before they take more than they weigh.
 *
 * What is no number, no length and no nesting of ours is MALFORMED: messages nest three deep, so a
 * deeper one has no meaning to refuse under a name of its own.
 */
import { deflateRawSync } from 'node:zlib';
import { Writer } from 'protobufjs/minimal.js';
import t from 'tap';
import { decodeDeltas, decodeFrame, decodeRumor } from '../../src/gossip/message.ts';
import { fieldsMax, frameBytesMax, rumorBytesMax } from '../../src/gossip/message.ts';
import { unpackDeltas } from '../../src/gossip/packing.ts';
import type { RefusalReason } from '../../src/record/verdict.ts';
import { TestCluster } from '../gossip/cluster.ts';
import { HostilePeer, refusedSince, stateOf } from './hostile-peer.ts';

const mebibyte = 1024 * 1024;
/** Numbers of the fields of `Frame`. */
const field = { digest: 3, delta: 4, done: 6, rumor: 7, page: 15 };

function holding(number: number, content: Uint8Array): Buffer {
  const writer = Writer.create().uint32(number * 8 + 2);
  return Buffer.from(writer.bytes(content).finish());
}

/** The same bytes again and again, up to so many in all. */
function filled(bytes: readonly number[], size: number): Buffer {
  return Buffer.alloc(size - (size % bytes.length), Uint8Array.from(bytes));
}

const sealed = Buffer.concat([holding(1, Buffer.from('body')), holding(2, Buffer.alloc(64))]);
const head = holding(1, sealed);
const emptyRecord = [0x1a, 0x00];
const emptyBytes = [0x0a, 0x00];
const startOfGroup = 15 * 8 + 3;
const endOfGroup = 15 * 8 + 4;
const room = frameBytesMax - 200;

const bombs: readonly (readonly [string, RefusalReason, Uint8Array])[] = [
  ['a byte too long', 'FRAME_TOO_LARGE', Buffer.alloc(frameBytesMax + 1)],
  [
    'half a million empty records',
    'TOO_MANY_FIELDS',
    holding(field.delta, Buffer.concat([head, filled(emptyRecord, room)])),
  ],
  [
    'half a million empty records in a rumor',
    'TOO_MANY_FIELDS',
    holding(field.rumor, Buffer.concat([head, filled(emptyRecord, room)])),
  ],
  [
    'half a million fields in an accusation of a rumor',
    'TOO_MANY_FIELDS',
    holding(field.rumor, holding(4, filled(emptyBytes, room))),
  ],
  ['half a million digests', 'TOO_MANY_FIELDS', filled([0x1a, 0x00], room)],
  ['a digest of half a million bodies', 'TOO_MANY_FIELDS', holding(3, filled(emptyBytes, room))],
  [
    'a head of half a million bodies in a delta',
    'TOO_MANY_FIELDS',
    holding(field.delta, holding(1, filled(emptyBytes, room))),
  ],
  [
    'half a million fields that nobody knows',
    'TOO_MANY_FIELDS',
    holding(field.done, filled([0x78, 0x00], room)),
  ],
  [
    'half a million groups side by side',
    'TOO_MANY_FIELDS',
    filled([startOfGroup, endOfGroup], room),
  ],
  ['groups, ten thousand deep', 'MALFORMED', Buffer.alloc(10_000, startOfGroup)],
  ['groups, a million deep', 'TOO_MANY_FIELDS', Buffer.alloc(room, startOfGroup)],
  ['a length of 2 GiB', 'MALFORMED', Buffer.from([0x22, 0xff, 0xff, 0xff, 0xff, 0x07, 1, 2, 3])],
  ['a length of 2^63', 'MALFORMED', Buffer.concat([Buffer.from([0x22]), Buffer.alloc(9, 0xff)])],
  [
    'a length beyond the end of what holds it',
    'MALFORMED',
    holding(field.delta, Buffer.from([0x0a, 0x05, 1])),
  ],
  [
    'a number of 11 bytes',
    'MALFORMED',
    holding(field.done, Buffer.from([0x08, ...Array<number>(10).fill(0xff), 0x01])),
  ],
  ['a number without end', 'MALFORMED', holding(field.done, Buffer.alloc(1_000_000, 0xff))],
  ['field number 0', 'MALFORMED', Buffer.from([0x02, 0x00])],
  ['wire type 7', 'MALFORMED', Buffer.from([0x27, 0x00])],
];

t.test(
  'each of them is refused by its name, changes nothing, and the third is the last',
  async (t) => {
    const cluster = await TestCluster.of(1);
    const node = cluster.node(1);
    for (const [index, [what, reason, bytes]] of bombs.entries()) {
      const peer = HostilePeer.greeted(cluster, 700 + index, node);
      const [before, counted] = [stateOf(node), refusedSince(node)];
      for (let time = 0; time < 5; time++) peer.sendBytes(node.registry.self, bytes);
      cluster.run(3);
      t.strictSame(refusedSince(node, counted), { [reason]: 3 }, what);
      t.notOk(peer.isLinked(node));
      // Whoever was banned is linked no more, and dead; nothing else is different.
      t.strictSame(JSON.parse(stateOf(node))[0], JSON.parse(before)[0]);
    }
  },
);

t.test('a number of 10 bytes is a number', (t) => {
  const bytes = holding(field.done, Buffer.from([0x08, ...Array<number>(9).fill(0xff), 0x01]));
  t.match(decodeFrame(bytes), { kind: 'opened', value: { kind: 'done', more: false } });
  t.end();
});

t.test(`${fieldsMax} fields are taken, and one more is not`, (t) => {
  const frame = (fields: number): Buffer =>
    holding(field.done, filled([0x78, 0x00], 2 * (fields - 1)));
  t.match(decodeFrame(frame(fieldsMax)), { kind: 'opened' });
  t.same(decodeFrame(frame(fieldsMax + 1)), { kind: 'refused', reason: 'TOO_MANY_FIELDS' });
  const rumor = (fields: number): Buffer =>
    Buffer.concat([head, filled(emptyRecord, 2 * (fields - 3))]);
  t.match(decodeRumor(rumor(fieldsMax)), { kind: 'opened' });
  t.same(decodeRumor(rumor(fieldsMax + 1)), { kind: 'refused', reason: 'TOO_MANY_FIELDS' });
  const delta = (fields: number): Buffer =>
    holding(1, Buffer.concat([head, filled(emptyRecord, 2 * (fields - 4))]));
  t.match(decodeDeltas(delta(fieldsMax)), { kind: 'opened' });
  t.same(decodeDeltas(delta(fieldsMax + 1)), { kind: 'refused', reason: 'TOO_MANY_FIELDS' });
  t.end();
});

t.test('a page of a kilobyte that unpacks to a bomb is refused by name', (t) => {
  const reasons: [RefusalReason, Uint8Array][] = [
    ['DECOMPRESS_LIMIT', Buffer.alloc(100 * mebibyte)],
    ['TOO_MANY_FIELDS', filled(emptyBytes, mebibyte)],
    ['TOO_MANY_FIELDS', holding(1, Buffer.concat([head, filled(emptyRecord, mebibyte - 200)]))],
    ['MALFORMED', Buffer.alloc(9_000, startOfGroup)],
  ];
  for (const [reason, bytes] of reasons) {
    const packed = deflateRawSync(bytes);
    t.ok(packed.length < 110_000, `${bytes.length} bytes travel as ${packed.length}`);
    t.same(unpackDeltas(packed), { kind: 'refused', reason });
  }
  t.end();
});

t.test('a broadcast rumor has bounds of its own', async (t) => {
  const cluster = await TestCluster.of(1);
  const node = cluster.node(1);
  const large = Buffer.alloc(2 * rumorBytesMax + 1);
  const full = Buffer.concat([head, filled(emptyRecord, 2 * rumorBytesMax - head.length - 1)]);
  t.equal(node.agent.rumor('relay 1', large), 'reject');
  t.equal(node.agent.rumor('relay 2', full), 'reject');
  t.strictSame(refusedSince(node), { FRAME_TOO_LARGE: 1, TOO_MANY_FIELDS: 1 });
});

t.test('no frame takes a few times more memory than it weighs', (t) => {
  const { gc } = globalThis;
  const frames = [
    ...bombs.map(([, , bytes]) => bytes),
    holding(field.delta, Buffer.concat([head, filled(emptyRecord, 2 * (fieldsMax - 4))])),
  ];
  // Without a collector to call, the most that is held at once is what the last one left.
  gc?.();
  const before = process.memoryUsage();
  const kept = frames.map((bytes) => decodeFrame(bytes));
  const after = process.memoryUsage();
  const taken = after.heapUsed + after.external - before.heapUsed - before.external;
  t.ok(taken < 16 * mebibyte, `${Math.round(taken / 1024)} KiB for ${kept.length} frames`);
  t.end();
});
