/**
 * One operation as a gRPC service that registers itself as `math/<operation>`.
 */
import * as grpc from '@grpc/grpc-js';
import { formatAddress, isWildcard, type Address } from '../base/address.ts';
import type { ReceivedOf, AnswerOf } from '../base/grpc-methods.ts';
import { Disco, instanceAddress, type ConnectOptions } from '../client/index.ts';
import { reportState, whenDaemonIsThere, type Report } from './daemon-patience.ts';
import { GrpcServer, refusal } from './grpc-server.ts';
import { operationDefinition, operationKey } from './math-methods.ts';
import { applyOperation, type Operation } from './operation.ts';

export interface MathServiceOptions {
  readonly operation: Operation;
  /** Where to listen; port 0: the system chooses. */
  readonly listen: Address;
  /** How to find the daemon. */
  readonly connect?: ConnectOptions | undefined;
  /** Milliseconds that it serves on after it was deregistered; default 0. */
  readonly lingerMs?: number | undefined;
  /** Takes what people should know while it starts and runs. */
  readonly report: Report;
  /** Aborting it ends the waiting for the daemon. */
  readonly signal: AbortSignal;
}

type Apply = (typeof operationDefinition)['Apply'];
type ApplyCall = grpc.ServerUnaryCall<ReceivedOf<Apply>, AnswerOf<Apply>>;
type ApplyCallback = grpc.sendUnaryData<AnswerOf<Apply>>;

export class MathService {
  readonly operation: Operation;
  readonly #server: GrpcServer;
  readonly #disco: Disco;
  /** The address that others are told. */
  readonly address: string;

  /**
   * Serves at once, and resolves when it is registered too: that may take until the daemon starts.
   *
   * @throws Error when the address cannot be bound; DiscoError when the daemon refuses; the
   *   signal's reason when aborted
   */
  static async start(options: MathServiceOptions): Promise<MathService> {
    const { operation, listen, report, signal } = options;
    const told = { address: '' };
    const handlers = { Apply: applyHandler(operation, () => told.address) };
    const server = await GrpcServer.listen(
      listen,
      new Map([['math.v1.Operation', [operationDefinition, handlers] as const]]),
    );
    told.address = formatAddress(server.address);
    let disco: Disco | undefined;
    try {
      disco = await whenDaemonIsThere(() => Disco.connect(options.connect), report, signal);
      const client = disco;
      const registration = await whenDaemonIsThere(
        () =>
          client.register({
            group: 'math',
            name: operation,
            // Behind a wildcard only the daemon knows at which address others find this host.
            ip: isWildcard(listen.host) ? '' : listen.host,
            port: server.address.port,
            lingerMs: options.lingerMs,
            onStateChange: reportState(`math/${operation}`, report),
          }),
        report,
        signal,
      );
      told.address = instanceAddress(registration);
      return new MathService(operation, server, disco, told.address);
    } catch (error) {
      await disco?.close();
      await server.stop();
      throw error;
    }
  }

  private constructor(operation: Operation, server: GrpcServer, disco: Disco, address: string) {
    this.operation = operation;
    this.#server = server;
    this.#disco = disco;
    this.address = address;
  }

  /** Deregisters, then lets calls under way end. Takes 9 s and `lingerMs` at most, never throws. */
  async stop(): Promise<void> {
    await this.#disco.close();
    await this.#server.stop();
  }
}

function applyHandler(operation: Operation, servedBy: () => string) {
  return (call: ApplyCall, callback: ApplyCallback): void => {
    const meant = call.metadata.get(operationKey)[0];
    if (meant !== undefined && meant !== operation) {
      const message = `this is math/${operation}, not math/${String(meant)}; look it up again`;
      callback(refusal(grpc.status.FAILED_PRECONDITION, 'WRONG_OPERATION', message));
      return;
    }
    const outcome = applyOperation(operation, call.request.left, call.request.right);
    if (outcome.kind === 'value') callback(null, { value: outcome.value, servedBy: servedBy() });
    else callback(refusal(grpc.status.INVALID_ARGUMENT, 'ARITHMETIC', outcome.why));
  };
}
