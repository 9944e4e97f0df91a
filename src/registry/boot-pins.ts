/**
 * BootPins: tells two processes with one key from one that was started again.
 *
 *   A A B B B C …   restarts: a boot id that is gone never comes back
 *   A B A B …       clones: both sign, and each signs above the other
 *
 * After four turns between the same two within the window, the heads of one of them are refused
 * for as long: of the two boot ids that whose SHA-256 is larger, so that all nodes stay with the
 * same one. Only heads in rising order count, so that nobody can make a restart look like clones by
 * telling old heads again.
 */
import { compareBytes, sha256 } from '../record/hash.ts';
import type { Head } from '../record/head.ts';
import type { OwnerId } from '../record/owner.ts';

export const bootPinsMax = 1_000;
export const pinWindowMs = 600_000;
/**
 * The second turn may be a word of the first process that knows of no other, as after a freeze; the
 * third then is the other's, and shows that first one that there are two: it must get through.
 */
const turnsMax = 4;

interface Turns {
  /** Boot ids: the one heard last, and the one before. */
  current: string;
  other: string;
  count: number;
  /** Of the newest head that counted. */
  lastUpdate: number;
  /** Monotonic ms at which the first turn was seen or, with `refused`, the last. */
  sinceMs: number;
  refused: string | undefined;
}

export class BootPins {
  readonly #turns = new Map<OwnerId, Turns>();

  /** Owners that changed their boot id lately. */
  get size(): number {
    return this.#turns.size;
  }

  /**
   * Takes note of a head and answers whether it is refused.
   *
   * @param head signed, and newer than what is held
   * @param held what is held of the owner
   */
  isRefused(head: Head, held: Head | undefined, nowMs: number): boolean {
    const { owner, bootId, lastUpdate } = head;
    const turns = this.#lately(owner, nowMs);
    if (turns === undefined) {
      if (held !== undefined && held.bootId !== bootId) this.#begin(head, held.bootId, nowMs);
      return false;
    }
    if (turns.refused !== undefined) return bootId === turns.refused;
    if (lastUpdate <= turns.lastUpdate) return false;
    turns.lastUpdate = lastUpdate;
    if (bootId === turns.current) return false;
    if (bootId !== turns.other) {
      this.#begin(head, turns.current, nowMs);
      return false;
    }
    turns.other = turns.current;
    turns.current = bootId;
    turns.count += 1;
    if (turns.count < turnsMax) return false;
    turns.refused = largerOf(turns.current, turns.other);
    turns.sinceMs = nowMs;
    return bootId === turns.refused;
  }

  forget(owner: OwnerId): void {
    this.#turns.delete(owner);
  }

  #lately(owner: OwnerId, nowMs: number): Turns | undefined {
    const turns = this.#turns.get(owner);
    if (turns === undefined || nowMs - turns.sinceMs < pinWindowMs) return turns;
    this.#turns.delete(owner);
    return undefined;
  }

  #begin({ owner, bootId, lastUpdate }: Head, other: string, nowMs: number): void {
    this.#turns.delete(owner);
    const [oldest] = this.#turns.size >= bootPinsMax ? this.#turns.keys() : [];
    if (oldest !== undefined) this.#turns.delete(oldest);
    const turns = { current: bootId, other, count: 1, lastUpdate, sinceMs: nowMs };
    this.#turns.set(owner, { ...turns, refused: undefined });
  }
}

function largerOf(a: string, b: string): string {
  return compareBytes(digestOf(a), digestOf(b)) > 0 ? a : b;
}

function digestOf(bootId: string): Uint8Array {
  return sha256(Buffer.from(bootId, 'hex'));
}
