/**
 * An operation service that does as it is told: answers, holds its answers back, fails, dies.
 */
import { EventEmitter, once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import type { Test } from 'tap';
import { operationDefinition, operationKey } from '../../src/services/math-methods.ts';
import { applyOperation, type Operation } from '../../src/services/operation.ts';

type Numbers = { readonly left: number; readonly right: number };
type Callback = grpc.sendUnaryData<{ value?: number; servedBy?: string }>;

export class FakeOperation {
  /** Emits 'called', 'cancelled' and 'disconnected'. */
  readonly events = new EventEmitter();
  /** What the callers meant by their calls, one a call. */
  readonly meant: (string | undefined)[] = [];
  readonly operation: Operation;
  /** Answered instead of a value. */
  failure: Partial<grpc.StatusObject> | undefined;
  /** Answered instead of what the operation gives. */
  value: number | undefined;
  address = '';
  port = 0;
  readonly #sockets = new Set<Socket>();
  readonly #held: (() => void)[] = [];
  #holding = false;
  readonly #listener = createServer((socket) => {
    this.#sockets.add(socket);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.events.emit('disconnected');
    });
    this.#injector.injectConnection(socket);
  });
  readonly #injector: ReturnType<grpc.Server['createConnectionInjector']>;

  private constructor(operation: Operation) {
    this.operation = operation;
    const server = new grpc.Server({ 'grpc.enable_channelz': 0 });
    server.addService(operationDefinition, {
      Apply: (call: grpc.ServerUnaryCall<Numbers, unknown>, callback: Callback) =>
        this.#apply(call, callback),
    });
    this.#injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  }

  static async start(t: Test, operation: Operation): Promise<FakeOperation> {
    const service = new FakeOperation(operation);
    service.#listener.listen(0, '127.0.0.1');
    await once(service.#listener, 'listening');
    const bound = service.#listener.address();
    service.port = typeof bound === 'object' && bound !== null ? bound.port : 0;
    service.address = `127.0.0.1:${service.port}`;
    t.teardown(() => service.stop());
    return service;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** Answers are held back until release(). */
  hold(): void {
    this.#holding = true;
  }

  release(): void {
    this.#holding = false;
    for (const answer of this.#held.splice(0)) answer();
  }

  /** As by kill -9. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#listener.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #apply(call: grpc.ServerUnaryCall<Numbers, unknown>, callback: Callback): void {
    this.meant.push(call.metadata.get(operationKey)[0]?.toString());
    const answer = (): void => {
      if (this.failure !== undefined) return callback(this.failure);
      const { left, right } = call.request;
      const outcome = applyOperation(this.operation, left, right);
      const computed = outcome.kind === 'value' ? outcome.value : Number.NaN;
      callback(null, { value: this.value ?? computed, servedBy: this.address });
    };
    if (this.#holding) this.#held.push(answer);
    else answer();
    call.on('cancelled', () => this.events.emit('cancelled'));
    this.events.emit('called');
  }
}
