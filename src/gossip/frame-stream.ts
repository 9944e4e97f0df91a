/**
 * Frames on a libp2p stream: each with its length before it, as a varint.
 */
import type { Stream } from '@libp2p/interface';
import { LengthPrefixedDecoder } from '@libp2p/utils';
import { Writer } from 'protobufjs/minimal.js';

/** What a peer that does not read may leave unsent here. */
const unsentBytesMax = 24 * 1024 * 1024;
/** Of a varint before a frame; longer ones name no length that is allowed. */
const lengthBytesMax = 5;

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
    // The decoder drops what has no bytes, and a frame may have none. So it is told that the last byte
    // of the length is the first of the frame.
    this.#decoder = new LengthPrefixedDecoder({
      maxDataLength: frameBytesMax + 1,
      maxBufferSize,
      lengthDecoder: (bytes) => readLength(bytes) + 1,
      encodingLength: (length) => lengthBytes(length - 1) - 1,
    });
    this.#frame = frame;
  }

  /** @param ended called when the other side has ended the stream and all of it was read */
  start(stream: Stream, ended: () => void): void {
    stream.addEventListener('end', ended, { once: true });
    stream.addEventListener('message', ({ data }) => {
      try {
        for (const frame of this.#decoder.decode(data)) this.#frame(frame.subarray(1));
      } catch (error) {
        stream.abort(error as Error);
      }
    });
  }
}

/** A varint. @throws RangeError when not all of it has come; Infinity when it is longer than any */
function readLength(bytes: Parameters<LengthPrefixedDecoder['decode']>[0]): number {
  let length = 0;
  for (let at = 0; at < lengthBytesMax; at++) {
    if (at >= bytes.byteLength) throw new RangeError('the length has not come yet');
    const byte = (bytes instanceof Uint8Array ? bytes[at] : bytes.get(at)) ?? 0;
    length += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) return length;
  }
  return Infinity;
}

/** How many bytes the varint of a length takes. */
function lengthBytes(length: number): number {
  let bytes = 1;
  for (let rest = length; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes += 1;
  return bytes;
}
