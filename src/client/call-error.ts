/**
 * What a failed call becomes: one DiscoError, whoever carried it.
 */
import { DiscoError, errorText, type ErrorCode, type ErrorReason } from '../base/error.ts';
import { grpcStatus as status } from '../base/grpc-status.ts';

/** gRPC status to code; what is not here is INTERNAL. */
const codeOfStatus: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
  [status.INVALID_ARGUMENT, 'INVALID_ARGUMENT'],
  [status.NOT_FOUND, 'NOT_FOUND'],
  [status.PERMISSION_DENIED, 'PERMISSION_DENIED'],
  [status.UNAUTHENTICATED, 'PERMISSION_DENIED'],
  [status.FAILED_PRECONDITION, 'FAILED_PRECONDITION'],
  [status.UNIMPLEMENTED, 'FAILED_PRECONDITION'],
  [status.RESOURCE_EXHAUSTED, 'RESOURCE_EXHAUSTED'],
  [status.UNAVAILABLE, 'UNAVAILABLE'],
  [status.DEADLINE_EXCEEDED, 'UNAVAILABLE'],
  [status.CANCELLED, 'UNAVAILABLE'],
  [status.INTERNAL, 'INTERNAL'],
]);

/** The reason when the answer bears none, which a disco daemon's own refusals always do. */
const reasonOfCode: Readonly<Record<ErrorCode, ErrorReason>> = {
  INVALID_ARGUMENT: 'INVALID_BODY',
  NOT_FOUND: 'UNKNOWN_SERVICE',
  PERMISSION_DENIED: 'HOST_NOT_ALLOWED',
  FAILED_PRECONDITION: 'NO_DAEMON',
  RESOURCE_EXHAUSTED: 'RECORD_TOO_LARGE',
  UNAVAILABLE: 'NO_DAEMON',
  INTERNAL: 'BUG',
};

/** A call that ended with a status: grpc-js' ServiceError, or one of the plain stub's. */
export interface FailedStatus extends Error {
  readonly code: number;
  readonly details: string;
  readonly metadata: { get(key: string): readonly unknown[] };
}

/** What was called, for the sentence. */
export interface FailedCall {
  readonly method: string;
  readonly address: string;
  /** Where the address came from. */
  readonly source: string;
  readonly deadlineMs: number;
}

/** The daemon's own code, reason and sentence where it gave them; else what the client knows. */
export function callError(error: unknown, call: FailedCall): DiscoError {
  if (!isServiceError(error)) {
    const text = `${call.method} failed at ${call.address}: ${errorText(error)}`;
    return new DiscoError('INTERNAL', 'BUG', text, error);
  }
  const code = codeOfStatus.get(error.code) ?? 'INTERNAL';
  const told = error.metadata.get('disco-reason')[0];
  // A newer daemon may have reasons that this client's list lacks: they are passed on as they are.
  if (typeof told === 'string') return new DiscoError(code, told as ErrorReason, error.details);
  const where = `${call.address} (${call.source})`;
  switch (error.code) {
    case status.UNAVAILABLE:
    case status.CANCELLED:
      return new DiscoError(
        'UNAVAILABLE',
        'NO_DAEMON',
        `no disco daemon answers at ${where}; run \`disco start\` on this host, ` +
          'or name another address with DISCO_ADDR',
        error,
      );
    case status.DEADLINE_EXCEEDED:
      return new DiscoError(
        'UNAVAILABLE',
        'TIMEOUT',
        `the disco daemon at ${where} did not answer ${call.method} within ` +
          `${call.deadlineMs} ms; see what it does with \`disco status\`, or allow more time`,
        error,
      );
    case status.UNIMPLEMENTED:
      return new DiscoError(
        code,
        'NO_DAEMON',
        `what answers at ${where} does not know ${call.method}: it is no disco daemon, or an ` +
          'older one than this client; check the address and the version',
        error,
      );
    default: {
      const text = `${call.method} failed at ${where}: ${error.details}`;
      return new DiscoError(code, reasonOfCode[code], text, error);
    }
  }
}

function isServiceError(error: unknown): error is FailedStatus {
  return error instanceof Error && 'code' in error && 'metadata' in error;
}
