/**
 * Evaluates expressions by asking the operation services that disco knows of.
 *
 *   text ─▶ tree ─▶ leaves first, independent branches at once ─▶ one Apply an operation
 *                                                                    │ failed
 *                                    another instance of it ◀────────┘
 *
 * Apply is pure: any failure but a refusal of the numbers is worth another instance.
 */
import { status } from '@grpc/grpc-js';
import { errorText } from '../base/error.ts';
import { DiscoError, instanceAddress } from '../client/index.ts';
import type { Instance, ServiceView } from '../client/index.ts';
import { EvaluationError } from './evaluation-error.ts';
import { parseExpression, type Expression } from './expression.ts';
import { OperationChannels, type OperationAnswer } from './operation-channels.ts';
import type { Operation } from './operation.ts';

const attemptsMaxDefault = 3;
const attemptTimeoutMsDefault = 2_000;
const evaluationMsMax = 30_000;
const channelsMaxDefault = 64;
const readyTimeoutMs = 5_000;
/** An address that failed is tried last for this long; about the time in which it vanishes. */
const avoidMs = 5_000;

/** The part of a ServiceView of the group `math` that the calculator needs. */
export type OperationView = Pick<
  ServiceView,
  'group' | 'instances' | 'pick' | 'onChange' | 'loaded' | 'ready'
>;

export interface CalculatorOptions {
  /** How many distinct instances are tried for one operation; default 3. */
  readonly attemptsMax?: number | undefined;
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

export class Calculator {
  readonly #view: OperationView;
  readonly #channels: OperationChannels;
  readonly #attemptsMax: number;
  readonly #attemptTimeoutMs: number;
  /** Addresses that failed lately, and until when they are avoided. */
  readonly #avoided = new Map<string, number>();
  readonly #stopListening: () => void;

  /** @param view of the group `math`; stays the caller's to close */
  constructor(view: OperationView, options: CalculatorOptions = {}) {
    this.#view = view;
    this.#channels = new OperationChannels(options.channelsMax ?? channelsMaxDefault);
    this.#attemptsMax = options.attemptsMax ?? attemptsMaxDefault;
    this.#attemptTimeoutMs = options.attemptTimeoutMs ?? attemptTimeoutMsDefault;
    this.#stopListening = view.onChange((change) => {
      if (change.kind === 'up' && change.previous !== undefined) this.#forget(change.previous);
      if (change.kind === 'down') this.#forget(change.instance);
    });
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
    if (!this.#view.loaded && tree.kind === 'operation') await this.#awaitView();
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

  /** Closes the channels; the view stays open. */
  close(): void {
    this.#stopListening();
    this.#channels.close();
  }

  async #awaitView(): Promise<void> {
    try {
      await this.#view.ready(readyTimeoutMs);
    } catch (error) {
      if (!(error instanceof DiscoError)) throw error;
      throw new EvaluationError('NO_INSTANCE', `no service is known yet: ${error.message}`, error);
    }
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
    const tried = new Set<string>();
    let problem: unknown;
    while (tried.size < this.#attemptsMax) {
      const address = this.#choose(operation, tried);
      if (address === undefined) break;
      const call = { operation, left, right, deadlineMs: this.#attemptTimeoutMs, signal };
      try {
        const answer = finite(await this.#channels.call(address, call));
        this.#avoided.delete(address);
        return { operation, left, right, ...answer, attempts: tried.size };
      } catch (error) {
        throwIfFinal(error, signal);
        this.#avoid(address);
        tried.add(address);
        problem = error;
      }
    }
    throw tried.size === 0 ? this.#noInstance(operation) : noAnswer(operation, tried, problem);
  }

  #avoid(address: string): void {
    const nowMs = performance.now();
    for (const [other, untilMs] of this.#avoided) {
      if (untilMs <= nowMs) this.#avoided.delete(other);
    }
    this.#avoided.set(address, nowMs + avoidMs);
  }

  /** Prefers an address that has not failed lately. */
  #choose(operation: Operation, tried: ReadonlySet<string>): string | undefined {
    const nowMs = performance.now();
    const untried = (instance: Instance): boolean =>
      instance.name === operation && !tried.has(instanceAddress(instance));
    const well = (instance: Instance): boolean =>
      (this.#avoided.get(instanceAddress(instance)) ?? 0) <= nowMs;
    const chosen =
      this.#view.pick((instance) => untried(instance) && well(instance)) ??
      this.#view.pick(untried);
    return chosen === undefined ? undefined : instanceAddress(chosen);
  }

  /** An instance is gone or has moved; its address may be that of another one, too. */
  #forget(instance: Instance): void {
    const address = instanceAddress(instance);
    if (this.#view.instances().some((other) => instanceAddress(other) === address)) return;
    this.#channels.drop(address);
    this.#avoided.delete(address);
  }

  #noInstance(operation: Operation): EvaluationError {
    const known = this.#view.instances().filter(({ name }) => name === operation).length;
    const message =
      known === 0
        ? `no instance of math/${operation} is registered; ` +
          `start one with bin/math-service.js ${operation}`
        : `none of the ${known} instances of math/${operation} is passing or warning; ` +
          'see why with `disco list --group math`';
    return new EvaluationError('NO_INSTANCE', message);
  }
}

/** A service that answers nonsense has failed like one that does not answer. */
function finite(answer: OperationAnswer): OperationAnswer {
  if (Number.isFinite(answer.value)) return answer;
  throw new Error(`${answer.servedBy} answered ${answer.value}`);
}

/** Another instance would say the same, or nobody waits for it any more. */
function throwIfFinal(error: unknown, signal: AbortSignal): void {
  if (signal.aborted) {
    const message = 'the evaluation was cancelled, or took longer than 30 s; try it again';
    throw new EvaluationError('CANCELLED', message, error);
  }
  if (!(error instanceof Error) || !('code' in error)) return;
  if (error.code !== status.INVALID_ARGUMENT) return;
  const details = 'details' in error ? String(error.details) : error.message;
  throw new EvaluationError('ARITHMETIC', details, error);
}

function noAnswer(operation: Operation, tried: Set<string>, problem: unknown): EvaluationError {
  const message =
    `math/${operation} did not answer: tried ${[...tried].join(', ')}; ` +
    `the last one failed with: ${errorText(problem)}`;
  return new EvaluationError('NO_ANSWER', message, problem);
}
