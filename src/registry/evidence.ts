/**
 * Evidence: of owners that said two things at once, two signed heads that prove it to anyone.
 *
 * One pair an owner, and the first ones are kept: a flood of guilty keys pushes out nobody's.
 */
import type { SealedHead } from '../record/head.ts';
import type { OwnerId } from '../record/owner.ts';

export const evidenceMax = 1_000;

/** Two heads of one owner with one lastUpdate and other bytes, both signed by it. */
export type EvidencePair = readonly [SealedHead, SealedHead];

export class Evidence {
  readonly #pairs = new Map<OwnerId, EvidencePair>();

  get(owner: OwnerId): EvidencePair | undefined {
    return this.#pairs.get(owner);
  }

  note(...pair: EvidencePair): void {
    const { owner } = pair[0].head;
    if (this.#pairs.size < evidenceMax && !this.#pairs.has(owner)) this.#pairs.set(owner, pair);
  }

  forget(owner: OwnerId): void {
    this.#pairs.delete(owner);
  }
}
