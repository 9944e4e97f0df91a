/**
 * Frames on a libp2p stream: each with its length before it, as a varint.
 */
import type { Stream } from '@libp2p/interface';
import { LengthPrefixedDecoder } from '@libp2p/utils';
import { Writer } from 'protobufjs/minimal.js';
import { assert } from '../base/assert.ts';

/** What a peer that does not read may leave unsent here. */
const unsentBytesMax = 24 * 1024 * 1024;

/** Writes frames; those that come before the stream is open wait for it. */
export class FrameWriter {
  #stream: Stream | undefined;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #isEnded = false;

  /** @param closed called when the stream closes, however it does */
  start(stream: Stream, closed: () => void): void {
    this.#stream = stream;
    stream.addEventListener('close', closed, { once: true });
    stream.addEventListener('drain', () => this.#flush());
    // Nothing is ever read here; what comes is dropped.
    stream.addEventListener('message', () => undefined);
    this.#flush();
  }

  /** @returns false when the frame was dropped: too much is waiting, or the link is ending */
  write(bytes: Uint8Array): boolean {
    // The decoder on the other side passes over empty frames without a word.
    assert(bytes.length > 0, 'a frame is not empty');
    if (this.#isEnded || this.#waitingBytes + bytes.length > unsentBytesMax) return false;
    const framed = Writer.create().bytes(bytes).finish();
    this.#waiting.push(framed);
    this.#waitingBytes += framed.length;
    this.#flush();
    return true;
  }

  /** Takes no more; closes the stream behind what was written, so that the reader sees its end. */
  end(): void {
    this.#isEnded = true;
    this.#flush();
  }

  #flush(): void {
    const stream = this.#stream;
    // Not open yet: `start` comes, or the connection ends.
    if (stream === undefined) return;
    while (this.#waiting.length > 0) {
      if (stream.status !== 'open') {
        this.#waiting = [];
        return;
      }
      if (stream.writableNeedsDrain) return;
      const framed = this.#waiting.shift() as Uint8Array;
      this.#waitingBytes -= framed.length;
      stream.send(framed);
    }
    if (this.#isEnded) stream.close().catch((error: Error) => stream.abort(error));
  }
}

/** Reads frames; a stream that breaks the rules is aborted. */
export class FrameReader {
  readonly #decoder: LengthPrefixedDecoder;
  readonly #frame: (bytes: Uint8Array) => void;

  /** @param frameBytesMax longer frames end the stream before they are read */
  constructor(frameBytesMax: number, frame: (bytes: Uint8Array) => void) {
    const maxBufferSize = 2 * frameBytesMax;
    this.#decoder = new LengthPrefixedDecoder({ maxDataLength: frameBytesMax, maxBufferSize });
    this.#frame = frame;
  }

  /** @param ended called when the other side has ended the stream and all of it was read */
  start(stream: Stream, ended: () => void): void {
    stream.addEventListener('end', ended, { once: true });
    stream.addEventListener('message', ({ data }) => {
      try {
        for (const frame of this.#decoder.decode(data)) this.#frame(frame.subarray());
      } catch (error) {
        stream.abort(error as Error);
      }
    });
  }
}
