/**
 * SharedValues: heads and owner states that many simulated nodes hold are one object in memory.
 *
 * Found by their signature, which no two heads share; the oldest are forgotten, and then merely
 * exist twice.
 */
import { equalBytes } from '../record/hash.ts';
import type { Sealed, SealedHead } from '../record/head.ts';
import type { OwnerState } from '../record/merge.ts';
import type { SealedRecord } from '../record/record.ts';
import type { Sharing } from '../registry/sharing.ts';

const walkedMax = 64;

export class SharedValues implements Sharing {
  readonly #heads = new Map<string, SealedHead>();
  readonly #states = new WeakMap<SealedHead, OwnerState>();
  readonly #records = new Map<string, SealedRecord>();
  readonly #headsMax: number;

  constructor(headsMax: number) {
    this.#headsMax = headsMax;
  }

  head(sealed: Sealed): SealedHead | undefined {
    const found = this.#heads.get(keyOf(sealed));
    if (found === undefined || !equalBytes(found.body, sealed.body)) return undefined;
    return found;
  }

  record(bytes: Uint8Array): SealedRecord | undefined {
    return this.#records.get(textOf(bytes));
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
    makeRoom(this.#heads, this.#headsMax);
    this.#heads.set(keyOf(state.head), state.head);
    this.#states.set(state.head, state);
    // A large set is not walked for each of its heads.
    if (state.set.count > walkedMax) return;
    for (const record of state.set.records()) {
      const text = textOf(record.bytes);
      if (this.#records.has(text)) continue;
      makeRoom(this.#records, this.#headsMax);
      this.#records.set(text, record);
    }
  }
}

/** No two heads share a signature. */
function keyOf({ signature }: Sealed): string {
  return textOf(signature);
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** Forgets the oldest. */
function makeRoom<Value>(map: Map<string, Value>, max: number): void {
  if (map.size < max) return;
  const oldest = map.keys().next();
  if (oldest.done !== true) map.delete(oldest.value);
}
