/**
 * Reception: what becomes of what a peer sends of an owner.
 *
 *   head ─▶ rules ─▶ newer? ─▶ signature ─▶ clone? ─▶ records ─▶ merge ─▶ room? ─▶ true
 *
 * Cheapest first, and each "no" has its reason, which is counted. What is kept is copied out of the
 * frame in which it came: a small record must not hold on to a large buffer.
 */
import type { Now } from '../base/clock.ts';
import type { Counters } from '../base/counters.ts';
import { openRecords } from '../record/encoding.ts';
import { detachHead, isEquivocation, isSignedByOwner, readHead } from '../record/head.ts';
import type { HeadRules, Sealed, SealedHead } from '../record/head.ts';
import { compareWithHeld, merge } from '../record/merge.ts';
import type { MergeBounds, OwnerState } from '../record/merge.ts';
import type { OwnerId } from '../record/owner.ts';
import type { SealedRecord } from '../record/record.ts';
import type { Verifier } from '../record/signature.ts';
import type { Opened, RefusalReason } from '../record/verdict.ts';
import { BootPins } from './boot-pins.ts';
import { Evidence } from './evidence.ts';
import type { EvidencePair } from './evidence.ts';
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
  /** `before` is the lastUpdate that was held; 0: nothing. */
  | { readonly kind: 'applied'; readonly owner: OwnerId; readonly before: number }
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
  readonly #pins = new BootPins();
  readonly #evidence = new Evidence();

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
    const known = this.#sharing.head(sealed);
    const read = readHead(sealed, rules, known);
    if (read.kind === 'refused') return this.#refuse(read.reason);
    const { owner } = read.value.head;
    const { owners, self } = this.#holdings;
    const held = owners.get(owner)?.state;
    const order = compareWithHeld(held, read.value);
    if (order === 'duplicate') return { kind: 'duplicate', owner };
    // A stale head is not worth its signature's check, unless it bears witness against its owner.
    if (order === 'stale' && held?.head.head.lastUpdate !== read.value.head.lastUpdate)
      return { kind: 'stale', owner };
    if (!isSignedByOwner(read.value, this.#verifier)) return this.#refuse('BAD_SIGNATURE');
    const head = known ?? detachHead(read.value);
    if (owner === self) return this.#own(head, recordBytes, whole);
    if (held === undefined && owners.size >= this.#config.headsMax)
      return this.#refuse('TOO_MANY_HEADS');
    if (held !== undefined && isEquivocation(held.head, head)) this.#evidence.note(held.head, head);
    const isNewer = order === 'newer';
    if (isNewer && this.#pins.isRefused(head.head, held?.head.head, now.monoMs))
      return this.#refuse('DUPLICATE_OWNER');
    const records = this.#open(recordBytes);
    if (records.kind === 'refused') return this.#refuse(records.reason);
    return this.#merge(held, head, records.value, whole, now);
  }

  /** Proof that an owner said two things at once, if it was seen to. */
  evidence(owner: OwnerId): EvidencePair | undefined {
    return this.#evidence.get(owner);
  }

  /** Nothing of the owner is held any more. */
  forget(owner: OwnerId): void {
    this.#pins.forget(owner);
    this.#evidence.forget(owner);
  }

  /** Our own head of another life, with its records if they are all there and add up. */
  #own(head: SealedHead, recordBytes: readonly Uint8Array[], whole: boolean): ReceiveVerdict {
    if (!whole) return { kind: 'own', head };
    const records = this.#open(recordBytes);
    if (records.kind === 'refused') return { kind: 'own', head };
    const verdict = merge(undefined, head, records.value, true, this.#config);
    if (verdict.kind !== 'applied') return { kind: 'own', head };
    return { kind: 'own', head, records: [...verdict.next.set.records()] };
  }

  #open(recordBytes: readonly Uint8Array[]): Opened<SealedRecord[]> {
    const known = (bytes: Uint8Array) => this.#sharing.record(bytes);
    return openRecords(recordBytes, this.#config.recordBytesMax, known);
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
        return { kind: 'applied', owner, before: held?.head.head.lastUpdate ?? 0 };
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
