/**
 * DnsStream: questions over one TCP connection (RFC 7766): many, one behind the other without
 * waiting, each with its length in front, answered as answers are ready.
 *
 * Who reads no answers is not read from, who does not finish a question is cut off, and what is
 * asked for is bounded in bytes and in number.
 */
import type { Socket } from 'node:net';
import type { Cancel, Clock } from '../base/clock.ts';
import { framed } from './dns-exchange.ts';
import { headerBytes } from './dns-query.ts';

/** The answer, or none: then there is nothing to say to such a client any more. */
export type AnswerStream = (message: Buffer) => Buffer | undefined | Promise<Buffer | undefined>;

/** Without a whole question for so long, a connection is closed. */
export const idleMs = 10_000;
/** A question takes a few hundred bytes at most. */
export const questionBytesMax = 4_096;
/** Answers under way; then no more questions are read. */
export const answersMax = 100;
/** Bytes of answers that wait to be read; above it no more questions are. */
const unreadBytesMax = 256 * 1024;

export class DnsStream {
  readonly #socket: Socket;
  readonly #answer: AnswerStream;
  readonly #clock: Clock;
  /** The length of the question that is being read, then the question. */
  readonly #length = Buffer.alloc(2);
  #message: Buffer | undefined;
  #filled = 0;
  /** Read from the socket and not yet looked at, while too much is under way. */
  #rest: Buffer | undefined;
  #underWay = 0;
  #isEnded = false;
  #cancelIdle: Cancel = () => undefined;

  constructor(socket: Socket, answer: AnswerStream, clock: Clock) {
    this.#socket = socket;
    this.#answer = answer;
    this.#clock = clock;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('drain', () => this.#goOn());
    socket.on('end', () => {
      this.#isEnded = true;
      this.#goOn();
    });
    // It closes, too.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#cancelIdle());
    this.#startIdle();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#socket.cork();
    let at = 0;
    while (at < chunk.length && !this.#socket.destroyed) {
      if (this.#isFull()) {
        this.#rest = chunk.subarray(at);
        this.#socket.pause();
        break;
      }
      at = this.#fill(chunk, at);
    }
    this.#socket.uncork();
  }

  /** Takes what belongs to the present length or question. @returns where the next thing begins */
  #fill(chunk: Buffer, at: number): number {
    const target = this.#message ?? this.#length;
    const taken = chunk.copy(target, this.#filled, at);
    this.#filled += taken;
    if (this.#filled < target.length) return at + taken;
    this.#filled = 0;
    if (this.#message === undefined) {
      const length = this.#length.readUInt16BE(0);
      if (length < headerBytes || length > questionBytesMax) this.destroy();
      else this.#message = Buffer.allocUnsafe(length);
    } else {
      const message = this.#message;
      this.#message = undefined;
      this.#startIdle();
      this.#reply(message);
    }
    return at + taken;
  }

  #reply(message: Buffer): void {
    const answer = this.#answer(message);
    if (!(answer instanceof Promise)) {
      this.#send(answer);
      return;
    }
    this.#underWay += 1;
    void answer.then((later) => {
      this.#underWay -= 1;
      this.#send(later);
      this.#goOn();
    });
  }

  #send(answer: Buffer | undefined): void {
    if (answer === undefined) this.destroy();
    else if (this.#socket.writable) this.#socket.write(framed(answer));
  }

  #goOn(): void {
    if (this.#isFull() || this.#socket.destroyed) return;
    const rest = this.#rest;
    if (rest !== undefined) {
      this.#rest = undefined;
      this.#socket.resume();
      this.#take(rest);
    }
    if (this.#isEnded && this.#rest === undefined && this.#underWay === 0) this.#socket.end();
  }

  #isFull(): boolean {
    return this.#underWay >= answersMax || this.#socket.writableLength > unreadBytesMax;
  }

  #startIdle(): void {
    this.#cancelIdle();
    this.#cancelIdle = this.#clock.schedule(idleMs, () => this.destroy());
  }
}
