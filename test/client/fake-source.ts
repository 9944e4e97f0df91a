/** A view without a daemon: instances are put and dropped by hand. */
import { systemClock, type Clock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { Balancer, type BalancerOptions, type PolicyName } from '../../src/client/balancer.ts';
import { instanceFromProto, instanceKey, type Instance } from '../../src/client/instance.ts';
import { TargetPool, type InstanceSource } from '../../src/client/target-pool.ts';
import { Target } from '../../src/client/target.ts';
import { wireInstance } from './fake-daemon.ts';

/** The instance `id` of math/add, at a port of its own. */
export function instanceOf(id: number, over: Partial<Instance> = {}): Instance {
  const plain = instanceFromProto(wireInstance({ port: 4_000 + id, instanceId: `i${id}` }));
  return Object.freeze({ ...plain, ...over });
}

export function targetsOf(count: number, over: Partial<Instance> = {}): readonly Target[] {
  return Array.from({ length: count }, (_, id) => new Target(instanceOf(id, over)));
}

export class FakeSource implements InstanceSource {
  group = 'math';
  name = 'add';
  stale = false;
  loaded = true;
  whenReady: (signal: AbortSignal | undefined) => Promise<void> = () => Promise.resolve();
  readonly #instances = new Map<string, Instance>();
  #list: readonly Instance[] = [];

  constructor(...instances: readonly Instance[]) {
    this.put(...instances);
  }

  put(...instances: readonly Instance[]): void {
    for (const instance of instances) this.#instances.set(instanceKey(instance), instance);
    this.#list = [...this.#instances.values()];
  }

  drop(...instances: readonly Instance[]): void {
    for (const instance of instances) this.#instances.delete(instanceKey(instance));
    this.#list = [...this.#instances.values()];
  }

  instances(): readonly Instance[] {
    return this.#list;
  }

  ready(_timeoutMs?: number, signal?: AbortSignal): Promise<void> {
    return this.whenReady(signal);
  }

  pool(clock: Clock = systemClock): TargetPool {
    return new TargetPool(this, { clock, random: seededRandom(7) });
  }

  balancer(policy: PolicyName, options?: BalancerOptions, clock?: Clock): Balancer {
    return new Balancer(this.pool(clock), policy, options);
  }
}

/** How often each id was picked. */
export function countPicks(
  picks: number,
  pick: () => Pick<Instance, 'instanceId'> | undefined,
): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let nth = 0; nth < picks; nth++) {
    const id = pick()?.instanceId ?? 'none';
    counts[id] = (counts[id] ?? 0) + 1;
  }
  return counts;
}
