/**
 * Accusation: "I cannot reach this node", signed by somebody whom that node had let watch it.
 *
 *   subject ── Token {subject, observer, issuedAt} ──▶ observer          while they have a link
 *   observer ─ Accusation {token, incarnation, since, at, confirmed} ──▶ everybody, for good
 *
 * It proves two things to whoever reads it, whenever that is: the subject had let this observer
 * watch it lately, and the observer says that it cannot reach it. So nobody can accuse those with
 * whom it has no link, and nothing has to be asked of anybody. Times are held against each other
 * (issuedAt <= since <= at <= issuedAt + 10 min) and not against the reader's clock, except for what
 * comes from the future or from before everything is forgotten: a node that was away takes it later.
 */
import { assert } from '../base/assert.ts';
import { disco } from '../gen/gossip.js';
import { safeInteger } from '../record/encoding.ts';
import { detached, sha256 } from '../record/hash.ts';
import type { Hash } from '../record/hash.ts';
import type { Sealed } from '../record/head.ts';
import { keyOfOwner, ownerFromKey, publicKeyBytes } from '../record/owner.ts';
import type { OwnerId } from '../record/owner.ts';
import type { Signer, Verifier } from '../record/signature.ts';
import { opened, refused } from '../record/verdict.ts';
import type { Opened, RefusalReason } from '../record/verdict.ts';
import { suspicionFloorMs } from './jury.ts';
import type { DeathCause } from './member.ts';

const wire = disco.gossip.v1;

/** How long after it was issued a token lets its observer sign accusations. */
export const tokenLifeMs = 600_000;
const tokenLifeMicros = tokenLifeMs * 1000;

/** Bounds of bodies; honest ones have less than half of that, and a later version may add to them. */
const tokenBytesMax = 192;
export const accusationBytesMax = 512;

/**
 * Why an accuser cannot reach the subject. `refused`: their connection broke, and nobody listens at
 * its address. `silent`: it answered no probe, neither direct nor through others.
 */
export const accusationReasons = ['refused', 'silent'] as const satisfies DeathCause[];
export type AccusationReason = DeathCause;

/** "You may accuse me." */
export interface Token {
  readonly subject: OwnerId;
  readonly observer: OwnerId;
  /** By the subject's clock, µs. */
  readonly issuedAt: number;
}

/** A token with the bytes that the subject signed. */
export interface SealedToken extends Sealed {
  readonly token: Token;
}

/** What an accuser says of the subject of its token. */
export interface Claim {
  /** The incarnation that it cannot reach. */
  readonly incarnation: number;
  /** Since when it cannot, and when it signed this; µs, neither before the token was issued. */
  readonly since: number;
  readonly at: number;
  /** Its suspicion time is over, and it still cannot. */
  readonly confirmed: boolean;
  readonly reason: AccusationReason;
}

export interface Accusation extends Claim {
  readonly subject: OwnerId;
  readonly accuser: OwnerId;
}

/** An accusation with the bytes that the accuser signed. */
export interface SealedAccusation extends Sealed {
  /** SHA-256 of the body. */
  readonly hash: Hash;
  readonly accusation: Accusation;
}

/** What an accusation is held against when it is received, µs. */
export interface AccusationRules {
  /** What was signed later is refused: now + clockAhead. */
  readonly latest: number;
  /** What was signed earlier is refused: now - reapAfter. */
  readonly earliest: number;
}

/** @param signer the subject's */
export function sealToken(token: Token, cluster: string, signer: Signer): SealedToken {
  assert(signer.owner === token.subject, 'only a node itself lets others accuse it');
  const [subject, observer] = [keyBytes(token.subject), keyBytes(token.observer)];
  const body = wire.Token.encode({ subject, observer, issuedAt: token.issuedAt }).finish();
  return { body, signature: signer.sign('disco/v1/token', cluster, body), token };
}

/**
 * Opens a token that `subject` sent to `observer` over their link, to be kept.
 *
 * @param latest µs; one from later would make no accusation that others take
 *
 * Refuses: MALFORMED, OWNER_MISMATCH, CLOCK_AHEAD, BAD_SIGNATURE.
 */
export function openToken(
  sealed: Sealed,
  { subject, observer }: Omit<Token, 'issuedAt'>,
  latest: number,
  cluster: string,
  verifier: Verifier,
): Opened<SealedToken> {
  const token = readToken(sealed);
  if (token === undefined) return refused('MALFORMED');
  if (token.subject !== subject || token.observer !== observer) return refused('OWNER_MISMATCH');
  if (token.issuedAt > latest) return refused('CLOCK_AHEAD');
  const { body, signature } = sealed;
  if (!verifier.verify(subject, 'disco/v1/token', cluster, body, signature))
    return refused('BAD_SIGNATURE');
  return opened({ body: detached(body), signature: detached(signature), token });
}

/**
 * When an observer's suspicion begins, µs: now, or when the token was issued if our clock is behind
 * the subject's. Undefined: the token is too old to accuse with.
 */
export function sinceOf({ issuedAt }: Token, wallMicros: number): number | undefined {
  return wallMicros > issuedAt + tokenLifeMicros ? undefined : Math.max(wallMicros, issuedAt);
}

/**
 * The claim once the suspicion time is over, signed `elapsedMs` (monotonic) after its beginning.
 * Undefined: the token does not reach that far.
 */
export function confirmedClaim(
  claim: Claim,
  { issuedAt }: Token,
  elapsedMs: number,
): Claim | undefined {
  const at = claim.since + Math.round(elapsedMs * 1000);
  return at > issuedAt + tokenLifeMicros ? undefined : { ...claim, at, confirmed: true };
}

/** @param signer the observer's; the claim keeps to the token's time */
export function sealAccusation(
  sealedToken: SealedToken,
  claim: Claim,
  cluster: string,
  signer: Signer,
): SealedAccusation {
  const { token, body: tokenBody, signature: tokenSignature } = sealedToken;
  assert(signer.owner === token.observer, 'only the observer that a token names can use it');
  const fault = claimFault(claim, token);
  assert(fault === undefined, `no honest node would take this accusation: ${fault}`);
  const { incarnation, since, at, confirmed, reason } = claim;
  const body = wire.Accusation.encode({
    token: { body: tokenBody, signature: tokenSignature },
    incarnation,
    since,
    at,
    confirmed,
    reason: accusationReasons.indexOf(reason) + 1,
  }).finish();
  const signature = signer.sign('disco/v1/accusation', cluster, body);
  const accusation = accusationOf(token, { incarnation, since, at, confirmed, reason });
  return { body, signature, hash: sha256(body), accusation };
}

/**
 * Decodes a received accusation, to be kept, and checks all but its two signatures.
 *
 * Refuses: MALFORMED, OUT_OF_RANGE, TOKEN_EXPIRED, CLOCK_AHEAD, EXPIRED.
 */
export function readAccusation(sealed: Sealed, rules: AccusationRules): Opened<SealedAccusation> {
  if (sealed.body.length > accusationBytesMax) return refused('MALFORMED');
  const message = decodeAccusation(sealed.body);
  const token = message?.token == null ? undefined : readToken(bare(message.token));
  if (message === undefined || token === undefined) return refused('MALFORMED');
  const claim: Claim = {
    incarnation: safeInteger(message.incarnation),
    since: safeInteger(message.since),
    at: safeInteger(message.at),
    confirmed: message.confirmed,
    // A reason that a later version knows is still a reason.
    reason: accusationReasons[message.reason - 1] ?? 'silent',
  };
  const fault = claimFault(claim, token);
  if (fault !== undefined) return refused(fault);
  if (claim.at > rules.latest) return refused('CLOCK_AHEAD');
  if (claim.at < rules.earliest) return refused('EXPIRED');
  const [body, signature] = [detached(sealed.body), detached(sealed.signature)];
  return opened({ body, signature, hash: sha256(body), accusation: accusationOf(token, claim) });
}

/** True when the accuser signed it, and the subject the token in it. */
export function isSignedByBoth(
  { body, signature, accusation }: SealedAccusation,
  cluster: string,
  verifier: Verifier,
): boolean {
  const { subject, accuser } = accusation;
  if (!verifier.verify(accuser, 'disco/v1/accusation', cluster, body, signature)) return false;
  const token = bare(decodeAccusation(body)?.token ?? {});
  return verifier.verify(subject, 'disco/v1/token', cluster, token.body, token.signature);
}

/** What no honest accuser signs. */
function claimFault(claim: Claim, { issuedAt }: Token): RefusalReason | undefined {
  const { incarnation, since, at, confirmed } = claim;
  if (!(incarnation > 0) || !(since >= issuedAt) || !(at >= since)) return 'OUT_OF_RANGE';
  if (confirmed && at - since < suspicionFloorMs * 1000) return 'OUT_OF_RANGE';
  return at > issuedAt + tokenLifeMicros ? 'TOKEN_EXPIRED' : undefined;
}

function accusationOf({ subject, observer }: Token, claim: Claim): Accusation {
  return { subject, accuser: observer, ...claim };
}

function readToken({ body }: Sealed): Token | undefined {
  if (body.length > tokenBytesMax) return undefined;
  const message = decodeToken(body);
  if (message === undefined) return undefined;
  const { subject, observer } = message;
  const issuedAt = safeInteger(message.issuedAt);
  if (subject.length !== publicKeyBytes || observer.length !== publicKeyBytes) return undefined;
  const token = { subject: ownerFromKey(subject), observer: ownerFromKey(observer), issuedAt };
  return issuedAt > 0 && token.subject !== token.observer ? token : undefined;
}

function bare({ body, signature }: disco.gossip.v1.Sealed.$Properties): Sealed {
  return { body: body ?? new Uint8Array(0), signature: signature ?? new Uint8Array(0) };
}

function keyBytes(owner: OwnerId): Uint8Array {
  return keyOfOwner(owner) as Uint8Array;
}

function decodeToken(body: Uint8Array): disco.gossip.v1.Token | undefined {
  try {
    return wire.Token.decode(body);
  } catch {
    return undefined;
  }
}

function decodeAccusation(body: Uint8Array): disco.gossip.v1.Accusation | undefined {
  try {
    return wire.Accusation.decode(body);
  } catch {
    return undefined;
  }
}
