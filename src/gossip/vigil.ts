/**
 * Vigil: this node's part in watching over the others, put together.
 *
 *   links: lost, refused ─┐
 *   sentry: silent ───────┴▶ court: accuse ─▶ rumors, digests ─▶ courts of the others
 *   tokens: who may accuse whom ──┘    └──▶ links: hang up, dial others in its place
 */
import type { Accusation, AccusationReason } from '../membership/accusation.ts';
import type { LinkEnd } from '../membership/probe-action.ts';
import { median } from '../membership/round-trip.ts';
import type { CurrentRoundTrip } from '../membership/round-trip.ts';
import type { Sealed } from '../record/head.ts';
import type { OwnerId } from '../record/owner.ts';
import type { RefusalReason } from '../record/verdict.ts';
import type { GossipContext, RumorVerdict } from './context.ts';
import { Court } from './court.ts';
import { Inquests } from './inquest.ts';
import type { Links } from './links.ts';
import type { VigilFrame } from './frame.ts';
import { Sentry } from './sentry.ts';
import type { SettledHeads } from './settled-heads.ts';
import { Tokens } from './tokens.ts';

export interface VigilHooks {
  /** This node is accused. */
  accused(): void;
  /** A head is missing here. */
  ask(peer: OwnerId, owner: OwnerId): void;
  /** What a peer sent was refused, and is counted. */
  refused(peer: OwnerId, reason: RefusalReason): void;
}

export class Vigil {
  readonly #context: GossipContext;
  readonly #links: Links;
  readonly #hooks: VigilHooks;
  readonly #tokens: Tokens;
  readonly #sentry: Sentry;
  readonly #court: Court;
  readonly #inquests: Inquests;
  /** What an answer takes, as of the last interval. */
  #roundTrip: CurrentRoundTrip = { recentMs: undefined, leastMs: undefined };

  constructor(context: GossipContext, links: Links, heads: SettledHeads, hooks: VigilHooks) {
    this.#context = context;
    this.#links = links;
    this.#hooks = hooks;
    this.#tokens = new Tokens(context);
    this.#inquests = new Inquests(context);
    this.#sentry = new Sentry(context, {
      silent: (peer) => this.#silent(peer),
      late: (peer) => this.#court.lost(peer),
      speaks: (peer) => this.#speaks(peer),
      dialFor: (subject) => links.dialFor(subject),
    });
    this.#court = new Court(context, this.#tokens, heads, {
      ...hooks,
      isHeard: (peer) => links.isGreeted(peer) && !this.#sentry.isSilent(peer),
      isLate: (peer) => this.#sentry.isLate(peer),
      doubt: (peer) => this.#sentry.doubted(peer),
      greeted: () => links.greeted,
      isDoubtful: () => this.#sentry.isIsolated,
      roundTrip: () => this.#roundTrip,
      look: (subject, incarnation) => links.check(subject, incarnation),
      convicted: (subject) => links.convicted(subject),
    });
  }

  /** When there is something to do, monotonic ms. */
  get wakeAtMs(): number {
    return Math.min(this.#sentry.wakeAtMs, this.#court.wakeAtMs, this.#inquests.wakeAtMs);
  }

  /** This node had links and hears nobody: what it knows of the others may be old. */
  get isIsolated(): boolean {
    return this.#sentry.isIsolated;
  }

  /** It must not judge others by time now. */
  get isDoubtful(): boolean {
    return this.#sentry.isDoubtful;
  }

  /** The smoothed round trip to a linked peer, ms; undefined: not known. */
  rttMs(peer: OwnerId): number | undefined {
    return this.#sentry.roundTrip(peer)?.smoothedMs;
  }

  isSilent(peer: OwnerId): boolean {
    return this.#sentry.isSilent(peer);
  }

  accusersOf(subject: OwnerId): readonly Accusation[] {
    return this.#court.accusersOf(subject);
  }

  /** Accusations that are held. */
  get accusationsHeld(): number {
    return this.#court.size;
  }

  /** The accusation with that hash, if it is still held. */
  accusation(hash: Uint8Array): Sealed | undefined {
    return this.#court.get(hash);
  }

  greeted(peer: OwnerId): void {
    this.#sentry.greeted(peer);
    this.#tokens.give([peer]);
    this.#court.heard(peer);
  }

  unlinked(peer: OwnerId, how: LinkEnd): void {
    this.#sentry.unlinked(peer, how);
    this.#tokens.unlinked(peer);
    this.#court.lost(peer);
  }

  /** A lost link could not be had again. @returns whether the others will hear of it */
  found(peer: OwnerId, reason: AccusationReason): boolean {
    const { now, config, counters } = this.#context;
    // When the whole network goes, links may break one by one before the silence of all is noticed.
    const isDeaf = now.monoMs - this.#sentry.heardMs >= config.dialTimeoutMs / 2;
    if (reason === 'silent' && isDeaf) {
      counters.add('accusations_withheld');
      return false;
    }
    return this.#court.accuse(peer, reason);
  }

  /** Nothing comes of dialing it. */
  missing(peer: OwnerId): void {
    if (!this.#sentry.isIsolated) this.#inquests.begin(peer, this.#links.greeted);
  }

  /** Something came from this peer, whatever it was. */
  heard(peer: OwnerId): void {
    this.#sentry.heard(peer);
  }

  /** A peer was asked something that it answers at once. */
  asked(peer: OwnerId): void {
    this.#sentry.asked(peer);
  }

  /** And that is its answer. */
  answered(peer: OwnerId): void {
    this.#sentry.answered(peer);
  }

  on(peer: OwnerId, frame: VigilFrame): void {
    switch (frame.kind) {
      case 'token': {
        const reason = this.#tokens.take(peer, frame.sealed);
        if (reason === undefined) return;
        this.#context.registry.refusals.add(reason);
        return this.#hooks.refused(peer, reason);
      }
      case 'accusation':
        return this.#court.hear(peer, frame.sealed);
      case 'vouch':
        if (this.#inquests.vouched(peer, frame.subject, frame.nonce)) {
          this.#context.counters.add('inquests_vouched');
          this.#links.vouchedFor(frame.subject);
        }
        return this.#sentry.on(peer, frame);
      default:
        return this.#sentry.on(peer, frame);
    }
  }

  /** Accusations in a rumor. @returns what becomes of it */
  rumor(peer: OwnerId, accusations: readonly Sealed[]): RumorVerdict {
    return this.#court.hearRumor(peer, accusations);
  }

  /** This node is to be woken then, for whatever: how late that is shows whether it runs. */
  wakesAt(atMs: number): void {
    this.#sentry.wakesAt(atMs);
  }

  wake(): void {
    this.#sentry.wake();
    this.#court.wake();
    for (const subject of this.#inquests.takeOver())
      if (!this.#sentry.isIsolated) this.#links.bury(subject, 'silent');
  }

  /** Once an interval of gossip, after others were asked: those need no ping. */
  tick(): void {
    this.#sentry.tick();
    this.#roundTrip = this.#currentRoundTrip();
    this.#tokens.give(this.#links.greeted);
    this.#court.tick();
  }

  /** Hears what the step before changed. */
  follow(): void {
    this.#court.follow();
  }

  #silent(peer: OwnerId): void {
    this.#links.silent(peer);
    this.#court.accuse(peer, 'silent');
    this.#court.lost(peer);
  }

  #speaks(peer: OwnerId): void {
    this.#links.speaks(peer);
    this.#court.heard(peer);
  }

  /** The medians of the links; the accused may be farther, for which there are four of them. */
  #currentRoundTrip(): CurrentRoundTrip {
    const [recent, least]: [number[], number[]] = [[], []];
    for (const peer of this.#links.greeted) {
      const { recentMs, leastMs } = this.#sentry.roundTrip(peer) ?? {};
      if (recentMs !== undefined) recent.push(recentMs);
      if (leastMs !== undefined) least.push(leastMs);
    }
    return { recentMs: median(recent), leastMs: median(least) };
  }
}
