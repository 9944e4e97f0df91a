/**
 * Watches all daemons from one process and notes when each Watch tells that an instance is there
 * or is not.
 *
 *   node bench/liveness-disco-observer.ts ADDRESS…, with an IPC channel
 */
import { setPriority } from 'node:os';
import { Disco } from '../src/client/index.ts';
import { indexOfName } from './liveness-cluster.ts';
import { monotonicMs, type Sighting } from './liveness-ledger.ts';

/** What it tells, a few times a second. */
export interface ObserverWord {
  readonly sightings: readonly Sighting[];
  /** Whether the Watch at that daemon follows it. */
  readonly followed: readonly { readonly observer: number; readonly isFollowed: boolean }[];
}

const flushMs = 100;
/** A clock is read at once: all daemons have something to do in the moment that is measured. */
const niceness = -10;

try {
  setPriority(niceness);
} catch {
  // Only root may: then what is seen is seen up to some 20 ms late.
}

let sightings: Sighting[] = [];
let followed: { observer: number; isFollowed: boolean }[] = [];

for (const [observer, address] of process.argv.slice(2).entries()) {
  const disco = await Disco.connect({ address });
  const view = disco.watch({ group: 'bench' });
  view.onChange((change) => {
    const atMs = monotonicMs();
    if (change.kind === 'stale' || change.kind === 'fresh') {
      followed.push({ observer, isFollowed: change.kind === 'fresh' });
      return;
    }
    const subject = indexOfName(change.instance.instanceId);
    sightings.push({ kind: change.kind === 'up' ? 'shown' : 'hidden', observer, subject, atMs });
  });
}

// In batches: telling must not disturb what is measured.
setInterval(() => {
  if (sightings.length === 0 && followed.length === 0) return;
  const word: ObserverWord = { sightings, followed };
  process.send?.(word);
  sightings = [];
  followed = [];
}, flushMs);

process.on('disconnect', () => process.exit(0));
