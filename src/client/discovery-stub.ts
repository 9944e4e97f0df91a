/**
 * One channel to one daemon, typed: the only place where the client speaks grpc-js.
 *
 * Every failure leaves here as a DiscoError, except a caller's own abort, which leaves as the
 * signal's reason.
 */
import * as grpc from '@grpc/grpc-js';
import { DiscoError } from '../base/error.ts';
import { discoveryDefinition } from '../base/grpc-methods.ts';
import type { GrpcMethod, RequestOf, ResponseOf } from '../base/grpc-methods.ts';
import type { DaemonAddress } from './daemon-address.ts';
import { callError } from './call-error.ts';
import { traceJoiner } from './trace-interceptor.ts';

type Definition = typeof discoveryDefinition;

/** Methods that answer with a stream. */
export type StreamName = 'Watch' | 'WatchMembers';

/** Methods with one answer. */
export type UnaryName = Exclude<keyof Definition, StreamName>;

/** The part of the stub that a Registration needs. */
export interface UnaryCaller {
  unary<N extends UnaryName>(
    name: N,
    request: RequestOf<Definition[N]>,
    options?: UnaryOptions,
  ): Promise<ResponseOf<Definition[N]>>;
}

/** The part of the stub that a ServiceView needs. */
export interface StreamCaller extends UnaryCaller {
  serverStream<N extends StreamName>(
    name: N,
    request: RequestOf<Definition[N]>,
    options?: StreamOptions,
  ): AsyncIterable<ResponseOf<Definition[N]>>;
}

export interface UnaryOptions {
  /** Milliseconds until the call fails with UNAVAILABLE/TIMEOUT; default: the stub's. */
  readonly deadlineMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface StreamOptions {
  readonly signal?: AbortSignal | undefined;
}

/** A method of the table with its types forgotten: correlated generics are beyond tsc. */
type AnyMethod = GrpcMethod<unknown, unknown, unknown, unknown>;

const channelOptions: grpc.ClientOptions = {
  'grpc.enable_channelz': 0,
  // The daemon is on this host: a proxy for the web has no business in between.
  'grpc.enable_http_proxy': 0,
  // Not shared with other clients of the process: closing this one closes its connection.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.max_receive_message_length': 64 * 1024 * 1024,
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 1_000,
  // A daemon that hangs with its socket open is noticed within 30 s, on watches too.
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 10_000,
  interceptors: [traceJoiner],
};

export class DiscoveryStub implements StreamCaller {
  readonly #daemon: DaemonAddress;
  readonly #deadlineMs: number;
  readonly #client: grpc.Client;
  #closed = false;

  /** @param deadlineMs how long a unary call may take unless it says otherwise */
  constructor(daemon: DaemonAddress, deadlineMs: number) {
    this.#daemon = daemon;
    this.#deadlineMs = deadlineMs;
    const credentials = grpc.credentials.createInsecure();
    this.#client = new grpc.Client(daemon.address, credentials, channelOptions);
  }

  get address(): string {
    return this.#daemon.address;
  }

  /** @throws DiscoError, or the signal's reason when the caller aborted */
  unary<N extends UnaryName>(
    name: N,
    request: RequestOf<Definition[N]>,
    options: UnaryOptions = {},
  ): Promise<ResponseOf<Definition[N]>> {
    const method = discoveryDefinition[name] as AnyMethod;
    const { signal, deadlineMs = this.#deadlineMs } = options;
    return new Promise((resolve, reject) => {
      this.#assertOpen();
      signal?.throwIfAborted();
      const call = this.#client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        { deadline: Date.now() + deadlineMs },
        (error, value) => {
          signal?.removeEventListener('abort', cancel);
          if (error === null) resolve(value as ResponseOf<Definition[N]>);
          else reject(signal?.aborted ? signal.reason : this.#failure(name, error, deadlineMs));
        },
      );
      const cancel = (): void => call.cancel();
      signal?.addEventListener('abort', cancel, { once: true });
    });
  }

  /**
   * Opens a stream when it is iterated; leaving the loop cancels the call. Iterating throws
   * DiscoError, or the signal's reason when the caller aborted.
   */
  async *serverStream<N extends StreamName>(
    name: N,
    request: RequestOf<Definition[N]>,
    options: StreamOptions = {},
  ): AsyncGenerator<ResponseOf<Definition[N]>, void, undefined> {
    this.#assertOpen();
    const method = discoveryDefinition[name] as AnyMethod;
    const { signal } = options;
    signal?.throwIfAborted();
    const call = this.#client.makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
    );
    const cancel = (): void => call.cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    // A status that arrives when the loop is over has no listener but this one.
    call.on('error', () => undefined);
    try {
      for await (const message of call) yield message as ResponseOf<Definition[N]>;
    } catch (error) {
      throw signal?.aborted ? signal.reason : this.#failure(name, error, 0);
    } finally {
      signal?.removeEventListener('abort', cancel);
      call.cancel();
    }
  }

  /** Ends the channel and every call on it; later calls are FAILED_PRECONDITION. */
  close(): void {
    this.#closed = true;
    this.#client.close();
  }

  #assertOpen(): void {
    if (!this.#closed) return;
    throw new DiscoError(
      'FAILED_PRECONDITION',
      'STOPPING',
      'this disco client is closed; connect a new one with Disco.connect()',
    );
  }

  #failure(method: string, error: unknown, deadlineMs: number): DiscoError {
    const { address, source } = this.#daemon;
    return callError(error, { method, address, source, deadlineMs });
  }
}
