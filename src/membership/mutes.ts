/**
 * Mutes: accusers that were refuted, and do not count about that subject for a while.
 *
 *   refuted ─▶ mute 60 s ─▶ counts again ─ refuted ─▶ mute 120 s … at most 1 h ─▶ after an hour of
 *                                                                      peace it begins at 60 s again
 *
 * So a bad link between two nodes, or a liar, disturbs the subject once in an hour in the end.
 */
import type { OwnerId } from '../record/owner.ts';

export const muteFirstMs = 60_000;
export const muteMaxMs = 3_600_000;
/** Over it the subject that was accused wrongly longest ago begins anew. */
export const muteSubjectsMax = 1_000;
/** Of one subject, likewise; more than it lets watch it at a time. */
export const muteAccusersMax = 64;

interface Mute {
  readonly untilMs: number;
  readonly lengthMs: number;
}

export class Mutes {
  /** By subject and accuser, those refuted longest ago first. */
  readonly #mutes = new Map<OwnerId, Map<OwnerId, Mute>>();

  /** Subjects of whom some accuser was refuted. */
  get size(): number {
    return this.#mutes.size;
  }

  /** Monotonic ms until which an accuser does not count; -Infinity: it was never refuted. */
  untilMs(subject: OwnerId, accuser: OwnerId): number {
    return this.#mutes.get(subject)?.get(accuser)?.untilMs ?? -Infinity;
  }

  /** The subject answered them. */
  refuted(subject: OwnerId, accusers: Iterable<OwnerId>, nowMs: number): void {
    const known = this.#mutes.get(subject) ?? new Map<OwnerId, Mute>();
    for (const accuser of accusers) {
      const last = known.get(accuser);
      const isAgain = last !== undefined && nowMs < last.untilMs + muteMaxMs;
      const lengthMs = isAgain ? Math.min(2 * last.lengthMs, muteMaxMs) : muteFirstMs;
      putLast(known, accuser, { untilMs: nowMs + lengthMs, lengthMs }, muteAccusersMax);
    }
    if (known.size > 0) putLast(this.#mutes, subject, known, muteSubjectsMax);
  }

  forget(subject: OwnerId): void {
    this.#mutes.delete(subject);
  }
}

/** Puts it at the end, and lets go of the first when there are more than `max`. */
function putLast<Value>(map: Map<OwnerId, Value>, key: OwnerId, value: Value, max: number): void {
  map.delete(key);
  map.set(key, value);
  const [first] = map.size > max ? map.keys() : [];
  if (first !== undefined) map.delete(first);
}
