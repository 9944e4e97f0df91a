/**
 * Links: to whom this node holds a connection, whom it dials, and who is dead.
 *
 *   not linked ──dial──▶ pending ──▶ linked ──hello──▶ greeted
 *        ▲                  │           │
 *        └──── failed ◀─────┘           └─ lost ─▶ confirming dial ─ fails ─▶ member dead
 *
 * - Every wanted neighbor is dialed; a failed dial is tried again with full jitter.
 * - A killed process closes its connections at once: a lost link is confirmed by one dial of at
 *   most `dialTimeoutMs`, and when that fails the member is dead for this node.
 * - Beyond the full mesh others are asked to see for themselves (`check`); nobody believes anybody.
 * - Each interval one dead member, one that had left before this life, or a seed node that is not
 *   among the living, is dialed, so that halves find each other again.
 */
import type { Head } from '../record/head.ts';
import { isShown } from '../membership/member.ts';
import { fullMeshMax, neighborsOf } from '../membership/neighbors.ts';
import type { OwnerId } from '../record/owner.ts';
import type { DialFailure, DialTarget, GossipContext } from './context.ts';
import { encodeFrame } from './message.ts';

/** A link that is in nobody's plan is dropped after so long. */
const unwantedMs = 10_000;
const backoffBaseMs = 500;
const backoffMaxMs = 30_000;
/** Dials that time out before a member that was never linked counts as dead. */
const timeoutsToDeath = 3;
/** A wake that comes later than this shows a node that is starved of its processor. */
const lagMsMax = 100;
/** How long such a node doubts itself. */
const sluggishMs = 5_000;
/** Times `dialTimeoutMs` for a dial that confirms nothing, or by a node that doubts itself. */
const patience = 5;

interface Link {
  isGreeted: boolean;
  unwantedSinceMs: number | undefined;
}

/** A dial under way, and the life of the member that it is meant for. */
interface PendingDial {
  readonly target: DialTarget;
  /** -1: of whoever answers, or of a node that is not known yet. */
  readonly incarnation: number;
}

interface Backoff {
  failures: number;
  notBeforeMs: number;
}

export class Links {
  readonly #context: GossipContext;
  readonly #seeds: readonly string[];
  readonly #links = new Map<OwnerId, Link>();
  readonly #pending = new Map<string, PendingDial>();
  /** Peers that said goodbye, until they are linked again: their loss says nothing. */
  readonly #departed = new Set<OwnerId>();
  /** Members that had left before this life: they may be back, and not know where we are now. */
  readonly #leftBefore = new Set<OwnerId>();
  /**
   * Members whose link broke, or whom others found dead, and the incarnation that is doubted: one
   * failed dial that can be believed, and they are dead; until then they are asked every interval.
   */
  readonly #doubted = new Map<OwnerId, number>();
  #sluggishUntilMs = 0;
  readonly #backoff = new Map<OwnerId, Backoff>();
  /** Who answered at a seed address; `self` is remembered too. */
  readonly #seedPeers = new Map<string, OwnerId>();
  /** To be dialed as soon as fewer dials are pending. */
  #waiting: DialTarget[] = [];
  #neighbors: readonly OwnerId[] = [];
  #neighborsRevision = -1;

  /** @param seeds multiaddrs */
  constructor(context: GossipContext, seeds: readonly string[]) {
    this.#context = context;
    this.#seeds = seeds;
  }

  /** Peers that were greeted: those to talk to. */
  get greeted(): OwnerId[] {
    return [...this.#links].filter(([, link]) => link.isGreeted).map(([peer]) => peer);
  }

  get count(): number {
    return this.#links.size;
  }

  isLinked(peer: OwnerId): boolean {
    return this.#links.has(peer);
  }

  isGreeted(peer: OwnerId): boolean {
    return this.#links.get(peer)?.isGreeted === true;
  }

  /** Every way into the cluster has been tried, and none of them led to another node. */
  get isAlone(): boolean {
    const { registry } = this.#context;
    const isSelf = (seed: string): boolean => this.#seedPeers.get(seed) === registry.self;
    const remembered = [...registry.rememberedPeers()];
    return this.#seeds.every(isSelf) && remembered.length === 0 && this.#links.size === 0;
  }

  /** Starts with all seeds and all remembered peers, those thought alive first. */
  join(): void {
    const { registry, random } = this.#context;
    const peers = random.sample([...registry.rememberedPeers()], Infinity);
    peers.sort((a, b) => Number(a.isDead) - Number(b.isDead));
    for (const { owner } of peers)
      if (registry.member(owner)?.state === 'left') this.#leftBefore.add(owner);
    this.#waiting = [
      ...this.#seeds.map((seed) => ({ addresses: [seed] })),
      ...peers.map(({ owner, addresses }) => ({ peer: owner, addresses })),
    ];
    this.#dialWaiting();
  }

  linked(peer: OwnerId): void {
    this.#links.set(peer, { isGreeted: false, unwantedSinceMs: undefined });
    this.#departed.delete(peer);
    this.#doubted.delete(peer);
    this.#leftBefore.delete(peer);
    this.#backoff.delete(peer);
  }

  greet(peer: OwnerId): void {
    const link = this.#links.get(peer);
    if (link !== undefined) link.isGreeted = true;
    this.#context.registry.observe(peer, { kind: 'linked' }, this.#context.now);
  }

  departed(peer: OwnerId): void {
    this.#departed.add(peer);
  }

  /** A lost link to a living member is confirmed at once. */
  unlinked(peer: OwnerId): void {
    const link = this.#links.get(peer);
    if (link === undefined) return;
    this.#links.delete(peer);
    // A connection over which nothing was ever said may be a dial that the other gave up.
    if (this.#departed.delete(peer) || !link.isGreeted) return;
    this.#doubted.set(peer, this.#incarnationOf(peer));
    this.#confirm(peer);
  }

  /** Another node lost its link to a member: have a look, unless a living link is proof enough. */
  check(owner: OwnerId, incarnation: number): void {
    const member = this.#context.registry.member(owner);
    if (member === undefined || member.incarnation > incarnation || this.#links.has(owner)) return;
    this.#doubted.set(owner, member.incarnation);
    this.#confirm(owner);
  }

  /** How late this node was woken: one that is starved itself must not judge others by time. */
  noteLag(lagMs: number): void {
    const { monoMs } = this.#context.now;
    if (lagMs > lagMsMax) this.#sluggishUntilMs = monoMs + sluggishMs;
  }

  get #isSluggish(): boolean {
    return this.#context.now.monoMs < this.#sluggishUntilMs;
  }

  dialed(target: DialTarget, peer: OwnerId): void {
    this.#pending.delete(keyOf(target));
    if (target.peer === undefined) this.#noteSeed(target, peer);
    this.#dialWaiting();
  }

  dialFailed(target: DialTarget, how: DialFailure): void {
    const dial = this.#pending.get(keyOf(target));
    this.#pending.delete(keyOf(target));
    const { registry, counters } = this.#context;
    counters.add(`dials_${how}`);
    const { peer } = target;
    if (peer === undefined) this.#noteSeed(target, how === 'self' ? registry.self : undefined);
    else if (dial !== undefined && this.#isOutdated(dial)) this.#confirm(peer);
    else this.#noteFailure(peer, how);
    this.#dialWaiting();
  }

  /** Brings the links to what they should be; called each interval, and when members change. */
  maintain(isInterval: boolean): void {
    const neighbors = this.#wanted();
    const { registry } = this.#context;
    for (const peer of neighbors) {
      // Both ends see each other at the same moment: the smaller dials, the other gives it a while.
      if (!isInterval && peer < registry.self) continue;
      this.#dialPeer(peer);
    }
    if (!isInterval) return;
    this.#dropUnwanted(new Set(neighbors));
    this.#dialLost();
    for (const peer of this.#doubted.keys())
      if (this.#isDoubted(peer)) this.#confirm(peer);
      else this.#doubted.delete(peer);
    for (const peer of this.#backoff.keys())
      if (registry.member(peer) === undefined) this.#backoff.delete(peer);
  }

  /** What was tried to get into the cluster, for people. */
  describeTried(): string {
    const seeds =
      this.#seeds.length === 0 ? 'no seed nodes' : `seed nodes ${this.#seeds.join(', ')}`;
    const peers = [...this.#context.registry.rememberedPeers()].length;
    return `${seeds} and ${peers} remembered ${peers === 1 ? 'peer' : 'peers'}`;
  }

  #wanted(): readonly OwnerId[] {
    const { registry, config } = this.#context;
    if (this.#neighborsRevision === registry.membersRevision) return this.#neighbors;
    const alive: OwnerId[] = [];
    for (const { owner, state } of registry.members()) if (isShown(state)) alive.push(owner);
    this.#neighbors = neighborsOf(registry.self, alive, config.neighborsK);
    this.#neighborsRevision = registry.membersRevision;
    return this.#neighbors;
  }

  /** A newer life voids all doubts about the older one. */
  #isDoubted(peer: OwnerId): boolean {
    const doubted = this.#doubted.get(peer);
    return doubted !== undefined && doubted >= this.#incarnationOf(peer);
  }

  #confirm(peer: OwnerId): void {
    const member = this.#context.registry.member(peer);
    if (member === undefined || !isShown(member.state)) {
      this.#doubted.delete(peer);
      return;
    }
    this.#dial({ peer, addresses: this.#addressesOf(peer) }, true);
  }

  /** The member began a new life, or moved, while its dial was under way: that says nothing of it. */
  #isOutdated({ target, incarnation }: PendingDial): boolean {
    const { peer, addresses } = target;
    if (peer === undefined || this.#context.registry.member(peer) === undefined) return false;
    const hasMoved = String(this.#addressesOf(peer)) !== String(addresses);
    return hasMoved || this.#incarnationOf(peer) > incarnation;
  }

  #noteFailure(peer: OwnerId, how: DialFailure): void {
    if (this.#links.has(peer)) return;
    const { now, random } = this.#context;
    const failures = (this.#backoff.get(peer)?.failures ?? 0) + 1;
    const ceilingMs = Math.min(backoffMaxMs, backoffBaseMs * 2 ** failures);
    this.#backoff.set(peer, { failures, notBeforeMs: now.monoMs + random.next() * ceilingMs });
    // Nobody listens there, or somebody else does; a mere timeout may be a busy host.
    const isClear = how === 'refused' || how === 'other_peer' || how === 'self';
    const isBelieved = how === 'unreachable' || !this.#isSluggish;
    const isConfirmed = this.#isDoubted(peer) && isBelieved;
    if (!isClear && !isConfirmed && failures < timeoutsToDeath) return;
    this.#doubted.delete(peer);
    this.#bury(peer);
  }

  #bury(peer: OwnerId): void {
    const { registry, now, config } = this.#context;
    const before = registry.member(peer)?.state;
    registry.observe(peer, { kind: 'unreachable' }, now);
    const after = registry.member(peer);
    if (after?.state !== 'dead' || before === 'dead') return;
    this.#context.counters.add('members_found_dead');
    // In a full mesh everyone has lost its own link to it.
    const alive = [...registry.members()].filter(({ state }) => isShown(state)).length;
    if (alive + 1 <= fullMeshMax(config.neighborsK)) return;
    const { owner, incarnation } = after;
    const bytes = encodeFrame({ kind: 'check', owner, incarnation });
    for (const other of this.greeted) this.#context.emit({ kind: 'send', peer: other, bytes });
  }

  #dropUnwanted(neighbors: ReadonlySet<OwnerId>): void {
    const { now } = this.#context;
    for (const [peer, link] of this.#links) {
      if (neighbors.has(peer)) link.unwantedSinceMs = undefined;
      else link.unwantedSinceMs ??= now.monoMs;
      const { unwantedSinceMs } = link;
      if (unwantedSinceMs === undefined || now.monoMs - unwantedSinceMs < unwantedMs) continue;
      const bytes = encodeFrame({ kind: 'bye', reason: 'not a neighbor' });
      this.#context.emit({ kind: 'send', peer, bytes });
      this.#context.emit({ kind: 'hangUp', peer });
      this.#departed.add(peer);
    }
  }

  /** One member that is thought dead, or one seed node that is not among the living. */
  #dialLost(): void {
    const { registry, random } = this.#context;
    const candidates: DialTarget[] = [];
    for (const { owner, addresses, isDead } of registry.rememberedPeers()) {
      const state = registry.member(owner)?.state;
      if (this.#links.has(owner)) continue;
      const mayBeBack = state === 'left' && this.#leftBefore.has(owner);
      if (mayBeBack || state === 'dead' || (state === undefined && isDead))
        candidates.push({ peer: owner, addresses });
    }
    for (const seed of this.#seeds)
      if (!this.#isSeedAlive(seed)) candidates.push({ addresses: [seed] });
    const target = random.pick(candidates);
    if (target !== undefined) this.#dial(target);
  }

  #isSeedAlive(seed: string): boolean {
    const { registry } = this.#context;
    const peer = this.#seedPeers.get(seed);
    if (peer === undefined) return false;
    return peer === registry.self || isShown(registry.member(peer)?.state ?? 'dead');
  }

  #noteSeed({ addresses }: DialTarget, peer: OwnerId | undefined): void {
    const seed = addresses[0];
    if (seed === undefined) return;
    if (peer === undefined) this.#seedPeers.delete(seed);
    else this.#seedPeers.set(seed, peer);
  }

  #dialWaiting(): void {
    while (this.#waiting.length > 0 && this.#pending.size < this.#context.config.pendingDialsMax)
      this.#dial(this.#waiting.shift() as DialTarget);
  }

  #dialPeer(peer: OwnerId): void {
    const backoff = this.#backoff.get(peer);
    if (backoff !== undefined && backoff.notBeforeMs > this.#context.now.monoMs) return;
    this.#dial({ peer, addresses: this.#addressesOf(peer) });
  }

  /** @param isUrgent goes first once there is room, instead of being left for the next interval */
  #dial(target: DialTarget, isUrgent = false): void {
    const { config, counters } = this.#context;
    const isThere = target.peer !== undefined && this.#links.has(target.peer);
    if (isThere || this.#pending.has(keyOf(target))) return;
    if (this.#pending.size >= config.pendingDialsMax) {
      if (isUrgent) this.#waiting.unshift(target);
      return;
    }
    const incarnation = target.peer === undefined ? -1 : this.#incarnationOf(target.peer);
    this.#pending.set(keyOf(target), { target, incarnation });
    counters.add('dials');
    const isQuick = isUrgent && !this.#isSluggish;
    const timeoutMs = isQuick ? config.dialTimeoutMs : patience * config.dialTimeoutMs;
    this.#context.emit({ kind: 'dial', target, timeoutMs });
  }

  #incarnationOf(peer: OwnerId): number {
    return this.#context.registry.member(peer)?.incarnation ?? -1;
  }

  #addressesOf(peer: OwnerId): readonly string[] {
    const head: Head | undefined = this.#context.registry.state(peer)?.head.head;
    return head?.facts.addresses ?? [];
  }
}

function keyOf({ peer, addresses }: DialTarget): string {
  return peer ?? String(addresses);
}
