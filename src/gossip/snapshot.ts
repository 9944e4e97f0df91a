/**
 * Snapshots: for differences too large for coded symbols (a join, a long partition), everything
 * that the other side holds newer, owner by owner, in the order of keys.
 *
 *   puller                                   server, two at once
 *     │ ── pull {after, until, held} ─────────▶ │   versions held in that range
 *     │ ◀─────── page {deltas, next, want} ──── │   what is newer, packed; what the puller has newer
 *     │ ── delta* ────────────────────────────▶ │
 *     │ ── pull {after: next, …} ─────────────▶ │   … until a page has no next
 *
 * The puller asks for each page, so a page lost with its link costs that page alone, and nothing
 * queues. Each owner is merged by itself; a newer head that came as a rumor meanwhile wins.
 */
import type { OwnerId } from '../record/owner.ts';
import type { RefusalReason } from '../record/verdict.ts';
import { bytesOf, deltasOf } from './delta.ts';
import type { GossipContext } from './context.ts';
import { encodeFrame } from './message.ts';
import type { Delta, Frame } from './frame.ts';
import { packDeltas, unpackDeltas } from './packing.ts';
import { comparePrefixes, prefixKey, prefixOf } from './version.ts';
import type { Prefix, Version } from './version.ts';

/** Versions in one pull: 32 KiB. */
const heldMax = 2_048;
/** Heads and records after which a page ends; with one chunk more it still fits a frame. */
const pageBytes = 256 * 1024;
/** Pulls served at once. */
export const servedMax = 2;
/** A puller that asks for nothing for so long is served no more. */
const servingTimeoutMs = 10_000;
/** A peer is pulled from at most this often: what one pull left, symbols repair. */
const pullIntervalMs = 60_000;
const pulledPeersMax = 1_000;

type Pull = Extract<Frame, { kind: 'pull' }>;
type Page = Extract<Frame, { kind: 'page' }>;

interface Pulling {
  readonly exchange: number;
  /** Own owners when it began, in the order of keys. */
  readonly owners: readonly OwnerId[];
  /** Of the owners that were told in the last pull. */
  until: OwnerId | undefined;
  after: OwnerId | undefined;
}

interface Serving {
  readonly owners: readonly OwnerId[];
  lastAtMs: number;
}

export interface SnapshotHooks {
  take(peer: OwnerId, delta: Delta): void;
  /** Sends deltas above the versions that a peer holds. */
  give(peer: OwnerId, wanted: readonly Version[]): void;
  ownersOf(prefix: Prefix): readonly OwnerId[];
  /** One page came: the exchange goes on. */
  progressed(peer: OwnerId): void;
  /** The last page came. */
  pulled(peer: OwnerId): void;
  /** What a peer sent was refused, and is counted. */
  refused(peer: OwnerId, reason: RefusalReason): void;
  /** It will not come to an end. */
  failed(peer: OwnerId): void;
}

export class Snapshots {
  readonly #context: GossipContext;
  readonly #hooks: SnapshotHooks;
  readonly #pulling = new Map<OwnerId, Pulling>();
  readonly #serving = new Map<OwnerId, Serving>();
  /** Monotonic ms of the last pull from a peer. */
  readonly #pulledAtMs = new Map<OwnerId, number>();
  /** All owners, in the order of keys, and the members' revision at which they were. */
  #sorted: readonly OwnerId[] = [];
  #sortedAt = -1;

  constructor(context: GossipContext, hooks: SnapshotHooks) {
    this.#context = context;
    this.#hooks = hooks;
  }

  isPulling(peer: OwnerId): boolean {
    return this.#pulling.has(peer);
  }

  /** @returns false when that peer was pulled from a short while ago */
  start(peer: OwnerId, exchange: number): boolean {
    const { now, counters } = this.#context;
    const lastMs = this.#pulledAtMs.get(peer) ?? -Infinity;
    if (this.#pulling.has(peer) || now.monoMs - lastMs < pullIntervalMs) return false;
    if (this.#pulledAtMs.size >= pulledPeersMax) this.#pulledAtMs.clear();
    this.#pulledAtMs.set(peer, now.monoMs);
    const owners = this.#sortedOwners();
    this.#pulling.set(peer, { exchange, owners, until: undefined, after: undefined });
    counters.add('pulls_started');
    this.#pullNext(peer, undefined);
    return true;
  }

  /** No page is awaited from a peer any more. */
  stop(peer: OwnerId): void {
    this.#pulling.delete(peer);
  }

  /** Gives up what a peer that is gone was asked for, or asked. */
  forget(peer: OwnerId): void {
    // What broke off with its link goes on with the next.
    if (this.#pulling.delete(peer)) this.#pulledAtMs.delete(peer);
    this.#serving.delete(peer);
  }

  onPull(peer: OwnerId, pull: Pull): void {
    const { now, counters } = this.#context;
    for (const [other, { lastAtMs }] of this.#serving)
      if (now.monoMs - lastAtMs > servingTimeoutMs) this.#serving.delete(other);
    // A first pull begins anew: the list may have grown since.
    const known = pull.after === undefined ? undefined : this.#serving.get(peer);
    if (known === undefined && !this.#serving.has(peer) && this.#serving.size >= servedMax) {
      counters.add('pulls_refused');
      return this.#send(peer, { kind: 'busy', exchange: pull.exchange });
    }
    const serving = known ?? { owners: this.#sortedOwners(), lastAtMs: now.monoMs };
    serving.lastAtMs = now.monoMs;
    this.#serving.set(peer, serving);
    const page = this.#page(peer, pull, serving.owners);
    counters.add('pages_served');
    this.#send(peer, page);
    if (page.next === undefined) this.#serving.delete(peer);
  }

  onPage(peer: OwnerId, page: Page): void {
    const { registry, counters } = this.#context;
    const pulling = this.#pulling.get(peer);
    if (pulling === undefined || pulling.exchange !== page.exchange) {
      counters.add('answers_unasked');
      return;
    }
    const unpacked = unpackDeltas(page.packed);
    if (unpacked.kind === 'refused' || !isForward(page.next, pulling)) {
      const reason = unpacked.kind === 'refused' ? unpacked.reason : 'MALFORMED';
      registry.refusals.add(reason);
      this.#fail(peer);
      return this.#hooks.refused(peer, reason);
    }
    counters.add('pages_taken');
    for (const delta of unpacked.value) this.#hooks.take(peer, delta);
    this.#hooks.give(peer, page.want);
    this.#hooks.progressed(peer);
    if (page.next !== undefined) return this.#pullNext(peer, page.next);
    this.#pulling.delete(peer);
    this.#hooks.pulled(peer);
  }

  onBusy(peer: OwnerId): void {
    if (!this.#pulling.has(peer)) return;
    // It did not serve us: another time is soon enough.
    this.#pulledAtMs.delete(peer);
    this.#fail(peer);
  }

  #fail(peer: OwnerId): void {
    this.#pulling.delete(peer);
    this.#hooks.failed(peer);
  }

  #pullNext(peer: OwnerId, after: OwnerId | undefined): void {
    const pulling = this.#pulling.get(peer) as Pulling;
    const rest = after === undefined ? 0 : indexAfter(pulling.owners, after);
    const told = pulling.owners.slice(rest, rest + heldMax);
    const isRest = rest + heldMax >= pulling.owners.length;
    pulling.after = after;
    pulling.until = isRest ? undefined : told.at(-1);
    const held: Version[] = [];
    for (const owner of told) {
      const state = this.#context.registry.state(owner);
      if (state === undefined) continue;
      held.push({ prefix: prefixOf(owner), lastUpdate: state.head.head.lastUpdate });
    }
    const { exchange, until } = pulling;
    this.#send(peer, { kind: 'pull', exchange, after, until, held });
  }

  /** What is newer than `held` in the range, up to the size of a page. */
  #page(peer: OwnerId, pull: Pull, owners: readonly OwnerId[]): Page {
    const { registry } = this.#context;
    const held = new Map(pull.held.map((version) => [prefixKey(version.prefix), version]));
    const [deltas, want]: [Delta[], Version[]] = [[], []];
    let bytes = 0;
    let index = pull.after === undefined ? 0 : indexAfter(owners, pull.after);
    let next = pull.until;
    for (; index < owners.length; index++) {
      const owner = owners[index] as OwnerId;
      if (pull.until !== undefined && owner > pull.until) break;
      const state = registry.state(owner);
      const prefix = prefixOf(owner);
      const theirs = held.get(prefixKey(prefix))?.lastUpdate ?? 0;
      held.delete(prefixKey(prefix));
      if (state === undefined) continue;
      const { lastUpdate } = state.head.head;
      if (theirs > lastUpdate) want.push({ prefix, lastUpdate });
      if (!this.#isWorthTelling(lastUpdate)) continue;
      const found = deltasOf(state, theirs);
      // An owner that fills frames of its own goes ahead of the page.
      if (found.length > 1) for (const delta of found) this.#send(peer, delta);
      else deltas.push(...found);
      bytes += bytesOf(found);
      if (bytes < pageBytes) continue;
      next = index + 1 < owners.length || pull.until !== undefined ? owner : undefined;
      break;
    }
    for (const { prefix, lastUpdate } of held.values()) {
      if (next !== undefined && comparePrefixes(prefix, prefixOf(next)) > 0) continue;
      if (!this.#isWorthTelling(lastUpdate)) continue;
      if (this.#hooks.ownersOf(prefix).length === 0) want.push({ prefix, lastUpdate: 0 });
    }
    const packed = packDeltas(deltas);
    return { kind: 'page', exchange: pull.exchange, packed, next, want };
  }

  /** Heads that are about to expire would only be refused. */
  #isWorthTelling(lastUpdate: number): boolean {
    const { config, now } = this.#context;
    const horizonMs = config.reapAfterMs - 2 * config.clockAheadMs;
    return lastUpdate >= now.wallMicros - horizonMs * 1000;
  }

  /**
   * Text order of owners is the order of their keys: all are equally long, in base58. Sorted anew
   * only after somebody came or went: whoever begins pull after pull does not have it done.
   */
  #sortedOwners(): readonly OwnerId[] {
    const { registry } = this.#context;
    if (this.#sortedAt !== registry.membersRevision) {
      this.#sorted = Array.from(registry.owners(), ([owner]) => owner).sort();
      this.#sortedAt = registry.membersRevision;
    }
    return this.#sorted;
  }

  #send(peer: OwnerId, frame: Frame): void {
    this.#context.emit({ kind: 'send', peer, bytes: encodeFrame(frame) });
  }
}

/** Whether a page goes on from the one before, and not past what was told for it. */
function isForward(next: OwnerId | undefined, { after, until }: Pulling): boolean {
  if (next === undefined) return until === undefined;
  return next > (after ?? '') && (until === undefined || next <= until);
}

/** Index of the first owner above `after` in a sorted list. */
function indexAfter(owners: readonly OwnerId[], after: OwnerId): number {
  let [low, high] = [0, owners.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((owners[middle] as OwnerId) > after) high = middle;
    else low = middle + 1;
  }
  return low;
}
