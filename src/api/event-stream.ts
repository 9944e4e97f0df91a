/**
 * EventStream: one reader of Server-Sent Events (WHATWG HTML, 9.2).
 *
 * What it has not taken yet waits in the response, up to its high-water mark and one event; then
 * `send` says so, and the caller waits for `drain`.
 */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** After how long a reader is to come back that lost its connection. */
const retryMs = 1_000;

/** One event; data is sent as one line of JSON. */
export interface StreamedEvent {
  readonly event: string;
  /** What the reader says as Last-Event-ID when it comes back. */
  readonly id?: string | undefined;
  readonly data: object;
}

export class EventStream {
  readonly #response: ServerResponse;
  #isQuiet = false;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  /** @param headers besides those of an event stream */
  begin(headers: OutgoingHttpHeaders): void {
    this.#response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // nginx holds answers back otherwise.
      'x-accel-buffering': 'no',
    });
    this.#response.write(`retry: ${retryMs}\n\n`);
  }

  /** @returns false when it wants no more before `drain` */
  send(event: StreamedEvent): boolean {
    this.#isQuiet = false;
    return this.#response.write(textOf(event));
  }

  /** Every now and then: a comment, when nothing was sent since the last time. */
  keepAlive(): void {
    if (this.#isQuiet && !this.#response.writableNeedDrain)
      this.#response.write(': keep-alive\n\n');
    this.#isQuiet = true;
  }

  /**
   * The last event, behind all that it has not taken yet.
   *
   * @param graceMs in which it has to take it; then the connection is cut
   * @returns once all is on its way, or cut
   */
  end(last: StreamedEvent, graceMs: number): Promise<void> {
    const response = this.#response;
    return new Promise((resolve) => {
      const timer = setTimeout(() => response.destroy(), graceMs);
      const finish = (): void => {
        clearTimeout(timer);
        resolve();
      };
      response.once('close', finish);
      response.end(textOf(last), finish);
    });
  }
}

function textOf({ event, id, data }: StreamedEvent): string {
  const idLine = id === undefined || id === '' ? '' : `id: ${id}\n`;
  return `event: ${event}\n${idLine}data: ${JSON.stringify(data)}\n\n`;
}
