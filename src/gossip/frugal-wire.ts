/**
 * FrugalWire: noise and yamux as they are on the wire, with half as many packets.
 *
 *   noise: length, ciphertext ──▶ [length ciphertext]           one write, so one packet
 *   yamux: window update a frame ──▶ one in 64 KiB              nothing goes back for a small frame
 *
 * js-libp2p writes a noise message in two pieces, which are two packets without Nagle's delay, and
 * answers every yamux frame with a window update, which is a noise message of its own: a rumor of
 * 300 bytes was four packets. Both are what the other side may do by the specifications, so any
 * libp2p understands it.
 */
import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import type { ConnectionEncrypter, MessageStream, StreamMuxerFactory } from '@libp2p/interface';

/** A quarter of the smallest window: a sender never waits for what is held back here. */
const heldBytesMax = 64 * 1024;
/** Streams of a connection whose updates are held back; those of others pass at once. */
const heldStreamsMax = 256;
/** Of yamux: https://github.com/hashicorp/yamux/blob/master/spec.md */
const headerBytes = 12;
const typeWindowUpdate = 1;
const flagsOfTheEnd = 0x4 | 0x8;

/** libp2p's noise, with one write a message. */
export function frugalNoise(): (components: Parameters<NoiseMaker>[0]) => ConnectionEncrypter {
  return (components) => {
    const encrypter = noise()(components);
    const secureInbound = encrypter.secureInbound.bind(encrypter);
    const secureOutbound = encrypter.secureOutbound.bind(encrypter);
    encrypter.secureInbound = (stream, options) => secureInbound(joinWrites(stream), options);
    encrypter.secureOutbound = (stream, options) => secureOutbound(joinWrites(stream), options);
    return encrypter;
  };
}

type NoiseMaker = ReturnType<typeof noise>;

/** libp2p's yamux, with fewer window updates. */
export function frugalYamux(): () => StreamMuxerFactory {
  return () => {
    const factory = yamux()();
    const createStreamMuxer = factory.createStreamMuxer.bind(factory);
    factory.createStreamMuxer = (stream) => createStreamMuxer(gatherWindowUpdates(stream));
    return factory;
  };
}

/** Whatever is sent in pieces goes out as one. Changes and returns the stream. */
export function joinWrites(stream: MessageStream): MessageStream {
  const send = stream.send.bind(stream);
  stream.send = (data) => send(data instanceof Uint8Array ? data : data.subarray());
  return stream;
}

/**
 * Holds window updates of yamux back until one of a stream is worth it; those with a flag begin
 * or end a stream and pass. Changes and returns the stream below the muxer.
 */
export function gatherWindowUpdates(stream: MessageStream): MessageStream {
  const send = stream.send.bind(stream);
  const heldByStream = new Map<number, number>();
  stream.send = (data) => {
    // Frames without data come as an array, those with data as a list.
    const isBare = data instanceof Uint8Array;
    const header = viewOf(isBare ? data : data.subarray(0, headerBytes));
    const streamId = header.getUint32(4);
    const flags = header.getUint16(2);
    if ((flags & flagsOfTheEnd) !== 0) heldByStream.delete(streamId);
    if (!isBare || header.getUint8(1) !== typeWindowUpdate || flags !== 0) return send(data);
    const bytes = (heldByStream.get(streamId) ?? 0) + header.getUint32(8);
    const isKnown = heldByStream.has(streamId) || heldByStream.size < heldStreamsMax;
    if (bytes < heldBytesMax && isKnown) {
      heldByStream.set(streamId, bytes);
      return !stream.writableNeedsDrain;
    }
    heldByStream.delete(streamId);
    header.setUint32(8, bytes);
    return send(data);
  };
  return stream;
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
