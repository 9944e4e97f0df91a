/**
 * Dismissal: "this life of the node is over, and it will not come back", as an operator says it
 * through the node that signs.
 *
 * Only an owner signs its own goodbye, so this is none: it speaks of one incarnation, counts only
 * where that very life is dead, and says nothing of any other. Domain disco/v1/dismissal.
 */
import { disco } from '../gen/gossip.js';
import { safeInteger } from '../record/encoding.ts';
import { detached } from '../record/hash.ts';
import type { Sealed } from '../record/head.ts';
import { keyOfOwner, ownerFromKey, publicKeyBytes } from '../record/owner.ts';
import type { OwnerId } from '../record/owner.ts';
import type { Signer, Verifier } from '../record/signature.ts';
import { opened, refused } from '../record/verdict.ts';
import type { Opened } from '../record/verdict.ts';

const wire = disco.gossip.v1;

/** An honest body has half of that; a later version may add to it. */
const bodyBytesMax = 256;

export interface Dismissal {
  /** Whose life is over. */
  readonly subject: OwnerId;
  /** Which life. */
  readonly incarnation: number;
  /** The node that signs. */
  readonly by: OwnerId;
  /** When it was said, by the signer's clock; µs. */
  readonly at: number;
}

/** A dismissal with the bytes that were signed. */
export interface SealedDismissal extends Sealed {
  readonly dismissal: Dismissal;
}

/** Between which times a dismissal is taken; µs. */
export interface DismissalRules {
  /** now + clockAhead */
  readonly latest: number;
  /** now - reapAfter: of an older one every node has forgotten the subject by now. */
  readonly earliest: number;
}

export function sealDismissal(
  said: Omit<Dismissal, 'by'>,
  cluster: string,
  signer: Signer,
): SealedDismissal {
  const dismissal = { ...said, by: signer.owner };
  const { subject, incarnation, by, at } = dismissal;
  const [subjectKey, byKey] = [keyOfOwner(subject), keyOfOwner(by)] as Uint8Array[];
  const keys = { subject: subjectKey as Uint8Array, by: byKey as Uint8Array };
  const body = wire.Dismissal.encode({ ...keys, incarnation, at }).finish();
  return { body, signature: signer.sign('disco/v1/dismissal', cluster, body), dismissal };
}

/**
 * Decodes a received dismissal and checks all but its signature.
 *
 * Refuses: MALFORMED, OUT_OF_RANGE, CLOCK_AHEAD, EXPIRED.
 */
export function readDismissal(
  { body, signature }: Sealed,
  { latest, earliest }: DismissalRules,
): Opened<SealedDismissal> {
  if (body.length > bodyBytesMax) return refused('MALFORMED');
  const dismissal = decodeDismissal(body);
  if (dismissal === undefined) return refused('MALFORMED');
  const { incarnation, at } = dismissal;
  if (!(incarnation > 0) || !(at > 0)) return refused('OUT_OF_RANGE');
  if (at > latest) return refused('CLOCK_AHEAD');
  if (at < earliest) return refused('EXPIRED');
  // To be kept: it holds on to no frame in which it came.
  return opened({ body: detached(body), signature: detached(signature), dismissal });
}

/** True when the node that the dismissal names has signed it, for this cluster. */
export function isSignedByDismisser(
  { body, signature, dismissal }: SealedDismissal,
  cluster: string,
  verifier: Verifier,
): boolean {
  return verifier.verify(dismissal.by, 'disco/v1/dismissal', cluster, body, signature);
}

function decodeDismissal(body: Uint8Array): Dismissal | undefined {
  try {
    const { subject, incarnation, by, at } = wire.Dismissal.decode(body);
    if (subject.length !== publicKeyBytes || by.length !== publicKeyBytes) return undefined;
    const numbers = { incarnation: safeInteger(incarnation), at: safeInteger(at) };
    return { subject: ownerFromKey(subject), by: ownerFromKey(by), ...numbers };
  } catch {
    return undefined;
  }
}
