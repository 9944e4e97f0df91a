/**
 * Messages between nodes: frames to bytes and back (proto/disco/v1/gossip.proto).
 *
 * A frame that cannot be read is a refusal with a reason, never an exception.
 */
import { disco } from '../gen/gossip.js';
import { safeInteger } from '../record/encoding.ts';
import type { Sealed, SealedHead } from '../record/head.ts';
import { keyOfOwner, ownerFromKey, publicKeyBytes } from '../record/owner.ts';
import type { OwnerId } from '../record/owner.ts';
import { opened, refused } from '../record/verdict.ts';
import type { Opened } from '../record/verdict.ts';

const wire = disco.gossip.v1;

/** Longest frame on a stream. */
export const frameBytesMax = 1024 * 1024;
/** Longest rumor; over it only the head is told. */
export const rumorBytesMax = 64 * 1024;

export const protocolVersion = 1;

export interface HeadSummary {
  readonly owner: OwnerId;
  readonly lastUpdate: number;
  /** First 8 bytes of the head's hash, as hex. */
  readonly hash: string;
}

export interface OwnerVersion {
  readonly owner: OwnerId;
  /** What is held; 0: nothing. */
  readonly lastUpdate: number;
  readonly whole: boolean;
}

export interface Rumor {
  readonly head: Sealed;
  /** lastUpdate of the head on which `records` build. */
  readonly previous: number;
  readonly records: readonly Uint8Array[];
}

export type Frame =
  | {
      readonly kind: 'hello';
      readonly cluster: string;
      readonly protocolMin: number;
      readonly protocolMax: number;
      /** Sender's wall clock, µs. */
      readonly time: number;
      readonly head: Sealed;
      readonly thoughtDead: boolean;
    }
  | { readonly kind: 'refusal'; readonly reason: string; readonly sentence: string }
  | { readonly kind: 'digest'; readonly sealed: Sealed }
  | {
      readonly kind: 'delta';
      readonly exchange: number;
      readonly head: Sealed;
      readonly from: number;
      readonly whole: boolean;
      readonly records: readonly Uint8Array[];
      readonly more: boolean;
    }
  | {
      readonly kind: 'want';
      readonly exchange: number;
      readonly owners: readonly OwnerVersion[];
      readonly more: boolean;
    }
  | { readonly kind: 'done'; readonly exchange: number; readonly more: boolean }
  | { readonly kind: 'rumor'; readonly rumor: Rumor }
  | { readonly kind: 'check'; readonly owner: OwnerId; readonly incarnation: number }
  | { readonly kind: 'bye'; readonly reason: string }
  | { readonly kind: 'neighbor'; readonly wanted: boolean };

export function encodeFrame(frame: Frame): Uint8Array {
  return wire.Frame.encode(toWire(frame)).finish();
}

/** Refuses: FRAME_TOO_LARGE, MALFORMED. */
export function decodeFrame(bytes: Uint8Array): Opened<Frame> {
  if (bytes.length > frameBytesMax) return refused('FRAME_TOO_LARGE');
  try {
    const frame = fromWire(wire.Frame.decode(bytes));
    return frame === undefined ? refused('MALFORMED') : opened(frame);
  } catch {
    return refused('MALFORMED');
  }
}

export function encodeRumor(rumor: Rumor): Uint8Array {
  return wire.Rumor.encode({ ...rumor, records: [...rumor.records] }).finish();
}

/** Refuses: FRAME_TOO_LARGE, MALFORMED. */
export function decodeRumor(bytes: Uint8Array): Opened<Rumor> {
  // A little room over the bound, which speaks of the records.
  if (bytes.length > 2 * rumorBytesMax) return refused('FRAME_TOO_LARGE');
  try {
    const rumor = readRumor(wire.Rumor.decode(bytes));
    return rumor === undefined ? refused('MALFORMED') : opened(rumor);
  } catch {
    return refused('MALFORMED');
  }
}

/** The part of a sealed head that travels. */
export function bare(head: SealedHead): Sealed {
  return { body: head.body, signature: head.signature };
}

function toWire(frame: Frame): disco.gossip.v1.Frame.$Properties {
  switch (frame.kind) {
    case 'hello':
    case 'refusal':
    case 'done':
    case 'bye':
    case 'neighbor':
      return { [frame.kind]: frame };
    case 'digest':
      return { digest: frame.sealed };
    case 'delta':
      return { delta: { ...frame, records: [...frame.records] } };
    case 'want': {
      const owners = frame.owners.map((wanted) => ({ ...wanted, owner: keyOf(wanted.owner) }));
      return { want: { exchange: frame.exchange, owners, more: frame.more } };
    }
    case 'rumor':
      return { rumor: { ...frame.rumor, records: [...frame.rumor.records] } };
    case 'check':
      return { check: { owner: keyOf(frame.owner), incarnation: frame.incarnation } };
  }
}

function fromWire(message: disco.gossip.v1.Frame): Frame | undefined {
  const { hello, refusal, digest, delta, want, done, rumor, check, bye, neighbor } = message;
  if (hello != null) return readHello(hello);
  if (refusal != null)
    return { kind: 'refusal', reason: refusal.reason ?? '', sentence: refusal.sentence ?? '' };
  if (digest != null) {
    const sealed = readSealed(digest);
    return sealed && { kind: 'digest', sealed };
  }
  if (delta != null) return readDelta(delta);
  if (want != null) return readWant(want);
  if (done != null) return { kind: 'done', exchange: done.exchange ?? 0, more: done.more ?? false };
  if (rumor != null) {
    const read = readRumor(rumor);
    return read && { kind: 'rumor', rumor: read };
  }
  if (check != null) {
    const owner = readOwner(check.owner);
    if (owner === undefined) return undefined;
    return { kind: 'check', owner, incarnation: safeInteger(check.incarnation ?? 0) };
  }
  if (bye != null) return { kind: 'bye', reason: bye.reason ?? '' };
  if (neighbor != null) return { kind: 'neighbor', wanted: neighbor.wanted ?? false };
  return undefined;
}

function readHello(hello: disco.gossip.v1.Hello.$Properties): Frame | undefined {
  const head = readSealed(hello.head);
  if (head === undefined) return undefined;
  return {
    kind: 'hello',
    cluster: hello.cluster ?? '',
    protocolMin: hello.protocolMin ?? 0,
    protocolMax: hello.protocolMax ?? 0,
    time: safeInteger(hello.time ?? 0),
    head,
    thoughtDead: hello.thoughtDead ?? false,
  };
}

function readDelta(delta: disco.gossip.v1.Delta.$Properties): Frame | undefined {
  const head = readSealed(delta.head);
  if (head === undefined) return undefined;
  return {
    kind: 'delta',
    exchange: delta.exchange ?? 0,
    head,
    from: safeInteger(delta.from ?? 0),
    whole: delta.whole ?? false,
    records: delta.records ?? [],
    more: delta.more ?? false,
  };
}

function readWant(want: disco.gossip.v1.Want.$Properties): Frame | undefined {
  const owners: OwnerVersion[] = [];
  for (const wanted of want.owners ?? []) {
    const owner = readOwner(wanted.owner);
    if (owner === undefined) return undefined;
    const lastUpdate = safeInteger(wanted.lastUpdate ?? 0);
    owners.push({ owner, lastUpdate, whole: wanted.whole ?? false });
  }
  return { kind: 'want', exchange: want.exchange ?? 0, owners, more: want.more ?? false };
}

function readRumor(rumor: disco.gossip.v1.Rumor.$Properties): Rumor | undefined {
  const head = readSealed(rumor.head);
  if (head === undefined) return undefined;
  return { head, previous: safeInteger(rumor.previous ?? 0), records: rumor.records ?? [] };
}

function readSealed(
  sealed: disco.gossip.v1.Sealed.$Properties | null | undefined,
): Sealed | undefined {
  if (sealed?.body == null || sealed.signature == null) return undefined;
  return { body: sealed.body, signature: sealed.signature };
}

function readOwner(key: Uint8Array | null | undefined): OwnerId | undefined {
  return key?.length === publicKeyBytes ? ownerFromKey(key) : undefined;
}

function keyOf(owner: OwnerId): Uint8Array {
  return keyOfOwner(owner) as Uint8Array;
}
