/**
 * Member: a node as this node sees it, and the rules by which that changes.
 *
 *   now \ heard   newer head   head that left   live link   refused re-dial   dismissed
 *   alive         alive        left             alive       dead              alive
 *   suspect       alive (1)    left             alive       dead              suspect
 *   dead          alive (1)    left             alive       dead              left (4)
 *   left          alive (1)    left             left (2)    left              left
 *
 *   now \ heard   accused      convicted        absolved
 *   alive         suspect      dead             alive
 *   suspect       suspect      dead             alive
 *   dead          dead (3)     dead             dead (3)
 *   left          left         left             left
 *
 * (1) only with a higher incarnation than the one that is suspect, died or left: data heads void
 *     nothing.
 * (2) a leaving node keeps its links for a moment; only a new start brings it back.
 * (3) the dead come back by a link or a higher incarnation, not because accusations went.
 * (4) only by a dismissal of the very incarnation that died.
 *
 * The docket accuses (some cannot reach it), convicts (too many, or one for too long) and absolves
 * (nobody says so any more). Whoever has a live link knows better and does not ask it.
 */
import type { Head } from '../record/head.ts';
import type { OwnerId } from '../record/owner.ts';

export const memberStates = ['alive', 'suspect', 'dead', 'left'] as const;
export type MemberState = (typeof memberStates)[number];

export interface Member {
  readonly owner: OwnerId;
  readonly state: MemberState;
  /** The incarnation that `state` speaks of. */
  readonly incarnation: number;
  /** Wall clock at which this node learned of the state, µs. */
  readonly since: number;
}

/** Nobody listens at its address, which proves its end; or it says nothing, and may well live. */
export type DeathCause = 'refused' | 'silent';

/** A node that says of a member, in its present life, that it cannot reach it. */
export interface Accuser {
  readonly accuser: OwnerId;
  /** 'refused': its connection broke and nobody listens at its address; 'silent': no answer. */
  readonly reason: DeathCause;
  /** By the accuser's clock, µs. */
  readonly since: number;
  /** It said so again after the suspicion time. */
  readonly confirmed: boolean;
}

export type MemberEvent =
  | { readonly kind: 'head'; readonly head: Head }
  | { readonly kind: 'linked' }
  | { readonly kind: 'unreachable'; readonly why: DeathCause }
  | { readonly kind: 'accused' }
  | { readonly kind: 'convicted'; readonly why: DeathCause }
  | { readonly kind: 'absolved' }
  | { readonly kind: 'dismissed'; readonly incarnation: number };

/** The member after the event; the same object when nothing changed. */
export function nextMember(member: Member, event: MemberEvent, wallMicros: number): Member {
  const incarnation =
    event.kind === 'head'
      ? Math.max(member.incarnation, event.head.incarnation)
      : member.incarnation;
  const state = nextState(member, event);
  if (state === member.state && incarnation === member.incarnation) return member;
  const since = state === member.state ? member.since : wallMicros;
  return { owner: member.owner, state, incarnation, since };
}

/** A member of whom the first thing known is this head. */
export function newMember(head: Head, wallMicros: number): Member {
  const state = head.facts.left ? 'left' : 'alive';
  return { owner: head.owner, state, incarnation: head.incarnation, since: wallMicros };
}

/** Whether what such a member registered is shown. */
export function isShown(state: MemberState): boolean {
  return state === 'alive' || state === 'suspect';
}

function nextState(member: Member, event: MemberEvent): MemberState {
  switch (event.kind) {
    case 'head':
      if (event.head.facts.left) return 'left';
      return event.head.incarnation > member.incarnation ? 'alive' : member.state;
    case 'linked':
      return member.state === 'left' ? 'left' : 'alive';
    case 'unreachable':
    case 'convicted':
      return member.state === 'left' ? 'left' : 'dead';
    case 'accused':
      return member.state === 'alive' ? 'suspect' : member.state;
    case 'absolved':
      return member.state === 'suspect' ? 'alive' : member.state;
    case 'dismissed': {
      const isMeant = member.state === 'dead' && event.incarnation === member.incarnation;
      return isMeant ? 'left' : member.state;
    }
  }
}
