/**
 * Evaluates expressions by asking the operation services that disco knows of.
 *
 *   text ─▶ tree ─▶ leaves first, independent branches at once ─▶ one Apply an operation
 *                                                                    │ failed
 *                                    another instance of it ◀────────┘
 *
 * Who is asked, who is left alone because it does not answer, and how often another one is tried,
 * is the client's: see call() and Balancer. Apply is pure: any failure but a refusal of the numbers
 * is worth another instance.
 */
import { status, type ServiceError } from '@grpc/grpc-js';
import { errorText } from '../base/error.ts';
import { call, instanceAddress } from '../client/index.ts';
import type { Balancer, Disco, Instance } from '../client/index.ts';
import { EvaluationError } from './evaluation-error.ts';
import { parseExpression, type Expression } from './expression.ts';
import { OperationChannels, type OperationAnswer } from './operation-channels.ts';
import type { Operation } from './operation.ts';

const attemptTimeoutMsDefault = 2_000;
const evaluationMsMax = 30_000;
const channelsMaxDefault = 64;

/** What picks the instances of each operation. */
export type OperationBalancers = Readonly<Record<Operation, Balancer>>;

export interface CalculatorOptions {
  /** Milliseconds that one instance has to answer; default 2,000. */
  readonly attemptTimeoutMs?: number | undefined;
  /** How many channels are kept open; default 64. */
  readonly channelsMax?: number | undefined;
}

/** One operation of an evaluation. */
export interface Step {
  readonly operation: Operation;
  readonly left: number;
  readonly right: number;
  readonly value: number;
  /** `host:port` of the instance that computed it. */
  readonly servedBy: string;
  /** Instances that failed before this one answered. */
  readonly attempts: number;
}

export interface Evaluation {
  readonly value: number;
  /** In the order of a postfix notation: an operation after those it depends on. */
  readonly steps: readonly Step[];
}

/** Follows the four operations from now on, until the client is closed. */
export function operationBalancers(disco: Pick<Disco, 'watch'>): OperationBalancers {
  const of = (name: Operation): Balancer =>
    disco.watch({ group: 'math', name }).balancer('least_load');
  return { add: of('add'), sub: of('sub'), mul: of('mul'), div: of('div') };
}

export class Calculator {
  readonly #balancers: OperationBalancers;
  readonly #channels: OperationChannels;
  readonly #attemptTimeoutMs: number;

  constructor(balancers: OperationBalancers, options: CalculatorOptions = {}) {
    this.#balancers = balancers;
    this.#channels = new OperationChannels(options.channelsMax ?? channelsMaxDefault);
    this.#attemptTimeoutMs = options.attemptTimeoutMs ?? attemptTimeoutMsDefault;
  }

  /** Channels open now. */
  get channels(): number {
    return this.#channels.size;
  }

  /**
   * Parses and evaluates; takes 30 s at most.
   *
   * @param signal aborting it stops what is under way
   * @throws EvaluationError; its reason says whether the text, the numbers or the services are at
   *   fault
   */
  async evaluate(text: string, signal?: AbortSignal): Promise<Evaluation> {
    const tree = parseExpression(text);
    const ended = new AbortController();
    const timer = setTimeout(() => ended.abort(), evaluationMsMax);
    const ends = signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal]);
    try {
      return await this.#walk(tree, ends);
    } finally {
      clearTimeout(timer);
      // When one branch has failed the others need not go on; after a success there are none.
      ended.abort();
    }
  }

  /** Closes the channels. */
  close(): void {
    this.#channels.close();
  }

  async #walk(tree: Expression, signal: AbortSignal): Promise<Evaluation> {
    switch (tree.kind) {
      case 'number':
        return { value: tree.value, steps: [] };
      case 'negation': {
        const operand = await this.#walk(tree.operand, signal);
        return { value: -operand.value, steps: operand.steps };
      }
      case 'operation': {
        const [left, right] = await Promise.all([
          this.#walk(tree.left, signal),
          this.#walk(tree.right, signal),
        ]);
        const step = await this.#step(tree.operation, left.value, right.value, signal);
        return { value: step.value, steps: [...left.steps, ...right.steps, step] };
      }
    }
  }

  async #step(
    operation: Operation,
    left: number,
    right: number,
    signal: AbortSignal,
  ): Promise<Step> {
    const tried: string[] = [];
    const attempt = async (instance: Instance, ends: AbortSignal): Promise<OperationAnswer> => {
      const address = instanceAddress(instance);
      tried.push(address);
      return finite(await this.#channels.call(address, { operation, left, right, signal: ends }));
    };
    const attemptTimeoutMs = this.#attemptTimeoutMs;
    const judge = (error: unknown) => (isRefusal(error) ? 'answer' : 'lost');
    const options = { signal, attemptTimeoutMs, judge, idempotent: true } as const;
    try {
      const answer = await call(this.#balancers[operation], attempt, options);
      return { operation, left, right, ...answer, attempts: tried.length - 1 };
    } catch (error) {
      if (!signal.aborted) throw problemOf(error, operation, tried);
      const message = 'the evaluation was cancelled, or took longer than 30 s; try it again';
      throw new EvaluationError('CANCELLED', message, error);
    }
  }
}

/** A service that answers nonsense has failed like one that does not answer. */
function finite(answer: OperationAnswer): OperationAnswer {
  if (Number.isFinite(answer.value)) return answer;
  throw new Error(`${answer.servedBy} answered ${answer.value}`);
}

/** The numbers are at fault: another instance would say the same. */
function isRefusal(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && error.code === status.INVALID_ARGUMENT;
}

function problemOf(error: unknown, operation: Operation, tried: readonly string[]) {
  if (isRefusal(error)) return new EvaluationError('ARITHMETIC', error.details, error);
  if (tried.length === 0) return new EvaluationError('NO_INSTANCE', errorText(error), error);
  const message =
    `math/${operation} did not answer: tried ${tried.join(', ')}; ` +
    `the last one failed with: ${errorText(error)}`;
  return new EvaluationError('NO_ANSWER', message, error);
}
