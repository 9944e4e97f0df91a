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
 * - Beyond the full mesh others are asked to see for themselves (`check`, alarm.ts). Nobody believes
 *   anybody.
 * - Now and then one dead member, one that had left before this life, or a seed node that is not
 *   among the living, is dialed, so that halves find each other again.
 */
import { isShown } from '../membership/member.ts';
import type { DeathCause } from '../membership/member.ts';
import { Neighbors } from '../membership/neighbors.ts';
import type { OwnerId } from '../record/owner.ts';
import { lookersOf } from './alarm.ts';
import type { DialFailure, DialTarget, GossipContext } from './context.ts';
import { DialPace } from './dial-pace.ts';
import { Dialer } from './dialer.ts';
import type { DialWorth } from './dialer.ts';
import { LinkList } from './link-list.ts';
import { Lookout } from './lookout.ts';
import { encodeFrame } from './message.ts';
import type { Frame } from './frame.ts';
import { Reachability } from './reachability.ts';
import { Search } from './search.ts';

export interface LinksHooks {
  /** This node misses much itself, and must not judge others by time. */
  isDoubtful(): boolean;
  /** It had links, and hears nobody. */
  isIsolated(): boolean;
  /** Linked, and answers nobody. */
  isSilent(peer: OwnerId): boolean;
  /**
   * A lost link could not be had again.
   *
   * @returns whether the others will hear of it
   */
  found(peer: OwnerId, reason: DeathCause): boolean;
  /** It was dialed again and again, and nothing came of it: others have to be asked. */
  missing(peer: OwnerId): void;
}

export class Links {
  readonly #context: GossipContext;
  readonly #hooks: LinksHooks;
  readonly #links: LinkList;
  readonly #dialer: Dialer;
  readonly #reachability: Reachability;
  readonly #neighbors: Neighbors;
  readonly #search: Search;
  readonly #lookout: Lookout;
  readonly #pace: DialPace;
  /** Up to where the registry's changes are known here. */
  #cursor: number;
  #plannedRevision = -1;
  #hasLostSomebody = false;
  /** One peer has told all it knows: before, what is wanted is not known well enough to be told. */
  #isJoined = false;

  /** @param seeds multiaddrs */
  constructor(context: GossipContext, seeds: readonly string[], hooks: LinksHooks) {
    const { registry, random, config } = context;
    this.#context = context;
    this.#hooks = hooks;
    this.#links = new LinkList(context);
    this.#dialer = new Dialer(context, {
      isLinked: (peer) => this.#links.has(peer),
      isDoubtful: () => hooks.isDoubtful(),
      isIsolated: () => hooks.isIsolated(),
    });
    this.#search = new Search(context, seeds, this.#dialer);
    this.#pace = new DialPace(config.neighborsK, random);
    this.#lookout = new Lookout(context, {
      isStranger: (peer) => !this.#links.has(peer) && this.#isAlive(peer),
      doubt: (peer) => this.#doubt(peer),
      dial: (peer) => this.#isDue(peer) && this.#dialer.dialMember(peer),
    });
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
  get greeted(): readonly OwnerId[] {
    return this.#links.greeted;
  }

  /** Those of them that were greeted a moment ago. */
  get young(): readonly OwnerId[] {
    return this.#links.young;
  }

  get count(): number {
    return this.#links.size;
  }

  isLinked(peer: OwnerId): boolean {
    return this.#links.has(peer);
  }

  isGreeted(peer: OwnerId): boolean {
    return this.#links.isGreeted(peer);
  }

  isEnding(peer: OwnerId): boolean {
    return this.#links.isEnding(peer);
  }

  /** Every way into the cluster has been tried, and none of them led to another node. */
  get isAlone(): boolean {
    return this.#links.size === 0 && this.#search.isFutile;
  }

  /** Begins with seed nodes and remembered peers. */
  join(): void {
    this.#dialer.setWaysIn(this.#search.begin());
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
    this.#links.open(peer);
    this.#reachability.linked(peer);
    this.#search.linked(peer);
    this.#noteMember(peer);
  }

  /** Its hello was accepted. @returns false when there is no room for it and it was told so */
  greet(peer: OwnerId): boolean {
    this.#context.registry.observe(peer, { kind: 'linked' }, this.#context.now);
    if (!this.#links.greet(peer)) return false;
    this.#readFeed();
    this.#links.makeRoom(peer, this.#neighbors.wanted);
    this.#tellViews();
    return !this.#links.isEnding(peer);
  }

  /** The other end says whether it wants this link. */
  heard(peer: OwnerId, wanted: boolean): void {
    this.#links.heard(peer, wanted);
  }

  /** The link ends on purpose; whoever was wanted is held back for a while. */
  departed(peer: OwnerId): void {
    if (!this.#links.expectEnd(peer)) return;
    if (this.#neighbors.wanted.has(peer))
      this.#reachability.decline(peer, this.#context.now.monoMs);
  }

  /** No link with a peer before `untilMs`, monotonic. */
  shun(peer: OwnerId, untilMs: number): void {
    this.#links.expectEnd(peer);
    if (this.#isAlive(peer)) this.#reachability.shun(peer, untilMs);
    this.#noteMember(peer);
  }

  /** A lost link to a living member is confirmed at once. */
  unlinked(peer: OwnerId): void {
    if (this.#links.close(peer)) this.#doubt(peer);
    this.#noteMember(peer);
  }

  /** Another node lost its link to a member: have a look, unless a living link is proof enough. */
  check(owner: OwnerId, incarnation: number): void {
    const member = this.#context.registry.member(owner);
    if (member === undefined || member.incarnation > incarnation || this.#links.has(owner)) return;
    this.#doubt(owner, true);
  }

  /** A linked peer answers nobody: others are to be linked in its place. */
  silent(peer: OwnerId): void {
    this.#noteMember(peer);
  }

  /** It answers again. */
  speaks(peer: OwnerId): void {
    this.#noteMember(peer);
  }

  /** It is dead by what others say: if there is still a connection, it leads nowhere. */
  convicted(peer: OwnerId): void {
    if (this.#links.expectEnd(peer)) this.#context.emit({ kind: 'hangUp', peer });
  }

  /** Others reach it: only our path to it is bad. */
  vouchedFor(peer: OwnerId): void {
    this.#reachability.linked(peer);
  }

  /** Somebody else cannot reach it and asks us. */
  dialFor(subject: OwnerId): void {
    if (this.#isAlive(subject)) this.#dialer.confirm(subject);
  }

  dialed(target: DialTarget, peer: OwnerId): void {
    this.#dialer.settle(target);
    if (target.peer === undefined) this.#search.dialed(target, peer);
    this.#dialer.proceed(this.#links.size);
  }

  dialFailed(target: DialTarget, how: DialFailure): void {
    const { registry, counters } = this.#context;
    counters.add(`dials_${how}`);
    const worth = this.#dialer.settle(target);
    const { peer } = target;
    if (peer === undefined) this.#search.dialed(target, how === 'self' ? registry.self : undefined);
    else if (this.#isAlive(peer) && !this.#links.has(peer)) {
      if (worth === 'stale') this.#dialer.confirm(peer);
      else this.#noteFailure(peer, how, worth);
    } else if (worth !== 'stale' && how === 'refused') {
      // It was thought silent: now its end is proved.
      registry.observe(peer, { kind: 'unreachable', why: how }, this.#context.now);
    }
    this.#dialer.proceed(this.#links.size);
  }

  /** Takes note of what became of the members; called after every step. */
  follow(): void {
    this.#readFeed();
    if (this.#plannedRevision === this.#neighbors.revision) return;
    this.#plannedRevision = this.#neighbors.revision;
    const { registry } = this.#context;
    const isRepair = this.#hasLostSomebody;
    this.#hasLostSomebody = false;
    this.#tellViews();
    // News of a death goes first: links in place of the lost ones are made in the next interval.
    if (isRepair) return;
    // Both ends see each other at the same moment: the smaller dials, the other gives it a while.
    this.#dialNeighbors((peer) => peer > registry.self);
  }

  /** What each interval brings. */
  maintain(): void {
    this.#readFeed();
    this.#dialer.widen();
    this.#dialer.proceed(this.#links.size);
    // Those that vanished together may be side by side: the next is not to wait for each of them.
    for (const peer of this.#dialer.late())
      if (this.#isAlive(peer)) {
        this.#reachability.late(peer);
        this.#noteMember(peer);
      }
    this.#pace.begin();
    this.#dialNeighbors(() => true);
    for (const peer of this.greeted) this.#reachability.clear(peer);
    this.#tellViews();
    if (this.#isJoined) this.#links.endIdle(this.#neighbors.wanted);
    this.#search.tick();
    for (const peer of this.#reachability.doubted())
      if (this.#isAlive(peer)) this.#dialer.confirm(peer);
      else this.#reachability.clear(peer);
  }

  /** Looks at some members, now and then; at all of them in time. */
  lookAround(): void {
    this.#lookout.look(this.#hooks.isIsolated());
  }

  /** What was tried to get into the cluster, for people. */
  describeTried(): string {
    return this.#search.describeTried();
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
    if (!isAlive) {
      this.#reachability.clear(owner);
      this.#hasLostSomebody = true;
    }
    if (this.#search.note(owner, state)) this.#pace.noteReturn();
    this.#neighbors.note(owner, { isAlive, isReachable: this.#isReachable(owner) });
  }

  #isAlive(peer: OwnerId): boolean {
    const state = this.#context.registry.member(peer)?.state;
    return state !== undefined && isShown(state);
  }

  #isReachable(peer: OwnerId): boolean {
    if (this.#links.has(peer)) return !this.#hooks.isSilent(peer);
    return this.#reachability.isReachable(peer);
  }

  #doubt(peer: OwnerId, isAsked = false): void {
    if (!this.#isAlive(peer)) return;
    this.#reachability.doubt(peer, isAsked);
    this.#dialer.confirm(peer);
  }

  #noteFailure(peer: OwnerId, how: DialFailure, worth: DialWorth): void {
    const { monoMs } = this.#context.now;
    const isDoubted = this.#reachability.isDoubted(peer);
    const outcome = this.#reachability.fail(peer, how, monoMs);
    // A process that is ending may close what it took up a moment before nobody listens any more.
    if (outcome === 'first' && isDoubted) return this.#dialer.confirm(peer);
    const isSilent = outcome !== 'dead' && worth !== 'deaf';
    if (outcome === 'dead') this.bury(peer, 'refused');
    if (isSilent && isDoubted && !this.#hooks.isDoubtful()) this.#hooks.found(peer, 'silent');
    if (isSilent && outcome === 'missing') this.#hooks.missing(peer);
    this.#noteMember(peer);
  }

  /** What this node found out itself holds for itself at once. */
  bury(peer: OwnerId, why: DeathCause): void {
    const { registry, now, counters } = this.#context;
    if (!this.#isAlive(peer) || this.#links.has(peer)) return;
    registry.observe(peer, { kind: 'unreachable', why }, now);
    const member = registry.member(peer);
    if (member?.state !== 'dead') return;
    counters.add('members_found_dead');
    const isAsked = this.#reachability.isAsked(peer);
    const { isFullMesh } = this.#neighbors;
    const finding = { why, isFullMesh, isTold: this.#hooks.found(peer, why), isAsked };
    const { owner, incarnation } = member;
    for (const other of lookersOf(finding, this.greeted, this.#context))
      this.#send(other, { kind: 'check', owner, incarnation });
  }

  /** Tells the other ends what they do not know: whether this node wants their links. */
  #tellViews(): void {
    if (this.#isJoined) this.#links.tellViews(this.#neighbors.wanted);
  }

  #dialNeighbors(isOurs: (peer: OwnerId) => boolean): void {
    for (const peer of this.#neighbors.wanted) {
      if (!this.#pace.hasRoom(this.greeted.length)) return;
      if (isOurs(peer) && this.#isDue(peer) && this.#dialer.dialMember(peer)) this.#pace.note();
    }
  }

  #isDue(peer: OwnerId): boolean {
    return !this.#links.has(peer) && this.#reachability.isDue(peer, this.#context.now.monoMs);
  }

  #send(peer: OwnerId, frame: Frame): void {
    this.#context.emit({ kind: 'send', peer, bytes: encodeFrame(frame) });
  }
}
