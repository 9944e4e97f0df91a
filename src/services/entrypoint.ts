/**
 * The entrypoint: evaluates expressions over gRPC and HTTP with what disco finds, and is found as
 * `math/entrypoint` itself.
 */
import { hostname } from 'node:os';
import * as grpc from '@grpc/grpc-js';
import { SpanKind } from '@opentelemetry/api';
import type { FastifyInstance } from 'fastify';
import { formatAddress, isWildcard, type Address } from '../base/address.ts';
import { errorText } from '../base/error.ts';
import type { AnswerOf, ReceivedOf } from '../base/grpc-methods.ts';
import { inSpan } from '../base/tracing.ts';
import { Disco, type ConnectOptions, type Registration } from '../client/index.ts';
import { Calculator, operationBalancers, type Evaluation } from './calculator.ts';
import { reportState, whenDaemonIsThere, type Report } from './daemon-patience.ts';
import { EvaluationError } from './evaluation-error.ts';
import { evaluationServer } from './evaluation-http.ts';
import { formatNumber, parseExpression } from './expression.ts';
import { GrpcServer, refusal } from './grpc-server.ts';
import { calculatorDefinition } from './math-methods.ts';
import { symbolOf } from './operation.ts';

export interface EntrypointOptions {
  /** Where gRPC listens; port 0: the system chooses. The same goes for `http`. */
  readonly grpc: Address;
  readonly http: Address;
  /** How to find the daemon. */
  readonly connect?: ConnectOptions | undefined;
  /** Milliseconds that it serves on after it was deregistered; default 0. */
  readonly lingerMs?: number | undefined;
  /** Takes what people should know while it starts and runs. */
  readonly report: Report;
  /** Aborting it ends the waiting for the daemon. */
  readonly signal: AbortSignal;
}

type EvaluateMethod = (typeof calculatorDefinition)['Evaluate'];
type EvaluateCall = grpc.ServerUnaryCall<ReceivedOf<EvaluateMethod>, AnswerOf<EvaluateMethod>>;
type EvaluateCallback = grpc.sendUnaryData<AnswerOf<EvaluateMethod>>;

/** What was started; missing is what a failed start did not come to. */
interface Parts {
  disco?: Disco;
  registration?: Registration;
  calculator?: Calculator;
  server?: GrpcServer;
  app?: FastifyInstance;
}

const drainMs = 5_000;

export class Entrypoint {
  /** Where gRPC and HTTP answer, `host:port`. */
  readonly grpcAddress: string;
  readonly httpAddress: string;
  readonly #parts: Parts;

  /**
   * Resolves when it serves and is registered: that may take until the daemon starts.
   *
   * @throws Error when an address cannot be bound; DiscoError when the daemon refuses; the
   *   signal's reason when aborted
   */
  static async start(options: EntrypointOptions): Promise<Entrypoint> {
    const { report, signal } = options;
    const parts: Parts = {};
    try {
      const disco = await whenDaemonIsThere(() => Disco.connect(options.connect), report, signal);
      parts.disco = disco;
      const calculator = new Calculator(operationBalancers(disco));
      parts.calculator = calculator;
      parts.server = await GrpcServer.listen(options.grpc, grpcServices(calculator));
      parts.app = evaluationServer((text, ended) => calculator.evaluate(text, ended));
      const http = await listenHttp(parts.app, options.http);
      const grpcAddress = parts.server.address;
      const registering = () =>
        disco.register({
          group: 'math',
          name: 'entrypoint',
          ip: isWildcard(grpcAddress.host) ? '' : grpcAddress.host,
          port: grpcAddress.port,
          metadata: { http: reachable(http) },
          lingerMs: options.lingerMs,
          onStateChange: reportState('math/entrypoint', report),
        });
      parts.registration = await whenDaemonIsThere(registering, report, signal);
      return new Entrypoint(formatAddress(grpcAddress), formatAddress(http), parts);
    } catch (error) {
      await stopParts(parts);
      throw error;
    }
  }

  private constructor(grpcAddress: string, httpAddress: string, parts: Parts) {
    this.grpcAddress = grpcAddress;
    this.httpAddress = httpAddress;
    this.#parts = parts;
  }

  /** Deregisters, then lets calls under way end. Never throws, may be called again. */
  stop(): Promise<void> {
    return stopParts(this.#parts);
  }
}

/**
 * Evaluates one expression and ends: no server, no registration, no waiting for the daemon.
 *
 * @returns the lines to print: with `trace` one a step, and the result last
 * @throws EvaluationError; DiscoError when there is no daemon
 */
export async function evaluateOnce(
  text: string,
  options: { readonly trace: boolean; readonly connect?: ConnectOptions | undefined },
): Promise<readonly string[]> {
  // A mistake in the text is told with or without a daemon.
  parseExpression(text);
  const disco = await Disco.connect(options.connect);
  const calculator = new Calculator(operationBalancers(disco));
  try {
    const evaluation = await inSpan('evaluate', SpanKind.INTERNAL, () => calculator.evaluate(text));
    const result = `${text.trim()} = ${formatNumber(evaluation.value)}`;
    return options.trace ? [...traceLines(evaluation), result] : [result];
  } finally {
    calculator.close();
    await disco.close();
  }
}

/** One line a step: what was computed, and who did it. */
function traceLines({ steps }: Evaluation): string[] {
  return steps.map(({ operation, left, right, value, servedBy, attempts }) => {
    const numbers = [formatNumber(left), symbolOf[operation], formatNumber(right)].join(' ');
    const retried = attempts === 0 ? '' : `, after ${attempts} that failed`;
    return `${numbers} = ${formatNumber(value)}  (math/${operation} at ${servedBy}${retried})`;
  });
}

function grpcServices(calculator: Calculator) {
  const Evaluate = (call: EvaluateCall, callback: EvaluateCallback): void => {
    const ended = new AbortController();
    call.on('cancelled', () => ended.abort());
    const { expression, trace } = call.request;
    calculator.evaluate(expression, ended.signal).then(
      ({ value, steps }) => callback(null, { value, steps: trace ? [...steps] : [] }),
      (error: unknown) => callback(refusalOf(error)),
    );
  };
  return new Map([['math.v1.Calculator', [calculatorDefinition, { Evaluate }] as const]]);
}

function refusalOf(error: unknown): Partial<grpc.StatusObject> {
  if (!(error instanceof EvaluationError)) {
    return refusal(grpc.status.INTERNAL, 'BUG', errorText(error));
  }
  const { INVALID_ARGUMENT, UNAVAILABLE } = grpc.status;
  const code = error.isCallersFault ? INVALID_ARGUMENT : UNAVAILABLE;
  return refusal(code, error.reason, error.message);
}

async function listenHttp(app: FastifyInstance, address: Address): Promise<Address> {
  await app.listen(address);
  const bound = app.server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
  return { host: address.host, port };
}

/** Nobody can go to a wildcard: the name of this host stands for it. */
function reachable({ host, port }: Address): string {
  return formatAddress({ host: isWildcard(host) ? hostname() : host, port });
}

/** Deregistered first, so that callers go elsewhere; then both doors, then what is behind them. */
async function stopParts(parts: Parts): Promise<void> {
  const { disco, registration, calculator, server, app } = parts;
  await registration?.close();
  const timer = setTimeout(() => app?.server.closeAllConnections(), drainMs);
  await Promise.allSettled([app?.close(), server?.stop()]);
  clearTimeout(timer);
  calculator?.close();
  await disco?.close();
}
