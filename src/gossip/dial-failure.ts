/** What a failed dial says about the other side, out of the errors of libp2p and Node. */
import { errorText } from '../base/error.ts';
import type { DialFailure } from './context.ts';

const unreachableCodes = ['EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN', 'EADDRNOTAVAIL'];
const timeoutNames = ['TimeoutError', 'AbortError', 'ETIMEDOUT'];

/** The clearest of all that went wrong at the addresses that were tried. */
export function dialFailureOf(error: unknown): DialFailure {
  const marks = marksOf(error, 0);
  if (marks.some((mark) => /dial self|self dial/i.test(mark))) return 'self';
  if (marks.some((mark) => /UnexpectedPeer|expected remote identity/.test(mark)))
    return 'other_peer';
  if (marks.some((mark) => timeoutNames.includes(mark))) return 'timeout';
  if (marks.some((mark) => unreachableCodes.includes(mark))) return 'unreachable';
  // Nobody listens (refused), or a process dies while it answers (reset).
  if (marks.includes('ECONNREFUSED') || marks.includes('ECONNRESET')) return 'refused';
  return 'unreachable';
}

/** True when an address could not be listened on because another process does. */
export function isPortInUse(error: unknown): boolean {
  return marksOf(error, 0).some((mark) => mark.includes('EADDRINUSE'));
}

/** Names, codes and messages of an error and of those inside it. */
function marksOf(error: unknown, depth: number): string[] {
  if (!(error instanceof Error) || depth > 5) return [];
  const { code } = error as { code?: unknown };
  const inner = error instanceof AggregateError ? error.errors : [];
  return [
    error.name,
    error.message,
    ...(typeof code === 'string' ? [code] : []),
    ...inner.flatMap((each) => marksOf(each, depth + 1)),
    ...marksOf(error.cause, depth + 1),
  ];
}

/** The system's own words, without the stack traces that libp2p packs into its message. */
export function listenProblem(error: unknown): string {
  const system = marksOf(error, 0).flatMap((mark) => /\blisten E[A-Z]+: .*/.exec(mark) ?? []);
  return system[0] ?? (errorText(error).split('\n')[0] as string);
}
