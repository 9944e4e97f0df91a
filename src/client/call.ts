/**
 * A call to an instance, and to another one when the first does not answer.
 *
 * What failed is told to the balancer, which leaves alone whoever fails again and again. How many
 * retries there are in all is bounded by the budget that the calls of one view share.
 */
import { SpanKind } from '@opentelemetry/api';
import type { Span } from '@opentelemetry/api';
import type { Cancel, Clock } from '../base/clock.ts';
import { DiscoError } from '../base/error.ts';
import { inSpan } from '../base/tracing.ts';
import type { Balancer } from './balancer.ts';
import { failureKind, type FailureKind } from './failure-kind.ts';
import type { Instance } from './instance.ts';
import type { Target } from './target.ts';

const attemptsMaxDefault = 3;

export interface CallOptions {
  /** Aborting it ends the call at once with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** What consistent_hash goes by. */
  readonly key?: string | undefined;
  /** Doing it twice does no harm: it is also tried again when it may have been done. */
  readonly idempotent?: boolean | undefined;
  /** How many instances are tried at most; default 3. */
  readonly attemptsMax?: number | undefined;
  /** Milliseconds until an attempt is given up as lost; default: no limit but the signal. */
  readonly attemptTimeoutMs?: number | undefined;
  /** What an error says about the instance; default: by the codes of Node.js, undici, grpc-js. */
  readonly judge?: ((error: unknown) => FailureKind) | undefined;
}

/** One attempt; the signal aborts when nobody waits for it any more. */
export type Attempt<T> = (instance: Instance, signal: AbortSignal) => Promise<T> | T;

/**
 * Runs `attempt` on an instance of the balancer's, and on another one when it was not answered:
 * when it never arrived, or also, for an idempotent call, when it may have arrived.
 *
 * @throws what the last attempt threw; the signal's reason when aborted; DiscoError
 *   NOT_FOUND/UNKNOWN_SERVICE or /NO_HEALTHY_INSTANCE when there is no instance,
 *   UNAVAILABLE/TIMEOUT when the last attempt took longer than `attemptTimeoutMs`
 */
export function call<T>(
  balancer: Balancer,
  attempt: Attempt<T>,
  options: CallOptions = {},
): Promise<T> {
  return inSpan('call', SpanKind.INTERNAL, (span) => callIn(span, balancer, attempt, options));
}

async function callIn<T>(
  span: Span,
  balancer: Balancer,
  attempt: Attempt<T>,
  options: CallOptions,
): Promise<T> {
  const { signal, key, attemptsMax = attemptsMaxDefault } = options;
  signal?.throwIfAborted();
  if (!balancer.loaded) await balancer.ready(undefined, signal);
  let target = balancer.nextTarget(key);
  if (target === undefined) throw balancer.nothingToPick();
  balancer.budget.called();
  const tried: Target[] = [];
  for (;;) {
    tried.push(target);
    try {
      const answer = await tryOn(balancer, target, attempt, options);
      note(span, target.instance, tried.length);
      return answer;
    } catch (error) {
      note(span, target.instance, tried.length);
      const isLast = tried.length >= attemptsMax || !mayRepeat(error, options);
      const other = isLast ? undefined : balancer.nextTargetBut(tried, key);
      if (other === undefined || !balancer.budget.tryRetry()) throw error;
      target = other;
    }
  }
}

/** Whom the last attempt was made at, and how many there were. */
function note(span: Span, { group, name, instanceId, node }: Instance, attempts: number): void {
  if (!span.isRecording()) return;
  span.updateName(`call ${group}/${name}`);
  span.setAttributes({
    'disco.group': group,
    'disco.name': name,
    'disco.instance': instanceId,
    'disco.node': node,
    'disco.attempts': attempts,
  });
}

function mayRepeat(error: unknown, { signal, idempotent, judge = failureKind }: CallOptions) {
  if (signal?.aborted) return false;
  const kind = judge(error);
  return kind === 'unsent' || (kind === 'lost' && idempotent === true);
}

/** Counts the call at its target, and tells the balancer how it went, unless it was aborted. */
async function tryOn<T>(
  balancer: Balancer,
  target: Target,
  attempt: Attempt<T>,
  options: CallOptions,
): Promise<T> {
  const { signal, judge = failureKind } = options;
  target.outstanding += 1;
  try {
    const answer = await runOnce(balancer.tools.clock, attempt, target.instance, options);
    balancer.succeeded(target);
    return answer;
  } catch (error) {
    if (!signal?.aborted) {
      if (judge(error) === 'answer') balancer.succeeded(target);
      else balancer.failed(target);
    }
    throw error;
  } finally {
    target.outstanding -= 1;
  }
}

/** Settles with the attempt, or before it when it is aborted or takes too long. */
function runOnce<T>(
  clock: Clock,
  attempt: Attempt<T>,
  instance: Instance,
  { signal, attemptTimeoutMs }: CallOptions,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const given = new AbortController();
    let cancelTimer: Cancel | undefined;
    const settle = (): void => {
      cancelTimer?.();
      signal?.removeEventListener('abort', onAbort);
    };
    const giveUp = (reason: unknown): void => {
      settle();
      reject(reason);
      given.abort(reason);
    };
    const onAbort = (): void => giveUp(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (attemptTimeoutMs !== undefined) {
      cancelTimer = clock.schedule(attemptTimeoutMs, () =>
        giveUp(tooLong(instance, attemptTimeoutMs)),
      );
    }
    // Async, so that what it throws at once is a rejection too.
    const running = (async () => attempt(instance, given.signal))();
    void running.then(resolve, reject).finally(settle);
  });
}

function tooLong({ group, name, ip, port }: Instance, timeoutMs: number): DiscoError {
  return new DiscoError(
    'UNAVAILABLE',
    'TIMEOUT',
    `${group}/${name} at ${ip}:${port} did not answer within ${timeoutMs} ms`,
  );
}
