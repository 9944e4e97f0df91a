/**
 * Freshness: how old what this node knows may be, against what a caller puts up with.
 *
 * The age is the time since the last completed reconcile with any peer. It says nothing of nodes
 * that nobody here reaches; of those the state of the owner tells, instance by instance.
 */
import { DiscoError } from '../base/error.ts';
import type { disco } from '../gen/discovery.js';
import { safeInteger } from '../record/encoding.ts';
import type { Registry } from '../registry/registry.ts';
import type { NodeControl } from './node-control.ts';

type Asked = Pick<disco.v1.GetRequest.$Properties, 'maxStaleMs' | 'staleOk'>;
type Age = Pick<NodeControl, 'sinceReconcileMs' | 'isPartial'>;

/**
 * Whether an answer is older than it may be.
 *
 * @throws DiscoError FAILED_PRECONDITION/STALE unless the caller takes it all the same
 */
export function isStale(registry: Registry, age: Age, { maxStaleMs, staleOk }: Asked): boolean {
  const maxMs = safeInteger(maxStaleMs ?? 0);
  if (maxMs === 0) return false;
  const ageMs = age.sinceReconcileMs() ?? (age.isPartial() ? Infinity : 0);
  // Whatever does not fit a number is longer ago than anything.
  if (!(ageMs > maxMs) || (ageMs !== Infinity && !hasOthers(registry))) return false;
  if (staleOk === true) return true;
  const what =
    ageMs === Infinity
      ? 'this node has not completed a reconcile with a peer yet'
      : `the last completed reconcile of this node was ${ageMs} ms ago`;
  const sentence = `${what}, and max_stale_ms is ${maxMs}: ask another daemon, allow more, or set stale_ok to be answered all the same`;
  throw new DiscoError('FAILED_PRECONDITION', 'STALE', sentence);
}

/** Where all others left on purpose, or there never were any, there is nothing to be behind of. */
function hasOthers(registry: Registry): boolean {
  for (const { owner, state } of registry.members())
    if (owner !== registry.self && state !== 'left') return true;
  return false;
}
