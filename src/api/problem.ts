/**
 * Problem: an error as HTTP tells it, of `/v1` as problem details (RFC 9457), of the classic paths in
 * the form that they always had.
 */
import { DiscoError } from '../base/error.ts';
import type { ErrorCode, ErrorReason } from '../base/error.ts';
import { requestFields } from './v1-requests.ts';
import { invalid } from './validate.ts';

/** Bytes that a body may take. */
export const bodyBytesMax = 256 * 1024;

const statusByCode: Readonly<Record<ErrorCode, number>> = {
  INVALID_ARGUMENT: 400,
  NOT_FOUND: 404,
  PERMISSION_DENIED: 403,
  FAILED_PRECONDITION: 409,
  RESOURCE_EXHAUSTED: 429,
  UNAVAILABLE: 503,
  INTERNAL: 500,
};

/** What HTTP has a status of its own for. */
const statusByReason: Readonly<Partial<Record<ErrorReason, number>>> = {
  METHOD_NOT_ALLOWED: 405,
};

/** What a daemon tells of its own mistake; the log says more. */
const ownMistake = new DiscoError(
  'INTERNAL',
  'BUG',
  'this daemon made a mistake; its log says which',
);

/** Problem details, with our code and reason. */
export interface Problem {
  /** Names the reason; there is nothing to be fetched there. */
  readonly type: string;
  /** The reason in words. */
  readonly title: string;
  readonly status: number;
  /** One sentence that says what to do. */
  readonly detail: string;
  readonly code: ErrorCode;
  readonly reason: ErrorReason;
}

/** The status of an answer. */
export function httpStatus({ code, reason }: DiscoError): number {
  return statusByReason[reason] ?? statusByCode[code];
}

/** The problem that tells of an error. */
export function problemOf(error: DiscoError): Problem {
  const { code, reason, message } = error;
  const words = reason.toLowerCase().split('_');
  const title = words.join(' ');
  return {
    type: `urn:disco:problem:${words.join('-')}`,
    title: title.charAt(0).toUpperCase() + title.slice(1),
    status: httpStatus(error),
    detail: inCamelCase(message),
    code,
    reason,
  };
}

/** The body of an error of the classic paths. */
export function classicErrorOf({ code, reason, message }: DiscoError): object {
  return { error: { code, reason, message } };
}

/**
 * What is told of anything that was thrown.
 *
 * @param tellBug is called with what is nobody's mistake but ours
 */
export function toldError(error: unknown, tellBug: (error: unknown) => void): DiscoError {
  const known = error instanceof DiscoError ? error : frameworkError(error);
  if (known !== undefined) return known;
  tellBug(error);
  return ownMistake;
}

function frameworkError(error: unknown): DiscoError | undefined {
  const { statusCode } = error as { statusCode?: unknown };
  if (statusCode === 413)
    return invalid('INVALID_BODY', `the body is larger than the ${bodyBytesMax} bytes allowed`);
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode >= 500) return undefined;
  return invalid('INVALID_BODY', 'the body cannot be read: send one JSON object');
}

/** By the name of the proto, which the sentences of the service use. */
const camelNames: ReadonlyMap<string, string> = new Map(
  requestFields.map((field) => [field.replace(/[A-Z]/g, (big) => `_${big.toLowerCase()}`), field]),
);

/** Names fields as they are sent here; what is quoted from a caller stays as it is. */
function inCamelCase(sentence: string): string {
  return sentence.replace(/"(?:[^"\\]|\\.)*"|\b[a-z]+(?:_[a-z]+)+\b/g, (part) => {
    return camelNames.get(part) ?? part;
  });
}
