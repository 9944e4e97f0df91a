/**
 * Links: to whom this node holds a connection, whom it dials, and who is dead.
 *
 *   not linked ──dial──▶ pending ──▶ linked ──hello──▶ greeted ── wanted by neither end ─▶ bye
 *        ▲                  │           │
 *        └──── failed ◀─────┘           └─ lost ─▶ confirming dial ─ fails ─▶ member dead
 *
 * - Every wanted neighbor is dialed; a failed dial is tried again with full jitter, and meanwhile
 *   the next one on the ring is wanted too.
 * - A link is one thing with two ends: each tells the other whether it wants it, and it ends when
 *   neither has for `idleMs`. Beyond the own plan there is room for 2K more; who comes then is told
 *   to go elsewhere, which says nothing about anybody's life.
 * - A killed process closes its connections at once: a lost link is confirmed by one dial of at
 *   most `dialTimeoutMs`, and when that fails the member is dead for this node.
 * - Beyond the full mesh others are asked to see for themselves (`check`); nobody believes anybody.
 * - Each interval one dead member, one that had left before this life, or a seed node that is not
 *   among the living, is dialed, so that halves find each other again.
 */
import { isShown } from '../membership/member.ts';
import { Neighbors } from '../membership/neighbors.ts';
import type { OwnerState } from '../record/merge.ts';
import type { OwnerId } from '../record/owner.ts';
import type { DialFailure, DialTarget, GossipContext } from './context.ts';
import { Dialer } from './dialer.ts';
import { LostMembers } from './lost-members.ts';
import { encodeFrame } from './message.ts';
import type { Frame } from './message.ts';
import { Patrol } from './patrol.ts';
import { Reachability } from './reachability.ts';
import { SeedNodes } from './seed-nodes.ts';

/** A link that neither end wants is ended after so long. */
const idleMs = 10_000;
/** Members in one look around. */
const lookedAtMax = 64;

interface Link {
  isGreeted: boolean;
  /** Either end said goodbye: its loss says nothing. */
  isEnding: boolean;
  /** What the other end was told last. */
  told: boolean | undefined;
  /** What the other end said last. */
  heard: boolean | undefined;
  /** Since when neither end wants it, monotonic ms. */
  idleSinceMs: number | undefined;
}

export class Links {
  readonly #context: GossipContext;
  readonly #seeds: SeedNodes;
  readonly #links = new Map<OwnerId, Link>();
  readonly #dialer: Dialer;
  readonly #reachability: Reachability;
  readonly #neighbors: Neighbors;
  readonly #lost: LostMembers;
  readonly #patrol: Patrol<[OwnerId, OwnerState]>;
  /** Up to where the registry's changes are known here. */
  #cursor: number;
  #plannedRevision = -1;
  /** One peer has told all it knows: before, what is wanted is not known well enough to be told. */
  #isJoined = false;

  /** @param seeds multiaddrs */
  constructor(context: GossipContext, seeds: readonly string[]) {
    const { registry, random, config } = context;
    this.#context = context;
    this.#seeds = new SeedNodes(seeds);
    this.#dialer = new Dialer(context, (peer) => this.#links.has(peer));
    this.#lost = new LostMembers(random);
    this.#patrol = new Patrol(() => registry.owners(), random);
    const incarnationOf = (peer: OwnerId): number => registry.member(peer)?.incarnation ?? -1;
    this.#reachability = new Reachability(random, incarnationOf);
    this.#cursor = registry.feed.revision;
    const living = (visit: (owner: OwnerId) => void): void => {
      for (const { owner, state } of registry.members()) if (isShown(state)) visit(owner);
    };
    const { self } = registry;
    this.#neighbors = new Neighbors(self, config.neighborsK, living, this.#isReachable.bind(this));
  }

  /** Peers that were greeted, and with whom the link is to last: those to talk to. */
  get greeted(): OwnerId[] {
    const peers: OwnerId[] = [];
    for (const [peer, link] of this.#links) if (link.isGreeted && !link.isEnding) peers.push(peer);
    return peers;
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

  isEnding(peer: OwnerId): boolean {
    return this.#links.get(peer)?.isEnding === true;
  }

  /** Every way into the cluster has been tried, and none of them led to another node. */
  get isAlone(): boolean {
    const { registry } = this.#context;
    const isNobodyRemembered = registry.rememberedPeers().next().done === true;
    return this.#seeds.areAll(registry.self) && isNobodyRemembered && this.#links.size === 0;
  }

  /** Begins with seed nodes and remembered peers in random order, those thought alive first. */
  join(): void {
    const { registry, random } = this.#context;
    const waysIn: { target: DialTarget; isDead: boolean }[] = this.#seeds.addresses.map((seed) => ({
      target: { addresses: [seed] },
      isDead: false,
    }));
    for (const { owner, addresses, isDead } of registry.rememberedPeers()) {
      waysIn.push({ target: { peer: owner, addresses }, isDead });
      // One that had left before this life may be back, and not know where we are now.
      if (!this.#isAlive(owner)) this.#lost.add(owner, addresses);
    }
    const shuffled = random.sample(waysIn, Infinity);
    shuffled.sort((a, b) => Number(a.isDead) - Number(b.isDead));
    this.#dialer.setWaysIn(shuffled.map(({ target }) => target));
    this.#dialer.proceed(this.#links.size);
  }

  /** A whole exchange with one peer is done: from now on only the neighbors are dialed. */
  reconciled(): void {
    if (this.#isJoined) return;
    this.#isJoined = true;
    this.#dialer.setWaysIn([]);
    this.#readFeed();
    this.#tellViews();
  }

  linked(peer: OwnerId): void {
    const nothing = { told: undefined, heard: undefined, idleSinceMs: undefined };
    this.#links.set(peer, { isGreeted: false, isEnding: false, ...nothing });
    this.#reachability.linked(peer);
    this.#lost.delete(peer);
    this.#noteMember(peer);
  }

  /** Its hello was accepted. @returns false when there is no room for it and it was told so */
  greet(peer: OwnerId): boolean {
    const link = this.#links.get(peer);
    this.#context.registry.observe(peer, { kind: 'linked' }, this.#context.now);
    if (link === undefined) return false;
    link.isGreeted = true;
    this.#readFeed();
    this.#makeRoom(peer);
    this.#tellViews();
    return !link.isEnding;
  }

  /** The other end says whether it wants this link. */
  heard(peer: OwnerId, wanted: boolean): void {
    const link = this.#links.get(peer);
    if (link !== undefined) link.heard = wanted;
  }

  /** The link ends on purpose; whoever was wanted is held back for a while. */
  departed(peer: OwnerId): void {
    const link = this.#links.get(peer);
    if (link === undefined) return;
    link.isEnding = true;
    if (this.#neighbors.wanted.has(peer))
      this.#reachability.decline(peer, this.#context.now.monoMs);
  }

  /** No link with a peer before `untilMs`, monotonic. */
  shun(peer: OwnerId, untilMs: number): void {
    const link = this.#links.get(peer);
    if (link !== undefined) link.isEnding = true;
    if (this.#isAlive(peer)) this.#reachability.shun(peer, untilMs);
    this.#noteMember(peer);
  }

  /** A lost link to a living member is confirmed at once. */
  unlinked(peer: OwnerId): void {
    const link = this.#links.get(peer);
    if (link === undefined) return;
    this.#links.delete(peer);
    // A connection over which nothing was ever said may be a dial that the other gave up.
    if (!link.isEnding && link.isGreeted) this.#doubt(peer);
    this.#noteMember(peer);
  }

  /** Another node lost its link to a member: have a look, unless a living link is proof enough. */
  check(owner: OwnerId, incarnation: number): void {
    const member = this.#context.registry.member(owner);
    if (member === undefined || member.incarnation > incarnation || this.#links.has(owner)) return;
    this.#doubt(owner);
  }

  /** How late this node is. @returns whether it is starved and must not judge others by time */
  noteLag(lagMs: number): boolean {
    this.#dialer.noteLag(lagMs);
    return this.#dialer.isSluggish;
  }

  dialed(target: DialTarget, peer: OwnerId): void {
    this.#dialer.settle(target);
    if (target.peer === undefined) this.#seeds.note(target.addresses[0], peer);
    this.#dialer.proceed(this.#links.size);
  }

  dialFailed(target: DialTarget, how: DialFailure): void {
    const { registry, counters } = this.#context;
    counters.add(`dials_${how}`);
    const isPresent = this.#dialer.settle(target);
    const { peer } = target;
    if (peer === undefined)
      this.#seeds.note(target.addresses[0], how === 'self' ? registry.self : undefined);
    else if (this.#isAlive(peer) && !this.#links.has(peer)) {
      if (isPresent) this.#noteFailure(peer, how);
      else this.#dialer.confirm(peer);
    }
    this.#dialer.proceed(this.#links.size);
  }

  /** Takes note of what became of the members; called after every step. */
  follow(): void {
    this.#readFeed();
    if (this.#plannedRevision === this.#neighbors.revision) return;
    this.#plannedRevision = this.#neighbors.revision;
    const { registry } = this.#context;
    // Both ends see each other at the same moment: the smaller dials, the other gives it a while.
    for (const peer of this.#neighbors.wanted) if (peer > registry.self) this.#dialWanted(peer);
    this.#tellViews();
  }

  /** What each interval brings. */
  maintain(): void {
    this.#readFeed();
    this.#dialer.widen();
    this.#dialer.proceed(this.#links.size);
    for (const peer of this.#neighbors.wanted) this.#dialWanted(peer);
    for (const [peer, link] of this.#links)
      if (link.isGreeted && !link.isEnding) this.#reachability.clear(peer);
    this.#tellViews();
    this.#endIdle();
    this.#dialLost();
    for (const peer of this.#reachability.doubted())
      if (this.#isAlive(peer)) this.#dialer.confirm(peer);
      else this.#reachability.clear(peer);
  }

  /**
   * Looks at some members, now and then; at all of them in time.
   *
   * A random living one that no link leads to is dialed: two parts of the cluster whose neighbors
   * all lie on their own side find each other so. The exchange follows its hello, and the link ends
   * when neither wants it. And whoever has signed nothing for twice the time in which the living
   * do is doubted: its death may have passed us by.
   */
  lookAround(): void {
    const { registry, random, config, now } = this.#context;
    const latest = now.wallMicros - 2 * config.headRefreshMs * 1000;
    const strangers: OwnerId[] = [];
    for (const [owner, { head }] of this.#patrol.next(lookedAtMax)) {
      if (owner === registry.self || this.#links.has(owner) || !this.#isAlive(owner)) continue;
      if (head.head.lastUpdate < latest) this.#doubt(owner);
      else strangers.push(owner);
    }
    const stranger = random.pick(strangers);
    // Not who is held back: it did not answer lately, or is banned.
    if (stranger !== undefined) this.#dialWanted(stranger);
  }

  /** What was tried to get into the cluster, for people. */
  describeTried(): string {
    const peers = [...this.#context.registry.rememberedPeers()].length;
    return `${this.#seeds.describe()} and ${peers} remembered ${peers === 1 ? 'peer' : 'peers'}`;
  }

  /** Learns which members changed, from the log of all changes: never by a look at all of them. */
  #readFeed(): void {
    const { feed } = this.#context.registry;
    while (this.#cursor !== feed.revision) {
      const answer = feed.read(this.#cursor);
      if (answer.kind === 'lost') {
        this.#cursor = feed.revision;
        return this.#startOver();
      }
      this.#cursor = answer.revision;
      for (const { owner } of answer.changes) this.#noteMember(owner);
    }
  }

  /** More happened at once than the feed keeps. */
  #startOver(): void {
    const { registry } = this.#context;
    for (const { owner } of registry.members()) this.#noteMember(owner);
    this.#neighbors.recompute();
  }

  #noteMember(owner: OwnerId): void {
    const { registry } = this.#context;
    if (owner === registry.self) return;
    const state = registry.member(owner)?.state;
    const isAlive = this.#isAlive(owner);
    if (!isAlive) this.#reachability.clear(owner);
    if (state === 'dead')
      this.#lost.add(owner, registry.state(owner)?.head.head.facts.addresses ?? []);
    else if (state !== undefined) this.#lost.delete(owner);
    this.#neighbors.note(owner, { isAlive, isReachable: this.#isReachable(owner) });
  }

  #isAlive(peer: OwnerId): boolean {
    const state = this.#context.registry.member(peer)?.state;
    return state !== undefined && isShown(state);
  }

  #isReachable(peer: OwnerId): boolean {
    return this.#links.has(peer) || this.#reachability.isReachable(peer);
  }

  #doubt(peer: OwnerId): void {
    if (!this.#isAlive(peer)) return;
    this.#reachability.doubt(peer);
    this.#dialer.confirm(peer);
  }

  #noteFailure(peer: OwnerId, how: DialFailure): void {
    const { monoMs } = this.#context.now;
    if (this.#reachability.fail(peer, how, this.#dialer.isSluggish, monoMs)) this.#bury(peer);
    this.#noteMember(peer);
  }

  #bury(peer: OwnerId): void {
    const { registry, now, counters } = this.#context;
    registry.observe(peer, { kind: 'unreachable' }, now);
    const member = registry.member(peer);
    if (member?.state !== 'dead') return;
    counters.add('members_found_dead');
    // In a full mesh everyone has lost its own link to it.
    if (this.#neighbors.isFullMesh) return;
    const { owner, incarnation } = member;
    for (const other of this.greeted) this.#send(other, { kind: 'check', owner, incarnation });
  }

  /** Tells the other ends what they do not know: whether this node wants their links. */
  #tellViews(): void {
    if (!this.#isJoined) return;
    for (const [peer, link] of this.#links) {
      const wanted = this.#neighbors.wanted.has(peer);
      if (!link.isGreeted || link.isEnding || link.told === wanted) continue;
      link.told = wanted;
      this.#send(peer, { kind: 'neighbor', wanted });
    }
  }

  #endIdle(): void {
    const { monoMs } = this.#context.now;
    for (const [peer, link] of this.#links) {
      const isWanted = this.#neighbors.wanted.has(peer) || link.heard === true;
      if (isWanted || link.isEnding || !this.#isJoined) link.idleSinceMs = undefined;
      else link.idleSinceMs ??= monoMs;
      if (link.idleSinceMs !== undefined && monoMs - link.idleSinceMs >= idleMs)
        this.#end(peer, link, 'not a neighbor');
    }
  }

  /** Over the bound a link goes that the other end does not want either, else the newcomer. */
  #makeRoom(newcomer: OwnerId): void {
    const beyond = this.greeted.filter((peer) => !this.#neighbors.wanted.has(peer));
    if (beyond.length <= 2 * this.#context.config.neighborsK) return;
    const peer = beyond.find((other) => this.#links.get(other)?.heard === false) ?? newcomer;
    this.#end(peer, this.#links.get(peer) as Link, 'no room for more links here');
  }

  #end(peer: OwnerId, link: Link, reason: string): void {
    this.#send(peer, { kind: 'bye', reason });
    this.#context.emit({ kind: 'hangUp', peer });
    link.isEnding = true;
  }

  /** One member that is thought dead, or one seed node that is not among the living. */
  #dialLost(): void {
    const { self } = this.#context.registry;
    const seeds = this.#seeds.silent((peer) => peer === self || this.#isAlive(peer));
    const index = this.#context.random.int(this.#lost.size + seeds.length);
    const seed = seeds[index - this.#lost.size];
    if (seed !== undefined) this.#dialer.dial({ addresses: [seed] });
    else if (index < this.#lost.size) this.#dialer.dial(this.#lost.at(index));
  }

  #dialWanted(peer: OwnerId): void {
    if (this.#links.has(peer) || !this.#reachability.isDue(peer, this.#context.now.monoMs)) return;
    this.#dialer.dialMember(peer);
  }

  #send(peer: OwnerId, frame: Frame): void {
    this.#context.emit({ kind: 'send', peer, bytes: encodeFrame(frame) });
  }
}
