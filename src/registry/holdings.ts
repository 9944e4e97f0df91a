/**
 * Holdings: what is true here, and all that follows from it.
 *
 *   an owner moves ─▶ owners ─▶ index and brake (what is shown) ─▶ feed (what changed)
 *                          └──▶ peer book ─▶ pending writes
 *
 * Whoever comes through the registry's door changes these together, or not at all.
 */
import type { Now } from '../base/clock.ts';
import type { DeathCause, MemberEvent } from '../membership/member.ts';
import type { OwnerId } from '../record/owner.ts';
import type { Brake } from './brake.ts';
import type { Change, ChangeFeed } from './change-feed.ts';
import { OwnerTable } from './owner-table.ts';
import type { MemberMove } from './owner-table.ts';
import { PeerBook } from './peer-book.ts';
import type { PeerChange } from './peer-book.ts';
import { PendingWrites } from './pending-writes.ts';
import { ServiceIndex } from './service-index.ts';
import { letGo, show } from './visibility.ts';
import type { Passage } from './visibility.ts';

/** The parts that forks share until they differ. */
interface Shared {
  readonly owners: OwnerTable;
  readonly peers: PeerBook;
  readonly index: ServiceIndex;
}

export class Holdings {
  readonly self: OwnerId;
  readonly owners: OwnerTable;
  readonly peers: PeerBook;
  readonly index: ServiceIndex;
  readonly feed: ChangeFeed;
  readonly brake: Brake;
  /** What is not on disk yet. */
  readonly pending = new PendingWrites();

  constructor(self: OwnerId, feed: ChangeFeed, brake: Brake, shared: Partial<Shared> = {}) {
    this.self = self;
    this.feed = feed;
    this.brake = brake;
    this.owners = shared.owners ?? new OwnerTable();
    this.peers = shared.peers ?? new PeerBook();
    this.index = shared.index ?? new ServiceIndex();
  }

  /** An owner's state becomes true. */
  accept(passage: Passage, origin: Change['origin'], now: Now): void {
    this.#tell(this.owners.put(passage.next, now), passage, origin, now);
  }

  /** Links came or went, or somebody was found dead. */
  observe(owner: OwnerId, event: Exclude<MemberEvent, { kind: 'head' }>, now: Now): void {
    const held = this.owners.get(owner);
    if (held === undefined || owner === this.self) return;
    const move = this.owners.observe(owner, event, now);
    const death = 'why' in event ? event.why : undefined;
    // Of a dead owner there is one more thing to learn: that it did not merely fall silent.
    const isProved = death === 'refused' && !this.brake.isIdle;
    if (move === undefined || (move.before === move.after && !isProved)) return;
    this.#tell(move, { next: held.state, puts: [], removes: [] }, 'member', now, death);
  }

  /** What the brake held for as long as it may is hidden. */
  tick(now: Now): void {
    if (this.brake.isIdle) return;
    const byOwner = Map.groupBy(letGo(this, now), ({ instance }) => instance.record.owner);
    for (const [owner, events] of byOwner) this.feed.append({ owner, origin: 'member', events });
  }

  /** Nothing of an owner is held any more. */
  forget(owner: OwnerId, now: Now): void {
    const { member, state } = this.owners.forget(owner);
    const passage = { next: state, puts: [], removes: [] };
    const transition = { ...passage, before: member.state, after: undefined, death: undefined };
    const events = show(this, transition, now);
    this.pending.forget(owner);
    this.feed.append({ owner, origin: 'member', events });
  }

  /** The same as another owner holds it: O(1), and from now on each goes its own way. */
  fork(self: OwnerId, feed: ChangeFeed, now: Now): Holdings {
    const { owners, peers, index } = this;
    const shared = { owners: owners.fork(), peers: peers.fork(), index: index.fork() };
    const fork = new Holdings(self, feed, this.brake.fork(), shared);
    const departure = { at: now.wallMicros, reason: 'owner_dead' } as const;
    for (const instance of this.brake.held()) fork.index.remove(instance, departure);
    if (self === this.self) return fork;
    // Nobody remembers itself.
    fork.peers.forget(self);
    fork.pending.forgetPeer(self);
    const other = owners.get(this.self);
    if (other === undefined) return fork;
    const { addresses } = other.state.head.head.facts;
    fork.#remember(fork.peers.note(other.member, addresses, now));
    return fork;
  }

  /** Brings index, feed and peer book up to date with a member and what it says. */
  #tell(
    move: MemberMove,
    passage: Passage,
    origin: Change['origin'],
    now: Now,
    death?: DeathCause,
  ): void {
    const { owner } = move.after;
    const { addresses } = passage.next.head.head.facts;
    if (owner !== this.self) this.#remember(this.peers.note(move.after, addresses, now));
    const states = { before: move.before?.state, after: move.after.state, death };
    const events = show(this, { ...passage, ...states }, now);
    this.feed.append({ owner, origin, events });
  }

  #remember(change: PeerChange | undefined): void {
    if (change === undefined) return;
    if (change.forgotten !== undefined) this.pending.forgetPeer(change.forgotten);
    this.pending.rememberPeer(change.remembered);
  }
}
