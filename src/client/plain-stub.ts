/**
 * PlainStub: the daemon's calls for a program that makes one of them and ends.
 *
 * Unary calls go over node:http2, as what gRPC is on the wire (grpc/grpc, doc/PROTOCOL-HTTP2.md):
 * loading grpc-js takes longer than the call. Streams are left to grpc-js, which is loaded when the
 * first is opened. Failures leave as they do from DiscoveryStub.
 */
import * as http2 from 'node:http2';
import { connect } from 'node:net';
import { parseAddress } from '../base/address.ts';
import { DiscoError } from '../base/error.ts';
import { discoveryDefinition } from '../base/grpc-methods.ts';
import type { GrpcMethod, RequestOf, ResponseOf } from '../base/grpc-methods.ts';
import { grpcStatus } from '../base/grpc-status.ts';
import { callError } from './call-error.ts';
import type { FailedStatus } from './call-error.ts';
import type { DaemonAddress } from './daemon-address.ts';
import type { DiscoveryStub, StreamCaller, StreamName } from './discovery-stub.ts';
import type { StreamOptions, UnaryName, UnaryOptions } from './discovery-stub.ts';

type Definition = typeof discoveryDefinition;
type AnyMethod = GrpcMethod<unknown, unknown, unknown, unknown>;

/** As DiscoveryStub takes. */
const answerBytesMax = 64 * 1024 * 1024;
/** A flag, and the length. */
const prefixBytes = 5;

/** Codes that gRPC gives to answers that are not its own (doc/http-grpc-status-mapping.md). */
const codeOfHttp: ReadonlyMap<unknown, number> = new Map<unknown, number>([
  [401, grpcStatus.UNAUTHENTICATED],
  [403, grpcStatus.PERMISSION_DENIED],
  [404, grpcStatus.UNIMPLEMENTED],
  [429, grpcStatus.UNAVAILABLE],
  [502, grpcStatus.UNAVAILABLE],
  [503, grpcStatus.UNAVAILABLE],
  [504, grpcStatus.UNAVAILABLE],
]);

export class PlainStub implements StreamCaller {
  readonly #daemon: DaemonAddress;
  readonly #deadlineMs: number;
  #session: http2.ClientHttp2Session | undefined;
  #streams: Promise<DiscoveryStub> | undefined;
  #isClosed = false;

  /** @param deadlineMs how long a unary call may take unless it says otherwise */
  constructor(daemon: DaemonAddress, deadlineMs: number) {
    this.#daemon = daemon;
    this.#deadlineMs = deadlineMs;
  }

  get address(): string {
    return this.#daemon.address;
  }

  /** @throws DiscoError, or the signal's reason when the caller aborted */
  async unary<N extends UnaryName>(
    name: N,
    request: RequestOf<Definition[N]>,
    options: UnaryOptions = {},
  ): Promise<ResponseOf<Definition[N]>> {
    const method = discoveryDefinition[name] as AnyMethod;
    const { signal, deadlineMs = this.#deadlineMs } = options;
    this.#assertOpen();
    signal?.throwIfAborted();
    try {
      const message = method.requestSerialize(request);
      const answer = await exchange(this.#connect(), {
        path: method.path,
        message,
        deadlineMs,
        signal,
      });
      return method.responseDeserialize(answer) as ResponseOf<Definition[N]>;
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      const { address, source } = this.#daemon;
      throw callError(error, { method: name, address, source, deadlineMs });
    }
  }

  /** As DiscoveryStub's. */
  async *serverStream<N extends StreamName>(
    name: N,
    request: RequestOf<Definition[N]>,
    options: StreamOptions = {},
  ): AsyncGenerator<ResponseOf<Definition[N]>, void, undefined> {
    this.#assertOpen();
    this.#streams ??= import('./discovery-stub.ts').then(
      ({ DiscoveryStub: Stub }) => new Stub(this.#daemon, this.#deadlineMs),
    );
    const stub = await this.#streams;
    // Closed while grpc-js was being loaded: it says so itself.
    if (this.#isClosed) stub.close();
    yield* stub.serverStream(name, request, options);
  }

  /** Ends the connection and every call on it; later calls are FAILED_PRECONDITION. */
  close(): void {
    this.#isClosed = true;
    this.#session?.destroy();
    void this.#streams?.then((stub) => stub.close());
  }

  /** One connection for all calls; a new one when the last is gone. */
  #connect(): http2.ClientHttp2Session {
    if (this.#session !== undefined && !this.#session.destroyed && !this.#session.closed)
      return this.#session;
    const { address } = this.#daemon;
    const place = address.startsWith('unix:')
      ? { path: address.slice('unix:'.length) }
      : parseAddress(address);
    const session = http2.connect('http://localhost', { createConnection: () => connect(place) });
    // Each call on it fails with the same: there is nothing to be done here.
    session.on('error', () => undefined);
    this.#session = session;
    return session;
  }

  #assertOpen(): void {
    if (!this.#isClosed) return;
    throw new DiscoError(
      'FAILED_PRECONDITION',
      'STOPPING',
      'this disco client is closed; connect a new one with Disco.connect()',
    );
  }
}

interface Call {
  readonly path: string;
  readonly message: Buffer;
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
}

/** One message there and one back. @throws FailedStatus */
function exchange(
  session: http2.ClientHttp2Session,
  { path, message, deadlineMs, signal }: Call,
): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    'grpc-timeout': `${Math.min(Math.max(1, Math.round(deadlineMs)), 99_999_999)}m`,
  });
  const giveUp = (error: Error): void => {
    reject(error);
    stream.close(http2.constants.NGHTTP2_CANCEL);
  };
  const late = failed(grpcStatus.DEADLINE_EXCEEDED, 'the deadline has passed');
  const timer = setTimeout(() => giveUp(late), deadlineMs);
  const abort = (): void => giveUp(failed(grpcStatus.CANCELLED, 'aborted'));
  signal?.addEventListener('abort', abort, { once: true });
  const chunks: Buffer[] = [];
  let bytes = 0;
  let told: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader = {};
  stream.on('response', (headers) => (told = { ...told, ...headers }));
  stream.on('trailers', (trailers) => (told = { ...told, ...trailers }));
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    chunks.push(chunk);
    const sentence = `the answer is larger than ${answerBytesMax} bytes`;
    if (bytes > answerBytesMax) giveUp(failed(grpcStatus.RESOURCE_EXHAUSTED, sentence));
  });
  stream.on('error', (error) => reject(failed(grpcStatus.UNAVAILABLE, error.message, {}, error)));
  stream.on('close', () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    const answer = readAnswer(told, Buffer.concat(chunks));
    if (answer instanceof Error) reject(answer);
    else resolve(answer);
  });
  stream.end(prefixed(message));
  return promise;
}

function prefixed(message: Buffer): Buffer {
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function readAnswer(told: http2.IncomingHttpHeaders, body: Buffer): Buffer | FailedStatus {
  const status = told['grpc-status'];
  if (status === undefined) return noAnswer(told);
  const code = Number(status);
  if (code !== grpcStatus.OK) return failed(code, unescaped(String(told['grpc-message'])), told);
  const length = body.length < prefixBytes ? -1 : body.readUInt32BE(1);
  const isOneMessage = body[0] === 0 && body.length === prefixBytes + length;
  if (isOneMessage) return body.subarray(prefixBytes);
  return failed(grpcStatus.INTERNAL, 'the answer is not one message, as it stands');
}

/** The connection broke, or who answers does not speak gRPC. */
function noAnswer(told: http2.IncomingHttpHeaders): FailedStatus {
  const status = told[':status'];
  if (status === undefined) return failed(grpcStatus.UNAVAILABLE, 'the connection broke');
  const code = codeOfHttp.get(status) ?? grpcStatus.UNKNOWN;
  return failed(code, `HTTP status ${String(status)} without a status of gRPC`);
}

function failed(
  code: number,
  details: string,
  headers: http2.IncomingHttpHeaders = {},
  cause?: Error,
): FailedStatus {
  const get = (key: string): readonly unknown[] => [headers[key] ?? []].flat();
  return Object.assign(new Error(details, { cause }), { code, details, metadata: { get } });
}

/** grpc-message is percent-encoded. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
