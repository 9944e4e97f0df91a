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
import { hasMoreFields } from './field-count.ts';
import type { Nesting } from './field-count.ts';
import { packVersions, readVersions } from './version.ts';
import type { Version } from './version.ts';

const wire = disco.gossip.v1;

/** Longest frame on a stream. */
export const frameBytesMax = 1024 * 1024;
/** Longest rumor; over it only the head is told. */
export const rumorBytesMax = 64 * 1024;

/** Fields of one frame, rumor or page: a page full of the smallest records has 14,000. */
export const fieldsMax = 16_384;

/** Characters of what a peer tells people when it refuses a link; it goes to the log. */
const sentenceCharsMax = 1_000;

export const protocolVersion = 1;

/** An element's name in a difference. */
const nameBytes = 8;
const noBytes = new Uint8Array(0);

const flat: Nesting = {};
const withHead: Nesting = { 1: flat };
/** Every kind of frame is a message; three hold a sealed head, and a digest is sealed itself. */
const frameNesting: Nesting = {
  ...Object.fromEntries(Array.from({ length: 31 }, (_, field) => [field + 1, flat])),
  1: { 5: flat },
  4: withHead,
  7: withHead,
};
const deltasNesting: Nesting = { 1: withHead };

export interface Rumor {
  readonly head: Sealed;
  /** lastUpdate of the head on which `records` build. */
  readonly previous: number;
  readonly records: readonly Uint8Array[];
}

/** Part of one owner's records under one named head. */
export interface Delta {
  readonly kind: 'delta';
  readonly head: Sealed;
  readonly whole: boolean;
  readonly records: readonly Uint8Array[];
  readonly more: boolean;
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
  /** The answer to a digest that says the same as one's own. */
  | { readonly kind: 'same' }
  | {
      readonly kind: 'moreSymbols';
      readonly exchange: number;
      /** Empty in all but the first request. */
      readonly estimator: Uint8Array;
    }
  | {
      readonly kind: 'symbols';
      readonly exchange: number;
      /** Symbols before these. */
      readonly first: number;
      readonly symbols: Uint8Array;
    }
  | {
      readonly kind: 'difference';
      readonly exchange: number;
      /** Names of elements, 8 bytes each. */
      readonly want: Uint8Array;
      readonly have: readonly Version[];
    }
  | { readonly kind: 'beyond'; readonly exchange: number }
  | {
      readonly kind: 'pull';
      readonly exchange: number;
      /** Undefined: from the first owner. */
      readonly after: OwnerId | undefined;
      /** Undefined: to the last. */
      readonly until: OwnerId | undefined;
      readonly held: readonly Version[];
    }
  | {
      readonly kind: 'page';
      readonly exchange: number;
      readonly packed: Uint8Array;
      /** Undefined: that was the last. */
      readonly next: OwnerId | undefined;
      readonly want: readonly Version[];
    }
  | { readonly kind: 'busy'; readonly exchange: number }
  | Delta
  | { readonly kind: 'want'; readonly exchange: number; readonly owners: readonly Version[] }
  | { readonly kind: 'done'; readonly exchange: number; readonly more: boolean }
  | { readonly kind: 'rumor'; readonly rumor: Rumor }
  | { readonly kind: 'check'; readonly owner: OwnerId; readonly incarnation: number }
  | { readonly kind: 'bye'; readonly reason: string }
  | { readonly kind: 'neighbor'; readonly wanted: boolean };

/** Those of an exchange, which the Reconciler takes. */
export type ExchangeFrame = Exclude<
  Frame,
  { kind: 'hello' | 'refusal' | 'rumor' | 'check' | 'bye' | 'neighbor' }
>;

export function encodeFrame(frame: Frame): Uint8Array {
  if (frame.kind === 'same') return noBytes;
  return wire.Frame.encode(toWire(frame)).finish();
}

/**
 * Refuses: FRAME_TOO_LARGE, TOO_MANY_FIELDS, MALFORMED; UNEXPECTED is of a kind that only a later
 * version has.
 */
export function decodeFrame(bytes: Uint8Array): Opened<Frame> {
  if (bytes.length > frameBytesMax) return refused('FRAME_TOO_LARGE');
  if (bytes.length === 0) return opened({ kind: 'same' });
  if (hasMoreFields(bytes, frameNesting, fieldsMax)) return refused('TOO_MANY_FIELDS');
  try {
    const message = wire.Frame.decode(bytes);
    if (message.kind === undefined) return refused('UNEXPECTED');
    const frame = fromWire(message);
    return frame === undefined ? refused('MALFORMED') : opened(frame);
  } catch {
    return refused('MALFORMED');
  }
}

/** Deltas of many owners, for a page. */
export function encodeDeltas(deltas: readonly Delta[]): Uint8Array {
  const list = deltas.map((delta) => ({ ...delta, records: [...delta.records] }));
  return wire.Deltas.encode({ deltas: list }).finish();
}

/** Refuses: TOO_MANY_FIELDS, MALFORMED. */
export function decodeDeltas(bytes: Uint8Array): Opened<Delta[]> {
  if (hasMoreFields(bytes, deltasNesting, fieldsMax)) return refused('TOO_MANY_FIELDS');
  try {
    const deltas = wire.Deltas.decode(bytes).deltas.map(readDelta);
    return deltas.includes(undefined) ? refused('MALFORMED') : opened(deltas as Delta[]);
  } catch {
    return refused('MALFORMED');
  }
}

export function encodeRumor(rumor: Rumor): Uint8Array {
  return wire.Rumor.encode({ ...rumor, records: [...rumor.records] }).finish();
}

/** Refuses: FRAME_TOO_LARGE, TOO_MANY_FIELDS, MALFORMED. */
export function decodeRumor(bytes: Uint8Array): Opened<Rumor> {
  // A little room over the bound, which speaks of the records.
  if (bytes.length > 2 * rumorBytesMax) return refused('FRAME_TOO_LARGE');
  if (hasMoreFields(bytes, withHead, fieldsMax)) return refused('TOO_MANY_FIELDS');
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

function toWire(frame: Exclude<Frame, { kind: 'same' }>): disco.gossip.v1.Frame.$Properties {
  switch (frame.kind) {
    case 'hello':
    case 'refusal':
    case 'done':
    case 'bye':
    case 'moreSymbols':
    case 'symbols':
    case 'beyond':
    case 'busy':
    case 'neighbor':
      return { [frame.kind]: frame };
    case 'digest':
      return { digest: frame.sealed };
    case 'difference':
      return { difference: { ...frame, have: packVersions(frame.have) } };
    case 'pull': {
      const [after, until] = [keyOf(frame.after), keyOf(frame.until)];
      return { pull: { ...frame, after, until, held: packVersions(frame.held) } };
    }
    case 'page':
      return { page: { ...frame, next: keyOf(frame.next), want: packVersions(frame.want) } };
    case 'delta':
      return { delta: { ...frame, records: [...frame.records] } };
    case 'want':
      return { want: { exchange: frame.exchange, owners: packVersions(frame.owners) } };
    case 'rumor':
      return { rumor: { ...frame.rumor, records: [...frame.rumor.records] } };
    case 'check':
      return { check: { owner: keyOf(frame.owner), incarnation: frame.incarnation } };
  }
}

function fromWire(message: disco.gossip.v1.Frame): Frame | undefined {
  const { hello, refusal, digest, delta, rumor, check, bye, neighbor } = message;
  // What a node in sync says most comes first.
  if (digest != null) {
    const sealed = readSealed(digest);
    return sealed && { kind: 'digest', sealed };
  }
  if (delta != null) return readDelta(delta);
  if (hello != null) return readHello(hello);
  if (refusal != null) {
    const { reason = '', sentence = '' } = refusal;
    const isLong = (text: string | null): boolean => (text ?? '').length > sentenceCharsMax;
    if (isLong(reason) || isLong(sentence)) return undefined;
    return { kind: 'refusal', reason: reason ?? '', sentence: sentence ?? '' };
  }
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
  return readExchange(message);
}

function readExchange(message: disco.gossip.v1.Frame): Frame | undefined {
  const { moreSymbols, symbols, difference, beyond, pull, page, busy, want, done } = message;
  if (moreSymbols != null) {
    const { exchange, estimator } = moreSymbols;
    return { kind: 'moreSymbols', exchange: exchange ?? 0, estimator: estimator ?? noBytes };
  }
  if (symbols != null) {
    const { exchange, first, symbols: bytes } = symbols;
    const plain = { exchange: exchange ?? 0, first: first ?? 0, symbols: bytes ?? noBytes };
    return { kind: 'symbols', ...plain };
  }
  if (difference != null) {
    const { exchange, want: names } = difference;
    const have = readVersions(difference.have ?? noBytes);
    if (have === undefined || (names ?? noBytes).length % nameBytes !== 0) return undefined;
    return { kind: 'difference', exchange: exchange ?? 0, want: names ?? noBytes, have };
  }
  if (pull != null) return readPull(pull);
  if (page != null) return readPage(page);
  if (want != null) {
    const owners = readVersions(want.owners ?? noBytes);
    return owners && { kind: 'want', exchange: want.exchange ?? 0, owners };
  }
  if (done != null) return { kind: 'done', exchange: done.exchange ?? 0, more: done.more ?? false };
  if (beyond != null) return { kind: 'beyond', exchange: beyond.exchange ?? 0 };
  if (busy != null) return { kind: 'busy', exchange: busy.exchange ?? 0 };
  return undefined;
}

function readPull(pull: disco.gossip.v1.Pull.$Properties): Frame | undefined {
  const held = readVersions(pull.held ?? noBytes);
  const [after, until] = [readOwner(pull.after), readOwner(pull.until)];
  const isBad = isNoKey(pull.after) || isNoKey(pull.until);
  if (held === undefined || isBad) return undefined;
  return { kind: 'pull', exchange: pull.exchange ?? 0, after, until, held };
}

function readPage(page: disco.gossip.v1.Page.$Properties): Frame | undefined {
  const want = readVersions(page.want ?? noBytes);
  const { exchange, packed } = page;
  if (want === undefined || isNoKey(page.next)) return undefined;
  const next = readOwner(page.next);
  return { kind: 'page', exchange: exchange ?? 0, packed: packed ?? noBytes, next, want };
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

function readDelta(delta: disco.gossip.v1.Delta.$Properties): Delta | undefined {
  const head = readSealed(delta.head);
  if (head === undefined) return undefined;
  return {
    kind: 'delta',
    head,
    whole: delta.whole ?? false,
    records: delta.records ?? [],
    more: delta.more ?? false,
  };
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

/** Neither empty, which says that there is none, nor a key. */
function isNoKey(key: Uint8Array | null | undefined): boolean {
  return key != null && key.length !== 0 && key.length !== publicKeyBytes;
}

function keyOf(owner: OwnerId | undefined): Uint8Array {
  return owner === undefined ? noBytes : (keyOfOwner(owner) as Uint8Array);
}
