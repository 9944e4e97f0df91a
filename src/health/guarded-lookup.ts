/**
 * Which addresses a check never asks, whatever was registered: those at which a cloud tells a host its
 * secrets. A name is looked at once it is resolved, and the connection goes to what was looked at, so
 * that it cannot mean something else a moment later.
 */
import * as dns from 'node:dns';
import type { LookupFunction } from 'node:net';
import { isMetadataRange } from '../base/address.ts';
import { DiscoError } from '../base/error.ts';

/** @throws DiscoError PERMISSION_DENIED/CHECK_TARGET_FORBIDDEN */
export function checkTarget(host: string): void {
  if (isMetadataRange(host)) throw forbidden(host);
}

/** As dns.lookup, which it asks; an error when one of the addresses is forbidden. */
export function guarded(lookup: LookupFunction): LookupFunction {
  return (hostname, options, callback) =>
    lookup(hostname, options, (error, found, family) => {
      const addresses = Array.isArray(found) ? found.map(({ address }) => address) : [found];
      const bad = error === null ? addresses.find(isMetadataRange) : undefined;
      if (bad === undefined) callback(error, found, family);
      else callback(forbidden(`${hostname} (${bad})`), found, family);
    });
}

export const guardedLookup = guarded(dns.lookup);

/** All addresses of a name. Rejects with the signal's reason when that came first. */
export function resolved(
  host: string,
  signal: AbortSignal,
  lookup: LookupFunction = guardedLookup,
): Promise<readonly string[]> {
  const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
  const abort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  lookup(host, { all: true }, (error, found) => {
    signal.removeEventListener('abort', abort);
    if (error !== null) reject(error);
    else resolve(Array.isArray(found) ? found.map(({ address }) => address) : [found]);
  });
  return promise;
}

function forbidden(host: string): DiscoError {
  const sentence = `CHECK_TARGET_FORBIDDEN: ${host} is link-local or of a cloud's metadata service, which no check asks: leave the check out, or register another address`;
  return new DiscoError('PERMISSION_DENIED', 'CHECK_TARGET_FORBIDDEN', sentence);
}
