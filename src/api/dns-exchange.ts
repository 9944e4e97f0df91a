/**
 * One question to one other DNS server, and what comes back of it, if anything does.
 *
 * Each datagram goes out of a socket of its own, so that its source port is a new one that the
 * system chose, and the socket is connected, so that nobody else's datagrams arrive. What is no
 * answer to this very question is passed over (RFC 5452).
 */
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import type { Address } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import { headerBytes, headerFlag } from './dns-query.ts';
import { messageBytesMax } from './dns-writer.ts';

export interface Ask {
  /** The whole message. */
  readonly bytes: Buffer;
  /** Behind its question. */
  readonly questionEnd: number;
  readonly server: Address;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Ends it at once. */
  readonly signal: AbortSignal;
}

const typeAndClassBytes = 4;

/** @returns undefined when nobody answered in time */
export function askByDatagram(ask: Ask): Promise<Buffer | undefined> {
  const { bytes, server, signal } = ask;
  const socket = createSocket(isIPv6(server.host) ? 'udp6' : 'udp4');
  return settle(ask, (finish) => {
    socket.on('message', (answer) => {
      if (isAnswer(answer, ask)) finish(answer);
    });
    // Nobody listens there, or there is no way.
    socket.on('error', () => finish(undefined));
    socket.on('connect', () => socket.send(bytes));
    if (signal.aborted) finish(undefined);
    else socket.connect(server.port, server.host);
  }).finally(() => socket.close());
}

/** @returns undefined when nobody answered in time */
export function askByStream(ask: Ask): Promise<Buffer | undefined> {
  const { bytes, server, signal } = ask;
  const socket = connect({ host: server.host, port: server.port, noDelay: true });
  return settle(ask, (finish) => {
    let received: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const end = received.length < 2 ? Infinity : 2 + received.readUInt16BE(0);
      if (received.length < end) return;
      const answer = received.subarray(2, end);
      finish(isAnswer(answer, ask) ? answer : undefined);
    });
    socket.on('error', () => finish(undefined));
    socket.on('close', () => finish(undefined));
    if (signal.aborted) finish(undefined);
    else socket.write(framed(bytes));
  }).finally(() => socket.destroy());
}

/** A message over TCP: its length in front of it. At most 65,535 bytes. */
export function framed(message: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(2 + Math.min(message.length, messageBytesMax));
  bytes.writeUInt16BE(bytes.length - 2, 0);
  message.copy(bytes, 2);
  return bytes;
}

function settle(
  { timeoutMs, clock, signal }: Ask,
  run: (finish: (answer: Buffer | undefined) => void) => void,
): Promise<Buffer | undefined> {
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
  const abort = (): void => resolve(undefined);
  const cancel = clock.schedule(timeoutMs, abort);
  signal.addEventListener('abort', abort);
  run(resolve);
  return promise.finally(() => {
    cancel();
    signal.removeEventListener('abort', abort);
  });
}

/** The same id, and the same question but for the case of its letters. */
function isAnswer(answer: Buffer, { bytes, questionEnd }: Ask): boolean {
  if (answer.length < questionEnd || answer.readUInt16BE(0) !== bytes.readUInt16BE(0)) return false;
  if ((answer.readUInt16BE(2) & headerFlag.response) === 0) return false;
  if (answer.readUInt16BE(4) !== 1) return false;
  const nameEnd = questionEnd - typeAndClassBytes;
  const name = (message: Buffer): string =>
    message.toString('latin1', headerBytes, nameEnd).toLowerCase();
  return name(answer) === name(bytes) && tail(answer).equals(tail(bytes));

  function tail(message: Buffer): Buffer {
    return message.subarray(nameEnd, questionEnd);
  }
}
