/** A node that answers over HTTP on a free port, and clients of it that keep to no rule. */
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Test } from 'tap';
import { HttpServer } from '../../src/api/http-server.ts';
import type { HttpServerOptions } from '../../src/api/http-server.ts';
import { parseAddress } from '../../src/base/address.ts';
import { silentLog } from '../../src/base/log.ts';
import { Node } from './fixture.ts';

export interface Answer {
  readonly status: number | undefined;
  readonly body: unknown;
}

/** An answer with all that came with it. */
export interface WholeAnswer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is. */
  readonly body?: string;
}

/** Options of a server that has none of its own. */
export const plainOptions: HttpServerOptions = {
  address: '127.0.0.1:0',
  names: [],
  watchersMax: 100,
  watchLagMax: 1_000,
};

export class Http {
  readonly node = new Node();
  readonly logged: object[] = [];
  readonly server: HttpServer;
  #port = 0;

  private constructor(options: Partial<HttpServerOptions>) {
    const log = { ...silentLog, error: (fields: object) => void this.logged.push(fields) };
    this.server = new HttpServer(this.node.service, { ...plainOptions, ...options }, log);
  }

  static async start(t: Test, options: Partial<HttpServerOptions> = {}): Promise<Http> {
    const http = new Http(options);
    http.#port = parseAddress(await http.server.start()).port;
    t.teardown(() => http.server.stop());
    return http;
  }

  get host(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get url(): string {
    return `http://${this.host}`;
  }

  /** A request that is on its way; its answer is not read. */
  send(path: string, { method = 'GET', headers = {}, body }: Asked = {}): ClientRequest {
    const options = { host: '127.0.0.1', port: this.#port, path, method, headers, agent: false };
    return httpRequest(options).end(body);
  }

  async whole(path: string, asked: Asked = {}): Promise<WholeAnswer> {
    const [response] = (await once(this.send(path, asked), 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const { statusCode: status, headers } = response;
    return { status, headers, bytes: Buffer.concat(chunks) };
  }

  async ask(path: string, asked: Asked = {}): Promise<Answer> {
    const { status, bytes } = await this.whole(path, asked);
    const text = bytes.toString();
    return { status, body: text === '' ? undefined : JSON.parse(text) };
  }

  post(path: string, body: unknown): Promise<Answer> {
    const headers = { 'content-type': 'application/json' };
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return this.ask(path, { method: 'POST', headers, body: text });
  }

  /** Registers `math/add` at a port of 10.0.0.7. */
  async register(port: number, more: object = {}): Promise<void> {
    const { status, body } = await this.post('/v1/register', {
      group: 'math',
      name: 'add',
      ip: '10.0.0.7',
      port,
      ...more,
    });
    if (status !== 200) throw new Error(`it was refused: ${JSON.stringify(body)}`);
  }

  async stream(t: Test, path: string, headers: Readonly<Record<string, string>> = {}) {
    const request = this.send(path, { headers });
    t.teardown(() => request.destroy());
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return new StreamReader(response);
  }

  /** Bytes as a client that keeps to no rule sends them; answers all that comes back. */
  async raw(bytes: Buffer): Promise<string> {
    const socket = connect(this.#port, '127.0.0.1');
    socket.end(bytes);
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  }
}

/** One block of an event stream, taken apart as a browser does. */
export interface StreamBlock {
  readonly event?: string;
  readonly id?: string;
  readonly data?: Record<string, unknown>;
  readonly retry?: string;
  readonly comment?: string;
}

/** Server-Sent Events, read one block at a time. */
export class StreamReader {
  readonly response: IncomingMessage;
  readonly #chunks: AsyncIterator<Buffer>;
  #text = '';

  constructor(response: IncomingMessage) {
    this.response = response;
    this.#chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** Undefined at the end of the stream. */
  async next(): Promise<StreamBlock | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return readBlock(block);
      }
      const chunk = await this.#chunks.next();
      if (chunk.done === true) return undefined;
      this.#text += chunk.value.toString();
    }
  }

  /** The next events, without comments and the like. */
  async events(count: number): Promise<StreamBlock[]> {
    const events: StreamBlock[] = [];
    while (events.length < count) {
      const block = await this.next();
      if (block === undefined) throw new Error(`it ended after ${JSON.stringify(events)}`);
      if (block.event !== undefined) events.push(block);
    }
    return events;
  }

  /** Everything until it ends. */
  async rest(): Promise<StreamBlock[]> {
    const blocks: StreamBlock[] = [];
    for (let block = await this.next(); block !== undefined; block = await this.next())
      blocks.push(block);
    return blocks;
  }
}

function readBlock(text: string): StreamBlock {
  const fields = text.split('\n').map((line): [string, unknown] => {
    const colon = line.indexOf(':');
    const [name, value] = [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')];
    if (name === '') return ['comment', value];
    return [name, name === 'data' ? (JSON.parse(value) as unknown) : value];
  });
  return Object.fromEntries(fields) as StreamBlock;
}
