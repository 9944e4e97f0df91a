/**
 * Picks instances of a view: `view.balancer('round_robin').next()`.
 *
 *   view ──list──▶ targets ──accepted? healthy? not ejected?──▶ candidates ──policy──▶ one
 *          (all of this only when something has changed)                    (each pick)
 *
 * While the daemon is away the view keeps its last good list, and so does this.
 */
import { DiscoError } from '../base/error.ts';
import type { Random } from '../base/random.ts';
import { HashRing } from './hash-ring.ts';
import type { Instance } from './instance.ts';
import { Nearest, ownPlace } from './nearest.ts';
import { AtRandom, LeastLoad, RoundRobin, type Policy } from './policy.ts';
import { candidatesAmong, type Target } from './target.ts';
import type { RetryBudget } from './retry-budget.ts';
import type { PoolTools, TargetPool } from './target-pool.ts';
import { Weighted } from './weighted.ts';

/**
 * `round_robin`: each in turn. `random`: any. `least_load`: of two at random, the one with fewer
 * calls under way through call() or fetch() of this process. `nearest`: those of this host in
 * turn, else of this zone, else all. `weighted`: by the metadata `weight`. `consistent_hash`: the
 * same key, the same instance.
 */
export const policyNames = [
  'round_robin',
  'random',
  'least_load',
  'nearest',
  'weighted',
  'consistent_hash',
] as const;

export type PolicyName = (typeof policyNames)[number];

export interface BalancerOptions {
  /** Only among the instances for which it is true; asked when the list changes, not at a pick. */
  readonly accept?: ((instance: Instance) => boolean) | undefined;
  /** Where this process is, for `nearest`; default: DISCO_ZONE. */
  readonly zone?: string | undefined;
}

/** How often a policy may come up with one that was tried before all are looked through. */
const drawsMax = 4;

export class Balancer {
  readonly #pool: TargetPool;
  readonly #policy: Policy;
  readonly #accept: BalancerOptions['accept'];
  #seen: readonly Target[] | undefined;
  /** Whoever might be asked when all else failed: those that warn, and those left alone, too. */
  #accepted: readonly Target[] = [];

  /** @throws DiscoError INVALID_ARGUMENT/USAGE for a policy that there is not */
  constructor(pool: TargetPool, policy: PolicyName, options: BalancerOptions = {}) {
    this.#pool = pool;
    this.#policy = makePolicy(policy, pool.tools.random, options.zone);
    this.#accept = options.accept;
  }

  /** The list may be out of date: the daemon is away, or has not answered yet. */
  get stale(): boolean {
    return this.#pool.source.stale;
  }

  /** A first list has arrived. */
  get loaded(): boolean {
    return this.#pool.source.loaded;
  }

  get tools(): PoolTools {
    return this.#pool.tools;
  }

  /** Shared by all balancers of the view. */
  get budget(): RetryBudget {
    return this.#pool.budget;
  }

  /**
   * The next instance: of the passing ones, else of the warning ones; undefined when there are
   * none, or no list yet. Those whose calls failed are left alone for a while.
   *
   * @param key what consistent_hash goes by; it has to be given there and nowhere else
   * @throws DiscoError INVALID_ARGUMENT/USAGE when consistent_hash is given no key
   */
  next(key?: string): Instance | undefined {
    return this.nextTarget(key)?.instance;
  }

  /** As next(), for those who tell how the call went. */
  nextTarget(key?: string): Target | undefined {
    const targets = this.#pool.targets();
    if (targets !== this.#seen) this.#follow(targets);
    return this.#policy.pick(key);
  }

  /**
   * As nextTarget(), but none of these: when all that would be picked are among them, the next best.
   * Undefined when there is no other.
   */
  nextTargetBut(tried: readonly Target[], key?: string): Target | undefined {
    for (let draw = 0; draw < drawsMax; draw++) {
      const target = this.nextTarget(key);
      if (target === undefined || !tried.includes(target)) return target;
    }
    const others = this.#accepted.filter((target) => !tried.includes(target));
    return this.tools.random.pick(candidatesAmong(others));
  }

  /** Resolves when a first list has arrived; see ServiceView.ready(). */
  ready(timeoutMs?: number, signal?: AbortSignal): Promise<void> {
    return this.#pool.source.ready(timeoutMs, signal);
  }

  /** The target has answered, whatever it was. */
  succeeded(target: Target): void {
    this.#pool.succeeded(target);
  }

  /** The target has not answered: five times in a row, and it is left alone for a while. */
  failed(target: Target): void {
    this.#pool.failed(target);
  }

  /** Why next() gives nothing. */
  nothingToPick(): DiscoError {
    const { group, name } = this.#pool.source;
    const watched = [group, name].filter((part) => part !== '').join('/');
    return nothingToPick(watched || 'any service', this.#pool.targets().length);
  }

  #follow(targets: readonly Target[]): void {
    const accept = this.#accept;
    this.#accepted =
      accept === undefined ? targets : targets.filter(({ instance }) => accept(instance));
    this.#policy.take(candidatesAmong(this.#accepted));
    this.#seen = targets;
  }
}

/**
 * NOT_FOUND/UNKNOWN_SERVICE or /NO_HEALTHY_INSTANCE, by how many instances are known.
 *
 * @param service for people: what was to be picked from
 */
export function nothingToPick(service: string, known: number): DiscoError {
  if (known === 0) {
    return new DiscoError(
      'NOT_FOUND',
      'UNKNOWN_SERVICE',
      `no instance of ${service} is registered, as far as this node knows; start one, ` +
        'or look at what there is with `disco list`',
    );
  }
  return new DiscoError(
    'NOT_FOUND',
    'NO_HEALTHY_INSTANCE',
    `${service} has ${known} instances, but none that could be picked is passing or warning; ` +
      'see why with `disco list`',
  );
}

function makePolicy(name: PolicyName, random: Random, zone: string | undefined): Policy {
  switch (name) {
    case 'round_robin':
      return new RoundRobin(random);
    case 'random':
      return new AtRandom(random);
    case 'least_load':
      return new LeastLoad(random);
    case 'nearest': {
      const place = ownPlace();
      return new Nearest(random, { ...place, zone: zone ?? place.zone });
    }
    case 'weighted':
      return new Weighted(random);
    case 'consistent_hash':
      return new HashRing();
    default:
      throw new DiscoError(
        'INVALID_ARGUMENT',
        'USAGE',
        `there is no balancer ${JSON.stringify(name)}; take one of ${policyNames.join(', ')}`,
      );
  }
}
