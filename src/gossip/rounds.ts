/**
 * Rounds: when this node asks others, and whom.
 *
 *   start ─ soon ─▶ round ─ gossipIntervalMs ±20 % ─▶ round ─▶ ...   every tenth looks around
 *
 * Those come first with whom the last exchange, whoever began it, is longest ago; of equals any.
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
  /** Of linked peers: when the last exchange with it began, monotonic ms. */
  readonly #metAtMs = new Map<OwnerId, number>();
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
    this.#metAtMs.set(peer, this.#context.now.monoMs);
  }

  unlinked(peer: OwnerId): void {
    this.#metAtMs.delete(peer);
  }

  /** Those of the peers that are to be asked now: at most `gossipK`. */
  choose(peers: readonly OwnerId[]): OwnerId[] {
    const { random, config } = this.#context;
    const turns = random
      .sample(peers, Infinity)
      .map((peer) => ({ peer, metAtMs: this.#metAtMs.get(peer) ?? -Infinity }));
    // Not a difference of the two: of equal infinities there is none.
    turns.sort((a, b) => (a.metAtMs < b.metAtMs ? -1 : Number(a.metAtMs > b.metAtMs)));
    return turns.slice(0, config.gossipK).map(({ peer }) => peer);
  }
}
