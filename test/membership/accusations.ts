/** Makers for tests of accusations: who accuses whom of what, with cheap signatures or real ones. */
import { sealAccusation, sealToken } from '../../src/membership/accusation.ts';
import type { Claim, SealedAccusation } from '../../src/membership/accusation.ts';
import { Docket } from '../../src/membership/docket.ts';
import type {
  Accepted,
  DocketContext,
  DocketVerdict,
  Life,
  VerdictChange,
} from '../../src/membership/docket.ts';
import type { OwnerId } from '../../src/record/owner.ts';
import type { Signer } from '../../src/record/signature.ts';
import { hashedSignatures } from '../gossip/hashed-signatures.ts';
import { at, cluster, startMicros } from '../record/fixtures.ts';

export { at, cluster, startMicros };

const signers = new Map<number, Signer>();

/** The same number always gives the same key; signatures are hashes. */
export function nodeOf(number: number): Signer {
  const signer = signers.get(number) ?? hashedSignatures.signerOf(number);
  signers.set(number, signer);
  return signer;
}

export interface Said extends Partial<Claim> {
  /** µs; the beginning unless told otherwise. */
  readonly issuedAt?: number;
}

/** A claim of the first second; a confirmed one was signed ten seconds later. */
export function claimOf(said: Said = {}): Claim {
  const { incarnation = 1, confirmed = false, reason = 'silent' } = said;
  const { since = startMicros + 1_000_000, at = since + (confirmed ? 10_000_000 : 0) } = said;
  return { incarnation, since, at, confirmed, reason };
}

/** An accusation of one node by another. */
export function accuse(subject: Signer, accuser: Signer, said: Said = {}): SealedAccusation {
  const issuedAt = said.issuedAt ?? startMicros;
  const token = { subject: subject.owner, observer: accuser.owner, issuedAt };
  return sealAccusation(sealToken(token, cluster, subject), claimOf(said), cluster, accuser);
}

export const bootA = '00000000000000aa';
export const bootB = '00000000000000bb';

/** A docket with the heads that it is told of; node 0 holds it. */
export class TestDocket {
  readonly lives = new Map<OwnerId, Life>();
  windowMs = 100;
  readonly docket: Docket;

  constructor(context: Partial<DocketContext> = {}) {
    this.docket = new Docket({
      self: nodeOf(0).owner,
      cluster,
      verifier: hashedSignatures.verifier,
      clockAheadMs: 60_000,
      reapAfterMs: 86_400_000,
      lifeOf: (subject) => this.lives.get(subject),
      windows: () => ({ anyMs: this.windowMs, refusedMs: this.windowMs }),
      ...context,
    });
  }

  /** A head of this node comes to be held. */
  head(node: Signer, incarnation: number, bootId: string, atMs: number): void {
    const { owner } = node;
    this.lives.set(owner, { incarnation, bootId });
    this.docket.noteHead({ owner, incarnation, bootId }, atMs);
  }

  accept(sealed: SealedAccusation, atMs: number): Accepted {
    return this.docket.accept(sealed, at(atMs));
  }

  /** What an accusation comes to: its kind, or why it was refused. */
  hear(sealed: SealedAccusation, atMs: number): string {
    const accepted = this.accept(sealed, atMs);
    return accepted.kind === 'refused' ? accepted.reason : accepted.kind;
  }

  /** The hashes of all that is held, in order. */
  content(): string[] {
    return [...this.docket.accusations()].map(nameOf).sort();
  }
}

/** Whom most tests accuse. */
export const subject = nodeOf(1);

export function by(accuser: Signer, said: Said = {}): SealedAccusation {
  return accuse(subject, accuser, said);
}

/** A docket that holds the subject's head of this incarnation, of boot A. */
export function docketOf(incarnation = 1): TestDocket {
  const test = new TestDocket();
  test.head(subject, incarnation, bootA, 0);
  return test;
}

/** What is taken when nothing but this verdict on the subject is new. */
export function verdict(kind: DocketVerdict): VerdictChange[] {
  return [{ subject: subject.owner, verdict: kind }];
}

/** Tells accusations apart. */
export function nameOf({ hash }: SealedAccusation): string {
  return Buffer.from(hash).toString('hex');
}
