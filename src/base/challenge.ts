/**
 * Challenge: how an instance proves to the daemon that checks it that it is the process that was
 * registered: what is asked, and the very bytes that are signed (proto/disco/v1/identity.proto).
 */
import { disco } from '../gen/identity.js';
import { formatAddress } from './address.ts';
import { unaryMethod } from './grpc-methods.ts';

const { ChallengeRequest, ChallengeResponse } = disco.v1;

/** A nonce has 16 to 64 bytes: what nobody guesses, and nothing to fill memories with. */
export const nonceBytesMin = 16;
export const nonceBytesMax = 64;

/** Where instances that speak HTTP answer, unless they are registered with another path. */
export const identityPathDefault = '/.well-known/disco-identity';

/** The table of proto/disco/v1/identity.proto. */
export const identityDefinition = {
  Challenge: unaryMethod('/disco.v1.Identity/Challenge', ChallengeRequest, ChallengeResponse),
};

/** What a process was registered as; the address as the daemon answered it. */
export interface RegisteredAs {
  readonly group: string;
  readonly name: string;
  readonly instanceId: string;
  readonly ip: string;
  readonly port: number;
}

/**
 * What the instance signs. No line can be taken for two: neither names, ids and hosts nor base64url
 * hold a line feed.
 *
 * @param owner peer id of the daemon that asks
 */
export function provenBytes(as: RegisteredAs, owner: string, nonce: Uint8Array): Uint8Array {
  const { group, name, instanceId, ip, port } = as;
  const address = formatAddress({ host: ip, port });
  const lines = ['disco identity v1', group, name, instanceId, address, owner, base64url(nonce)];
  return new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''));
}

/** How keys, nonces and signatures are written (RFC 4648, 5, without padding). */
export function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

/** Undefined for what base64url() does not write. */
export function fromBase64url(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}
