/**
 * MemberChanges: what differs between what was shown of the members and what is told now.
 *
 * A stream begins with all members. Behind the first one, that tells which of them changed while
 * nobody listened, and which are no longer known.
 */
import type { Member, MembersEvent } from '../client/daemon-status.ts';

export type MemberChange =
  /** `before` is undefined for one that is new. */
  | { readonly kind: 'member'; readonly member: Member; readonly before: Member | undefined }
  | { readonly kind: 'forgotten'; readonly member: Member };

export class MemberChanges {
  readonly #shown = new Map<string, Member>();
  /** Of those shown, whom the snapshot under way has not named; undefined behind its end. */
  #unnamed: Set<string> | undefined = new Set();

  /** In the order in which they came. */
  members(): readonly Member[] {
    return [...this.#shown.values()];
  }

  /** What is to be shown of an event. */
  take(event: MembersEvent): readonly MemberChange[] {
    switch (event.kind) {
      case 'member':
        return this.#note(event.member);
      case 'forgotten':
        return this.#drop([event.member.peerId]);
      case 'snapshot_end': {
        const gone = [...(this.#unnamed ?? [])];
        this.#unnamed = undefined;
        return this.#drop(gone);
      }
    }
  }

  /** The stream has ended; the next one begins with all members. */
  cut(): void {
    this.#unnamed = new Set(this.#shown.keys());
  }

  #note(member: Member): readonly MemberChange[] {
    const { peerId } = member;
    const before = this.#shown.get(peerId);
    this.#unnamed?.delete(peerId);
    this.#shown.set(peerId, member);
    if (before !== undefined && textOf(before) === textOf(member)) return [];
    return [{ kind: 'member', member, before }];
  }

  #drop(peerIds: readonly string[]): readonly MemberChange[] {
    return peerIds.flatMap((peerId) => {
      const member = this.#shown.get(peerId);
      this.#shown.delete(peerId);
      return member === undefined ? [] : [{ kind: 'forgotten' as const, member }];
    });
  }
}

/** But for what changes all the time and is no news by itself. */
function textOf({
  rttMicros: _rtt,
  lastUpdate: _last,
  instances: _count,
  ...news
}: Member): string {
  return JSON.stringify(news);
}
