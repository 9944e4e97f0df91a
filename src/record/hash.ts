/** SHA-256 over bytes, and the order of byte strings. */
import { hash } from 'node:crypto';

export type Hash = Uint8Array;

export const hashBytes = 32;

/** SHA-256 of the parts laid end to end: 32 bytes. */
export function sha256(...parts: readonly (Uint8Array | string)[]): Hash {
  const whole =
    parts.length === 1
      ? (parts[0] as Uint8Array | string)
      : Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
  return hash('sha256', whole, 'buffer');
}

/** The same bytes, copied if they are a small part of a buffer that they would keep alive. */
export function detached(bytes: Uint8Array): Uint8Array {
  return bytes.buffer.byteLength > 2 * bytes.length ? new Uint8Array(bytes) : bytes;
}

/** Negative, zero or positive: lexicographic order of two byte strings. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
