/**
 * Doorkeeper: who is shown the door, and told why.
 *
 *   refused what it sent ─▶ bans ─▶ the third strike: a refusal, hung up, and shunned for a while
 *   its hello does not fit ───────▶ a refusal, hung up
 *   it refuses us ────────────────▶ hung up
 */
import type { OwnerId } from '../record/owner.ts';
import type { RefusalReason } from '../record/verdict.ts';
import { Bans, banSentence } from './bans.ts';
import type { Ban } from './bans.ts';
import type { GossipContext } from './context.ts';
import { helloFault } from './hello.ts';
import type { Links } from './links.ts';
import { encodeFrame } from './message.ts';
import type { Frame } from './frame.ts';

export class Doorkeeper {
  readonly #context: GossipContext;
  readonly #links: Links;
  readonly #bans = new Bans();

  constructor(context: GossipContext, links: Links) {
    this.#context = context;
    this.#links = links;
  }

  isBanned(peer: OwnerId): boolean {
    return this.#bans.at(peer, this.#context.now.monoMs) !== undefined;
  }

  /** @returns whether somebody who says hello so may come in; if not, it was told why */
  admits(peer: OwnerId, hello: Extract<Frame, { kind: 'hello' }>): boolean {
    const { registry, identity, now } = this.#context;
    const ban = this.#bans.at(peer, now.monoMs);
    if (ban !== undefined) {
      registry.refusals.add('BANNED');
      this.#turnAway(peer, ban);
      return false;
    }
    const fault = helloFault(hello, identity.cluster);
    if (fault === undefined) return true;
    registry.refusals.add(fault.reason);
    this.#refuse(peer, fault.reason, fault.toPeer);
    this.refusedBy(peer, fault.sentence);
    return false;
  }

  /** Something that a peer sent was refused, and is counted already. */
  blame(peer: OwnerId, reason: RefusalReason): void {
    const ban = this.#bans.note(peer, reason, this.#context.now.monoMs);
    if (ban !== undefined) this.#turnAway(peer, ban);
  }

  /** The link ends, for what the peer says of us or we of it. */
  refusedBy(peer: OwnerId, sentence: string): void {
    this.#links.departed(peer);
    this.#context.emit({ kind: 'event', event: { kind: 'linkRefused', peer, sentence } });
    this.#context.emit({ kind: 'hangUp', peer });
  }

  #turnAway(peer: OwnerId, ban: Ban): void {
    const sentence = banSentence(ban, this.#context.now.monoMs);
    this.#refuse(peer, 'BANNED', sentence);
    this.refusedBy(peer, sentence);
    this.#links.shun(peer, ban.untilMs);
  }

  #refuse(peer: OwnerId, reason: RefusalReason, sentence: string): void {
    const frame = { kind: 'refusal', reason, sentence } as const;
    this.#context.emit({ kind: 'send', peer, bytes: encodeFrame(frame) });
  }
}
