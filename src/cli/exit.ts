/**
 * Exit codes: 0 ok, 1 failure, 2 usage, 3 not found, 4 no daemon reached, 5 refused.
 */
import { DiscoError, errorText } from '../base/error.ts';
import type { ErrorCode, ErrorReason } from '../base/error.ts';

export type ExitCode = 0 | 1 | 2 | 3 | 4 | 5;

/** Ends the program with one sentence on stderr. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: number;

  constructor(exitCode: number, sentence: string) {
    super(sentence);
    this.exitCode = exitCode;
  }
}

const byCode: Readonly<Record<ErrorCode, ExitCode>> = {
  INVALID_ARGUMENT: 2,
  NOT_FOUND: 3,
  UNAVAILABLE: 4,
  PERMISSION_DENIED: 5,
  FAILED_PRECONDITION: 5,
  RESOURCE_EXHAUSTED: 5,
  INTERNAL: 1,
};

/** What is broken here rather than refused, and what answers without being a daemon. */
const byReason: Readonly<Partial<Record<ErrorReason, ExitCode>>> = {
  NO_DAEMON: 4,
  PORT_IN_USE: 1,
  ADDRESS_UNAVAILABLE: 1,
  KEY_UNREADABLE: 1,
  DATABASE_DAMAGED: 1,
  DATABASE_TOO_NEW: 1,
  DISK: 1,
  DUPLICATE_OWNER: 1,
};

/** The exit code and the sentence of anything that was thrown. */
export function exitOf(error: unknown): { exitCode: number; sentence: string } {
  if (error instanceof CliError) return { exitCode: error.exitCode, sentence: error.message };
  if (error instanceof DiscoError)
    return { exitCode: byReason[error.reason] ?? byCode[error.code], sentence: error.message };
  return { exitCode: 1, sentence: errorText(error) };
}
