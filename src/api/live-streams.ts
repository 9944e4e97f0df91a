/**
 * LiveStreams: the watches that are open over HTTP, as Server-Sent Events.
 *
 *   seat ▸ session (may refuse: an ordinary answer) ▸ headers ▸ events … ▸ `end`, or the reader goes
 *
 * An `end` event tells why this daemon ended a stream, in problem details. A reader comes back with
 * the id of the last event that it saw, and misses nothing.
 */
import type { FastifyReply } from 'fastify';
import type { DiscoError } from '../base/error.ts';
import { EventStream } from './event-stream.ts';
import type { StreamedEvent } from './event-stream.ts';
import { problemOf } from './problem.ts';
import type { PumpSink } from './pump.ts';
import type { WatcherSeats } from './watcher-seats.ts';

/** What a reader gets to take the rest of a stream that was ended because it was too slow. */
const slowGraceMs = 10_000;

/** Where a session writes its messages. */
export interface LiveSink<Message> extends PumpSink<Message> {
  /** Ends the stream and tells why. */
  fail(error: DiscoError): void;
}

/** What writes to one reader. */
export interface LiveSession {
  start(): void;
  /** The reader takes more again. */
  resume(): void;
  close(): void;
}

export interface LiveStreamsOptions {
  readonly seats: WatcherSeats;
  readonly watchersMax: number;
  /** Between two looks at whether a stream has been quiet. */
  readonly keepAliveMs: number;
}

interface Open {
  readonly stream: EventStream;
  readonly end: (error: DiscoError, graceMs: number) => Promise<void>;
}

export class LiveStreams {
  readonly #options: LiveStreamsOptions;
  readonly #open = new Set<Open>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: LiveStreamsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      for (const { stream } of this.#open) stream.keepAlive();
    }, options.keepAliveMs).unref();
  }

  /**
   * Makes an answer a stream.
   *
   * @param begin makes the session, or refuses; nothing is answered before
   * @throws DiscoError RESOURCE_EXHAUSTED/TOO_MANY_WATCHERS, and what `begin` throws
   */
  open<Message>(
    reply: FastifyReply,
    begin: (sink: LiveSink<Message>) => LiveSession,
    eventOf: (message: Message) => StreamedEvent,
  ): void {
    const { seats, watchersMax } = this.#options;
    const leave = seats.take(watchersMax);
    const stream = new EventStream(reply.raw);
    const end = (error: DiscoError, graceMs: number): Promise<void> => {
      close();
      return stream.end({ event: 'end', data: problemOf(error) }, graceMs);
    };
    const open: Open = { stream, end };
    let session: LiveSession;
    try {
      session = begin({
        write: (message) => stream.send(eventOf(message)),
        fail: (error) => void end(error, slowGraceMs),
      });
    } catch (error) {
      leave();
      throw error;
    }
    const close = (): void => {
      if (!this.#open.delete(open)) return;
      leave();
      session.close();
    };
    this.#open.add(open);
    reply.hijack();
    reply.raw.on('drain', () => session.resume());
    reply.raw.on('close', close);
    // A connection that breaks is closed next.
    reply.raw.on('error', () => undefined);
    stream.begin(reply.getHeaders() as Record<string, string>);
    session.start();
  }

  /** Ends all of them; resolves when each reader was told, or had `graceMs` for it. */
  async endAll(error: DiscoError, graceMs: number): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([...this.#open].map((open) => open.end(error, graceMs)));
  }
}
