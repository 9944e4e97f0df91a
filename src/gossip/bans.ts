/**
 * Bans: peers that sent what no honest relay can send, three times within ten minutes.
 *
 *   three strikes ─▶ banned: hung up, its hello refused, its rumors ignored ─ 10 min ─▶ forgiven
 *
 * Honest nodes check what they pass on, so a bad signature is the work of the peer that sent it,
 * whoever it claims to speak for. Clocks, ages and bounds differ honestly and never count.
 */
import type { OwnerId } from '../record/owner.ts';
import type { RefusalReason } from '../record/verdict.ts';

/** What no honest relay can send; ROOT_MISMATCH only against a head named by the peer itself. */
const strikeReasons: ReadonlySet<RefusalReason> = new Set([
  'BAD_SIGNATURE',
  'OWNER_MISMATCH',
  'MALFORMED',
  'FRAME_TOO_LARGE',
  'INVALID_NAME',
  'TOO_MANY_FIELDS',
  'DECOMPRESS_LIMIT',
  'ROOT_MISMATCH',
]);

const strikesMax = 3;
const windowMs = 600_000;
const banMs = 600_000;
/** Peers that are remembered; beyond, those struck longest ago are forgotten. */
const peersMax = 1_000;

interface Case {
  /** When it was struck, at most the last `strikesMax` times; monotonic ms. */
  strikes: readonly number[];
  /** Why it is banned: the reason of the last strike. */
  reason: RefusalReason;
  bannedUntilMs: number;
}

export interface Ban {
  readonly reason: RefusalReason;
  readonly untilMs: number;
}

export class Bans {
  /** The longest untouched first. */
  readonly #cases = new Map<OwnerId, Case>();

  /** Peers that are remembered. */
  get size(): number {
    return this.#cases.size;
  }

  /**
   * Something that came from this peer was refused.
   *
   * @returns the ban when this was the strike that brought it
   */
  note(peer: OwnerId, reason: RefusalReason, monoMs: number): Ban | undefined {
    if (!strikeReasons.has(reason) || this.at(peer, monoMs) !== undefined) return undefined;
    const earlier = this.#cases.get(peer)?.strikes ?? [];
    const strikes = [...earlier.filter((atMs) => atMs > monoMs - windowMs), monoMs];
    const isBanned = strikes.length >= strikesMax;
    const bannedUntilMs = isBanned ? monoMs + banMs : -Infinity;
    this.#cases.delete(peer);
    this.#cases.set(peer, { strikes: isBanned ? [] : strikes, reason, bannedUntilMs });
    this.#trim();
    return isBanned ? { reason, untilMs: bannedUntilMs } : undefined;
  }

  /** The ban that holds for a peer now. */
  at(peer: OwnerId, monoMs: number): Ban | undefined {
    const found = this.#cases.get(peer);
    if (found === undefined || found.bannedUntilMs <= monoMs) return undefined;
    return { reason: found.reason, untilMs: found.bannedUntilMs };
  }

  #trim(): void {
    if (this.#cases.size <= peersMax) return;
    const [oldest] = this.#cases.keys();
    this.#cases.delete(oldest as OwnerId);
  }
}

/** Why a peer is refused and for how long, for the logs of both sides. */
export function banSentence({ reason, untilMs }: Ban, monoMs: number): string {
  const seconds = Math.ceil((untilMs - monoMs) / 1000);
  return `banned for another ${seconds} s: it sent what no honest node sends (${reason}) ${strikesMax} times; update it, or find out who has its key`;
}
