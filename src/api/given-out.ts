/**
 * GivenOut: how much Get gave out of each instance in the last seconds.
 *
 *   load = sum over what was given out of 2^(-age / half-life)
 *
 * A count that fades: whoever was given out is remembered for some seconds, and what is not asked for
 * costs nothing. It is what this daemon did and no more: not what instances have to do, which only
 * they know, nor what other daemons gave out.
 */
import { recordKey } from '../record/record.ts';
import { instanceKey } from '../registry/instance.ts';
import type { Instance } from '../registry/instance.ts';

/** Instances that are remembered; one more forgets the one given out longest ago. */
export const givenOutMax = 10_000;
/** After so many ms what was given out counts half. */
export const halfLifeMs = 5_000;

interface Load {
  readonly load: number;
  /** Monotonic ms. */
  readonly atMs: number;
}

export class GivenOut {
  /** In the order in which they were given out last. */
  readonly #loads = new Map<string, Load>();

  /** Instances that are remembered now. */
  get size(): number {
    return this.#loads.size;
  }

  /** The one that would have less for its weight after one more; `one` when they are equal. */
  lesser(one: Instance, other: Instance, nowMs: number): Instance {
    return this.#share(other, nowMs) < this.#share(one, nowMs) ? other : one;
  }

  note(instance: Instance, nowMs: number): void {
    const key = keyOf(instance);
    const load = this.#loadOf(key, nowMs) + 1;
    this.#loads.delete(key);
    const [oldest] = this.#loads.keys();
    if (this.#loads.size >= givenOutMax && oldest !== undefined) this.#loads.delete(oldest);
    this.#loads.set(key, { load, atMs: nowMs });
  }

  #share(instance: Instance, nowMs: number): number {
    return (this.#loadOf(keyOf(instance), nowMs) + 1) / instance.record.weight;
  }

  #loadOf(key: string, nowMs: number): number {
    const known = this.#loads.get(key);
    return known === undefined ? 0 : known.load * 2 ** ((known.atMs - nowMs) / halfLifeMs);
  }
}

function keyOf({ record: { group, name, owner, instanceId } }: Instance): string {
  return recordKey(group, name, instanceKey(owner, instanceId));
}
