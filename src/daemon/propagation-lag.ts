/**
 * How long after its owner said it a change is true here, told for each that came from a peer.
 *
 * The owner's clock stamps a change and ours tells when it came, so what the two differ by is in it.
 * What was said before this life began is no news that spread: it is caught up with, by whatever
 * joins or comes back, and is left out.
 */
import type { Cancel, Clock } from '../base/clock.ts';
import type { Change } from '../registry/change-feed.ts';
import type { Registry } from '../registry/registry.ts';

/**
 * Tells of each change from a peer, when it has just become true, how old it is.
 *
 * @param observe seconds, at least 0
 * @returns ends it
 */
export function followLag(
  registry: Registry,
  clock: Clock,
  observe: (seconds: number) => void,
): Cancel {
  const { feed } = registry;
  const since = clock.now().wallMicros;
  let cursor = feed.revision;
  return feed.follow(() => {
    const answer = feed.read(cursor);
    cursor = feed.revision;
    if (answer.kind === 'lost') return;
    for (const change of answer.changes) {
      const saidAt = change.origin === 'peer' ? saidAtOf(change, registry, since) : undefined;
      if (saidAt !== undefined) observe(Math.max(0, clock.now().wallMicros - saidAt) / 1_000_000);
    }
  });
}

/** The oldest of what was said since then: what came with a later head waited for it. */
function saidAtOf(change: Change, registry: Registry, since: number): number | undefined {
  let oldest = registry.state(change.owner)?.head.head.lastUpdate ?? 0;
  if (oldest < since) return undefined;
  for (const { kind, reason, instance } of change.events) {
    const { lastUpdate } = instance.record;
    const isNews = kind === 'up' && (reason === 'registered' || reason === 'updated');
    if (isNews && lastUpdate >= since) oldest = Math.min(oldest, lastUpdate);
  }
  return oldest;
}
