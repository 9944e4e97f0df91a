/**
 * Reception: what becomes of what a peer sends of an owner.
 *
 *   head ─▶ rules ─▶ newer? ─▶ signature ─▶ records ─▶ merge ─▶ room? ─▶ true
 *
 * Cheapest first, and each "no" has its reason, which is counted.
 */
import type { Now } from '../base/clock.ts';
import type { Counters } from '../base/counters.ts';
import { openRecords } from '../record/encoding.ts';
import { isSignedByOwner, readHead } from '../record/head.ts';
import type { HeadRules, Sealed, SealedHead } from '../record/head.ts';
import { compareWithHeld, merge } from '../record/merge.ts';
import type { MergeBounds, OwnerState } from '../record/merge.ts';
import type { OwnerId } from '../record/owner.ts';
import type { SealedRecord } from '../record/record.ts';
import type { Verifier } from '../record/signature.ts';
import type { RefusalReason } from '../record/verdict.ts';
import type { Holdings } from './holdings.ts';
import type { TableBounds } from './owner-table.ts';
import { sharePassage } from './sharing.ts';
import type { Sharing } from './sharing.ts';

export interface ReceptionConfig extends MergeBounds, TableBounds {
  readonly recordBytesMax: number;
  readonly headBytesMax: number;
  readonly clockAheadMs: number;
  readonly reapAfterMs: number;
  readonly headsMax: number;
}

export type ReceiveVerdict =
  | { readonly kind: 'applied'; readonly owner: OwnerId }
  | { readonly kind: 'duplicate' | 'stale'; readonly owner: OwnerId }
  /** More is needed to get to that head: ask for what is above `held` (0: everything). */
  | {
      readonly kind: 'gap';
      readonly owner: OwnerId;
      readonly held: number;
      readonly head: SealedHead;
    }
  /** Our own head from an earlier life, newer than what is held. */
  | {
      readonly kind: 'own';
      readonly head: SealedHead;
      /** All that the head commits to; only when all of it was sent. */
      readonly records?: readonly SealedRecord[];
    }
  | { readonly kind: 'refused'; readonly reason: RefusalReason };

/** What heads of this cluster are held against now. */
export function headRules(cluster: string, config: ReceptionConfig, now: Now): HeadRules {
  return {
    cluster,
    headBytesMax: config.headBytesMax,
    latest: now.wallMicros + config.clockAheadMs * 1000,
    earliest: now.wallMicros - config.reapAfterMs * 1000,
  };
}

export class Reception {
  readonly #cluster: string;
  readonly #verifier: Verifier;
  readonly #config: ReceptionConfig;
  readonly #sharing: Sharing;
  readonly #holdings: Holdings;
  readonly #refusals: Counters;

  /** @param refusals counts by reason */
  constructor(
    cluster: string,
    verifier: Verifier,
    config: ReceptionConfig,
    sharing: Sharing,
    holdings: Holdings,
    refusals: Counters,
  ) {
    this.#cluster = cluster;
    this.#verifier = verifier;
    this.#config = config;
    this.#sharing = sharing;
    this.#holdings = holdings;
    this.#refusals = refusals;
  }

  /** As `Registry.receive`. */
  receive(
    sealed: Sealed,
    recordBytes: readonly Uint8Array[],
    whole: boolean,
    now: Now,
  ): ReceiveVerdict {
    const rules = headRules(this.#cluster, this.#config, now);
    const read = readHead(sealed, rules, this.#sharing.head(sealed));
    if (read.kind === 'refused') return this.#refuse(read.reason);
    const head = read.value;
    const { owner } = head.head;
    const { owners, self } = this.#holdings;
    const held = owners.get(owner)?.state;
    const order = compareWithHeld(held, head);
    if (order === 'duplicate') return { kind: 'duplicate', owner };
    // A stale head is not worth its signature's check, unless it bears witness against its owner.
    if (order === 'stale' && held?.head.head.lastUpdate !== head.head.lastUpdate)
      return { kind: 'stale', owner };
    if (!isSignedByOwner(head, this.#verifier)) return this.#refuse('BAD_SIGNATURE');
    if (owner === self) return this.#own(head, recordBytes, whole);
    if (held === undefined && owners.size >= this.#config.headsMax)
      return this.#refuse('TOO_MANY_HEADS');
    const records = openRecords(recordBytes, this.#config.recordBytesMax);
    if (records.kind === 'refused') return this.#refuse(records.reason);
    return this.#merge(held, head, records.value, whole, now);
  }

  /** Our own head of another life, with its records if they are all there and add up. */
  #own(head: SealedHead, recordBytes: readonly Uint8Array[], whole: boolean): ReceiveVerdict {
    const records = openRecords(recordBytes, this.#config.recordBytesMax);
    if (!whole || records.kind === 'refused') return { kind: 'own', head };
    const verdict = merge(undefined, head, records.value, true, this.#config);
    if (verdict.kind !== 'applied') return { kind: 'own', head };
    return { kind: 'own', head, records: [...verdict.next.set.records()] };
  }

  #merge(
    held: OwnerState | undefined,
    head: SealedHead,
    records: readonly SealedRecord[],
    whole: boolean,
    now: Now,
  ): ReceiveVerdict {
    const { owner } = head.head;
    const { owners, pending } = this.#holdings;
    const verdict = merge(held, head, records, whole, this.#config);
    switch (verdict.kind) {
      case 'applied': {
        if (verdict.isEquivocation) this.#refusals.add('EQUIVOCATION');
        if (!owners.hasRoomFor(verdict.next, this.#config)) return this.#refuse('TOO_MANY_RECORDS');
        const { next, puts, removes } = sharePassage(verdict, this.#sharing);
        pending.write({ owner, head: next.head, puts, removes });
        this.#holdings.accept({ next, puts, removes }, 'peer', now);
        return { kind: 'applied', owner };
      }
      case 'gap':
        return { kind: 'gap', owner, held: held?.head.head.lastUpdate ?? 0, head };
      case 'rejected':
        return this.#refuse(verdict.reason);
      case 'stale':
        if (verdict.isEquivocation) this.#refusals.add('EQUIVOCATION');
        return { kind: 'stale', owner };
      case 'duplicate':
        return { kind: 'duplicate', owner };
    }
  }

  #refuse(reason: RefusalReason): ReceiveVerdict {
    this.#refusals.add(reason);
    return { kind: 'refused', reason };
  }
}
