/**
 * An owner's name: the libp2p peer id of its Ed25519 key.
 *
 * In messages an owner is its raw public key of 32 bytes; everywhere else the peer id as text.
 * The two turn into each other without any lookup, since an Ed25519 peer id is the key itself:
 * base58btc(identity multihash(protobuf{type: Ed25519, data: key})), libp2p peer id specification.
 */
import { base58btc } from 'multiformats/bases/base58';

/** Peer id as text, for example `12D3KooW…`. */
export type OwnerId = string;

export const publicKeyBytes = 32;

/** identity multihash, 36 bytes long: field 1 = Ed25519 (1), field 2 = 32 bytes */
const peerIdPrefix = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20);

/** base58 is slow and the same owners come again and again; dropped as a whole when full. */
const idByKey = new Map<string, OwnerId>();
const keyById = new Map<OwnerId, Uint8Array>();
const cachedMax = 20_000;

/** @param publicKey raw Ed25519 public key, 32 bytes */
export function ownerFromKey(publicKey: Uint8Array): OwnerId {
  const cacheKey = Buffer.from(publicKey).toString('latin1');
  const known = idByKey.get(cacheKey);
  if (known !== undefined) return known;
  const bytes = new Uint8Array(peerIdPrefix.length + publicKeyBytes);
  bytes.set(peerIdPrefix);
  bytes.set(publicKey, peerIdPrefix.length);
  const owner = base58btc.baseEncode(bytes);
  if (idByKey.size >= cachedMax) idByKey.clear();
  idByKey.set(cacheKey, owner);
  return owner;
}

/** The raw public key of an owner, or undefined when the text is no Ed25519 peer id. */
export function keyOfOwner(owner: OwnerId): Uint8Array | undefined {
  const known = keyById.get(owner);
  if (known !== undefined) return known;
  const bytes = decodeBase58(owner);
  if (bytes?.length !== peerIdPrefix.length + publicKeyBytes) return undefined;
  if (peerIdPrefix.some((byte, i) => bytes[i] !== byte)) return undefined;
  const key = bytes.slice(peerIdPrefix.length);
  if (keyById.size >= cachedMax) keyById.clear();
  keyById.set(owner, key);
  return key;
}

function decodeBase58(text: string): Uint8Array | undefined {
  if (text.length > 64) return undefined;
  try {
    return base58btc.baseDecode(text);
  } catch {
    return undefined;
  }
}
