import type { Stream } from '@libp2p/interface';
import t from 'tap';
import { FrameReader, FrameWriter } from '../../src/gossip/frame-stream.ts';

/** The little of a libp2p stream that frames need, held in hand. */
class HandStream extends EventTarget {
  status = 'open';
  writableNeedsDrain = false;
  readonly sent: Uint8Array[] = [];
  aborted: Error | undefined;

  send(bytes: Uint8Array): boolean {
    this.sent.push(bytes);
    return !this.writableNeedsDrain;
  }

  close(): Promise<void> {
    this.status = 'closing';
    return Promise.resolve();
  }

  abort(error: Error): void {
    this.aborted = error;
  }

  receive(data: Uint8Array): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data }));
  }

  asStream(): Stream {
    return this as unknown as Stream;
  }
}

function readAll(max: number): { stream: HandStream; frames: string[] } {
  const stream = new HandStream();
  const frames: string[] = [];
  const reader = new FrameReader(max, (bytes) => frames.push(Buffer.from(bytes).toString()));
  reader.start(stream.asStream(), () => undefined);
  return { stream, frames };
}

function write(...texts: string[]): Buffer {
  const stream = new HandStream();
  const writer = new FrameWriter();
  writer.start(stream.asStream(), () => undefined);
  for (const text of texts) writer.write(Buffer.from(text));
  return Buffer.concat(stream.sent);
}

t.test('frames are read as they were written, however the stream cuts them', (t) => {
  const texts = ['one', '2', 'x'.repeat(1_000), 'four'];
  const bytes = write(...texts);
  for (const step of [1, 2, 7, 500, bytes.length]) {
    const { stream, frames } = readAll(2_000);
    for (let at = 0; at < bytes.length; at += step) stream.receive(bytes.subarray(at, at + step));
    t.strictSame(frames, texts, `in pieces of ${step}`);
  }
  t.end();
});

t.test('a frame of no bytes is a frame', (t) => {
  const texts = ['', 'one', '', '', 'x'.repeat(200), ''];
  const bytes = write(...texts);
  for (const step of [1, 3, bytes.length]) {
    const { stream, frames } = readAll(200);
    for (let at = 0; at < bytes.length; at += step) stream.receive(bytes.subarray(at, at + step));
    t.strictSame(frames, texts, `in pieces of ${step}`);
  }
  t.end();
});

t.test('frames of each length up to the bound are read, and none above it', (t) => {
  for (const length of [127, 128, 16_383, 16_384, 20_000]) {
    const text = 'x'.repeat(length);
    const { stream, frames } = readAll(20_000);
    stream.receive(write(text, 'next'));
    t.strictSame(frames, [text, 'next'], `${length} bytes`);
  }
  for (const tooLong of [write('x'.repeat(20_001)), Buffer.alloc(12, 0xff)]) {
    const { stream, frames } = readAll(20_000);
    stream.receive(tooLong.subarray(0, 12));
    t.type(stream.aborted, Error);
    t.strictSame(frames, []);
  }
  t.end();
});

t.test('a length over the bound ends the stream before the frame is read', (t) => {
  const { stream, frames } = readAll(100);
  stream.receive(write('x'.repeat(101)).subarray(0, 10));
  t.type(stream.aborted, Error);
  t.strictSame(frames, []);
  t.end();
});

t.test('what is written before the stream is open waits for it', (t) => {
  const writer = new FrameWriter();
  writer.write(Buffer.from('early'));
  writer.end();
  t.equal(writer.write(Buffer.from('after the end')), false);
  const stream = new HandStream();
  writer.start(stream.asStream(), () => undefined);
  t.equal(Buffer.concat(stream.sent).toString().slice(1), 'early');
  t.equal(stream.status, 'closing', 'and is then closed behind it');
  t.end();
});

t.test('a peer that does not read makes the writer wait, then refuse', (t) => {
  const writer = new FrameWriter();
  const stream = new HandStream();
  stream.writableNeedsDrain = true;
  writer.start(stream.asStream(), () => undefined);
  const mebibyte = new Uint8Array(1024 * 1024);
  let taken = 0;
  while (writer.write(mebibyte)) taken += 1;
  t.equal(taken, 23, 'up to 24 MiB with their lengths');
  t.equal(stream.sent.length, 0);
  stream.writableNeedsDrain = false;
  stream.dispatchEvent(new Event('drain'));
  t.equal(stream.sent.length, taken);
  t.equal(writer.write(mebibyte), true);
  t.end();
});
