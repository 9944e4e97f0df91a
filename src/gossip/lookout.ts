/**
 * Lookout: looks at some of all members now and then, at each of them in time.
 *
 * A random living one that no link leads to is dialed: two parts of the cluster whose neighbors
 * all lie on their own side find each other so. The exchange follows its hello, and the link ends
 * when neither wants it. And whoever has signed nothing for twice the time in which the living
 * do is doubted: its death may have passed us by.
 */
import type { OwnerState } from '../record/merge.ts';
import type { OwnerId } from '../record/owner.ts';
import type { GossipContext } from './context.ts';
import { Patrol } from './patrol.ts';

/** Members in one look. */
const lookedAtMax = 64;
/**
 * Who is dialed by a node that hears nobody. A dial that meets no answer is pending for five
 * seconds, so this leaves room for others: for those that would come back.
 */
const dialedIsolated = 2;

export interface LookoutHooks {
  /** It counts as alive, and there is no link with it. */
  isStranger(peer: OwnerId): boolean;
  doubt(peer: OwnerId): void;
  /** Unless it is held back: it did not answer lately, or is banned. */
  dial(peer: OwnerId): void;
}

export class Lookout {
  readonly #context: GossipContext;
  readonly #hooks: LookoutHooks;
  readonly #patrol: Patrol<[OwnerId, OwnerState]>;

  constructor(context: GossipContext, hooks: LookoutHooks) {
    const { registry, random } = context;
    this.#context = context;
    this.#hooks = hooks;
    const owners = (): Iterator<[OwnerId, OwnerState]> => registry.owners();
    this.#patrol = new Patrol(owners, () => registry.ownersHeld, random);
  }

  /** @param isIsolated this node hears nobody: it looks for anybody who is there */
  look(isIsolated = false): void {
    const { registry, random, config, now } = this.#context;
    const latest = now.wallMicros - 2 * config.headRefreshMs * 1000;
    const strangers: OwnerId[] = [];
    for (const [owner, { head }] of this.#patrol.next(lookedAtMax)) {
      if (owner === registry.self || !this.#hooks.isStranger(owner)) continue;
      if (head.head.lastUpdate < latest) this.#hooks.doubt(owner);
      else strangers.push(owner);
    }
    for (const stranger of random.sample(strangers, isIsolated ? dialedIsolated : 1))
      this.#hooks.dial(stranger);
  }
}
