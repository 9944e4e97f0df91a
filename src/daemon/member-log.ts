/** Writes a line for each member that comes, goes or returns: it follows the registry's feed. */
import type { Log } from '../base/log.ts';
import type { MemberState } from '../membership/member.ts';
import type { OwnerId } from '../record/owner.ts';
import type { Registry } from '../registry/registry.ts';

const sentences: Readonly<Record<MemberState, string>> = {
  alive: 'member is alive',
  suspect: 'member is suspect',
  dead: 'member is dead',
  left: 'member left',
};

export class MemberLog {
  readonly #registry: Registry;
  readonly #log: Log;
  readonly #states = new Map<OwnerId, MemberState>();
  #revision = -1;
  #unfollow: () => void = () => undefined;

  constructor(registry: Registry, log: Log) {
    this.#registry = registry;
    this.#log = log;
  }

  start(): void {
    const { feed } = this.#registry;
    this.#unfollow = feed.follow(() => {
      this.#log.debug({ revision: feed.revision }, 'records or members changed');
      this.#compare();
    });
    this.#compare();
  }

  stop(): void {
    this.#unfollow();
  }

  #compare(): void {
    if (this.#revision === this.#registry.membersRevision) return;
    this.#revision = this.#registry.membersRevision;
    const gone = new Set(this.#states.keys());
    for (const { owner, state } of this.#registry.members()) {
      gone.delete(owner);
      if (this.#states.get(owner) === state || owner === this.#registry.self) continue;
      this.#states.set(owner, state);
      const name = this.#registry.state(owner)?.head.head.facts.name;
      this.#log.info({ member: name, peerId: owner, state }, sentences[state]);
    }
    for (const owner of gone) {
      this.#states.delete(owner);
      this.#log.info({ peerId: owner }, 'member is forgotten');
    }
  }
}
