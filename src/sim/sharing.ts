/**
 * SharedValues: heads and owner states that many simulated nodes hold are one object in memory.
 *
 * Found by their signature, which no two heads share; the oldest are forgotten, and then merely
 * exist twice.
 */
import { equalBytes } from '../record/hash.ts';
import type { Sealed, SealedHead } from '../record/head.ts';
import type { OwnerState } from '../record/merge.ts';
import type { Sharing } from '../registry/sharing.ts';

export class SharedValues implements Sharing {
  readonly #heads = new Map<string, SealedHead>();
  readonly #states = new WeakMap<SealedHead, OwnerState>();
  readonly #headsMax: number;

  constructor(headsMax: number) {
    this.#headsMax = headsMax;
  }

  head(sealed: Sealed): SealedHead | undefined {
    const found = this.#heads.get(keyOf(sealed));
    if (found === undefined || !equalBytes(found.body, sealed.body)) return undefined;
    return found;
  }

  state(next: OwnerState): OwnerState {
    const head = this.head(next.head);
    if (head !== undefined) {
      const shared = this.#states.get(head);
      if (shared !== undefined) return shared;
    }
    this.#keep(next);
    return next;
  }

  #keep(state: OwnerState): void {
    if (this.#heads.size >= this.#headsMax) {
      const oldest = this.#heads.keys().next();
      if (oldest.done !== true) this.#heads.delete(oldest.value);
    }
    this.#heads.set(keyOf(state.head), state.head);
    this.#states.set(state.head, state);
  }
}

function keyOf({ signature }: Sealed): string {
  return Buffer.from(signature.buffer, signature.byteOffset, signature.length).toString('latin1');
}
