/**
 * Digest: what a node holds, signed, and the difference of two.
 *
 * Here a digest lists heads: owner, lastUpdate and 8 bytes of the hash, for a range of owners, so
 * that it stays within a frame however many owners there are. Ranges take turns.
 */
import { disco } from '../gen/gossip.js';
import { safeInteger } from '../record/encoding.ts';
import type { Sealed, SealedHead } from '../record/head.ts';
import { keyOfOwner, ownerFromKey, publicKeyBytes } from '../record/owner.ts';
import type { OwnerId } from '../record/owner.ts';
import type { Signer, Verifier } from '../record/signature.ts';
import { opened, refused } from '../record/verdict.ts';
import type { Opened } from '../record/verdict.ts';
import type { HeadSummary, OwnerVersion } from './message.ts';

const wire = disco.gossip.v1;

/** Heads in one digest: about 300 KB. */
export const digestHeadsMax = 4_096;
const hashHexChars = 16;

/** Owners from `first` (inclusive) up to `end` (exclusive; empty: no end), in the order of text. */
export interface OwnerRange {
  readonly first: OwnerId;
  readonly end: OwnerId;
}

export interface Digest {
  readonly cluster: string;
  readonly owner: OwnerId;
  /** Sender's wall clock, µs. */
  readonly time: number;
  readonly exchange: number;
  readonly range: OwnerRange;
  readonly heads: readonly HeadSummary[];
}

export interface Difference {
  /** What the other side lacks, and the version from which it needs it. */
  readonly give: readonly OwnerVersion[];
  /** What the other side holds newer, and the version held here. */
  readonly want: readonly OwnerVersion[];
}

export function summaryOf(sealed: SealedHead): HeadSummary {
  const hash = Buffer.from(sealed.hash.subarray(0, hashHexChars / 2)).toString('hex');
  return { owner: sealed.head.owner, lastUpdate: sealed.head.lastUpdate, hash };
}

/**
 * Cuts the next range out of all summaries.
 *
 * @param summaries sorted by owner
 * @param start the owner at which this range begins: the `end` of the one before
 */
export function cutRange(
  summaries: readonly HeadSummary[],
  start: OwnerId,
): { range: OwnerRange; heads: readonly HeadSummary[] } {
  const firstIndex = Math.max(
    0,
    summaries.findIndex(({ owner }) => owner >= start),
  );
  const heads = summaries.slice(firstIndex, firstIndex + digestHeadsMax);
  const end = summaries[firstIndex + digestHeadsMax]?.owner ?? '';
  // From the very start, so that owners below the first known one are covered too.
  const first = firstIndex === 0 ? '' : start;
  return { range: { first, end }, heads };
}

export function isInRange(owner: OwnerId, { first, end }: OwnerRange): boolean {
  return owner >= first && (end === '' || owner < end);
}

/** Compares two lists of heads of the same range. */
export function difference(
  mine: readonly HeadSummary[],
  theirs: readonly HeadSummary[],
): Difference {
  const give: OwnerVersion[] = [];
  const want: OwnerVersion[] = [];
  const others = new Map(theirs.map((summary) => [summary.owner, summary]));
  for (const own of mine) {
    const other = others.get(own.owner);
    others.delete(own.owner);
    const order = other === undefined ? 1 : compareSummaries(own, other);
    // Two heads with one number lead to each other by no delta.
    const base = { owner: own.owner, whole: own.lastUpdate === other?.lastUpdate };
    if (order > 0) give.push({ ...base, lastUpdate: other?.lastUpdate ?? 0 });
    if (order < 0) want.push({ ...base, lastUpdate: own.lastUpdate });
  }
  for (const { owner } of others.values()) want.push({ owner, lastUpdate: 0, whole: false });
  return { give, want };
}

function compareSummaries(a: HeadSummary, b: HeadSummary): number {
  if (a.lastUpdate !== b.lastUpdate) return a.lastUpdate - b.lastUpdate;
  return a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0;
}

export function sealDigest(digest: Digest, signer: Signer): Sealed {
  const { cluster, exchange, time, range } = digest;
  const body = wire.Digest.encode({
    cluster,
    exchange,
    time,
    owner: keyOfOwner(digest.owner) as Uint8Array,
    first: Buffer.from(range.first),
    end: Buffer.from(range.end),
    heads: digest.heads.map(({ owner, lastUpdate, hash }) => ({
      owner: keyOfOwner(owner) as Uint8Array,
      lastUpdate,
      hash: Buffer.from(hash, 'hex'),
    })),
  }).finish();
  return { body, signature: signer.sign('disco/v1/digest', cluster, body) };
}

/**
 * Opens a digest that came from `peer`.
 *
 * Refuses: MALFORMED, WRONG_CLUSTER, OWNER_MISMATCH, BAD_SIGNATURE.
 */
export function openDigest(
  sealed: Sealed,
  peer: OwnerId,
  cluster: string,
  verifier: Verifier,
): Opened<Digest> {
  const digest = decodeDigest(sealed.body);
  if (digest === undefined) return refused('MALFORMED');
  if (digest.cluster !== cluster) return refused('WRONG_CLUSTER');
  if (digest.owner !== peer) return refused('OWNER_MISMATCH');
  const { body, signature } = sealed;
  if (!verifier.verify(peer, 'disco/v1/digest', cluster, body, signature))
    return refused('BAD_SIGNATURE');
  return opened(digest);
}

function decodeDigest(body: Uint8Array): Digest | undefined {
  try {
    return readDigest(wire.Digest.decode(body));
  } catch {
    return undefined;
  }
}

function readDigest(message: disco.gossip.v1.Digest): Digest | undefined {
  if (message.owner.length !== publicKeyBytes) return undefined;
  const heads: HeadSummary[] = [];
  for (const { owner, lastUpdate, hash } of message.heads) {
    if (owner?.length !== publicKeyBytes || hash?.length !== hashHexChars / 2) return undefined;
    heads.push({
      owner: ownerFromKey(owner),
      lastUpdate: safeInteger(lastUpdate ?? 0),
      hash: Buffer.from(hash).toString('hex'),
    });
  }
  return {
    cluster: message.cluster,
    owner: ownerFromKey(message.owner),
    time: safeInteger(message.time),
    exchange: message.exchange,
    range: {
      first: Buffer.from(message.first).toString(),
      end: Buffer.from(message.end).toString(),
    },
    heads,
  };
}
