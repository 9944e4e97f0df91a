/**
 * Dialer: which dials are under way and which wait for their turn.
 *
 * At most `pendingDialsMax` at once: first those that confirm whether a member lives, then what is
 * asked for each interval, then the ways into the cluster, for as long as they are needed.
 */
import type { OwnerId } from '../record/owner.ts';
import type { RememberedPeer } from '../store/store.ts';
import type { DialTarget, GossipContext } from './context.ts';

/** Times `dialTimeoutMs` for a dial that confirms nothing, or by a node that doubts itself. */
const patience = 5;

/** Of the dials to those who are thought dead. */
const longShare = 0.25;

/**
 * Ways in that are tried at once in the first interval; twice as many in each that follows. One
 * usually does, and when everybody starts at once each link too many is one for both ends.
 */
const waysAtFirst = 4;

/** A dial under way, and the life of the member that it is meant for. */
interface PendingDial {
  readonly target: DialTarget;
  readonly incarnation: number;
  /** This node heard nobody when it began. */
  readonly isDeaf: boolean;
  /** Monotonic ms at which one who is there has mostly answered; Infinity: that was told. */
  lateAtMs: number;
}

/** Into the cluster: the address of a seed node, or somebody who was there once. */
export type WayIn = string | RememberedPeer;

export interface DialerHooks {
  isLinked(peer: OwnerId): boolean;
  /** This node misses much itself, and must not judge others by time. */
  isDoubtful(): boolean;
  /** It had links, and hears nobody. */
  isIsolated(): boolean;
}

/**
 * What the end of a dial says of the member: nothing when that began a new life, or moved, in the
 * meantime; and no answer means nothing when this node was deaf.
 */
export type DialWorth = 'sound' | 'deaf' | 'stale';

export class Dialer {
  readonly #context: GossipContext;
  readonly #hooks: DialerHooks;
  readonly #pending = new Map<string, PendingDial>();
  /** To be confirmed as soon as fewer dials are pending. */
  readonly #urgent = new Set<OwnerId>();
  #waysIn: WayIn[] = [];
  #waysAtOnce = waysAtFirst;

  constructor(context: GossipContext, hooks: DialerHooks) {
    this.#context = context;
    this.#hooks = hooks;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /**
   * Dials a member where it is now; when too many are pending, the next interval asks again.
   *
   * @returns whether a dial began
   */
  dialMember(peer: OwnerId): boolean {
    return this.dial({ peer, addresses: this.#addressesOf(peer) });
  }

  /** @returns whether a dial began */
  dial(target: DialTarget): boolean {
    return this.#hasRoom && this.#start(target, patience);
  }

  /**
   * Dials a member that is thought dead. What was begun before a network healed fails all the same,
   * and the next comes after it, so some of these dials are short; a slow host takes a long one.
   */
  dialLost(target: DialTarget): void {
    if (!this.#hasRoom) return;
    const isLong = this.#hooks.isDoubtful() || this.#context.random.next() < longShare;
    this.#start(target, isLong ? patience : 1);
  }

  /** Dials a member with little patience, before all others. */
  confirm(peer: OwnerId): void {
    this.#urgent.add(peer);
    this.#proceedUrgent();
  }

  /** Replaces the ways into the cluster that are still to be tried. */
  setWaysIn(ways: readonly WayIn[]): void {
    this.#waysIn = [...ways];
  }

  /** A dial came to its end. */
  settle(target: DialTarget): DialWorth {
    const dial = this.#pending.get(keyOf(target));
    this.#pending.delete(keyOf(target));
    const { peer, addresses } = target;
    if (dial === undefined || peer === undefined) return 'sound';
    const worth = dial.isDeaf ? 'deaf' : 'sound';
    const member = this.#context.registry.member(peer);
    if (member === undefined) return worth;
    const hasMoved = String(this.#addressesOf(peer)) !== String(addresses);
    return hasMoved || member.incarnation > dial.incarnation ? 'stale' : worth;
  }

  /** Members that are dialed for longer than it mostly takes, each told once. */
  late(): OwnerId[] {
    const late: OwnerId[] = [];
    for (const dial of this.#pending.values()) {
      if (dial.target.peer === undefined || dial.lateAtMs > this.#context.now.monoMs) continue;
      dial.lateAtMs = Infinity;
      late.push(dial.target.peer);
    }
    return late;
  }

  /** The ways in that were tried have led nowhere so far: more of them at once from now on. */
  widen(): void {
    this.#waysAtOnce = Math.min(2 * this.#waysAtOnce, this.#context.config.pendingDialsMax);
  }

  /**
   * Dials what waits, as far as there is room.
   *
   * @param links that are there already: ways in are tried until dials and links are enough
   */
  proceed(links: number): void {
    this.#proceedUrgent();
    const most = Math.min(this.#waysAtOnce, this.#context.config.pendingDialsMax);
    while (this.#waysIn.length > 0 && this.#pending.size + links < most)
      this.#start(targetOf(this.#waysIn.shift() as WayIn), patience);
  }

  get #hasRoom(): boolean {
    return this.#pending.size < this.#context.config.pendingDialsMax;
  }

  #proceedUrgent(): void {
    for (const peer of this.#urgent) {
      if (!this.#hasRoom) return;
      this.#urgent.delete(peer);
      const addresses = this.#addressesOf(peer);
      this.#start({ peer, addresses, isDoubted: true }, this.#hooks.isDoubtful() ? patience : 1);
    }
  }

  #start(target: DialTarget, times: number): boolean {
    const { peer } = target;
    if (peer !== undefined && this.#hooks.isLinked(peer)) return false;
    if (this.#pending.has(keyOf(target))) return false;
    const { registry, config, counters, now } = this.#context;
    const member = peer === undefined ? undefined : registry.member(peer);
    const dial = { target, incarnation: member?.incarnation ?? -1 };
    const lateAtMs = now.monoMs + config.dialTimeoutMs;
    this.#pending.set(keyOf(target), { ...dial, isDeaf: this.#hooks.isIsolated(), lateAtMs });
    counters.add('dials');
    this.#context.emit({ kind: 'dial', target, timeoutMs: times * config.dialTimeoutMs });
    return true;
  }

  #addressesOf(peer: OwnerId): readonly string[] {
    return this.#context.registry.state(peer)?.head.head.facts.addresses ?? [];
  }
}

function targetOf(way: WayIn): DialTarget {
  if (typeof way === 'string') return { addresses: [way] };
  return { peer: way.owner, addresses: way.addresses };
}

/** With the addresses, so that a member that moved is not kept waiting by a dial to where it was. */
function keyOf({ peer, addresses }: DialTarget): string {
  return `${peer ?? ''} ${String(addresses)}`;
}
