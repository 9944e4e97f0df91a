/**
 * Messages between nodes: frames to bytes and back (proto/disco/v1/gossip.proto).
 *
 * A frame that cannot be read is a refusal with a reason, never an exception.
 */
import { disco } from '../gen/gossip.js';
import type { Sealed, SealedHead } from '../record/head.ts';
import { keyOfOwner } from '../record/owner.ts';
import type { OwnerId } from '../record/owner.ts';
import { opened, refused } from '../record/verdict.ts';
import type { Opened } from '../record/verdict.ts';
import { hasMoreFields } from './field-count.ts';
import type { Nesting } from './field-count.ts';
import type { Delta, Frame, Rumor, VigilFrame } from './frame.ts';
import { frameFromWire, readDelta, readRumor } from './message-reader.ts';
import { packVersions } from './version.ts';

const wire = disco.gossip.v1;

/** Longest frame on a stream. */
export const frameBytesMax = 1024 * 1024;
/** Longest rumor; over it only the head is told. */
export const rumorBytesMax = 64 * 1024;

/** Fields of one frame, rumor or page: a page full of the smallest records has 14,000. */
export const fieldsMax = 16_384;

export const protocolVersion = 1;

const noBytes = new Uint8Array(0);

const flat: Nesting = {};
const withHead: Nesting = { 1: flat };
const rumorNesting: Nesting = { 1: flat, 4: flat };
/** Every kind of frame is a message; three hold a sealed head, others are sealed themselves. */
const frameNesting: Nesting = {
  ...Object.fromEntries(Array.from({ length: 31 }, (_, field) => [field + 1, flat])),
  1: { 5: flat },
  4: withHead,
  7: rumorNesting,
};
const deltasNesting: Nesting = { 1: withHead };

const vigilKinds: ReadonlySet<Frame['kind']> = new Set<VigilFrame['kind']>([
  'ping',
  'pong',
  'askVouch',
  'vouch',
  'token',
  'accusation',
]);

/** Whether the Vigil is to take it. */
export function isVigilFrame(frame: Frame): frame is VigilFrame {
  return vigilKinds.has(frame.kind);
}

/** Whether a frame is said at once by whoever was sent a digest. */
export function answersDigest({ kind }: Frame): boolean {
  return ['same', 'moreSymbols', 'difference', 'beyond', 'busy'].includes(kind);
}

export function encodeFrame(frame: Frame): Uint8Array {
  return wire.Frame.encode(toWire(frame)).finish();
}

/**
 * Refuses: FRAME_TOO_LARGE, TOO_MANY_FIELDS, MALFORMED; UNEXPECTED is of a kind that only a later
 * version has.
 */
export function decodeFrame(bytes: Uint8Array): Opened<Frame> {
  if (bytes.length > frameBytesMax) return refused('FRAME_TOO_LARGE');
  if (hasMoreFields(bytes, frameNesting, fieldsMax)) return refused('TOO_MANY_FIELDS');
  try {
    const message = wire.Frame.decode(bytes);
    if (message.kind === undefined) return refused('UNEXPECTED');
    const frame = frameFromWire(message);
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
  return wire.Rumor.encode(rumorToWire(rumor)).finish();
}

/** Refuses: FRAME_TOO_LARGE, TOO_MANY_FIELDS, MALFORMED. */
export function decodeRumor(bytes: Uint8Array): Opened<Rumor> {
  // A little room over the bound, which speaks of the records.
  if (bytes.length > 2 * rumorBytesMax) return refused('FRAME_TOO_LARGE');
  if (hasMoreFields(bytes, rumorNesting, fieldsMax)) return refused('TOO_MANY_FIELDS');
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
    case 'moreSymbols':
    case 'symbols':
    case 'beyond':
    case 'busy':
    case 'same':
    case 'neighbor':
    case 'ping':
    case 'pong':
      return { [frame.kind]: frame };
    case 'askVouch':
    case 'vouch':
      return { [frame.kind]: { subject: keyOf(frame.subject), nonce: frame.nonce } };
    case 'digest':
    case 'token':
    case 'accusation':
    case 'dismissal':
      return { [frame.kind]: frame.sealed };
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
      return { rumor: rumorToWire(frame.rumor) };
    case 'check':
      return { check: { owner: keyOf(frame.owner), incarnation: frame.incarnation } };
  }
}

function rumorToWire(rumor: Rumor): disco.gossip.v1.Rumor.$Properties {
  const { head, previous, records, accusations = [] } = rumor;
  const plain = { previous, records: [...records], accusations: [...accusations] };
  return head === undefined ? plain : { ...plain, head };
}

function keyOf(owner: OwnerId | undefined): Uint8Array {
  return owner === undefined ? noBytes : (keyOfOwner(owner) as Uint8Array);
}
