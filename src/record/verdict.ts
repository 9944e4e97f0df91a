/**
 * Why something from a peer was refused: a closed list, each a counter in `disco status`.
 *
 * A peer's bad bytes are never our exception, so decoding answers with one of these.
 */
export const refusalReasons = [
  'MALFORMED',
  'FRAME_TOO_LARGE',
  'RECORD_TOO_LARGE',
  'HEAD_TOO_LARGE',
  'BAD_SIGNATURE',
  'OWNER_MISMATCH',
  'WRONG_CLUSTER',
  'PROTOCOL_VERSION',
  'INVALID_NAME',
  'OUT_OF_RANGE',
  'CLOCK_AHEAD',
  'EXPIRED',
  'ROOT_MISMATCH',
  'EQUIVOCATION',
  'DUPLICATE_OWNER',
  'TOO_MANY_RECORDS',
  'TOO_MANY_HEADS',
  'TOO_MANY_FIELDS',
  'TOO_MANY_DISMISSALS',
  'DECOMPRESS_LIMIT',
  'PEER_THROTTLED',
  'TOKEN_EXPIRED',
  'ACCUSATIONS_THROTTLED',
  'TOO_MANY_ACCUSATIONS',
  'BANNED',
  'UNEXPECTED',
] as const;

export type RefusalReason = (typeof refusalReasons)[number];

/** Either the opened thing or the reason why it was not opened. */
export type Opened<T> =
  | { readonly kind: 'opened'; readonly value: T }
  | { readonly kind: 'refused'; readonly reason: RefusalReason };

export function opened<T>(value: T): Opened<T> {
  return { kind: 'opened', value };
}

export function refused(reason: RefusalReason): { kind: 'refused'; reason: RefusalReason } {
  return { kind: 'refused', reason };
}
