/**
 * Brake: whether instances that fell silent vanish from a service, or are held for a while.
 *
 * When most of a service falls silent at once it is likelier that this node, or the network beside
 * it, is in trouble than that all of it died. Then the last good answer goes on being given, and
 * says so. What is known to have gone (it left, was deregistered, its host refuses connections)
 * is never held.
 *
 *   shown ── silent ──▶ lost: hidden, and remembered for brakeWindowMs
 *     ▲                   │  more lost than left, of at least 4 on at least 3 owners
 *     │                   ▼
 *     ├─ owner is back ─ HELD: all of them shown, and marked ── holdMaxMs ──▶ hidden
 *     │                   │        (or brakeWindowMs after half of the service was there again)
 *     └───────────────────┴─ left, deregistered, refused ───────────────────▶ hidden at once
 *
 * What a hold let go of is forgotten: the same event never holds twice, and without a new sign of
 * life nobody is held for longer than holdMaxMs. Local to this node, and gone with a restart.
 */
import type { Now } from '../base/clock.ts';
import { Counters } from '../base/counters.ts';
import { instanceKey } from './instance.ts';
import type { Instance } from './instance.ts';

/** A smaller service is its own judge: half of it is one or two. */
export const heldInstancesMin = 4;
/** One or two hosts that die are no sign of anything else. */
export const heldOwnersMin = 3;

export interface BrakeConfig {
  /** What falls silent within it is one event. */
  readonly brakeWindowMs: number;
  /** No hold lasts longer; 0: nothing is held. */
  readonly holdMaxMs: number;
}

/** One service whose last good answer is being held. */
export interface Hold {
  readonly group: string;
  readonly name: string;
  /** Why, for people. */
  readonly reason: string;
  /** Wall clock, µs. */
  readonly since: number;
  /** Wall clock at which it ends at the latest, µs. */
  readonly until: number;
  /** Instances that are shown only because of it. */
  readonly instances: number;
}

/** The instances of one service that are shown, in no order. */
export interface Shown {
  readonly size: number;
  values(): Iterable<Instance>;
}

interface Lost {
  readonly instance: Instance;
  /** Monotonic ms. */
  readonly atMs: number;
}

interface ActiveHold {
  reason: string;
  readonly since: number;
  /** Monotonic ms. */
  untilMs: number;
  /** The same moment, wall clock, µs. */
  until: number;
}

/** A service that lost instances: all of them are shown while there is a hold, none otherwise. */
interface Trouble {
  readonly group: string;
  readonly name: string;
  /** Oldest loss first. */
  readonly lost: Map<string, Lost>;
  hold: ActiveHold | undefined;
}

type ServiceName = Pick<Instance['record'], 'group' | 'name'>;
type InstanceName = Pick<Instance['record'], 'group' | 'name' | 'owner' | 'instanceId'>;

export class Brake {
  /** `holds`, and `instances_held` over all of them. */
  readonly counters = new Counters();
  readonly #config: BrakeConfig;
  readonly #troubles = new Map<string, Trouble>();
  #holdCount = 0;
  #revision = 0;

  constructor(config: BrakeConfig) {
    this.#config = config;
  }

  /** Nothing is held, and nothing was lost lately. */
  get isIdle(): boolean {
    return this.#troubles.size === 0;
  }

  /** Services that are held. */
  get holdCount(): number {
    return this.#holdCount;
  }

  /** Rises whenever a hold begins, ends, or comes to end earlier. */
  get revision(): number {
    return this.#revision;
  }

  hold(group: string, name: string): Hold | undefined {
    const trouble = this.#holdCount === 0 ? undefined : this.#troubles.get(`${group}/${name}`);
    return trouble === undefined ? undefined : holdOf(trouble);
  }

  /** In the order in which their first instances were lost; so many of them at most. */
  holds(most = Infinity): Hold[] {
    const found: Hold[] = [];
    if (this.#holdCount === 0) return found;
    for (const trouble of this.#troubles.values()) {
      if (found.length >= most) break;
      const hold = holdOf(trouble);
      if (hold !== undefined) found.push(hold);
    }
    return found;
  }

  /** Instances that are shown only because their services are held. */
  *held(): Generator<Instance> {
    for (const { hold, lost } of this.#troubles.values())
      if (hold !== undefined) for (const { instance } of lost.values()) yield instance;
  }

  /**
   * An owner fell silent.
   *
   * @param lost its instances of this service, none of them lost already
   * @param shown all that are shown of it, those among them
   * @returns what is to be shown and marked as held: those, and others that were hidden shortly
   *   before; none when they vanish
   */
  lose(
    { group, name }: ServiceName,
    lost: readonly Instance[],
    shown: Shown,
    now: Now,
  ): readonly Instance[] {
    if (this.#config.holdMaxMs === 0) return [];
    const trouble = this.#troubleOf(group, name);
    if (trouble.hold === undefined) this.#prune(trouble, now);
    for (const instance of lost)
      trouble.lost.set(keyOf(instance.record), { instance, atMs: now.monoMs });
    if (trouble.hold !== undefined) {
      this.counters.add('instances_held', lost.length);
      trouble.hold.reason = reasonOf(trouble.lost.size, shown.size);
      this.#revision += 1;
      return lost;
    }
    const left = shown.size - lost.length;
    if (!isSuspicious(trouble, left, shown)) return [];
    this.#begin(trouble, left, now);
    return [...trouble.lost.values()].map(({ instance }) => instance);
  }

  /** Its fate is known: it is back, or gone for a reason. */
  forget(name: InstanceName): void {
    const service = `${name.group}/${name.name}`;
    const trouble = this.#troubles.get(service);
    if (trouble?.lost.delete(keyOf(name)) !== true || trouble.lost.size > 0) return;
    this.#end(service, trouble);
  }

  /** What a lost instance is now: its owner said so before it fell silent. @returns it is held */
  update(instance: Instance): boolean {
    const { group, name } = instance.record;
    const trouble = this.#troubles.get(`${group}/${name}`);
    const lost = trouble?.lost.get(keyOf(instance.record));
    if (trouble === undefined || lost === undefined) return false;
    trouble.lost.set(keyOf(instance.record), { instance, atMs: lost.atMs });
    return trouble.hold !== undefined;
  }

  /**
   * What time brings; O(services that lost instances).
   *
   * @param shownOf how many instances of a service are shown, held ones too
   * @returns what is to be hidden, since its hold is over
   */
  tick(shownOf: (group: string, name: string) => number, now: Now): Instance[] {
    const over: Instance[] = [];
    for (const [service, trouble] of this.#troubles) {
      const { group, name, lost, hold } = trouble;
      if (hold === undefined) {
        this.#prune(trouble, now);
        if (lost.size === 0) this.#troubles.delete(service);
        continue;
      }
      // Who still is to come back has one more window: a healed network returns owner by owner.
      const isHalfThere = shownOf(group, name) >= 2 * lost.size;
      if (isHalfThere) this.#shorten(hold, this.#config.brakeWindowMs, now);
      if (now.monoMs < hold.untilMs) continue;
      for (const { instance } of lost.values()) over.push(instance);
      this.#end(service, trouble);
    }
    return over;
  }

  /** For a fork of what it watches over: like a restart, it begins without a hold. */
  fork(): Brake {
    return new Brake(this.#config);
  }

  #troubleOf(group: string, name: string): Trouble {
    const service = `${group}/${name}`;
    const known = this.#troubles.get(service);
    if (known !== undefined) return known;
    const trouble: Trouble = { group, name, lost: new Map(), hold: undefined };
    this.#troubles.set(service, trouble);
    return trouble;
  }

  /** What was lost longer ago is another event. */
  #prune({ lost }: Trouble, { monoMs }: Now): void {
    for (const [key, { atMs }] of lost) {
      if (monoMs - atMs <= this.#config.brakeWindowMs) return;
      lost.delete(key);
    }
  }

  #begin(trouble: Trouble, left: number, { monoMs, wallMicros }: Now): void {
    const { holdMaxMs } = this.#config;
    const { size } = trouble.lost;
    trouble.hold = {
      reason: reasonOf(size, size + left),
      since: wallMicros,
      untilMs: monoMs + holdMaxMs,
      until: wallMicros + holdMaxMs * 1000,
    };
    this.#holdCount += 1;
    this.#revision += 1;
    this.counters.add('holds');
    this.counters.add('instances_held', size);
  }

  #shorten(hold: ActiveHold, leftMs: number, { monoMs, wallMicros }: Now): void {
    if (monoMs + leftMs >= hold.untilMs) return;
    hold.untilMs = monoMs + leftMs;
    hold.until = wallMicros + leftMs * 1000;
    this.#revision += 1;
  }

  #end(service: string, { hold }: Trouble): void {
    this.#troubles.delete(service);
    if (hold === undefined) return;
    this.#holdCount -= 1;
    this.#revision += 1;
  }
}

function isSuspicious({ lost }: Trouble, left: number, shown: Shown): boolean {
  if (lost.size <= left || lost.size + left < heldInstancesMin) return false;
  const owners = new Set<string>();
  for (const { instance } of lost.values())
    if (owners.add(instance.record.owner).size >= heldOwnersMin) return true;
  for (const { record } of shown.values())
    if (owners.add(record.owner).size >= heldOwnersMin) return true;
  return false;
}

function holdOf({ group, name, lost, hold }: Trouble): Hold | undefined {
  if (hold === undefined) return undefined;
  const { reason, since, until } = hold;
  return { group, name, reason, since, until, instances: lost.size };
}

function reasonOf(lost: number, all: number): string {
  return `${lost} of ${all} instances fell silent at once`;
}

function keyOf({ owner, instanceId }: InstanceName): string {
  return instanceKey(owner, instanceId);
}
