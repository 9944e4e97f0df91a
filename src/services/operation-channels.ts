/**
 * Channels to operation services: one an address, the least recently used closed when there are
 * too many; one to an instance that has ended holds no connection. A call under way on a closed
 * channel ends well.
 */
import * as grpc from '@grpc/grpc-js';
import { traceInterceptor } from '../client/index.ts';
import type { Operation } from './operation.ts';
import { operationDefinition, operationKey } from './math-methods.ts';

const channelOptions: grpc.ClientOptions = {
  'grpc.enable_channelz': 0,
  'grpc.enable_http_proxy': 0,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 1_000,
  interceptors: [traceInterceptor],
};

/** What to compute; `signal` ends it. */
export interface OperationCall {
  readonly operation: Operation;
  readonly left: number;
  readonly right: number;
  readonly signal: AbortSignal;
}

export interface OperationAnswer {
  readonly value: number;
  readonly servedBy: string;
}

export class OperationChannels {
  readonly #channelsMax: number;
  /** By address, in order of last use, the oldest first. */
  readonly #clients = new Map<string, grpc.Client>();

  constructor(channelsMax: number) {
    this.#channelsMax = channelsMax;
  }

  get size(): number {
    return this.#clients.size;
  }

  /** @throws grpc.ServiceError, CANCELLED when the signal aborted */
  call(address: string, call: OperationCall): Promise<OperationAnswer> {
    const { Apply } = operationDefinition;
    const { operation, left, right, signal } = call;
    const metadata = new grpc.Metadata();
    metadata.set(operationKey, operation);
    return new Promise((resolve, reject) => {
      const under = this.#client(address).makeUnaryRequest(
        Apply.path,
        Apply.requestSerialize,
        Apply.responseDeserialize,
        { left, right },
        metadata,
        (error, answer) => {
          signal.removeEventListener('abort', cancel);
          if (answer === undefined) reject(error ?? new Error(`${address} answered nothing`));
          else resolve({ value: answer.value, servedBy: answer.servedBy });
        },
      );
      const cancel = (): void => under.cancel();
      signal.addEventListener('abort', cancel, { once: true });
      if (signal.aborted) cancel();
    });
  }

  close(): void {
    for (const address of this.#clients.keys()) this.#drop(address);
  }

  #drop(address: string): void {
    this.#clients.get(address)?.close();
    this.#clients.delete(address);
  }

  #client(address: string): grpc.Client {
    let client = this.#clients.get(address);
    if (client === undefined) {
      const [oldest] = this.#clients.keys();
      if (oldest !== undefined && this.#clients.size >= this.#channelsMax) this.#drop(oldest);
      client = new grpc.Client(address, grpc.credentials.createInsecure(), channelOptions);
    }
    this.#clients.delete(address);
    this.#clients.set(address, client);
    return client;
  }
}
