/**
 * Digest: what a node holds, signed, in a size that does not depend on how much that is.
 *
 * The set hash tells whether two nodes hold the same, the coded symbols usually tell the few heads
 * that differ (sketch.ts). The owner is not named: the peer at the other end of the link signs.
 */
import { disco } from '../gen/gossip.js';
import { safeInteger } from '../record/encoding.ts';
import type { Sealed } from '../record/head.ts';
import type { OwnerId } from '../record/owner.ts';
import type { Signer, Verifier } from '../record/signature.ts';
import { opened, refused } from '../record/verdict.ts';
import type { Opened } from '../record/verdict.ts';
import { setHashBytes, symbolBytes } from './sketch.ts';

const wire = disco.gossip.v1;

/** Coded symbols in a digest: one replaced head usually decodes out of them. */
export const digestSymbols = 4;
export const saltBytes = 16;
/** An honest body has half of that; a later version may add to it. */
const bodyBytesMax = 256;

export interface Digest {
  /** Sender's wall clock, µs. */
  readonly time: number;
  readonly exchange: number;
  /** 16 bytes. */
  readonly setHash: Uint8Array;
  readonly symbols: Uint8Array;
  /** A key drawn for this one comparison; undefined: the cluster's. */
  readonly salt: Uint8Array | undefined;
}

export function sealDigest(digest: Digest, cluster: string, signer: Signer): Sealed {
  const { time, exchange, setHash, symbols, salt } = digest;
  const plain = { time, exchange, setHash, symbols };
  const body = wire.Digest.encode(salt === undefined ? plain : { ...plain, salt }).finish();
  return { body, signature: signer.sign('disco/v1/digest', cluster, body) };
}

/** Opens a digest that came from `peer`. Refuses: MALFORMED, BAD_SIGNATURE. */
export function openDigest(
  sealed: Sealed,
  peer: OwnerId,
  cluster: string,
  verifier: Verifier,
): Opened<Digest> {
  const digest = readDigest(sealed.body);
  if (digest === undefined) return refused('MALFORMED');
  const { body, signature } = sealed;
  if (!verifier.verify(peer, 'disco/v1/digest', cluster, body, signature))
    return refused('BAD_SIGNATURE');
  return opened(digest);
}

/** How many heads the sender compares: the count in the symbol that holds all. */
export function countOf({ symbols }: Digest): number {
  return new DataView(symbols.buffer, symbols.byteOffset).getInt32(symbolBytes - 4, true);
}

function readDigest(body: Uint8Array): Digest | undefined {
  if (body.length > bodyBytesMax) return undefined;
  const message = decodeDigest(body);
  if (message === undefined) return undefined;
  const { exchange, setHash, symbols, salt } = message;
  const time = safeInteger(message.time);
  const isWhole =
    setHash.length === setHashBytes && symbols.length === digestSymbols * symbolBytes && time > 0;
  if (!isWhole || (salt.length !== 0 && salt.length !== saltBytes)) return undefined;
  return { time, exchange, setHash, symbols, salt: salt.length === 0 ? undefined : salt };
}

function decodeDigest(body: Uint8Array): disco.gossip.v1.Digest | undefined {
  try {
    return wire.Digest.decode(body);
  } catch {
    return undefined;
  }
}
