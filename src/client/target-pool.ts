/**
 * The targets behind a view: one an instance that it lists, kept over changes of its statement, so
 * that calls under way and failures are known however often the instance says something new.
 *
 * Nothing happens here while nobody picks: `targets()` compares what the view shows with what it
 * showed last time, by identity, and is done when that is the same.
 */
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import { instanceKey, type Instance } from './instance.ts';
import { Outliers } from './outliers.ts';
import { RetryBudget } from './retry-budget.ts';
import { Target } from './target.ts';

/** What shows instances: a ServiceView. */
export interface InstanceSource {
  readonly group: string;
  readonly name: string;
  /** The list may be out of date. */
  readonly stale: boolean;
  /** There is a list. */
  readonly loaded: boolean;
  /** The same array until something changes. */
  instances(): readonly Instance[];
  ready(timeoutMs?: number, signal?: AbortSignal): Promise<void>;
}

/** Time and chance. */
export interface PoolTools {
  readonly clock: Clock;
  readonly random: Random;
}

export class TargetPool {
  readonly source: InstanceSource;
  readonly tools: PoolTools;
  readonly budget: RetryBudget;
  readonly #outliers: Outliers;
  readonly #byKey = new Map<string, Target>();
  #byInstance = new Map<Instance, Target>();
  #listed: readonly Instance[] | undefined;
  #targets: readonly Target[] = [];

  constructor(source: InstanceSource, tools: PoolTools) {
    this.source = source;
    this.tools = tools;
    this.budget = new RetryBudget(tools.clock);
    this.#outliers = new Outliers(tools.clock, () => (this.#targets = [...this.#targets]));
  }

  /** In the order of the view's list; the same array until the list or an ejection changes. */
  targets(): readonly Target[] {
    const listed = this.source.instances();
    if (listed !== this.#listed) this.#follow(listed);
    return this.#targets;
  }

  /** A call to it was answered, whatever the answer. */
  succeeded(target: Target): void {
    this.#outliers.succeeded(target);
  }

  /** A call to it was not answered. */
  failed(target: Target): void {
    this.#outliers.failed(target, this.targets());
  }

  #follow(listed: readonly Instance[]): void {
    const byInstance = new Map<Instance, Target>();
    for (const instance of listed) {
      // Most have not changed, and need no key.
      const target = this.#byInstance.get(instance) ?? this.#targetOf(instance);
      target.instance = instance;
      byInstance.set(instance, target);
    }
    const targets = [...byInstance.values()];
    this.#forgetOthers(new Set(targets));
    this.#byInstance = byInstance;
    this.#targets = targets;
    this.#listed = listed;
  }

  #targetOf(instance: Instance): Target {
    const key = instanceKey(instance);
    const target = this.#byKey.get(key) ?? new Target(instance);
    this.#byKey.set(key, target);
    return target;
  }

  #forgetOthers(kept: ReadonlySet<Target>): void {
    if (this.#byKey.size === kept.size) return;
    for (const [key, target] of this.#byKey) {
      if (kept.has(target)) continue;
      this.#byKey.delete(key);
      this.#outliers.forget(target);
    }
  }
}
