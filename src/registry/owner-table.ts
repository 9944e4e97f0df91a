/**
 * OwnerTable: every owner that is held, with what it said, how it is as a member, and when this
 * node last heard something new of it.
 *
 * An entry is replaced and never changed, so that many simulated nodes can hold the same one.
 */
import type { Now } from '../base/clock.ts';
import { assert } from '../base/assert.ts';
import { ForkableMap } from '../base/forkable-map.ts';
import { newMember, nextMember } from '../membership/member.ts';
import type { Member, MemberEvent } from '../membership/member.ts';
import type { OwnerState } from '../record/merge.ts';
import type { OwnerId } from '../record/owner.ts';

/** All that this node holds of one owner. */
export interface HeldOwner {
  readonly state: OwnerState;
  readonly member: Member;
  /** Monotonic ms of its last head that was new here. */
  readonly heardAtMs: number;
}

/** What one event did to a member. */
export interface MemberMove {
  /** Undefined when it was not known. */
  readonly before: Member | undefined;
  /** The same object when nothing changed. */
  readonly after: Member;
}

export interface TableBounds {
  readonly recordsMax: number;
  /** Encoded records. */
  readonly bytesMax: number;
}

export class OwnerTable {
  #owners = new ForkableMap<OwnerId, HeldOwner>();
  #records = 0;
  #bytes = 0;
  #revision = 0;

  get size(): number {
    return this.#owners.size;
  }

  /** Records of all owners, tombstones too. */
  get records(): number {
    return this.#records;
  }

  /** Their encoded size in all. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Rises whenever a member comes, goes or changes its state. */
  get revision(): number {
    return this.#revision;
  }

  get(owner: OwnerId): HeldOwner | undefined {
    return this.#owners.get(owner);
  }

  /**
   * Whether an owner may come to hold that many records here.
   *
   * One that holds records already goes on, within its own bounds: a full node must not freeze
   * those whom it knows. One without any is as good as new, whatever its first head was.
   */
  hasRoomFor({ head, set }: OwnerState, { recordsMax, bytesMax }: TableBounds): boolean {
    const held = this.#owners.get(head.head.owner)?.state.set;
    if (held !== undefined && (held.count > 0 || set.count === 0)) return true;
    return this.#records + set.count <= recordsMax && this.#bytes + set.bytes <= bytesMax;
  }

  entries(): IterableIterator<[OwnerId, HeldOwner]> {
    return this.#owners.entries();
  }

  *states(): Generator<[OwnerId, OwnerState]> {
    for (const [owner, { state }] of this.#owners) yield [owner, state];
  }

  *members(): Generator<Member> {
    for (const { member } of this.#owners.values()) yield member;
  }

  /** An owner's state has become true here. */
  put(state: OwnerState, now: Now): MemberMove {
    const { head } = state.head;
    const held = this.#owners.get(head.owner);
    const before = held?.member;
    const after =
      before === undefined
        ? newMember(head, now.wallMicros)
        : nextMember(before, { kind: 'head', head }, now.wallMicros);
    this.#owners.set(head.owner, { state, member: after, heardAtMs: now.monoMs });
    this.#count(held?.state, state);
    return this.#moved({ before, after });
  }

  /** Takes note of what links tell; undefined when the owner is not known. */
  observe(
    owner: OwnerId,
    event: Exclude<MemberEvent, { kind: 'head' }>,
    now: Now,
  ): MemberMove | undefined {
    const held = this.#owners.get(owner);
    if (held === undefined) return undefined;
    const before = held.member;
    const after = nextMember(before, event, now.wallMicros);
    if (after !== before) this.#owners.set(owner, { ...held, member: after });
    return this.#moved({ before, after });
  }

  /** @returns what was held of it */
  forget(owner: OwnerId): HeldOwner {
    const held = this.#owners.get(owner);
    assert(held !== undefined, 'only what is held can be forgotten');
    this.#owners.delete(owner);
    this.#count(held.state, undefined);
    this.#revision += 1;
    return held;
  }

  /** A table with the same content; from now on each goes its own way. */
  fork(): OwnerTable {
    const fork = new OwnerTable();
    fork.#owners = this.#owners.fork();
    fork.#records = this.#records;
    fork.#bytes = this.#bytes;
    fork.#revision = this.#revision;
    return fork;
  }

  #count(before: OwnerState | undefined, after: OwnerState | undefined): void {
    this.#records += (after?.set.count ?? 0) - (before?.set.count ?? 0);
    this.#bytes += (after?.set.bytes ?? 0) - (before?.set.bytes ?? 0);
  }

  #moved(move: MemberMove): MemberMove {
    if (move.before?.state !== move.after.state) this.#revision += 1;
    return move;
  }
}
