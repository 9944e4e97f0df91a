/**
 * Lean connection: noise and yamux as they are, with half of their packets.
 *
 *   a frame as it comes:   length │ message ──▶        as it is here:   length+message ──▶
 *                          ◀── length │ window update                   (nothing, for 64 KiB)
 *
 * noise hands on the length of a message and the message apart, and a socket without delay sends
 * each by itself. yamux gives back the bytes of every message at once, with a message of its own.
 * Gossip is small frames, so that was a good part of what it cost (bench/frame-cost.ts).
 */
import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { StreamState } from '@chainsafe/libp2p-yamux/stream';
import type { YamuxStream } from '@chainsafe/libp2p-yamux/stream';
import type { ConnectionEncrypter, MessageStream } from '@libp2p/interface';

/** Of the 256 KiB that yamux lets the other side have on the way at least. */
const bytesKeptMax = 64 * 1024;

/** noise that writes each message in one piece. */
export function leanNoise(): ReturnType<typeof noise> {
  const make = noise();
  return (components) => inOnePiece(make(components));
}

/** yamux that gives back the window of a stream for 64 KiB at once. */
export function leanYamux(): ReturnType<typeof yamux> {
  const make = yamux();
  return () => {
    const factory = make();
    const createStreamMuxer = factory.createStreamMuxer.bind(factory);
    factory.createStreamMuxer = (connection) => {
      const muxer = createStreamMuxer(connection);
      const onRemoteStream = muxer.onRemoteStream.bind(muxer);
      // Those that are opened here are hardly read: each side writes on its own.
      muxer.onRemoteStream = (stream) => onRemoteStream(withFewUpdates(stream));
      return muxer;
    };
    return factory;
  };
}

function inOnePiece<T extends ConnectionEncrypter>(encrypter: T): T {
  const secureInbound = encrypter.secureInbound.bind(encrypter);
  const secureOutbound = encrypter.secureOutbound.bind(encrypter);
  encrypter.secureInbound = (connection, options) => secureInbound(joined(connection), options);
  encrypter.secureOutbound = (connection, options) => secureOutbound(joined(connection), options);
  return encrypter;
}

function joined(connection: MessageStream): MessageStream {
  const send = connection.send.bind(connection);
  connection.send = (data) => send(data.subarray());
  return connection;
}

function withFewUpdates(stream: YamuxStream): YamuxStream {
  const handleData = stream.handleData.bind(stream);
  const sendWindowUpdate = stream.sendWindowUpdate.bind(stream);
  let keptBytes = 0;
  stream.handleData = (frame) => {
    keptBytes += frame.header.length;
    handleData(frame);
  };
  stream.sendWindowUpdate = () => {
    // Before it is established the update carries the answer to its opening.
    if (stream.state === StreamState.Established && keptBytes < bytesKeptMax) return;
    // Paused, nothing is given back.
    if (stream.state !== StreamState.Paused) keptBytes = 0;
    sendWindowUpdate();
  };
  return stream;
}
