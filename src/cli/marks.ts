/** Marks of an answer: what people are told besides it, on stderr, since they must not rely on it. */
import type { Hold } from '../client/hold.ts';
import { age, note } from './output.ts';

/** What an answer of the daemon says of itself. */
export interface Marks {
  readonly partial: boolean;
  readonly isolated: boolean;
  readonly holding: readonly Hold[];
  /** Older than was asked for. */
  readonly stale: boolean;
  readonly sinceReconcileMs: number | undefined;
}

/** Held services that are named. */
const holdsShownMax = 10;

/** Tells people what an answer is to be taken for; nothing when it is whole and fresh. */
export function noteMarks(marks: Marks): void {
  const { partial, isolated, holding, stale, sinceReconcileMs } = marks;
  const compared = sinceReconcileMs === undefined ? 'never' : `${sinceReconcileMs} ms ago`;
  if (stale) note(`disco: stale: this node compared itself with a peer ${compared}`);
  if (partial) note('disco: partial: this node has not yet heard from any other');
  if (isolated) note('disco: isolated: this node reaches no other, what it knows may be old');
  for (const hold of holding.slice(0, holdsShownMax))
    note(`disco: holding: ${describeHold(hold, Date.now())}`);
  const more = holding.length - holdsShownMax;
  if (more > 0) note(`disco: holding: ${more} more services`);
}

/** Which service is held, why, since when and for how long. */
export function describeHold({ group, name, reason, since, until }: Hold, nowMs: number): string {
  const leftSeconds = Math.max(0, Math.ceil((until / 1000 - nowMs) / 1000));
  return `${group}/${name} for ${age(since, nowMs)}, at most ${leftSeconds}s more: ${reason}`;
}
