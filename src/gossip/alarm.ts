/**
 * Alarm: who is asked to have a look at a member that nobody could find at its address.
 *
 *   lost a link to it ──▶ all its links ──▶ three links of each ──▶ three of each ...
 *
 * In a small cluster a look is sooner done than an accusation is heard and believed: those who had
 * links reach nearly all with one hop, and a few words of the others find the rest. In a larger one
 * only a member that nobody may accuse is looked for, and then by all.
 */
import { allLook } from '../membership/jury.ts';
import type { DeathCause } from '../membership/member.ts';
import type { OwnerId } from '../record/owner.ts';
import type { GossipContext } from './context.ts';

/** Links of one who was asked itself that it asks in turn. */
const askedInTurn = 3;

export interface Finding {
  readonly why: DeathCause;
  /** Everybody has a link with everybody. */
  readonly isFullMesh: boolean;
  /** An accusation tells the others. */
  readonly isTold: boolean;
  /** This node looked only because another had asked it. */
  readonly isAsked: boolean;
}

/** Of the links of who found it, those that are asked; none in a full mesh, where all notice. */
export function lookersOf(
  { why, isFullMesh, isTold, isAsked }: Finding,
  links: readonly OwnerId[],
  { registry, random }: GossipContext,
): readonly OwnerId[] {
  if (isFullMesh) return [];
  if (!allLook(why === 'refused', registry.ownersHeld)) return isTold ? [] : links;
  return isAsked ? random.sample(links, askedInTurn) : links;
}
