import { deflateRawSync } from 'node:zlib';
import t from 'tap';
import { encodeDeltas } from '../../src/gossip/message.ts';
import type { Delta } from '../../src/gossip/frame.ts';
import { deltasOf } from '../../src/gossip/delta.ts';
import { packDeltas, unpackDeltas, unpackedBytesMax } from '../../src/gossip/packing.ts';
import { ghosts } from './ghosts.ts';

const wallMicros = 1_750_000_000_000_000;

function someDeltas(): Delta[] {
  return ghosts(10, wallMicros, 3).flatMap(({ state }) => deltasOf(state, 0));
}

/** Deltas whose encoding has exactly so many bytes. */
function deltasOfSize(bytes: number): Delta[] {
  const [delta] = someDeltas() as [Delta];
  const filled = (length: number): Delta[] => [{ ...delta, records: [Buffer.alloc(length)] }];
  const length = bytes - 1_000;
  return filled(length + bytes - encodeDeltas(filled(length)).length);
}

t.test('deltas of many owners come back as they were packed, and in fewer bytes', (t) => {
  const deltas = someDeltas();
  const packed = packDeltas(deltas);
  const unpacked = unpackDeltas(packed);
  t.equal(deltas.length, 10);
  t.same(unpacked, { kind: 'opened', value: deltas });
  t.ok(packed.length < 0.8 * encodeDeltas(deltas).length, `${packed.length} bytes`);
  t.same(unpackDeltas(packDeltas([])), { kind: 'opened', value: [] });
  t.end();
});

t.test('a page may unpack to a frame, and to not one byte more', (t) => {
  const most = deltasOfSize(unpackedBytesMax);
  t.equal(encodeDeltas(most).length, unpackedBytesMax);
  t.equal(unpackDeltas(packDeltas(most)).kind, 'opened');
  const over = packDeltas(deltasOfSize(unpackedBytesMax + 1));
  t.same(unpackDeltas(over), { kind: 'refused', reason: 'DECOMPRESS_LIMIT' });
  t.end();
});

t.test('a bomb of 100 MB is given up as soon as it is over the bound', (t) => {
  const bomb = deflateRawSync(Buffer.alloc(100_000_000));
  t.ok(bomb.length < 100_000, `${bomb.length} bytes`);
  const { arrayBuffers, rss } = process.memoryUsage();
  t.same(unpackDeltas(bomb), { kind: 'refused', reason: 'DECOMPRESS_LIMIT' });
  const after = process.memoryUsage();
  const allocated = Math.max(after.arrayBuffers - arrayBuffers, 0);
  t.ok(allocated <= 1.1 * unpackedBytesMax + 65_536, `${allocated} bytes of buffers`);
  t.ok(after.rss - rss < 16 * unpackedBytesMax, `${after.rss - rss} bytes of memory`);
  t.end();
});

t.test('what is no deflate stream, is cut short, or holds no deltas, is malformed', (t) => {
  const packed = packDeltas(someDeltas());
  const malformed = { kind: 'refused', reason: 'MALFORMED' };
  for (const wrong of [
    Buffer.from('garbage'),
    new Uint8Array(0),
    packed.subarray(0, packed.length / 2),
    deflateRawSync(Buffer.from('garbage')),
    deflateRawSync(Buffer.from([0x0a, 0x00])),
  ])
    t.same(unpackDeltas(wrong), malformed, `${wrong.length} bytes`);
  t.end();
});
