/**
 * Rounds: when this node asks others, and whom.
 *
 *   start ─ soon ─▶ round ─ gossipIntervalMs ±20 % ─▶ round ─▶ ...   every tenth looks around
 *
 * Those come first with whom there was none yet, any of them, and then those with whom the last
 * exchange, whoever began it, is longest ago.
 * What chance alone leaves out for long is where a change waits for long. And since a question is a
 * probe too, each link is listened to in turn without a frame for that.
 */
import type { OwnerId } from '../record/owner.ts';
import type { GossipContext } from './context.ts';

/** The first rounds come early, so that a small cluster is whole at once. */
const firstRoundMs = 50;
const intervalJitter = 0.2;
/** In one round of so many a member that is no neighbor is asked too. */
const roundsPerLookAround = 10;

export class Rounds {
  readonly #context: GossipContext;
  /** Linked peers with whom there was an exchange, the longest ago first. */
  readonly #met = new Set<OwnerId>();
  #atMs = Infinity;
  #count = 0;

  constructor(context: GossipContext) {
    this.#context = context;
  }

  /** When the next one is due, monotonic ms. */
  get wakeAtMs(): number {
    return this.#atMs;
  }

  /** In this one a member is looked for that is no neighbor. */
  get isLookAround(): boolean {
    return this.#count > 0 && this.#count % roundsPerLookAround === 0;
  }

  start(): void {
    const { now, random, config } = this.#context;
    this.#atMs = now.monoMs + firstRoundMs + random.next() * config.gossipIntervalMs;
  }

  /** @returns whether one is due; then it is this one, and the next is set */
  begin(): boolean {
    const { now, random, config } = this.#context;
    if (now.monoMs < this.#atMs) return false;
    this.#atMs = now.monoMs + random.jitter(config.gossipIntervalMs, intervalJitter);
    this.#count += 1;
    return true;
  }

  /** An exchange with a peer begins, from either end. */
  met(peer: OwnerId): void {
    this.#met.delete(peer);
    this.#met.add(peer);
  }

  unlinked(peer: OwnerId): void {
    this.#met.delete(peer);
  }

  /** Those of the peers that are to be asked now: at most `gossipK`. */
  choose(peers: readonly OwnerId[]): OwnerId[] {
    const { random, config } = this.#context;
    const fresh = peers.filter((peer) => !this.#met.has(peer));
    const chosen = random.sample(fresh, config.gossipK);
    for (const peer of this.#met) {
      if (chosen.length === config.gossipK) break;
      if (peers.includes(peer)) chosen.push(peer);
    }
    return chosen;
  }
}
