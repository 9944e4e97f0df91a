/**
 * MemberList: every owner that is held, as a member, and when this node last heard something new
 * of it.
 */
import type { Now } from '../base/clock.ts';
import { assert } from '../base/assert.ts';
import { newMember, nextMember } from '../membership/member.ts';
import type { Member, MemberEvent } from '../membership/member.ts';
import type { Head } from '../record/head.ts';
import type { OwnerId } from '../record/owner.ts';

/** What one event did to a member. */
export interface MemberMove {
  /** Undefined when it was not known. */
  readonly before: Member | undefined;
  /** The same object when nothing changed. */
  readonly after: Member;
}

interface Entry {
  member: Member;
  /** Monotonic ms of its last head that was new here. */
  heardAtMs: number;
}

export class MemberList {
  readonly #entries = new Map<OwnerId, Entry>();
  #revision = 0;

  /** Rises whenever a member comes, goes or changes its state. */
  get revision(): number {
    return this.#revision;
  }

  get(owner: OwnerId): Member | undefined {
    return this.#entries.get(owner)?.member;
  }

  *values(): Generator<Member> {
    for (const { member } of this.#entries.values()) yield member;
  }

  /** Takes note of a head that has become true here. */
  hear(head: Head, now: Now): MemberMove {
    const before = this.get(head.owner);
    const after =
      before === undefined
        ? newMember(head, now.wallMicros)
        : nextMember(before, { kind: 'head', head }, now.wallMicros);
    this.#entries.set(head.owner, { member: after, heardAtMs: now.monoMs });
    return this.#moved({ before, after });
  }

  /** Takes note of what links tell; undefined when the owner is not known. */
  observe(
    owner: OwnerId,
    event: Exclude<MemberEvent, { kind: 'head' }>,
    now: Now,
  ): MemberMove | undefined {
    const entry = this.#entries.get(owner);
    if (entry === undefined) return undefined;
    const before = entry.member;
    entry.member = nextMember(before, event, now.wallMicros);
    return this.#moved({ before, after: entry.member });
  }

  /** Monotonic ms at which the owner was last heard of. */
  heardAtMs(owner: OwnerId): number {
    return this.#entry(owner).heardAtMs;
  }

  forget(owner: OwnerId): Member {
    const { member } = this.#entry(owner);
    this.#entries.delete(owner);
    this.#revision += 1;
    return member;
  }

  #entry(owner: OwnerId): Entry {
    const entry = this.#entries.get(owner);
    assert(entry !== undefined, 'every owner is a member');
    return entry;
  }

  #moved(move: MemberMove): MemberMove {
    if (move.before?.state !== move.after.state) this.#revision += 1;
    return move;
  }
}
