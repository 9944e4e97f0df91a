/**
 * Many watchers in a process of their own. They speak HTTP/2 without a gRPC client, which would take
 * longer to read an event than a server to write it.
 *
 *   node bench/watch-fanout-watchers.ts ADDRESS METHOD-PATH REQUEST-IN-BASE64 WATCHERS
 *     STREAMS-A-CONNECTION GREETINGS, with an IPC channel
 *
 * Each stream is open once it was told GREETINGS messages. Then, at the word `arm`, each notes when
 * the next message is whole on the monotonic clock of the host; `stall` and `flow` stop to read
 * and go on.
 */
import { once } from 'node:events';
import { connect } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { connect as connectSocket } from 'node:net';

export type WatchersCommand = 'arm' | 'stall' | 'flow';

/** Times are nanoseconds of the monotonic clock, as text: JSON has no bigint. */
export type WatchersWord =
  | { readonly kind: 'open' | 'armed' | 'stalled' | 'flowing' }
  | {
      readonly kind: 'received';
      readonly times: readonly string[];
      /** One of the messages, in base64. */
      readonly sample: string;
    };

const [address = '', path = '', encoded = '', ...counts] = process.argv.slice(2);
const [watchers = 0, streamsEach = 1, greetings = 1] = counts.map(Number);
const headerBytes = 5;
const request = framed(Buffer.from(encoded, 'base64'));

/** Reads one stream; knows how many messages came, and the last one. */
class Watcher {
  count = 0;
  last: Buffer = Buffer.alloc(0);
  readonly stream: ClientHttp2Stream;
  readonly #onMessage: () => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(session: ClientHttp2Session, onMessage: () => void) {
    const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc' };
    this.#onMessage = onMessage;
    this.stream = session.request({ ...headers, te: 'trailers' });
    this.stream.on('data', (bytes: Buffer) => this.#take(bytes));
    this.stream.on('close', () => {
      throw new Error(`a stream of ${address} ended after ${this.count} messages`);
    });
    this.stream.end(request);
  }

  #take(bytes: Buffer): void {
    let rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (rest.length >= headerBytes && rest.length >= headerBytes + rest.readUInt32BE(1)) {
      const end = headerBytes + rest.readUInt32BE(1);
      this.last = rest.subarray(headerBytes, end);
      rest = rest.subarray(end);
      this.count += 1;
      this.#onMessage();
    }
    this.#rest = rest;
  }
}

const all: Watcher[] = [];
/** Undefined: nobody asked. */
let times: bigint[] | undefined;

for (let opened = 0; opened < watchers; opened += streamsEach) {
  const session = open();
  await once(session, 'connect');
  const here = Math.min(streamsEach, watchers - opened);
  for (let stream = 0; stream < here; stream++) await greeted(session);
}
process.on('message', (command: WatchersCommand) => obey(command));
process.on('disconnect', () => process.exit(0));
tell({ kind: 'open' });

function open(): ClientHttp2Session {
  const socketPath = address.startsWith('unix:') ? address.slice('unix:'.length) : undefined;
  if (socketPath === undefined) return connect(`http://${address}`);
  return connect('http://localhost', { createConnection: () => connectSocket(socketPath) });
}

function greeted(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve) => {
    const watcher: Watcher = new Watcher(session, () => {
      if (watcher.count === greetings) resolve();
      else if (watcher.count > greetings) note(watcher);
    });
    all.push(watcher);
  });
}

function note({ last }: Watcher): void {
  if (times === undefined) return;
  times.push(process.hrtime.bigint());
  if (times.length < watchers) return;
  tell({ kind: 'received', times: times.map(String), sample: last.toString('base64') });
  times = undefined;
}

function obey(command: WatchersCommand): void {
  if (command === 'arm') {
    times = [];
    return tell({ kind: 'armed' });
  }
  for (const { stream } of all)
    if (command === 'stall') stream.pause();
    else stream.resume();
  tell({ kind: command === 'stall' ? 'stalled' : 'flowing' });
}

function framed(message: Buffer): Buffer {
  const frame = Buffer.alloc(headerBytes + message.length);
  frame.writeUInt32BE(message.length, 1);
  message.copy(frame, headerBytes);
  return frame;
}

function tell(word: WatchersWord): void {
  process.send?.(word);
}
