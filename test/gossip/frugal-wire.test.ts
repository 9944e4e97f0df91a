import type { MessageStream } from '@libp2p/interface';
import t from 'tap';
import { gatherWindowUpdates, joinWrites } from '../../src/gossip/frugal-wire.ts';

const kib = 1024;

type Sent = Parameters<MessageStream['send']>[0];

/** The little of a stream that is written to, held in hand. */
class HandStream {
  readonly sent: Uint8Array[] = [];
  /** Whether each call had all in one piece. */
  readonly areWhole: boolean[] = [];
  writableNeedsDrain = false;

  send(data: Sent): boolean {
    this.areWhole.push(data instanceof Uint8Array);
    this.sent.push(data.slice());
    return !this.writableNeedsDrain;
  }

  asStream(): MessageStream {
    return this as unknown as MessageStream;
  }
}

/** As libp2p hands pieces on: what is taken of it is a copy. */
function listOf(...pieces: Uint8Array[]): Sent {
  const slice = (from?: number, to?: number): Uint8Array =>
    Uint8Array.from(Buffer.concat(pieces)).subarray(from, to);
  return { slice, subarray: slice } as unknown as Sent;
}

/** A frame of yamux: a window update unless it has data. */
function frame(
  streamId: number,
  length: number,
  { flags = 0, data = new Uint8Array() } = {},
): Sent {
  const header = new Uint8Array(12);
  const view = new DataView(header.buffer);
  view.setUint8(1, data.length > 0 ? 0 : 1);
  view.setUint16(2, flags);
  view.setUint32(4, streamId);
  view.setUint32(8, length);
  return data.length > 0 ? listOf(header, data) : header;
}

/** Streams and lengths of the window updates that went out. */
function updates({ sent }: HandStream): [number, number][] {
  return sent
    .map((bytes) => new DataView(bytes.buffer, bytes.byteOffset))
    .filter((view) => view.getUint8(1) === 1)
    .map((view) => [view.getUint32(4), view.getUint32(8)]);
}

t.test('what is sent in pieces is one write, with the same bytes', (t) => {
  const below = new HandStream();
  const stream = joinWrites(below.asStream());
  stream.send(listOf(Uint8Array.of(0, 3), Uint8Array.of(7, 8, 9)));
  stream.send(Uint8Array.of(1));
  t.strictSame(below.areWhole, [true, true]);
  t.strictSame(below.sent, [Uint8Array.of(0, 3, 7, 8, 9), Uint8Array.of(1)]);
  t.end();
});

t.test('window updates wait until they are worth 64 KiB, and none of their bytes is lost', (t) => {
  const below = new HandStream();
  const stream = gatherWindowUpdates(below.asStream());
  for (let sent = 0; sent < 200; sent++) stream.send(frame(1, kib));
  stream.send(frame(3, kib));
  t.strictSame(updates(below), [
    [1, 64 * kib],
    [1, 64 * kib],
    [1, 64 * kib],
  ]);
  stream.send(frame(3, 500 * kib));
  t.strictSame(updates(below).at(-1), [3, 501 * kib], 'a window that grows passes at once');
  t.end();
});

t.test('frames with data, and what begins or ends a stream, pass as they are', (t) => {
  const below = new HandStream();
  const stream = gatherWindowUpdates(below.asStream());
  const frames = [
    frame(1, 0, { flags: 1 }),
    frame(1, 3, { data: Uint8Array.of(1, 2, 3) }),
    frame(2, 0, { flags: 2 }),
    frame(1, 0, { flags: 4 }),
  ];
  for (const each of frames) stream.send(each);
  t.strictSame(
    below.sent,
    frames.map((each) => each.slice()),
  );
  t.end();
});

t.test('what was held back for a stream ends with it', (t) => {
  const below = new HandStream();
  const stream = gatherWindowUpdates(below.asStream());
  stream.send(frame(1, 60 * kib));
  stream.send(frame(1, 0, { flags: 8 }));
  stream.send(frame(1, 60 * kib));
  t.strictSame(updates(below), [[1, 0]], 'the reset alone');
  t.end();
});

t.test('updates are held back for 256 streams; those of others pass at once', (t) => {
  const below = new HandStream();
  const stream = gatherWindowUpdates(below.asStream());
  for (let streamId = 1; streamId <= 257; streamId++) stream.send(frame(streamId, kib));
  t.strictSame(updates(below), [[257, kib]]);
  t.end();
});

t.test('an update that is held back tells whether more can be sent', (t) => {
  const below = new HandStream();
  const stream = gatherWindowUpdates(below.asStream());
  t.equal(stream.send(frame(1, kib)), true);
  below.writableNeedsDrain = true;
  t.equal(stream.send(frame(1, kib)), false);
  t.end();
});
