/**
 * Wants: what of all that a peer shows this node asks it for.
 *
 * What was refused for a bound would come again in every exchange, up to 16 MiB of it, for as long
 * as the bound stands: it is asked for once a minute. That is remembered by the peer that sent it,
 * so that whoever tells a made-up or swollen copy keeps nobody from telling the true one.
 */
import { sha256 } from '../record/hash.ts';
import type { Sealed, SealedHead } from '../record/head.ts';
import type { OwnerId } from '../record/owner.ts';
import type { RefusalReason } from '../record/verdict.ts';
import type { GossipContext } from './context.ts';
import { idKey } from './element.ts';
import type { Id } from './element.ts';
import { claimOf } from './rumor.ts';
import type { SettledHeads } from './settled-heads.ts';
import { prefixKey, prefixOf } from './version.ts';
import type { Prefix, Version } from './version.ts';

export const turnedAwayMs = 60_000;
/** Heads of all peers that are remembered; over it the oldest is asked for again. */
export const turnedAwayMax = 10_000;

/** What another node may take, or this one later. */
const boundReasons: ReadonlySet<RefusalReason> = new Set([
  'HEAD_TOO_LARGE',
  'RECORD_TOO_LARGE',
  'TOO_MANY_HEADS',
  'TOO_MANY_RECORDS',
]);

interface TurnedAway {
  readonly untilMs: number;
  /** The other name under which a peer may show it; undefined: it has none. */
  readonly version: string | undefined;
}

export class Wants {
  readonly #context: GossipContext;
  readonly #heads: SettledHeads;
  /** By peer and name of the head's element, the oldest first. */
  readonly #turnedAway = new Map<string, TurnedAway>();
  /** Their versions. */
  readonly #versions = new Set<string>();

  constructor(context: GossipContext, heads: SettledHeads) {
    this.#context = context;
    this.#heads = heads;
  }

  /** Heads that are remembered as turned away. */
  get size(): number {
    return this.#turnedAway.size;
  }

  /** A peer's delta under this head was refused. */
  refused(peer: OwnerId, head: Sealed, reason: RefusalReason): void {
    if (!boundReasons.has(reason)) return;
    const name = `${peer} ${this.#heads.nameOf({ hash: sha256(head.body) })}`;
    const claim = claimOf(head);
    const version = claim && versionText(peer, prefixOf(claim.owner), claim.lastUpdate);
    this.#forget(name);
    this.#turnedAway.set(name, { untilMs: this.#context.now.monoMs + turnedAwayMs, version });
    if (version !== undefined) this.#versions.add(version);
    const [oldest] = this.#turnedAway.keys();
    if (this.#turnedAway.size > turnedAwayMax && oldest !== undefined) this.#forget(oldest);
  }

  /** Of the heads that elements name, those to ask this peer for. */
  named(peer: OwnerId, ids: readonly Id[]): Id[] {
    this.#forgetOld();
    const lacking = this.#heads.lacking(ids);
    if (this.#turnedAway.size === 0) return lacking;
    return lacking.filter(({ lo, hi }) => !this.#turnedAway.has(`${peer} ${idKey(lo, hi)}`));
  }

  /** The version to ask from for what leads to a peer's head; undefined: we need nothing of it. */
  from(peer: OwnerId, { prefix, lastUpdate }: Version): number | undefined {
    this.#forgetOld();
    if (this.#versions.has(versionText(peer, prefix, lastUpdate))) return undefined;
    const owners = this.#heads.ownersOf(prefix);
    if (owners.length === 0) return 0;
    let from: number | undefined;
    for (const owner of owners) {
      const head = this.#context.registry.state(owner)?.head;
      const held = head?.head.lastUpdate ?? 0;
      if (held > lastUpdate) continue;
      const own = head && held === lastUpdate ? this.leadsFrom(held, head) : held;
      if (own !== undefined) from = Math.min(from ?? own, own);
    }
    return from;
  }

  /** The version from which our head is told to who holds `theirs`; undefined: not at all. */
  // Two heads with one number lead to each other by no delta, so from 0; but one that the digest
  // did not tell of yet is simply held by both.
  leadsFrom(theirs: number, head: SealedHead): number | undefined {
    const { lastUpdate } = head.head;
    if (theirs !== lastUpdate) return theirs < lastUpdate ? theirs : undefined;
    return this.#heads.isCompared(head) ? 0 : undefined;
  }

  #forgetOld(): void {
    for (const [name, { untilMs }] of this.#turnedAway) {
      if (untilMs > this.#context.now.monoMs) return;
      this.#forget(name);
    }
  }

  #forget(name: string): void {
    const version = this.#turnedAway.get(name)?.version;
    if (version !== undefined) this.#versions.delete(version);
    this.#turnedAway.delete(name);
  }
}

function versionText(peer: OwnerId, prefix: Prefix, lastUpdate: number): string {
  return `${peer} ${prefixKey(prefix)} ${lastUpdate}`;
}
