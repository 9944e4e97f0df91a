/**
 * Version: what is held of one owner, in 16 bytes.
 *
 *   the first 8 bytes of the owner's key ▏ lastUpdate, 8 bytes big-endian
 *
 * Half a key names an owner well enough: two owners with one prefix cost a few bytes and nothing
 * else, since whoever answers for a prefix answers for both.
 */
import { keyOfOwner } from '../record/owner.ts';
import type { OwnerId } from '../record/owner.ts';

export const versionBytes = 16;

/** The first 8 bytes of a key, as two unsigned 32-bit halves. */
export interface Prefix {
  readonly hi: number;
  readonly lo: number;
}

export interface Version {
  readonly prefix: Prefix;
  /** 0: nothing is held, or nothing but the whole will do. */
  readonly lastUpdate: number;
}

export function prefixOf(owner: OwnerId): Prefix {
  const key = keyOfOwner(owner) as Uint8Array;
  return { hi: readUint32(key, 0), lo: readUint32(key, 4) };
}

/** For use in a Map; two prefixes that differ in their first 11 bits alone share one. */
export function prefixKey({ hi, lo }: Prefix): number {
  return (hi & 0x1f_ffff) * 2 ** 32 + lo;
}

/** Order of keys by their prefixes: negative, zero or positive. */
export function comparePrefixes(a: Prefix, b: Prefix): number {
  return a.hi - b.hi || a.lo - b.lo;
}

export function packVersions(versions: readonly Version[]): Uint8Array {
  const bytes = new Uint8Array(versions.length * versionBytes);
  const view = new DataView(bytes.buffer);
  versions.forEach(({ prefix, lastUpdate }, index) => {
    const at = index * versionBytes;
    view.setUint32(at, prefix.hi);
    view.setUint32(at + 4, prefix.lo);
    view.setUint32(at + 8, Math.floor(lastUpdate / 2 ** 32));
    view.setUint32(at + 12, lastUpdate % 2 ** 32);
  });
  return bytes;
}

/** Undefined when the bytes are no list of versions. */
export function readVersions(bytes: Uint8Array): Version[] | undefined {
  if (bytes.length % versionBytes !== 0) return undefined;
  const versions: Version[] = [];
  for (let at = 0; at < bytes.length; at += versionBytes) {
    const lastUpdate = readUint32(bytes, at + 8) * 2 ** 32 + readUint32(bytes, at + 12);
    if (!Number.isSafeInteger(lastUpdate)) return undefined;
    const prefix = { hi: readUint32(bytes, at), lo: readUint32(bytes, at + 4) };
    versions.push({ prefix, lastUpdate });
  }
  return versions;
}

function readUint32(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(at, at + 4);
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}
