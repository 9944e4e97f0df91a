/**
 * Search: whom this node dials though they are no neighbors: the ways into the cluster when it
 * begins, and later those who are lost, so that the halves of a healed network find each other.
 *
 *   seed nodes ───────┬─▶ ways in, in random order: first those that were alive when last seen
 *   remembered peers ─┘
 *   members that died or had left ─┬─▶ one of them, now and then
 *   seed nodes that are silent ────┘
 */
import { isShown } from '../membership/member.ts';
import type { MemberState } from '../membership/member.ts';
import type { OwnerId } from '../record/owner.ts';
import type { DialTarget, GossipContext } from './context.ts';
import { isLostDue } from './dial-pace.ts';
import type { Dialer, WayIn } from './dialer.ts';
import { LostMembers } from './lost-members.ts';
import { SeedNodes } from './seed-nodes.ts';

export class Search {
  readonly #context: GossipContext;
  readonly #dialer: Dialer;
  readonly #seeds: SeedNodes;
  readonly #lost: LostMembers;

  /** @param seeds multiaddrs */
  constructor(context: GossipContext, seeds: readonly string[], dialer: Dialer) {
    this.#context = context;
    this.#dialer = dialer;
    this.#seeds = new SeedNodes(seeds);
    this.#lost = new LostMembers(context.random);
  }

  /** Every way into the cluster has been tried, and none of them led to another node. */
  get isFutile(): boolean {
    const { registry } = this.#context;
    const isNobodyRemembered = registry.rememberedPeers().next().done === true;
    return this.#seeds.areAll(registry.self) && isNobodyRemembered;
  }

  /** All ways into the cluster. */
  begin(): WayIn[] {
    const { registry, random } = this.#context;
    const peers = [...registry.rememberedPeers()];
    // One that had left before this life may be back, and not know where we are now.
    for (const { owner, addresses } of peers)
      if (!this.#isAlive(owner)) this.#lost.add(owner, addresses);
    const shuffled = random.sample<WayIn>([...this.#seeds.addresses, ...peers], Infinity);
    const isDead = (way: WayIn): boolean => typeof way !== 'string' && way.isDead;
    return shuffled.sort((a, b) => Number(isDead(a)) - Number(isDead(b)));
  }

  /**
   * @param state undefined: the member is not known any more
   * @returns whether it was lost, and is not any more
   */
  note(owner: OwnerId, state: MemberState | undefined): boolean {
    if (state === undefined) return false;
    if (state !== 'dead') return this.#lost.delete(owner);
    const { addresses = [] } = this.#context.registry.state(owner)?.head.head.facts ?? {};
    this.#lost.add(owner, addresses);
    return false;
  }

  linked(peer: OwnerId): void {
    this.#lost.delete(peer);
  }

  /** A dial that was not meant for anybody came to its end. @param peer who answered, self also */
  dialed({ addresses }: DialTarget, peer: OwnerId | undefined): void {
    this.#seeds.note(addresses[0], peer);
  }

  /** Once an interval: dials, or leaves it to others, somebody who is lost. */
  tick(): void {
    const { registry, random } = this.#context;
    if (!isLostDue(registry.ownersHeld - this.#lost.size, random)) return;
    const seeds = this.#seeds.silent((peer) => peer === registry.self || this.#isAlive(peer));
    const index = random.int(this.#lost.size + seeds.length);
    const seed = seeds[index - this.#lost.size];
    if (seed !== undefined) this.#dialer.dial({ addresses: [seed] });
    else if (index < this.#lost.size) this.#dialer.dialLost(this.#lost.at(index));
  }

  /** What was tried to get into the cluster, for people. */
  describeTried(): string {
    const peers = [...this.#context.registry.rememberedPeers()].length;
    return `${this.#seeds.describe()} and ${peers} remembered ${peers === 1 ? 'peer' : 'peers'}`;
  }

  #isAlive(peer: OwnerId): boolean {
    const state = this.#context.registry.member(peer)?.state;
    return state !== undefined && isShown(state);
  }
}
