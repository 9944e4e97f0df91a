/**
 * Picker: which of several equally healthy instances Get answers.
 *
 * Policies that need no memory are chance or arithmetic; round robin remembers the instance that it
 * gave out last, not a number, so that it goes on behind it when others come and go.
 */
import type { Random } from '../base/random.ts';
import { disco } from '../gen/discovery.js';
import type { OwnerId } from '../record/owner.ts';
import { compareInstances } from '../registry/instance.ts';
import type { Instance } from '../registry/instance.ts';
import { invalid } from './validate.ts';

const { Policy } = disco.v1.GetRequest;
type PolicyNumber = disco.v1.GetRequest.Policy;

/** Services whose turn is remembered; one more forgets that of the one asked for longest ago. */
export const turnsMax = 10_000;

/** A round trip up to so many times the shortest is as near: the rest is noise, and shares load. */
const nearShare = 1.25;

/** Where the asking daemon is, and how far others are from it. */
export interface Place {
  readonly self: OwnerId;
  /** Empty: nobody said, and no zone is nearer than another. */
  readonly zone: string;
  /** Round trip to a node, ms; undefined: not known. */
  readonly rttMs: (owner: OwnerId) => number | undefined;
}

export class Picker {
  readonly #random: Random;
  /** The last one of each service that was asked for in turn, in the order of asking. */
  readonly #turns = new Map<string, Instance>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Services whose turn is remembered now. */
  get turnCount(): number {
    return this.#turns.size;
  }

  /**
   * @param candidates of one service, sorted
   * @param place asked for only when the policy goes by it
   * @returns undefined when there is none
   */
  pick(
    policy: PolicyNumber,
    candidates: readonly Instance[],
    place: () => Place,
  ): Instance | undefined {
    switch (policy) {
      case Policy.POLICY_UNSPECIFIED:
      case Policy.RANDOM:
        return this.#random.pick(candidates);
      case Policy.ROUND_ROBIN:
        return this.#next(candidates);
      case Policy.NEAREST:
        return this.#random.pick(nearest(candidates, place()));
      case Policy.WEIGHTED:
        return this.#weighted(candidates);
    }
  }

  #next(candidates: readonly Instance[]): Instance | undefined {
    const [first] = candidates;
    if (first === undefined) return undefined;
    const service = `${first.record.group}/${first.record.name}`;
    const last = this.#turns.get(service);
    const behind = last && candidates.find((candidate) => compareInstances(candidate, last) > 0);
    const next = behind ?? first;
    this.#turns.delete(service);
    const [oldest] = this.#turns.keys();
    if (this.#turns.size >= turnsMax && oldest !== undefined) this.#turns.delete(oldest);
    this.#turns.set(service, next);
    return next;
  }

  #weighted(candidates: readonly Instance[]): Instance | undefined {
    let whole = 0;
    for (const { record } of candidates) whole += record.weight;
    let point = this.#random.int(whole);
    for (const candidate of candidates) {
      point -= candidate.record.weight;
      if (point < 0) return candidate;
    }
    return undefined;
  }
}

/** By the list that they were found in, which is another one after each change. */
const found = {
  passing: new WeakMap<readonly Instance[], readonly Instance[]>(),
  warning: new WeakMap<readonly Instance[], readonly Instance[]>(),
};

/** Those of a list that have a health; a list that was asked before is not walked again. */
export function ofHealth(
  instances: readonly Instance[],
  health: 'passing' | 'warning',
): readonly Instance[] {
  const known = found[health].get(instances);
  if (known !== undefined) return known;
  const healthy = instances.filter(({ record }) => record.health === health);
  found[health].set(instances, healthy);
  return healthy;
}

/** @throws DiscoError INVALID_ARGUMENT/INVALID_POLICY */
export function checkPolicy(policy: number): PolicyNumber {
  if (Policy[policy] !== undefined) return policy;
  const known = Object.keys(Policy).filter((name) => name !== 'POLICY_UNSPECIFIED');
  const sentence = `policy is ${policy}, which this daemon does not know: give one of ${known.join(', ')}, or none`;
  throw invalid('INVALID_POLICY', sentence);
}

function nearest(candidates: readonly Instance[], { self, zone, rttMs }: Place): Instance[] {
  const here = candidates.filter(({ record }) => zone !== '' && record.zone === zone);
  const near = here.length > 0 ? here : candidates;
  const timed = near.map((instance) => {
    const { owner } = instance.record;
    return { instance, ms: owner === self ? 0 : (rttMs(owner) ?? Infinity) };
  });
  const least = timed.reduce((shortest, { ms }) => Math.min(shortest, ms), Infinity);
  return timed.filter(({ ms }) => ms <= least * nearShare).map(({ instance }) => instance);
}
