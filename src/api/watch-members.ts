/**
 * WatchMembers: all members, an end mark, then each of them whenever it changed.
 *
 *   registry's feed ─┐
 *   links, accusers ─┴▶ due (owners) ─▶ differs from what was told? ─▶ MEMBER or FORGOTTEN
 *
 * It tells states, not events: of a member that changed five times while the reader was busy only
 * the last state is told. So what waits is bounded by the number of members, no reader is too slow,
 * and there is no cursor: whoever comes back begins anew.
 */
import { disco } from '../gen/discovery.js';
import type { OwnerId } from '../record/owner.ts';
import type { Registry } from '../registry/registry.ts';
import { memberMessage, memberMessages } from './convert.ts';
import type { MemberContacts } from './convert.ts';
import type { NodeControl } from './node-control.ts';
import { Pump } from './pump.ts';
import type { PumpSink } from './pump.ts';

const { Kind } = disco.v1.MembersEvent;

type Message = disco.v1.Member.$Properties;
export type MembersMessage = disco.v1.MembersEvent.$Properties;

export class MembersSession {
  readonly #registry: Registry;
  readonly #control: MemberContacts & Pick<NodeControl, 'followMembers'>;
  readonly #pump: Pump<MembersMessage>;
  /** By owner, as told last. */
  readonly #told = new Map<OwnerId, Message>();
  /** May differ from what was told. */
  readonly #due = new Set<OwnerId>();
  /** What there was at the beginning, with the end mark. */
  readonly #snapshot: Iterator<MembersMessage>;
  /** The registry's feed is read up to here. */
  #cursor: number;
  #unfollow: () => void = () => undefined;

  constructor(
    registry: Registry,
    control: MemberContacts & Pick<NodeControl, 'followMembers'>,
    sink: PumpSink<MembersMessage>,
  ) {
    this.#registry = registry;
    this.#control = control;
    this.#pump = new Pump(sink, () => this.#next());
    this.#cursor = registry.feed.revision;
    this.#snapshot = this.#all(memberMessages(registry, control));
  }

  start(): void {
    const unfollowFeed = this.#registry.feed.follow(() => this.#pump.wake());
    const unfollowMembers = this.#control.followMembers((owner) => {
      this.#due.add(owner);
      this.#pump.wake();
    });
    this.#unfollow = () => {
      unfollowFeed();
      unfollowMembers();
    };
    this.#pump.run();
  }

  /** The sink takes more again. */
  resume(): void {
    this.#pump.resume();
  }

  close(): void {
    this.#pump.close();
    this.#unfollow();
  }

  #next(): MembersMessage | undefined {
    const first = this.#snapshot.next();
    return first.done === true ? this.#nextChange() : first.value;
  }

  *#all(members: readonly Message[]): Generator<MembersMessage> {
    for (const member of members) {
      this.#told.set(member.peerId ?? '', member);
      yield { kind: Kind.MEMBER, member };
    }
    yield { kind: Kind.SNAPSHOT_END };
  }

  /** @returns undefined when nothing differs from what was told */
  #nextChange(): MembersMessage | undefined {
    this.#readFeed();
    for (const owner of this.#due) {
      this.#due.delete(owner);
      const told = this.#told.get(owner);
      const member = memberMessage(this.#registry, this.#control, owner);
      if (member === undefined) {
        if (told === undefined) continue;
        this.#told.delete(owner);
        return { kind: Kind.FORGOTTEN, member: told };
      }
      if (told !== undefined && isSame(told, member)) continue;
      this.#told.set(owner, member);
      return { kind: Kind.MEMBER, member };
    }
    return undefined;
  }

  #readFeed(): void {
    const { feed } = this.#registry;
    while (this.#cursor !== feed.revision) {
      const answer = feed.read(this.#cursor);
      if (answer.kind === 'lost') {
        // More happened than the feed keeps: any of them may have changed.
        this.#cursor = feed.revision;
        for (const owner of this.#told.keys()) this.#due.add(owner);
        for (const { owner } of this.#registry.members()) this.#due.add(owner);
        return;
      }
      for (const { owner } of answer.changes) this.#due.add(owner);
      this.#cursor = answer.revision;
    }
  }
}

/** But for what changes all the time and is no news by itself. */
function isSame(a: Message, b: Message): boolean {
  return textOf(a) === textOf(b);
}

function textOf({
  rttMicros: _rtt,
  lastUpdate: _last,
  instances: _count,
  ...news
}: Message): string {
  return JSON.stringify(news);
}
