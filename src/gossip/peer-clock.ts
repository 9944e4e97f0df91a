/**
 * PeerClock: which time this node goes by when its host's clock may be wrong.
 *
 * Every clock is a line over the monotonic clock of this process, named by where it stands at
 * monotonic zero (its origin); so what a peer told stays good when our wall clock jumps.
 *
 *   host    the wall clock of this host
 *   own     the time before the wall clock jumped, carried on by the monotonic clock
 *   peers   what each linked peer told last
 *
 * 1. Host and own agree within `clockAheadMs`: own follows host. When they do not, each peer votes
 *    for the nearer one; without a majority the later one holds, so that nothing this node wrote
 *    lies in its future.
 * 2. The median of at least three (the one of step 1 and the peers): ahead of it by more than
 *    `clockAheadMs`, we go by the median. Behind it by more, only when the operator said so
 *    (`trustPeerClock`): neighbors that lie together could push a node's stamps into the future,
 *    from which there is no way back, while pushed back it is only unheard.
 */
import { originOf } from '../base/clock.ts';
import type { Now } from '../base/clock.ts';
import type { OwnerId } from '../record/owner.ts';

export interface PeerClockConfig {
  readonly clockAheadMs: number;
  readonly trustPeerClock: boolean;
}

/** What is wrong with this host's clock. */
export interface ClockTrouble {
  readonly kind: 'ahead' | 'behind' | 'behind_untrusted' | 'jumped' | 'disputed';
  /** How far the host's clock is ahead (positive) of what it is held against, ms. */
  readonly aheadMs: number;
}

/** Ours is one more. */
const peersToJudge = 2;
/** Links are bounded elsewhere; this is for a host that bounds none. */
const samplesMax = 1_000;
/** What a peer tells is late by the way here: smaller changes say nothing. */
const noiseMicros = 1_000_000;

export class PeerClock {
  readonly #config: PeerClockConfig;
  readonly #limit: number;
  /** By peer: where its clock stands at our monotonic zero. */
  readonly #samples = new Map<OwnerId, number>();
  #own: number | undefined;
  #isByPeers = false;
  #isDue = true;
  #correction: number | undefined;
  #trouble: ClockTrouble | undefined;

  constructor(config: PeerClockConfig) {
    this.#config = config;
    this.#limit = config.clockAheadMs * 1000;
  }

  /** What is wrong by the last judgement; undefined when nothing is. */
  get trouble(): ClockTrouble | undefined {
    return this.#trouble;
  }

  /** How many peers told their time. */
  get heard(): number {
    return this.#samples.size;
  }

  hasHeard(peer: OwnerId): boolean {
    return this.#samples.has(peer);
  }

  /** A peer told its time, µs since the epoch; what is no time is ignored. */
  note(peer: OwnerId, micros: number, now: Now): void {
    if (!(micros > 0)) return;
    const before = this.#samples.get(peer);
    if (before === undefined && this.#samples.size >= samplesMax) return;
    const origin = Math.round(micros - now.monoMs * 1000);
    this.#samples.set(peer, origin);
    if (before === undefined || Math.abs(before - origin) > noiseMicros) this.#isDue = true;
  }

  unlinked(peer: OwnerId): void {
    if (this.#samples.delete(peer)) this.#isDue = true;
  }

  /** Asks for a judgement though nothing new was told: clocks drift. */
  tick(): void {
    this.#isDue = true;
  }

  /** @returns what is to be added to the host's clock from now on, µs */
  judge(now: Now): number {
    const present = now.correctionMicros ?? 0;
    if (!this.#isDue && present === this.#correction) return present;
    this.#isDue = false;
    const host = originOf(now) - present;
    const peers = [...this.#samples.values()].sort((a, b) => a - b);
    const chosen = this.#choose(host, originOf(now), peers);
    const median = peers.length >= peersToJudge ? medianOf(peers, chosen) : chosen;
    const isOff = this.#isOff(chosen - median);
    this.#isByPeers = isOff && (chosen > median || this.#config.trustPeerClock);
    this.#trouble = this.#judgeTrouble(host, chosen, isOff ? median : chosen, peers);
    const wanted = (this.#isByPeers ? median : chosen) - host;
    // A median trembles with every message: only the host's own clock is followed closely.
    const isNear = wanted !== 0 && Math.abs(wanted - present) <= this.#limit / 2;
    this.#correction = isNear ? present : wanted;
    return this.#correction;
  }

  /** Host's clock, or the time from before it jumped. */
  #choose(host: number, present: number, peers: readonly number[]): number {
    // A host that resumed its own last time before the first step has that in the correction.
    const own = (this.#own ??= present);
    if (Math.abs(host - own) <= this.#limit) return (this.#own = host);
    const distances = peers.map((peer) => Math.abs(peer - host) - Math.abs(peer - own));
    const votes = distances.reduce((sum, distance) => sum - Math.sign(distance), 0);
    const isHost = votes === 0 ? host > own : votes > 0;
    if (!isHost) return own;
    // Settled by enough of them; a vote of one may be outvoted later.
    if (peers.length >= peersToJudge) this.#own = host;
    return host;
  }

  /** Once corrected, half the distance is enough to stay so: no flapping at the border. */
  #isOff(difference: number): boolean {
    return Math.abs(difference) > (this.#isByPeers ? this.#limit / 2 : this.#limit);
  }

  #judgeTrouble(
    host: number,
    chosen: number,
    median: number,
    peers: readonly number[],
  ): ClockTrouble | undefined {
    const told = (kind: ClockTrouble['kind'], other: number): ClockTrouble => {
      return { kind, aheadMs: Math.round((host - other) / 1000) };
    };
    if (median < chosen) return told('ahead', median);
    if (median > chosen) return told(this.#isByPeers ? 'behind' : 'behind_untrusted', median);
    if (chosen !== host) return told('jumped', chosen);
    const only = peers.length >= peersToJudge ? undefined : peers[0];
    if (only !== undefined && Math.abs(only - host) > this.#limit) return told('disputed', only);
    return undefined;
  }
}

/** The median of what the peers say and our own; of two in the middle the one nearer to ours. */
function medianOf(peers: readonly number[], own: number): number {
  const all = [...peers, own].sort((a, b) => a - b);
  const low = all[Math.floor((all.length - 1) / 2)] as number;
  const high = all[Math.floor(all.length / 2)] as number;
  return Math.abs(low - own) <= Math.abs(high - own) ? low : high;
}
