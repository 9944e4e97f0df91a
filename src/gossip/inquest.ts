/**
 * Inquests: who cannot be dialed is asked for at others, before it is dead for this node.
 *
 *   three dials timed out ─▶ eight others are asked to vouch ─┬─ one does ─▶ only our path is bad
 *                                                             └─ nobody does in time ─▶ dead
 *
 * It is for members without whom no link was ever there: of the others the court tells.
 */
import { nonceEnd } from '../membership/probe-action.ts';
import type { OwnerId } from '../record/owner.ts';
import type { GossipContext } from './context.ts';
import { encodeFrame } from './message.ts';

/**
 * Where one packet in five is lost, four in ten dials take longer than they may, and with three to ask
 * one inquest in twenty ended wrongly.
 */
const vouchersMax = 8;
/** Under way at once; for whoever comes on top the next failed dial is early enough. */
const inquestsMax = 64;
/** Beyond a dial by whoever is asked, in which it has to answer. */
const answerMs = 1_000;

interface Inquest {
  readonly nonce: number;
  readonly vouchers: readonly OwnerId[];
  readonly untilMs: number;
}

export class Inquests {
  readonly #context: GossipContext;
  readonly #inquests = new Map<OwnerId, Inquest>();

  constructor(context: GossipContext) {
    this.#context = context;
  }

  /** When the next one is over, monotonic ms. */
  get wakeAtMs(): number {
    // All of them last equally long.
    for (const { untilMs } of this.#inquests.values()) return untilMs;
    return Infinity;
  }

  /** @param peers to whom there are links; without any nothing can be found out */
  begin(subject: OwnerId, peers: readonly OwnerId[]): void {
    const { random, now, config } = this.#context;
    const vouchers = random.sample(peers, vouchersMax);
    if (vouchers.length === 0 || this.#inquests.has(subject)) return;
    if (this.#inquests.size >= inquestsMax) return;
    const nonce = random.int(nonceEnd);
    const untilMs = now.monoMs + config.dialTimeoutMs + answerMs;
    this.#inquests.set(subject, { nonce, vouchers, untilMs });
    const bytes = encodeFrame({ kind: 'askVouch', subject, nonce });
    for (const peer of vouchers) this.#context.emit({ kind: 'send', peer, bytes });
  }

  /** @returns whether that ends an inquest: it lives */
  vouched(from: OwnerId, subject: OwnerId, nonce: number): boolean {
    const inquest = this.#inquests.get(subject);
    if (inquest?.nonce !== nonce || !inquest.vouchers.includes(from)) return false;
    return this.#inquests.delete(subject);
  }

  /** Those for whom nobody vouched in time. */
  takeOver(): OwnerId[] {
    const { monoMs } = this.#context.now;
    const over: OwnerId[] = [];
    for (const [subject, { untilMs }] of this.#inquests) {
      if (untilMs > monoMs) break;
      this.#inquests.delete(subject);
      over.push(subject);
    }
    return over;
  }
}
