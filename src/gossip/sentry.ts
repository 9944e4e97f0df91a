/**
 * Sentry: carries the prober's questions and answers over the links.
 *
 *   every frame of a peer ─▶ prober ─▶ ping, pong, askVouch, vouch ─▶ frames
 *                               └────▶ silent, speaks, dialFor ────▶ links and court
 */
import { silenceMs } from '../membership/probed-peer.ts';
import { Prober } from '../membership/prober.ts';
import type { LinkEnd, ProbeAction } from '../membership/probe-action.ts';
import type { MeasuredRoundTrip } from '../membership/round-trip.ts';
import type { OwnerId } from '../record/owner.ts';
import type { GossipContext } from './context.ts';
import { encodeFrame } from './message.ts';
import type { ProbeFrame } from './frame.ts';

export interface SentryHooks {
  /** A linked peer answers nobody; or speaks again. */
  silent(peer: OwnerId): void;
  /** It is late with an answer, and others are asked about it. */
  late(peer: OwnerId): void;
  speaks(peer: OwnerId): void;
  /** Somebody asks for a member with whom there is no link. */
  dialFor(subject: OwnerId): void;
}

export class Sentry {
  readonly #context: GossipContext;
  readonly #hooks: SentryHooks;
  readonly #prober: Prober;

  constructor(context: GossipContext, hooks: SentryHooks) {
    const { registry, random, config } = context;
    this.#context = context;
    this.#hooks = hooks;
    this.#prober = new Prober({
      self: registry.self,
      intervalMs: config.probeIntervalMs,
      random,
    });
  }

  /** When there is something to do, monotonic ms. */
  get wakeAtMs(): number {
    return this.#prober.nextMs;
  }

  /** This node had links, and hears nobody. */
  get isIsolated(): boolean {
    return this.#prober.isIsolated;
  }

  /** This node was woken late, or misses many answers: it must not judge others by time. */
  get isDoubtful(): boolean {
    return this.#prober.health.isDoubtful;
  }

  /** When any peer was heard last, monotonic ms. */
  get heardMs(): number {
    return this.#prober.heardMs;
  }

  /** How long a linked peer takes to answer; undefined: it is not linked. */
  roundTrip(peer: OwnerId): MeasuredRoundTrip | undefined {
    return this.#prober.roundTrip(peer);
  }

  isSilent(peer: OwnerId): boolean {
    return this.#prober.stateOf(peer)?.phase === 'silent';
  }

  /** Whether it owes an answer, and has said nothing else for as long as makes others silent. */
  isLate(peer: OwnerId): boolean {
    const { phase, heardAtMs = 0 } = this.#prober.stateOf(peer) ?? {};
    return phase === 'silent' || (phase === 'vouching' && this.#nowMs - heardAtMs >= silenceMs);
  }

  greeted(peer: OwnerId): void {
    this.#perform(this.#prober.linked(peer, this.#nowMs));
  }

  unlinked(peer: OwnerId, how: LinkEnd): void {
    this.#prober.unlinked(peer, how);
  }

  /** Something came from this peer, whatever it was. */
  heard(peer: OwnerId): void {
    this.#perform(this.#prober.heard(peer, this.#nowMs));
  }

  /** A peer was asked something that it answers at once. */
  asked(peer: OwnerId): void {
    this.#prober.asked(peer, this.#nowMs);
  }

  /** And that is its answer. */
  answered(peer: OwnerId): void {
    this.#perform(this.#prober.answered(peer, undefined, this.#nowMs));
  }

  on(peer: OwnerId, frame: ProbeFrame): void {
    const { nonce } = frame;
    switch (frame.kind) {
      case 'ping':
        return this.#perform(this.#prober.pinged(peer, nonce, this.#nowMs));
      case 'pong':
        return this.#perform(this.#prober.answered(peer, nonce, this.#nowMs));
      case 'askVouch':
        return this.#perform(this.#prober.askedToVouch(peer, frame.subject, nonce, this.#nowMs));
      case 'vouch':
        return this.#perform(this.#prober.vouched(peer, frame.subject, nonce, this.#nowMs));
    }
  }

  /** Others say that it is silent. */
  doubted(peer: OwnerId): void {
    this.#perform(this.#prober.doubted(peer, this.#nowMs));
  }

  /** This node is to be woken then, for whatever: how late that is shows whether it runs. */
  wakesAt(atMs: number): void {
    this.#prober.hostWakesAt(atMs);
  }

  /** Once an interval of gossip, after the others were asked. */
  tick(): void {
    this.#perform(this.#prober.pass(this.#nowMs));
  }

  wake(): void {
    if (this.#prober.nextMs <= this.#nowMs) this.#perform(this.#prober.tick(this.#nowMs));
  }

  get #nowMs(): number {
    return this.#context.now.monoMs;
  }

  #perform(actions: readonly ProbeAction[]): void {
    for (const action of actions) {
      switch (action.kind) {
        case 'ping':
        case 'pong':
          this.#send(action.peer, { kind: action.kind, nonce: action.nonce });
          break;
        case 'askVouch':
        case 'vouch': {
          const { kind, subject, nonce } = action;
          const peer = action.kind === 'askVouch' ? action.through : action.to;
          this.#send(peer, { kind, subject, nonce });
          break;
        }
        case 'dialFor':
          this.#hooks.dialFor(action.subject);
          break;
        case 'late':
          this.#hooks.late(action.peer);
          break;
        case 'silent':
          this.#context.counters.add('peers_silent');
          this.#hooks.silent(action.peer);
          break;
        case 'speaks':
          this.#context.counters.add('peers_speaking_again');
          this.#hooks.speaks(action.peer);
          break;
      }
    }
  }

  #send(peer: OwnerId, frame: ProbeFrame): void {
    this.#context.emit({ kind: 'send', peer, bytes: encodeFrame(frame) });
  }
}
