/**
 * Head: an owner's signed summary of all that it says now.
 *
 * The head with the larger lastUpdate wins, and only heads decide. At equal lastUpdate and other
 * bytes (EQUIVOCATION) the larger hash wins, so that all nodes end at the same one.
 */
import { disco } from '../gen/gossip.js';
import { safeInteger } from './encoding.ts';
import { compareBytes, detached, equalBytes, hashBytes, sha256 } from './hash.ts';
import type { Hash } from './hash.ts';
import { keyOfOwner, ownerFromKey, publicKeyBytes } from './owner.ts';
import type { OwnerId } from './owner.ts';
import type { Signer, Verifier } from './signature.ts';
import { opened, refused } from './verdict.ts';
import type { Opened, RefusalReason } from './verdict.ts';

const wire = disco.gossip.v1;

export const bootIdBytes = 8;

/** What a node says about itself. */
export interface NodeFacts {
  /** Shown to people; not unique. */
  readonly name: string;
  /** Multiaddrs at which others can reach it, without a peer id. */
  readonly addresses: readonly string[];
  /** Microseconds since the epoch. */
  readonly startedAt: number;
  readonly protocolMin: number;
  readonly protocolMax: number;
  /** It left on purpose. */
  readonly left: boolean;
  /** Release of its software, for people. */
  readonly version: string;
  /** Why the whole node is in maintenance; left out: it is not. */
  readonly maintenance?: string;
}

export interface Head {
  readonly cluster: string;
  readonly owner: OwnerId;
  /** Microseconds since the epoch, above that of every record it commits to. */
  readonly lastUpdate: number;
  /** Rises only at a start and to refute. */
  readonly incarnation: number;
  /** Hex of 8 random bytes, new at every start. */
  readonly bootId: string;
  /** Tombstones at or below it are forgotten. */
  readonly floor: number;
  /** Records that the root commits to. */
  readonly count: number;
  readonly root: Hash;
  readonly facts: NodeFacts;
}

/** A head with the bytes that were signed. */
export interface SealedHead {
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
  /** SHA-256 of the body. */
  readonly hash: Hash;
  readonly head: Head;
}

/** A body and a signature as they travel. */
export interface Sealed {
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
}

/** What a head is held against when it is received. Times in µs. */
export interface HeadRules {
  readonly cluster: string;
  readonly headBytesMax: number;
  /** Heads ahead of it are refused: now + clockAhead. */
  readonly latest: number;
  /** Heads older than it are refused: now - reapAfter. */
  readonly earliest: number;
}

export function sealHead(head: Head, signer: Signer): SealedHead {
  const { facts } = head;
  const body = wire.Head.encode({
    cluster: head.cluster,
    owner: keyOfOwner(head.owner) as Uint8Array,
    lastUpdate: head.lastUpdate,
    incarnation: head.incarnation,
    bootId: Buffer.from(head.bootId, 'hex'),
    floor: head.floor,
    count: head.count,
    root: head.root,
    facts: { ...facts, addresses: [...facts.addresses] },
  }).finish();
  const signature = signer.sign('disco/v1/head', head.cluster, body);
  return { body, signature, hash: sha256(body), head };
}

/**
 * Decodes a received head and checks all but its signature, cheapest first.
 *
 * @param known the same body and signature, decoded before: saves decoding, and no other check
 *
 * Refuses: HEAD_TOO_LARGE, MALFORMED, WRONG_CLUSTER, OUT_OF_RANGE, CLOCK_AHEAD, EXPIRED.
 */
export function readHead(sealed: Sealed, rules: HeadRules, known?: SealedHead): Opened<SealedHead> {
  if (sealed.body.length > rules.headBytesMax) return refused('HEAD_TOO_LARGE');
  const head = known?.head ?? decodeHead(sealed.body);
  if (head === undefined) return refused('MALFORMED');
  const reason = headFault(head, rules);
  if (reason !== undefined) return refused(reason);
  return opened(known ?? { ...sealed, hash: sha256(sealed.body), head });
}

/** The same head, to be kept: it holds on to no frame in which it came. */
export function detachHead({ body, signature, hash, head }: SealedHead): SealedHead {
  const kept = { ...head, root: detached(head.root) };
  return { body: detached(body), signature: detached(signature), hash, head: kept };
}

/** True when the owner that the head names has signed it. */
export function isSignedByOwner(sealed: SealedHead, verifier: Verifier): boolean {
  const { head, body, signature } = sealed;
  return verifier.verify(head.owner, 'disco/v1/head', head.cluster, body, signature);
}

/** Which of two heads of one owner wins: negative, zero (the same head) or positive. */
export function compareHeads(a: SealedHead, b: SealedHead): number {
  return a.head.lastUpdate - b.head.lastUpdate || compareBytes(a.hash, b.hash);
}

/** Two heads with one lastUpdate: the owner said two different things at once. */
export function isEquivocation(a: SealedHead, b: SealedHead): boolean {
  return a.head.lastUpdate === b.head.lastUpdate && !equalBytes(a.hash, b.hash);
}

function headFault(head: Head, rules: HeadRules): RefusalReason | undefined {
  if (head.cluster !== rules.cluster) return 'WRONG_CLUSTER';
  const { lastUpdate, incarnation, floor, facts } = head;
  if (!(lastUpdate > 0) || !(incarnation > 0) || !(floor >= 0) || floor > lastUpdate)
    return 'OUT_OF_RANGE';
  if (!(facts.startedAt >= 0)) return 'OUT_OF_RANGE';
  if (lastUpdate > rules.latest) return 'CLOCK_AHEAD';
  if (lastUpdate < rules.earliest) return 'EXPIRED';
  return undefined;
}

function decodeHead(body: Uint8Array): Head | undefined {
  const message = decodeMessage(body);
  if (message === undefined) return undefined;
  const { owner, root, bootId } = message;
  const facts = message.facts;
  if (owner.length !== publicKeyBytes || root.length !== hashBytes || facts == null)
    return undefined;
  if (bootId.length !== bootIdBytes) return undefined;
  return {
    cluster: message.cluster,
    owner: ownerFromKey(owner),
    lastUpdate: safeInteger(message.lastUpdate),
    incarnation: safeInteger(message.incarnation),
    bootId: Buffer.from(bootId).toString('hex'),
    floor: safeInteger(message.floor),
    count: message.count,
    root,
    facts: {
      name: facts.name ?? '',
      addresses: facts.addresses ?? [],
      startedAt: safeInteger(facts.startedAt ?? 0),
      protocolMin: facts.protocolMin ?? 0,
      protocolMax: facts.protocolMax ?? 0,
      left: facts.left ?? false,
      version: facts.version ?? '',
      ...(facts.maintenance && { maintenance: facts.maintenance }),
    },
  };
}

function decodeMessage(body: Uint8Array): disco.gossip.v1.Head | undefined {
  try {
    return wire.Head.decode(body);
  } catch {
    return undefined;
  }
}
