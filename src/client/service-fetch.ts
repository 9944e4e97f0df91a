/**
 * `fetch` for services: `http://NAME.GROUP/path` goes to an instance of group/name, and to another
 * one when it does not answer.
 *
 * Methods that may be repeated (RFC 9110, 9.2.2) are; the others only when nothing has arrived. An
 * answer of 502, 503 or 504 counts as none, and is given to the caller when there is no better.
 */
import { DiscoError } from '../base/error.ts';
import type { Balancer } from './balancer.ts';
import { call } from './call.ts';
import { failureKind, type FailureKind } from './failure-kind.ts';
import { instanceAddress } from './instance.ts';
import { tracedFetch } from './traced-fetch.ts';

const idempotentMethods: ReadonlySet<string> = new Set([
  'DELETE',
  'GET',
  'HEAD',
  'OPTIONS',
  'PUT',
  'TRACE',
]);
const unansweredStatuses: ReadonlySet<number> = new Set([502, 503, 504]);

/** A URL whose host is a service. */
export interface ServiceUrl {
  readonly group: string;
  readonly name: string;
  /** The same URL at an instance's address, `ip:port`. */
  readonly at: (address: string) => string;
}

/**
 * Reads `http://NAME.GROUP/path`, or https: the group is what follows the last dot.
 *
 * @throws DiscoError INVALID_ARGUMENT/INVALID_NAME for a URL of another form
 */
export function parseServiceUrl(text: string): ServiceUrl {
  const [, scheme = '', host = '', rest = ''] = /^(https?):\/\/([^/?#]*)(.*)$/is.exec(text) ?? [];
  const [, name, group] = /^([\w.-]*[\w-])\.([\w-]+)$/.exec(host) ?? [];
  if (name !== undefined && group !== undefined) {
    return { group, name, at: (address) => `${scheme}://${address}${rest}` };
  }
  throw new DiscoError(
    'INVALID_ARGUMENT',
    'INVALID_NAME',
    `${JSON.stringify(text)} names no service; expected http://NAME.GROUP/path, without a port ` +
      'and without credentials, such as http://add.math/evaluate',
  );
}

/** Of one instance: it did not answer, but something before it did. */
class Unanswered extends Error {
  readonly response: Response;

  constructor(response: Response) {
    super(`answered ${response.status}`);
    this.response = response;
  }
}

/**
 * Fetches from an instance of the balancer's. A body that is a stream cannot be sent twice: such a
 * request is tried once.
 *
 * @throws what fetch throws; what call() throws when there is no instance
 */
export async function fetchFrom(
  balancer: Balancer,
  url: ServiceUrl,
  input: string | URL | Request,
  init: RequestInit = {},
): Promise<Response> {
  const request = input instanceof Request ? input : undefined;
  const method = (init.method ?? request?.method ?? 'GET').toUpperCase();
  const signal = signalOf(input, init);
  let unanswered: Response | undefined;
  let attempts = 0;
  const attempt = async (address: string, given: AbortSignal): Promise<Response> => {
    await discard(unanswered);
    unanswered = undefined;
    // The caller's own signal also ends the reading of the body, when this attempt is long over.
    const signals = signal === undefined ? given : AbortSignal.any([given, signal]);
    const target = url.at(address);
    const sent = request === undefined ? target : new Request(target, request);
    const response = await tracedFetch(sent, { ...init, signal: signals }, attempts++);
    if (!unansweredStatuses.has(response.status)) return response;
    unanswered = response;
    throw new Unanswered(response);
  };
  try {
    return await call(balancer, (instance, given) => attempt(instanceAddress(instance), given), {
      signal,
      idempotent: idempotentMethods.has(method),
      judge,
      ...(canBeSentTwice(request, init) ? {} : { attemptsMax: 1 }),
    });
  } catch (error) {
    if (error instanceof Unanswered) return error.response;
    await discard(unanswered);
    throw error;
  }
}

/** What ends a fetch by its caller's will. */
export function signalOf(
  input: string | URL | Request,
  init: RequestInit = {},
): AbortSignal | undefined {
  const own = input instanceof Request ? input.signal : undefined;
  return init.signal ?? own ?? undefined;
}

/** The text of what is to be fetched. A Request and a URL have their host in small letters. */
export function urlText(input: string | URL | Request): string {
  if (typeof input === 'string') return input;
  return input instanceof URL ? input.href : input.url;
}

function judge(error: unknown): FailureKind {
  return error instanceof Unanswered ? 'lost' : failureKind(error);
}

/** Lets go of the connection that an answer nobody wants is still coming on. */
async function discard(response: Response | undefined): Promise<void> {
  // A connection that breaks meanwhile is gone as well.
  await response?.body?.cancel().catch(() => undefined);
}

function canBeSentTwice(request: Request | undefined, { body }: RequestInit): boolean {
  if (body === undefined || body === null) return (request?.body ?? null) === null;
  return (
    typeof body === 'string' ||
    body instanceof URLSearchParams ||
    body instanceof FormData ||
    body instanceof Blob ||
    body instanceof ArrayBuffer ||
    ArrayBuffer.isView(body)
  );
}
