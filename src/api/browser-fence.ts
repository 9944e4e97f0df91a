/**
 * BrowserFence: a browser page of another origin gets nothing.
 *
 * The Host must be one of ours (against rebound DNS names), a foreign Origin is refused, so is what
 * the browser itself says to come from elsewhere (Sec-Fetch-Site), and bodies are JSON (which a page
 * cannot send unasked). No answer has CORS headers, and none may be sniffed for what it is not, nor
 * be embedded elsewhere.
 */
import type { FastifyRequest } from 'fastify';
import { isIP } from 'node:net';
import { DiscoError } from '../base/error.ts';
import { invalid, quote } from './validate.ts';

/** What every answer bears. */
export const fenceHeaders = {
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
} as const;

/** What a browser says of a page of this daemon, and of what a person typed. */
const ownSites: readonly unknown[] = [undefined, 'same-origin', 'none'];

/**
 * What a web page in somebody's browser must not get through with.
 *
 * @param names by which this daemon may be called, besides localhost and IP addresses of its host
 */
export function browserFault(
  request: FastifyRequest,
  names: readonly string[],
): DiscoError | undefined {
  const { host, origin } = request.headers;
  if (!isOurHost(host ?? '', request.socket.localAddress ?? '', names)) {
    const sentence = `the Host header names ${quote(host ?? '')}: call this API by an IP address of its host, as localhost, or by a name given with --http-hosts`;
    return new DiscoError('PERMISSION_DENIED', 'HOST_NOT_ALLOWED', sentence);
  }
  if (origin !== undefined && origin !== `http://${host}`) return foreign(quote(origin));
  const site = request.headers['sec-fetch-site'];
  if (!ownSites.includes(site)) return foreign(`another site (${quote(String(site))})`);
  const contentType = request.headers['content-type'];
  const isReading = request.method === 'GET' || request.method === 'HEAD';
  if (!isReading && contentType?.split(';')[0]?.trim() !== 'application/json')
    return invalid('INVALID_BODY', 'send a JSON body with Content-Type: application/json');
  return undefined;
}

function foreign(where: string): DiscoError {
  const sentence = `requests of pages from ${where} are not answered: this API is for programs on its host`;
  return new DiscoError('PERMISSION_DENIED', 'ORIGIN_FORBIDDEN', sentence);
}

/** Localhost, or the very address that was connected to: names can be bound to us by anybody. */
function isOurHost(header: string, localAddress: string, names: readonly string[]): boolean {
  const host = header.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  if (['localhost', '127.0.0.1', '::1', ...names].includes(host)) return true;
  return isIP(host) !== 0 && localAddress.replace(/^::ffff:/, '') === host;
}
