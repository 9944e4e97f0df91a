/**
 * One run of a check: connects to the instance's own address, and ends within the check's timeout.
 */
import { errorText } from '../base/error.ts';
import { checkOutput } from '../registry/check-state.ts';
import type { CheckOutcome } from '../registry/check-state.ts';
import type { Check } from '../store/store.ts';
import { askGrpc } from './grpc.ts';
import { checkTarget } from './guarded-lookup.ts';
import { askHttp } from './http.ts';
import { askIdentity } from './identity.ts';
import type { AskTarget, CheckTarget } from './target.ts';
import { connectTcp } from './tcp.ts';

const askBy: Readonly<Record<Check['kind'], AskTarget>> = {
  tcp: connectTcp,
  http: askHttp,
  grpc: askGrpc,
  identity: askIdentity,
};

/**
 * Runs a check once.
 *
 * @param stop ends it early
 * @returns how it ended; never rejects, and its output is one bounded line
 */
export async function runCheck(
  target: CheckTarget,
  check: Check,
  stop: AbortSignal,
): Promise<CheckOutcome> {
  const late = new AbortController();
  // When this process was kept from running, an answer may have come in time and not be heard yet:
  // timers come before sockets, and an immediate after them.
  const timer = setTimeout(() => setImmediate(() => late.abort()), check.timeoutMs);
  try {
    // Registered before this was refused, or by an older release.
    checkTarget(target.ip);
    const signal = AbortSignal.any([stop, late.signal]);
    const outcome = await askBy[check.kind](target, check, signal);
    return { ...outcome, output: checkOutput(outcome.output) };
  } catch (error) {
    const isLate = late.signal.aborted;
    const output = isLate ? `no answer within ${check.timeoutMs} ms` : failureText(error);
    return { hasPassed: false, output: checkOutput(output) };
  } finally {
    clearTimeout(timer);
  }
}

/** A host name with several addresses fails with an error for each, and none of its own. */
function failureText(error: unknown): string {
  if (error instanceof AggregateError && error.message === '')
    return error.errors.map(errorText).join('; ');
  return errorText(error);
}
