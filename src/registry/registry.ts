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
import { isShown, newMember, nextMember } from '../membership/member.ts';
import type { Member, MemberEvent, MemberState } from '../membership/member.ts';
import { openRecord } from '../record/encoding.ts';
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
import type { DownReason } from './instance.ts';
import { advance } from './own-state.ts';
import type { Identity, Mutation, MutationResult, OwnBounds } from './own-state.ts';
import { PeerBook } from './peer-book.ts';
import { PendingWrites } from './pending-writes.ts';
import { registrationChanges, Registrations } from './registrations.ts';
import type { RegistrationName } from './registrations.ts';
import { ServiceIndex } from './service-index.ts';
import { openStoredOwner } from './stored-owner.ts';
import { show } from './visibility.ts';

/** Bounds and times of the registry; all of them are keys of the daemon's config. */
export interface RegistryConfig extends OwnBounds {
  readonly headBytesMax: number;
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
  | { readonly kind: 'own'; readonly head: SealedHead }
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
  /** Rises whenever a member comes, goes or changes its state. */
  membersRevision = 0;
  readonly #identity: Identity;
  readonly #verifier: Verifier;
  readonly #store: Store;
  readonly #config: RegistryConfig;
  readonly #owners = new Map<OwnerId, OwnerState>();
  readonly #members = new Map<OwnerId, Member>();
  readonly #registrations: Registrations;
  readonly #peers: PeerBook;
  readonly #pending = new PendingWrites();
  #facts: NodeFacts;
  #records = 0;

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
    for (const owner of stored.owners) this.#restore(owner, now);
  }

  /**
   * Begins a life of this node: a higher incarnation, everything that was registered here, and the
   * first head. Call it once the addresses in `facts` are known.
   */
  begin(facts: NodeFacts, now: Now): void {
    this.#facts = facts;
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
    const moved = advance(
      current,
      this.#facts,
      mutations,
      this.#identity,
      this.#config,
      now.wallMicros,
    );
    const { next, puts, removes, results } = moved;
    assertInvariant(next);
    const changes = registrationChanges(mutations, results);
    const pending = this.#pending.batch(this.feed.revision + 1);
    const own = { owner: this.self, head: next.head, puts, removes };
    this.#store.commit({ ...pending, owners: [...(pending.owners ?? []), own], ...changes });
    this.#pending.clear();
    this.#facts = next.head.head.facts;
    this.#registrations.note(changes, now);
    this.#accept(next, puts, removes, 'own', now);
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
    const member = this.#members.get(owner);
    if (state === undefined || member === undefined || owner === this.self) return;
    this.#moveMember(nextMember(member, event, now.wallMicros), state, [], [], 'member', now);
  }

  /**
   * Renews an instance's ttl, and makes it passing again when it had been missed.
   *
   * @throws DiscoError NOT_FOUND/UNKNOWN_INSTANCE, FAILED_PRECONDITION/NO_TTL, RESOURCE_EXHAUSTED
   */
  heartbeat(name: RegistrationName, now: Now): { ttlMs: number } {
    const { key, ttlMs, wasMissed } = this.#registrations.renew(name, now);
    if (wasMissed) this.commit([{ kind: 'health', key, health: 'passing' }], now);
    return { ttlMs };
  }

  /** What time brings: missed leases, a fresh head, reaping, and remote writes to disk. */
  tick(now: Now): void {
    const mutations = this.#registrations.due(now);
    const own = this.#owners.get(this.self);
    if (own !== undefined && this.#isRefreshDue(own, now)) mutations.push({ kind: 'refresh' });
    if (mutations.length > 0) this.commit(mutations, now);
    this.#reap(now);
    this.flush();
  }

  /** Writes what came from peers. @throws DiscoError RESOURCE_EXHAUSTED/DISK; it is kept to retry */
  flush(): void {
    if (this.#pending.isEmpty) return;
    this.#store.commit(this.#pending.batch(this.feed.revision));
    this.#pending.clear();
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
        const { next, puts, removes } = verdict;
        this.#pending.write({ owner, head, puts, removes });
        this.#accept(next, puts, removes, 'peer', now);
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
  #accept(
    next: OwnerState,
    puts: readonly SealedRecord[],
    removes: readonly SealedRecord[],
    origin: Change['origin'],
    now: Now,
  ): void {
    const { head } = next.head;
    const { owner } = head;
    this.#records += next.set.count - (this.#owners.get(owner)?.set.count ?? 0);
    this.#owners.set(owner, next);
    const member = this.#members.get(owner);
    const event = { kind: 'head', head } as const;
    const moved =
      member === undefined
        ? newMember(head, now.wallMicros)
        : nextMember(member, event, now.wallMicros);
    this.#moveMember(moved, next, puts, removes, origin, now);
  }

  #moveMember(
    member: Member,
    state: OwnerState,
    puts: readonly SealedRecord[],
    removes: readonly SealedRecord[],
    origin: Change['origin'],
    now: Now,
  ): void {
    const { owner } = member;
    const before = this.#members.get(owner);
    if (member === before && origin === 'member') return;
    if (member.state !== before?.state) this.membersRevision += 1;
    this.#members.set(owner, member);
    const { addresses } = state.head.head.facts;
    const peer = owner === this.self ? undefined : this.#peers.note(member, addresses, now);
    if (peer !== undefined) this.#pending.rememberPeer(peer);
    const transition = {
      next: state,
      puts,
      removes,
      wasShown: before !== undefined && isShown(before.state),
      isShown: isShown(member.state),
      hiddenBecause: hiddenBecause(member.state),
    };
    const events = show(this.index, transition, now.wallMicros);
    this.feed.append({ owner, origin, events });
  }

  #restore(stored: StoredOwner, now: Now): void {
    const rules = this.#headRules(now);
    const isOwn = stored.owner === this.self;
    // Our own past is never too old, nor too far ahead: the next stamp goes above it.
    const own = { ...rules, earliest: 0, latest: Number.MAX_SAFE_INTEGER };
    const state = openStoredOwner(stored, isOwn ? own : rules, this.#config, this.#verifier);
    if (state.kind === 'refused') {
      if (state.reason !== 'EXPIRED') this.refusals.add(`STORED_${state.reason}`);
      return;
    }
    const records = [...state.value.set.records()];
    this.#accept(state.value, records, [], isOwn ? 'own' : 'peer', now);
    if (this.#peers.get(stored.owner)?.isDead === true)
      this.observe(stored.owner, { kind: 'unreachable' }, now);
  }

  #isRefreshDue({ head, set }: OwnerState, now: Now): boolean {
    const { headRefreshMs, tombstoneGraceMs } = this.#config;
    const ageMs = (now.wallMicros - head.head.lastUpdate) / 1000;
    return ageMs >= headRefreshMs || (set.tombstones > 0 && ageMs >= tombstoneGraceMs);
  }

  /** Owners that have signed nothing for so long that nobody accepts them any more. */
  #reap(now: Now): void {
    const { earliest } = this.#headRules(now);
    for (const [owner, state] of this.#owners) {
      if (owner === this.self || state.head.head.lastUpdate >= earliest) continue;
      this.#forget(owner, state, now);
    }
    for (const owner of this.#peers.trim()) this.#pending.forgetPeer(owner);
  }

  #forget(owner: OwnerId, state: OwnerState, now: Now): void {
    const member = this.#members.get(owner);
    assert(member !== undefined, 'every owner is a member');
    const wasShown = isShown(member.state);
    const gone = { puts: [], removes: [], wasShown, isShown: false };
    const transition = { next: state, ...gone, hiddenBecause: 'expired' as const };
    const events = show(this.index, transition, now.wallMicros);
    this.#owners.delete(owner);
    this.#members.delete(owner);
    this.membersRevision += 1;
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

function hiddenBecause(state: MemberState): DownReason {
  return state === 'left' ? 'owner_left' : 'owner_dead';
}
