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
import { assert } from '../base/assert.ts';
import type { Now } from '../base/clock.ts';
import { Counters } from '../base/counters.ts';
import type { Member, MemberEvent } from '../membership/member.ts';
import { bucketOf } from '../record/encoding.ts';
import type { NodeFacts, Sealed } from '../record/head.ts';
import { healthBeneath } from '../record/health.ts';
import { assertInvariant } from '../record/merge.ts';
import type { OwnerState } from '../record/merge.ts';
import type { OwnerId } from '../record/owner.ts';
import type { Health, RecordKey } from '../record/record.ts';
import type { Verifier } from '../record/signature.ts';
import type { Registration, RememberedPeer } from '../store/store.ts';
import type { Store, Stored, StoredOwner } from '../store/store.ts';
import { Brake } from './brake.ts';
import { ChangeFeed } from './change-feed.ts';
import type { EvidencePair } from './evidence.ts';
import { Holdings } from './holdings.ts';
import { MaintenanceRules } from './maintenance.ts';
import { advance } from './own-state.ts';
import type { Identity, Mutation, MutationResult } from './own-state.ts';
import { isAhead, rebirthMicros } from './own-time.ts';
import { PeerBook } from './peer-book.ts';
import { Reaper } from './reaper.ts';
import { headRules, Reception } from './reception.ts';
import type { ReceiveVerdict } from './reception.ts';
import type { ForkOptions, RegistryConfig, RegistryOptions } from './registry-options.ts';
import { registrationChanges, Registrations, registrationsOf } from './registrations.ts';
import type { RegistrationName } from './registrations.ts';
import type { ServiceIndex } from './service-index.ts';
import { sharingNothing } from './sharing.ts';
import type { Sharing } from './sharing.ts';
import { openStoredOwner } from './stored-owner.ts';

export type { ReceiveVerdict } from './reception.ts';
export type { RegistryConfig } from './registry-options.ts';

/** Revisions that a life may give out before they are on disk; the next life starts above them. */
const revisionsAhead = 1_000_000;

export class Registry {
  readonly self: OwnerId;
  readonly databaseId: string;
  readonly index: ServiceIndex;
  readonly feed: ChangeFeed;
  readonly brake: Brake;
  /** By reason. */
  readonly refusals = new Counters();
  readonly #identity: Identity;
  readonly #verifier: Verifier;
  readonly #store: Store;
  readonly #config: RegistryConfig;
  readonly #sharing: Sharing;
  readonly #holdings: Holdings;
  readonly #registrations: Registrations;
  readonly #reception: Reception;
  readonly #reaper: Reaper;
  #facts: NodeFacts;
  #rules: MaintenanceRules;
  /** Monotonic ms at which the oldest own tombstones have had their grace. */
  #collectAtMs = Infinity;
  #isReborn = false;
  readonly #recordedHealth = (key: RecordKey): Health | undefined => {
    const record = this.state(this.self)?.set.get(key, bucketOf(key))?.record;
    return record?.deleted === false ? healthBeneath(record) : undefined;
  };

  /** Loads what the store holds, checking every head and root again. */
  constructor(
    identity: Identity,
    facts: NodeFacts,
    verifier: Verifier,
    store: Store,
    config: RegistryConfig,
    now: Now,
    { sharing = sharingNothing, start }: RegistryOptions = {},
  ) {
    this.self = identity.signer.owner;
    this.databaseId = store.databaseId;
    this.#identity = identity;
    this.#facts = facts;
    this.#verifier = verifier;
    this.#store = store;
    this.#config = config;
    this.#sharing = sharing;
    this.#reaper = new Reaper(config, now);
    const stored = start === undefined ? store.load() : undefined;
    this.#rules = new MaintenanceRules((start ?? stored)?.maintenance ?? []);
    this.#holdings = start?.holdings ?? this.#emptyHoldings(stored);
    const { cluster } = identity;
    const held = this.#holdings;
    this.#reception = new Reception(cluster, verifier, config, sharing, held, this.refusals);
    this.#registrations = new Registrations(start?.registrations ?? stored?.registrations ?? []);
    this.index = this.#holdings.index;
    this.feed = this.#holdings.feed;
    this.brake = this.#holdings.brake;
    const isOwn = ({ owner }: StoredOwner): boolean => owner === this.self;
    // The own head first: it knows of a time that has passed.
    for (const each of stored?.owners.toSorted((x, y) => +isOwn(y) - +isOwn(x)) ?? [])
      this.#restore(each, now);
    if (start !== undefined) this.#goOn(now);
  }

  /**
   * The registry of another node that holds all that this one holds, in O(1): for simulations.
   *
   * The other node is one of the owners held here, it goes on with the head that is held of it,
   * and what it registered are its live records. Its feed begins empty.
   * Nothing may be pending here: see `flush`.
   */
  fork({ identity, store, now }: ForkOptions): Registry {
    assert(this.#holdings.pending.isEmpty, 'what a registry holds is on disk before it is forked');
    const self = identity.signer.owner;
    const own = this.state(self);
    assert(own !== undefined, 'a fork is of an owner that is held');
    const wanted = new Registrations(
      self === this.self ? [...this.#registrations.values()] : registrationsOf(own),
    );
    const dropped = [...this.#registrations.entries()].filter(([key]) => !wanted.has(key));
    const registrations = [...wanted.values()];
    const feed = this.#newFeed(this.feed.revision);
    const maintenance = self === this.self ? this.#rules.list() : [];
    store.commit({
      revision: feed.revision,
      registrations,
      maintenance,
      droppedRegistrations: dropped.map(([, registration]) => registration),
    });
    const holdings = this.#holdings.fork(self, feed, now);
    const options = { sharing: this.#sharing, start: { holdings, registrations, maintenance } };
    const { facts } = own.head.head;
    const config = this.#config;
    return new Registry(identity, facts, this.#verifier, store, config, now, options);
  }

  /**
   * Begins a life of this node: a higher incarnation, everything that was registered here, and the
   * first head. Call it once the addresses in `facts` are known.
   *
   * @param hasPast the key is older than this life: without a database, or with one that knows
   *   nothing of the present yet, others may hold what was registered here
   */
  begin(facts: NodeFacts, now: Now, hasPast = false): void {
    this.#facts = this.#rules.mark(facts);
    const own = this.state(this.self);
    const ownUpdate = own?.head.head.lastUpdate ?? 0;
    this.#isReborn = hasPast && ownUpdate <= rebirthMicros(this.#config, now);
    const again = this.#registrations.toAnnounce(own, this.#identity);
    // The clock is in it, so that a node which lost its database still comes back above itself.
    const above = Math.floor(now.wallMicros / 1_000_000);
    this.commit([{ kind: 'reincarnate', above }, ...again], now);
    this.#registrations.startLeases(now, this.#recordedHealth);
  }

  /**
   * This node's own writes: all of them, or none when the disk refuses, in one transaction that is
   * on disk when this returns.
   *
   * @returns one result for each mutation, in order
   * @throws DiscoError RESOURCE_EXHAUSTED/DISK; nothing has changed then
   */
  commit(mutations: readonly Mutation[], now: Now): readonly MutationResult[] {
    const current = this.state(this.self);
    const isReborn = this.#isReborn && !mutations.some(({ kind }) => kind === 'reclaim');
    const moved = advance(
      current,
      this.#facts,
      mutations,
      this.#identity,
      // What of an unknown past was taken back since, only its tombstone tells.
      isReborn ? { ...this.#config, tombstoneGraceMs: Infinity } : this.#config,
      isReborn ? rebirthMicros(this.#config, now) : now.wallMicros,
      this.#rules,
    );
    const { next, puts, removes, results } = moved;
    // Nobody is told what did not happen.
    if (results.length > 0 && results.every(({ kind }) => kind === 'failed')) return results;
    assertInvariant(next);
    const changes = registrationChanges(mutations, results);
    const rules = moved.rules === this.#rules ? {} : { maintenance: moved.rules.list() };
    const pending = this.#holdings.pending.batch(this.feed.revision + 1);
    const own = { owner: this.self, head: next.head, puts, removes };
    this.#store.commit({
      ...pending,
      owners: [...(pending.owners ?? []), own],
      ...changes,
      ...rules,
    });
    this.#holdings.pending.clear();
    this.#facts = next.head.head.facts;
    this.#rules = moved.rules;
    this.#isReborn = isReborn;
    this.#registrations.note(changes, now);
    this.#scheduleCollection(next, mutations, now);
    this.#holdings.accept(moved, 'own', now);
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
    return this.#reception.receive(sealed, recordBytes, whole, now);
  }

  /** Links came or went: the member list hears of it. */
  observe(owner: OwnerId, event: Exclude<MemberEvent, { kind: 'head' }>, now: Now): void {
    this.#holdings.observe(owner, event, now);
  }

  /**
   * Renews an instance's ttl, and makes it passing again when it had been missed.
   *
   * @throws DiscoError NOT_FOUND/UNKNOWN_INSTANCE, FAILED_PRECONDITION/NO_TTL, RESOURCE_EXHAUSTED
   */
  heartbeat(name: RegistrationName, now: Now): { ttlMs: number } {
    const { key, ttlMs } = this.#registrations.renew(name, now);
    // The record tells, not the lease: it may be critical since an earlier life.
    const health = this.#registrations.healthOf(key, now) ?? 'critical';
    if (health !== 'critical' && this.#recordedHealth(key) === 'critical')
      this.commit([{ kind: 'health', key, health }], now);
    return { ttlMs };
  }

  /** What the checks of an own instance come to; the next tick makes a change of it true. */
  noteChecked(key: RecordKey, health: Health, now: Now): void {
    this.#registrations.noteChecked(key, health, now);
  }

  /**
   * What time brings: missed leases, a fresh head, reaping, the end of holds, and remote writes to
   * disk. O(1) when nothing is due.
   *
   * @throws DiscoError RESOURCE_EXHAUSTED/DISK; what could not be written comes again
   */
  tick(now: Now): void {
    this.#holdings.tick(now);
    const mutations = this.#registrations.due(now, this.#recordedHealth);
    const own = this.state(this.self);
    if (own !== undefined && isAhead(own.head.head, this.#config, now))
      mutations.push({ kind: 'rewind' });
    else if (own !== undefined && this.#isRefreshDue(own, now)) mutations.push({ kind: 'refresh' });
    if (mutations.length > 0) {
      this.commit(mutations, now);
      this.#registrations.noteDue(mutations, now);
    }
    if (this.#reaper.isDue(now))
      for (const owner of this.#reaper.look(this.#holdings.owners.entries(), this.self, now))
        this.#forget(owner, now);
    this.flush();
  }

  /** Writes what came from peers. @throws DiscoError RESOURCE_EXHAUSTED/DISK; it is kept to retry */
  flush(): void {
    if (this.#holdings.pending.isEmpty) return;
    this.#store.commit(this.#holdings.pending.batch(this.feed.revision));
    this.#holdings.pending.clear();
  }

  /**
   * This life lost its database and still listens for what others hold of the one before: its
   * stamps are old, so that nothing of that is replaced, until a `reclaim` ends it.
   */
  get isReborn(): boolean {
    return this.#isReborn;
  }

  state(owner: OwnerId): OwnerState | undefined {
    return this.#holdings.owners.get(owner)?.state;
  }

  /** Owners that are held, the dead ones too. */
  get ownersHeld(): number {
    return this.#holdings.owners.size;
  }

  owners(): IterableIterator<[OwnerId, OwnerState]> {
    return this.#holdings.owners.states();
  }

  member(owner: OwnerId): Member | undefined {
    return this.#holdings.owners.get(owner)?.member;
  }

  members(): IterableIterator<Member> {
    return this.#holdings.owners.members();
  }

  /** Rises whenever a member comes, goes or changes its state. */
  get membersRevision(): number {
    return this.#holdings.owners.revision;
  }

  /** Nodes of this and earlier lives, those thought dead too. */
  rememberedPeers(): IterableIterator<RememberedPeer> {
    return this.#holdings.peers.values();
  }

  registration(key: RecordKey): Registration | undefined {
    return this.#registrations.get(key);
  }

  /** All that was asked for here. */
  registrations(): IterableIterator<[RecordKey, Registration]> {
    return this.#registrations.entries();
  }

  /** What was taken out of use at this node. */
  get maintenance(): MaintenanceRules {
    return this.#rules;
  }

  #restore(stored: StoredOwner, now: Now): void {
    const rules = headRules(this.#identity.cluster, this.#config, now);
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
      this.#holdings.pending.forget(stored.owner);
      return;
    }
    const wasDead = this.#holdings.peers.get(stored.owner)?.isDead === true;
    const passage = { next: state.value, puts: [...state.value.set.records()], removes: [] };
    this.#holdings.accept(passage, isOwn ? 'own' : 'peer', now);
    // Nothing is held of what an earlier life hid.
    if (wasDead) this.observe(stored.owner, { kind: 'unreachable', why: 'refused' }, now);
  }

  /** Two heads that prove that an owner said two things at once; kept of 1,000 owners at most. */
  evidence(owner: OwnerId): EvidencePair | undefined {
    return this.#reception.evidence(owner);
  }

  #emptyHoldings(stored: Stored | undefined): Holdings {
    const feed = this.#newFeed(stored?.revision ?? 0);
    const peers = new PeerBook(stored?.peers ?? []);
    return new Holdings(this.self, feed, new Brake(this.#config), { peers });
  }

  #newFeed(storedRevision: number): ChangeFeed {
    const first = storedRevision === 0 ? 0 : storedRevision + revisionsAhead;
    return new ChangeFeed(first, this.#config.changeFeedMax);
  }

  /** Time begins for what a fork was given. */
  #goOn(now: Now): void {
    this.#registrations.startLeases(now, this.#recordedHealth);
    const own = this.state(this.self);
    if (own !== undefined) this.#scheduleCollection(own, [], now);
  }

  #forget(owner: OwnerId, now: Now): void {
    this.#holdings.forget(owner, now);
    this.#reception.forget(owner);
  }

  #isRefreshDue({ head }: OwnerState, now: Now): boolean {
    const { lastUpdate } = head.head;
    // Only so that others still take it, whenever they come.
    if (this.#isReborn)
      return rebirthMicros(this.#config, now) - lastUpdate >= this.#config.clockAheadMs * 1000;
    const ageMs = (now.wallMicros - lastUpdate) / 1000;
    return ageMs >= this.#config.headRefreshMs || now.monoMs >= this.#collectAtMs;
  }

  /** A refresh collects the tombstones whose grace is over; the others wait for the next. */
  #scheduleCollection({ set }: OwnerState, mutations: readonly Mutation[], now: Now): void {
    const isOver = set.tombstones === 0 || mutations.some(({ kind }) => kind === 'refresh');
    if (isOver) this.#collectAtMs = Infinity;
    if (set.tombstones === 0) return;
    this.#collectAtMs = Math.min(this.#collectAtMs, now.monoMs + this.#config.tombstoneGraceMs);
  }
}
