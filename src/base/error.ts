/**
 * One error with a closed list of codes and of reasons.
 *
 * `code` is what a gRPC client switches on, `reason` is stable and machine-readable (the
 * `disco-reason` metadata), `message` is one sentence that says what to do. `cause` never leaves
 * the process.
 */
export const errorCodes = [
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'PERMISSION_DENIED',
  'FAILED_PRECONDITION',
  'RESOURCE_EXHAUSTED',
  'UNAVAILABLE',
  'INTERNAL',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

export type ErrorReason =
  // what a caller of the API sent
  | 'INVALID_NAME'
  | 'INVALID_ADDRESS'
  | 'INVALID_PORT'
  | 'INVALID_TTL'
  | 'INVALID_METADATA'
  | 'INVALID_TAG'
  | 'INVALID_VERSION'
  | 'INVALID_WEIGHT'
  | 'INVALID_ENDPOINT'
  | 'INVALID_POLICY'
  | 'INVALID_REASON'
  | 'INVALID_CHECK'
  | 'CHECK_TARGET_FORBIDDEN'
  | 'INVALID_PAGE'
  | 'INVALID_CURSOR'
  | 'INVALID_BODY'
  | 'INVALID_QUERY'
  | 'INVALID_LOG_LEVEL'
  | 'UNKNOWN_PATH'
  | 'METHOD_NOT_ALLOWED'
  | 'PORT_WITHOUT_HOST'
  | 'AMBIGUOUS_INSTANCE'
  | 'NOT_OWNED_HERE'
  | 'OWNED_BY_FILE'
  | 'STILL_IN_MAINTENANCE'
  | 'UNKNOWN_SERVICE'
  | 'UNKNOWN_INSTANCE'
  | 'NO_HEALTHY_INSTANCE'
  | 'SERVICE_GONE'
  | 'UNKNOWN_MEMBER'
  | 'AMBIGUOUS_MEMBER'
  | 'MEMBER_ALIVE'
  | 'NO_TTL'
  | 'HOST_NOT_ALLOWED'
  | 'ORIGIN_FORBIDDEN'
  // bounds
  | 'RECORD_TOO_LARGE'
  | 'TOO_MANY_RECORDS'
  | 'TOO_MANY_RULES'
  | 'WATCH_TOO_SLOW'
  | 'TOO_MANY_WATCHERS'
  | 'TOO_MANY_DISMISSALS'
  | 'NO_FREE_PORT'
  // what a person asked for
  | 'USAGE'
  // the daemon's own state
  | 'CONFIG'
  | 'DATA_DIR_IN_USE'
  | 'DATA_DIR_OF_ANOTHER_CLUSTER'
  | 'DATABASE_DAMAGED'
  | 'DATABASE_TOO_NEW'
  | 'DISK'
  | 'INSECURE_PERMISSIONS'
  | 'KEY_UNREADABLE'
  | 'PORT_IN_USE'
  | 'ADDRESS_UNAVAILABLE'
  | 'DUPLICATE_OWNER'
  | 'STALE'
  | 'STOPPING'
  | 'NO_DAEMON'
  | 'DAEMON_LOST'
  | 'TIMEOUT'
  | 'BUG';

export class DiscoError extends Error {
  override readonly name = 'DiscoError';
  readonly code: ErrorCode;
  readonly reason: ErrorReason;

  constructor(code: ErrorCode, reason: ErrorReason, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.reason = reason;
  }
}

/** What went wrong, as one line for a log or a person, from anything that can be thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
