/**
 * What an error says about the instance that was called.
 *
 *   unsent  it was never reached: another may be asked, whatever the call does
 *   lost    it may or may not have done it: another may be asked if doing it twice does no harm
 *   answer  it has answered, though not what the caller hoped for: nothing to ask another
 */
export type FailureKind = 'unsent' | 'lost' | 'answer';

/** An error wraps its cause, and that its own; no deeper than this is looked. */
const depthMax = 5;

const unsentCodes: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);

const lostCodes: ReadonlySet<unknown> = new Set([
  'ECONNABORTED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ERR_HTTP2_GOAWAY_SESSION',
  'ERR_HTTP2_SESSION_ERROR',
  'ERR_HTTP2_STREAM_CANCEL',
  'ERR_HTTP2_STREAM_ERROR',
  'ERR_STREAM_PREMATURE_CLOSE',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CLOSED',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_SOCKET',
  // DiscoError, of an attempt that took too long
  'UNAVAILABLE',
]);

/** gRPC status: DEADLINE_EXCEEDED, UNAVAILABLE. */
const lostStatuses: ReadonlySet<unknown> = new Set([4, 14]);

/** From the codes of Node.js, undici and grpc-js; what bears none of them is an answer. */
export function failureKind(error: unknown): FailureKind {
  let current = error;
  for (let depth = 0; depth < depthMax && current instanceof Error; depth++) {
    const { code, syscall } = current as { code?: unknown; syscall?: unknown };
    if (unsentCodes.has(code)) return 'unsent';
    if (code === 'ETIMEDOUT' && syscall === 'connect') return 'unsent';
    if (lostCodes.has(code)) return 'lost';
    if ('metadata' in current && lostStatuses.has(code)) return 'lost';
    current = current.cause;
  }
  return 'answer';
}
