/**
 * The http check: one request on a connection of its own, answered with the expected status.
 *
 * A redirect is an answer like any other and is not followed: a check never leaves the instance's
 * address. The body is read as far as it is shown; a short one has to end within the timeout.
 */
import * as http from 'node:http';
import * as https from 'node:https';
import { outputCharsMax } from '../registry/check-state.ts';
import type { Check } from '../store/store.ts';
import { guardedLookup } from './guarded-lookup.ts';
import type { AskTarget, CheckTarget } from './target.ts';

/** Enough for an output of the widest characters. */
const bodyBytesMax = 4 * outputCharsMax;
const headers = { 'user-agent': 'disco-check', accept: '*/*', connection: 'close' };

/** An answer, the begin of its body with it. */
export interface HttpAnswer {
  readonly status: number;
  /** Status and its words, such as `503 Service Unavailable`. */
  readonly said: string;
  /** Where it would have been redirected to. */
  readonly location: string | undefined;
  readonly body: string;
}

export const askHttp: AskTarget = async (target, check, signal) => {
  const { status, said, location, body } = await requestOnce(target, check, signal);
  const hasPassed = isExpected(status, check.expectedStatus);
  const expected = check.expectedStatus === 0 ? '200 to 299' : String(check.expectedStatus);
  const where = location === undefined ? '' : ` (redirects to ${location} are not followed)`;
  const answer = hasPassed ? said : `${said}${where}, expected ${expected}`;
  return { hasPassed, output: body === '' ? answer : `${answer}: ${body}` };
};

/** One request on a connection of its own. Rejects as node:http does when there was no answer. */
export function requestOnce(
  { ip, port }: CheckTarget,
  { path, method, tls }: Pick<Check, 'path' | 'method' | 'tls'>,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const lookup = guardedLookup;
    const options = { host: ip, port, lookup, path, method, headers, signal, agent: false };
    const answered = (response: http.IncomingMessage): void => {
      readAnswer(response).then(resolve, reject);
    };
    const request = tls
      ? // It finds out whether the instance serves, not who it is.
        https.request({ ...options, rejectUnauthorized: false }, answered)
      : http.request(options, answered);
    // Not once: hanging up on a long answer is an error of the request, too.
    request.on('error', reject);
    request.end();
  });
}

async function readAnswer(response: http.IncomingMessage): Promise<HttpAnswer> {
  const { statusCode: status = 0, statusMessage = '', headers } = response;
  const said = `${status} ${statusMessage}`.trimEnd();
  return { status, said, location: headers.location, body: await readBody(response) };
}

function isExpected(status: number, expected: number): boolean {
  return expected === 0 ? status >= 200 && status <= 299 : status === expected;
}

async function readBody(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    // Leaving the loop hangs up.
    if (bytes > bodyBytesMax) break;
  }
  return Buffer.concat(chunks).toString();
}
