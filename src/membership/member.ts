/**
 * Member: a node as this node sees it, and the rules by which that changes.
 *
 *   now \ heard   newer head   head that left   live link   refused re-dial
 *   alive         alive        left             alive       dead
 *   dead          alive (1)    left             alive       dead
 *   left          alive (1)    left             left (2)    left
 *
 * (1) only with a higher incarnation than the one that died or left: data heads void nothing.
 * (2) a leaving node keeps its links for a moment; only a new start brings it back.
 *
 * `suspect` has its place in the API already; accusations bring it.
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

export type MemberEvent =
  | { readonly kind: 'head'; readonly head: Head }
  | { readonly kind: 'linked' }
  | { readonly kind: 'unreachable' };

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
      return member.state === 'left' ? 'left' : 'dead';
  }
}
