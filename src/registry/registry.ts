/**
 * Registry: the one door for writes.
 *
 *   own API ─▶ commit(mutations) ─┐                        ┌─▶ index (what List and Get read)
 *                                 ├─▶ owner moves head ────┼─▶ change feed (revision + 1)
 *   gossip ─▶ receive(head, …) ───┘                        └─▶ store (own: at once; remote: batched)
 *   links  ─▶ observe(owner, …) ──▶ member changes state ──┘
 *
 * What is in memory is the truth for readers; own writes are on disk before they are true, remote
 * ones follow in batches. Nothing here waits, reads a clock or rolls dice: time is an argument, and
 * from door to feed runs to completion.
 */
import type { Now } from '../base/clock.ts';
import { Counters } from '../base/counters.ts';
import type { Member, MemberEvent } from '../membership/member.ts';
import { bucketOf, openRecord } from '../record/encoding.ts';
import { isSignedByOwner, readHead } from '../record/head.ts';
import type { HeadRules, NodeFacts, Sealed, SealedHead } from '../record/head.ts';
import { assertInvariant, compareWithHeld, merge } from '../record/merge.ts';
import type { OwnerState } from '../record/merge.ts';
import type { OwnerId } from '../record/owner.ts';
import type { RecordKey, SealedRecord } from '../record/record.ts';
import type { Verifier } from '../record/signature.ts';
import type { RefusalReason } from '../record/verdict.ts';
import type { Registration, RememberedPeer, Store, StoredOwner } from '../store/store.ts';
import { ChangeFeed } from './change-feed.ts';
import type { Change } from './change-feed.ts';
import { MemberList } from './member-list.ts';
import type { MemberMove } from './member-list.ts';
import { advance } from './own-state.ts';
import type { Identity, Mutation, MutationResult, OwnBounds } from './own-state.ts';
import { PeerBook } from './peer-book.ts';
import { PendingWrites } from './pending-writes.ts';
import { registrationChanges, Registrations } from './registrations.ts';
import type { RegistrationName } from './registrations.ts';
import { ServiceIndex } from './service-index.ts';
import { openStoredOwner } from './stored-owner.ts';
import { show } from './visibility.ts';
import type { Passage } from './visibility.ts';

/** Bounds and times of the registry; all of them are keys of the daemon's config. */
export interface RegistryConfig extends OwnBounds {
  readonly clockAheadMs: number;
  readonly reapAfterMs: number;
  readonly headRefreshMs: number;
  readonly recordsMax: number;
  readonly headsMax: number;
  readonly changeFeedMax: number;
}

export type ReceiveVerdict =
  | { readonly kind: 'applied'; readonly owner: OwnerId }
  | { readonly kind: 'duplicate' | 'stale'; readonly owner: OwnerId }
  /** More is needed to get to that head: ask for what is above `held` (0: everything). */
  | {
      readonly kind: 'gap';
      readonly owner: OwnerId;
      readonly held: number;
      readonly head: SealedHead;
    }
  /** Our own head from an earlier life, newer than what is held. */
  | {
      readonly kind: 'own';
      readonly head: SealedHead;
      /** All that the head commits to; only when all of it was sent. */
      readonly records?: readonly SealedRecord[];
    }
  | { readonly kind: 'refused'; readonly reason: RefusalReason };

/** Revisions that a life may give out before they are on disk; the next life starts above them. */
const revisionsAhead = 1_000_000;

export class Registry {
  readonly self: OwnerId;
  readonly databaseId: string;
  readonly index = new ServiceIndex();
  readonly feed: ChangeFeed;
  /** By reason. */
  readonly refusals = new Counters();
  readonly #identity: Identity;
  readonly #verifier: Verifier;
  readonly #store: Store;
  readonly #config: RegistryConfig;
  readonly #owners = new Map<OwnerId, OwnerState>();
  readonly #members = new MemberList();
  readonly #registrations: Registrations;
  readonly #peers: PeerBook;
  readonly #pending = new PendingWrites();
  #facts: NodeFacts;
  #records = 0;
  /** Monotonic ms at which the oldest own tombstones have had their grace. */
  #collectAtMs = Infinity;
  #isReborn = false;

  /** Loads what the store holds, checking every head and root again. */
  constructor(
    identity: Identity,
    facts: NodeFacts,
    verifier: Verifier,
    store: Store,
    config: RegistryConfig,
    now: Now,
  ) {
    this.self = identity.signer.owner;
    this.databaseId = store.databaseId;
    this.#identity = identity;
    this.#facts = facts;
    this.#verifier = verifier;
    this.#store = store;
    this.#config = config;
    const stored = store.load();
    const firstRevision = stored.revision === 0 ? 0 : stored.revision + revisionsAhead;
    this.feed = new ChangeFeed(firstRevision, config.changeFeedMax);
    this.#peers = new PeerBook(stored.peers);
    this.#registrations = new Registrations(stored.registrations);
    const own = stored.owners.find(({ owner }) => owner === this.self);
    if (own !== undefined) this.#restore(own, now);
    for (const owner of stored.owners) if (owner !== own) this.#restore(owner, now);
  }

  /**
   * Begins a life of this node: a higher incarnation, everything that was registered here, and the
   * first head. Call it once the addresses in `facts` are known.
   *
   * @param isReborn the key is older than the database: others may hold what was registered here
   */
  begin(facts: NodeFacts, now: Now, isReborn = false): void {
    this.#facts = facts;
    this.#isReborn = isReborn && this.state(this.self) === undefined;
    const own = this.#owners.get(this.self);
    const live = new Set<RecordKey>();
    for (const { key, record } of own?.set.records() ?? []) if (!record.deleted) live.add(key);
    const missing = [...this.#registrations.entries()].filter(([key]) => !live.has(key));
    // The clock is in it, so that a node which lost its database still comes back above itself.
    const above = Math.floor(now.wallMicros / 1_000_000);
    this.commit(
      [
        { kind: 'reincarnate', above },
        ...missing.map(([, registration]) => ({ kind: 'register' as const, registration })),
      ],
      now,
    );
    this.#registrations.startLeases(now);
  }

  /**
   * This node's own writes: all of them, or none when the disk refuses, in one transaction that is
   * on disk when this returns.
   *
   * @returns one result for each mutation, in order
   * @throws DiscoError RESOURCE_EXHAUSTED/DISK; nothing has changed then
   */
  commit(mutations: readonly Mutation[], now: Now): readonly MutationResult[] {
    const current = this.#owners.get(this.self);
    const isReborn = this.#isReborn && !mutations.some(({ kind }) => kind === 'reclaim');
    const moved = advance(
      current,
      this.#facts,
      mutations,
      this.#identity,
      this.#config,
      isReborn ? this.#rebirthMicros(now) : now.wallMicros,
    );
    const { next, puts, removes, results } = moved;
    // Nobody is told what did not happen.
    if (results.length > 0 && results.every(({ kind }) => kind === 'failed')) return results;
    assertInvariant(next);
    const changes = registrationChanges(mutations, results);
    const pending = this.#pending.batch(this.feed.revision + 1);
    const own = { owner: this.self, head: next.head, puts, removes };
    this.#store.commit({ ...pending, owners: [...(pending.owners ?? []), own], ...changes });
    this.#pending.clear();
    this.#facts = next.head.head.facts;
    this.#isReborn = isReborn;
    this.#registrations.note(changes, now);
    this.#scheduleCollection(next, mutations, now);
    this.#accept(moved, 'own', now);
    return results;
  }

  /**
   * What a peer sent of one owner: a head, and records that lead to it.
   *
   * @param whole the records are all that the head commits to
   */
  receive(
    sealed: Sealed,
    recordBytes: readonly Uint8Array[],
    whole: boolean,
    now: Now,
  ): ReceiveVerdict {
    const read = readHead(sealed, this.#headRules(now));
    if (read.kind === 'refused') return this.#refuse(read.reason);
    const head = read.value;
    const { owner } = head.head;
    const held = this.#owners.get(owner);
    const order = compareWithHeld(held, head);
    if (order === 'duplicate') return { kind: 'duplicate', owner };
    // A stale head is not worth its signature's check, unless it bears witness against its owner.
    if (order === 'stale' && held?.head.head.lastUpdate !== head.head.lastUpdate)
      return { kind: 'stale', owner };
    if (!isSignedByOwner(head, this.#verifier)) return this.#refuse('BAD_SIGNATURE');
    if (owner === this.self) return { kind: 'own', head };
    if (held === undefined && this.#owners.size >= this.#config.headsMax)
      return this.#refuse('TOO_MANY_HEADS');
    const records: SealedRecord[] = [];
    for (const bytes of recordBytes) {
      const record = openRecord(bytes, this.#config.recordBytesMax);
      if (record.kind === 'refused') return this.#refuse(record.reason);
      records.push(record.value);
    }
    return this.#merge(held, head, records, whole, now);
  }

  /** Links came or went: the member list hears of it. */
  observe(owner: OwnerId, event: Exclude<MemberEvent, { kind: 'head' }>, now: Now): void {
    const state = this.#owners.get(owner);
    if (state === undefined || owner === this.self) return;
    const move = this.#members.observe(owner, event, now);
    if (move === undefined || move.before === move.after) return;
    this.#tell(move, { next: state, puts: [], removes: [] }, 'member', now);
  }

  /**
   * Renews an instance's ttl, and makes it passing again when it had been missed.
   *
   * @throws DiscoError NOT_FOUND/UNKNOWN_INSTANCE, FAILED_PRECONDITION/NO_TTL, RESOURCE_EXHAUSTED
   */
  heartbeat(name: RegistrationName, now: Now): { ttlMs: number } {
    const { key, ttlMs } = this.#registrations.renew(name, now);
    // The record tells, not the lease: it may be critical since an earlier life.
    const own = this.#owners.get(this.self)?.set.get(key, bucketOf(key));
    if (own?.record.health === 'critical')
      this.commit([{ kind: 'health', key, health: 'passing' }], now);
    return { ttlMs };
  }

  /** What time brings: missed leases, a fresh head, reaping, and remote writes to disk. */
  tick(now: Now): void {
    const mutations = this.#registrations.due(now);
    const own = this.#owners.get(this.self);
    if (own !== undefined && this.#isAhead(own, now)) mutations.push({ kind: 'rewind' });
    else if (own !== undefined && this.#isRefreshDue(own, now)) mutations.push({ kind: 'refresh' });
    if (mutations.length > 0) {
      this.commit(mutations, now);
      this.#registrations.noteDue(mutations);
    }
    this.#reap(now);
    this.flush();
  }

  /** Writes what came from peers. @throws DiscoError RESOURCE_EXHAUSTED/DISK; it is kept to retry */
  flush(): void {
    if (this.#pending.isEmpty) return;
    this.#store.commit(this.#pending.batch(this.feed.revision));
    this.#pending.clear();
  }

  /**
   * This life lost its database and still listens for what others hold of the one before: its
   * stamps are old, so that nothing of that is replaced, until a `reclaim` ends it.
   */
  get isReborn(): boolean {
    return this.#isReborn;
  }

  state(owner: OwnerId): OwnerState | undefined {
    return this.#owners.get(owner);
  }

  owners(): IterableIterator<[OwnerId, OwnerState]> {
    return this.#owners.entries();
  }

  member(owner: OwnerId): Member | undefined {
    return this.#members.get(owner);
  }

  members(): IterableIterator<Member> {
    return this.#members.values();
  }

  /** Rises whenever a member comes, goes or changes its state. */
  get membersRevision(): number {
    return this.#members.revision;
  }

  /** Nodes of this and earlier lives, those thought dead too. */
  rememberedPeers(): IterableIterator<RememberedPeer> {
    return this.#peers.values();
  }

  registration(key: RecordKey): Registration | undefined {
    return this.#registrations.get(key);
  }

  #merge(
    held: OwnerState | undefined,
    head: SealedHead,
    records: readonly SealedRecord[],
    whole: boolean,
    now: Now,
  ): ReceiveVerdict {
    const { owner } = head.head;
    const verdict = merge(held, head, records, whole, this.#config);
    switch (verdict.kind) {
      case 'applied': {
        if (verdict.isEquivocation) this.refusals.add('EQUIVOCATION');
        const growth = verdict.next.set.count - (held?.set.count ?? 0);
        if (held === undefined && this.#records + growth > this.#config.recordsMax)
          return this.#refuse('TOO_MANY_RECORDS');
        const { puts, removes } = verdict;
        this.#pending.write({ owner, head, puts, removes });
        this.#accept(verdict, 'peer', now);
        return { kind: 'applied', owner };
      }
      case 'gap':
        return { kind: 'gap', owner, held: held?.head.head.lastUpdate ?? 0, head };
      case 'rejected':
        return this.#refuse(verdict.reason);
      case 'stale':
        if (verdict.isEquivocation) this.refusals.add('EQUIVOCATION');
        return { kind: 'stale', owner };
      case 'duplicate':
        return { kind: 'duplicate', owner };
    }
  }

  /** An owner's state becomes true. */
  #accept(passage: Passage, origin: Change['origin'], now: Now): void {
    const { set, head } = passage.next;
    const { owner } = head.head;
    this.#records += set.count - (this.#owners.get(owner)?.set.count ?? 0);
    this.#owners.set(owner, passage.next);
    this.#tell(this.#members.hear(head.head, now), passage, origin, now);
  }

  /** Brings index, feed and peer book up to date with a member and what it says. */
  #tell(move: MemberMove, passage: Passage, origin: Change['origin'], now: Now): void {
    const { owner } = move.after;
    const { addresses } = passage.next.head.head.facts;
    const peer = owner === this.self ? undefined : this.#peers.note(move.after, addresses, now);
    if (peer !== undefined) this.#pending.rememberPeer(peer);
    const states = { before: move.before?.state, after: move.after.state };
    const events = show(this.index, { ...passage, ...states }, now.wallMicros);
    this.feed.append({ owner, origin, events });
  }

  #restore(stored: StoredOwner, now: Now): void {
    const rules = this.#headRules(now);
    const isOwn = stored.owner === this.self;
    // Our own past is never too old, nor too far ahead: the next stamp goes above it.
    const own = { ...rules, earliest: 0, latest: Number.MAX_SAFE_INTEGER };
    // A clock that was set back since does not make peers' heads strange.
    const last = this.state(this.self)?.head.head.lastUpdate ?? 0;
    const latest = Math.max(rules.latest, last + this.#config.clockAheadMs * 1000);
    const held = isOwn ? own : { ...rules, latest };
    const state = openStoredOwner(stored, held, this.#config, this.#verifier);
    if (state.kind === 'refused') {
      if (state.reason !== 'EXPIRED') this.refusals.add(`STORED_${state.reason}`);
      // No row of it may mix with what comes back later.
      this.#pending.forget(stored.owner);
      return;
    }
    const wasDead = this.#peers.get(stored.owner)?.isDead === true;
    const passage = { next: state.value, puts: [...state.value.set.records()], removes: [] };
    this.#accept(passage, isOwn ? 'own' : 'peer', now);
    if (wasDead) this.observe(stored.owner, { kind: 'unreachable' }, now);
  }

  /** As old as others take, and still tell: any head of an earlier life that they hold is newer. */
  #rebirthMicros(now: Now): number {
    const { reapAfterMs, clockAheadMs } = this.#config;
    return now.wallMicros - (reapAfterMs - 4 * clockAheadMs) * 1000;
  }

  /** Others refuse an own head that lies so far in the future: it is from a clock that was wrong. */
  #isAhead({ head }: OwnerState, now: Now): boolean {
    return head.head.lastUpdate > this.#headRules(now).latest;
  }

  #isRefreshDue({ head }: OwnerState, now: Now): boolean {
    if (this.#isReborn) return false;
    const ageMs = (now.wallMicros - head.head.lastUpdate) / 1000;
    return ageMs >= this.#config.headRefreshMs || now.monoMs >= this.#collectAtMs;
  }

  /** A refresh collects the tombstones whose grace is over; the others wait for the next. */
  #scheduleCollection({ set }: OwnerState, mutations: readonly Mutation[], now: Now): void {
    const isOver = set.tombstones === 0 || mutations.some(({ kind }) => kind === 'refresh');
    if (isOver) this.#collectAtMs = Infinity;
    if (set.tombstones === 0) return;
    this.#collectAtMs = Math.min(this.#collectAtMs, now.monoMs + this.#config.tombstoneGraceMs);
  }

  /**
   * Owners that have signed nothing for so long that nobody accepts them any more, and of whom
   * nothing new was heard here for as long: a clock that is set forward alone drops nobody.
   */
  #reap(now: Now): void {
    const { earliest } = this.#headRules(now);
    const earliestMs = now.monoMs - this.#config.reapAfterMs;
    for (const [owner, state] of this.#owners) {
      if (owner === this.self || state.head.head.lastUpdate >= earliest) continue;
      if (this.#members.heardAtMs(owner) < earliestMs) this.#forget(owner, state, now);
    }
    for (const owner of this.#peers.trim()) this.#pending.forgetPeer(owner);
  }

  #forget(owner: OwnerId, state: OwnerState, now: Now): void {
    const { state: before } = this.#members.forget(owner);
    const transition = { next: state, puts: [], removes: [], before, after: undefined };
    const events = show(this.index, transition, now.wallMicros);
    this.#owners.delete(owner);
    this.#records -= state.set.count;
    this.#pending.forget(owner);
    this.feed.append({ owner, origin: 'member', events });
  }

  #headRules(now: Now): HeadRules {
    const { headBytesMax, clockAheadMs, reapAfterMs } = this.#config;
    return {
      cluster: this.#identity.cluster,
      headBytesMax,
      latest: now.wallMicros + clockAheadMs * 1000,
      earliest: now.wallMicros - reapAfterMs * 1000,
    };
  }

  #refuse(reason: RefusalReason): ReceiveVerdict {
    this.refusals.add(reason);
    return { kind: 'refused', reason };
  }
}
