/**
 * SettledHeads: the heads that this node compares with others, as a sketch that is kept up to date
 * with every change instead of being made for each exchange.
 *
 *   registry's feed ─▶ unsettled (500 ms) ─▶ settled ─▶ sketch: set hash, coded symbols, estimator
 *
 * A head counts only once it has been held for the settle time: news is under way as a rumor, and
 * busy clusters would never be equal otherwise. Heads that are about to expire are left out, since
 * they would only be refused; they keep their names, so that nobody is asked for them.
 *
 * Accusations against an owner are compared along with its head, and not without it.
 */
import { ForkableMap } from '../base/forkable-map.ts';
import { sha256 } from '../record/hash.ts';
import type { Hash } from '../record/hash.ts';
import type { SealedHead } from '../record/head.ts';
import type { OwnerId } from '../record/owner.ts';
import type { Registry } from '../registry/registry.ts';
import { elementKey, elementKeyBytes, elementOf, idKey } from './element.ts';
import type { ElementKey, Id } from './element.ts';
import { Sketch } from './sketch.ts';
import { prefixKey, prefixOf } from './version.ts';
import type { Prefix } from './version.ts';

export const settleMs = 500;

/** A head, or that there is none any more, since when. */
interface News {
  readonly head: SealedHead | undefined;
  readonly atMs: number;
}

interface Unsettled {
  /** Settles next. */
  readonly first: News;
  /** The newest since; those between are of no interest. */
  last: News | undefined;
}

export class SettledHeads {
  /** What others are compared with. */
  readonly sketch: Sketch;
  readonly #cluster: string;
  readonly #key: ElementKey;
  readonly #settled: ForkableMap<OwnerId, SealedHead>;
  /** Settled, and too old to be compared. */
  readonly #leftOut: ForkableMap<OwnerId, SealedHead>;
  /** By the name of their settled head's element, compared or left out. */
  readonly #named: ForkableMap<number, OwnerId>;
  readonly #prefixes: ForkableMap<number, readonly OwnerId[]>;
  /** Hashes of accusations by the name of their element, and these names by whom they accuse. */
  readonly #accusations: Map<number, Hash>;
  readonly #accused: Map<OwnerId, ReadonlySet<number>>;
  /** Read up to here; NaN before the first time. */
  #cursor: number;
  /** Longest unsettled first. */
  readonly #unsettled = new Map<OwnerId, Unsettled>();
  #swept = -Infinity;
  /** No head that is compared is older, µs: before that is too old, none is. */
  #oldest = -Infinity;

  /**
   * @param symbolsMax coded symbols that are kept
   * @param start where to start from: another's heads, and a registry that is a fork of its own
   */
  constructor(
    cluster: string,
    symbolsMax: number,
    start?: { readonly origin: SettledHeads; readonly registry: Registry },
  ) {
    this.#cluster = cluster;
    this.#key = elementKey(sha256('disco/v1/element', cluster).subarray(0, elementKeyBytes));
    const origin = start?.origin;
    this.sketch = origin?.sketch.fork() ?? new Sketch(symbolsMax);
    this.#settled = origin === undefined ? new ForkableMap() : origin.#settled.fork();
    this.#leftOut = origin === undefined ? new ForkableMap() : origin.#leftOut.fork();
    this.#named = origin === undefined ? new ForkableMap() : origin.#named.fork();
    this.#prefixes = origin === undefined ? new ForkableMap() : origin.#prefixes.fork();
    const unsettled = origin === undefined ? [] : origin.#unsettled;
    for (const [owner, news] of unsettled) this.#unsettled.set(owner, { ...news });
    this.#accusations = new Map(origin === undefined ? [] : origin.#accusations);
    this.#accused = new Map(origin === undefined ? [] : origin.#accused);
    this.#oldest = origin === undefined ? -Infinity : origin.#oldest;
    this.#cursor = start?.registry.feed.revision ?? NaN;
  }

  /**
   * Hears what changed since the last time. To be called at every step that may have changed
   * something, since a head's age counts from here.
   */
  follow(registry: Registry, nowMs: number): void {
    const { feed } = registry;
    while (this.#cursor !== feed.revision) {
      const answer = feed.read(this.#cursor);
      if (answer.kind === 'lost') return this.#readAll(registry, nowMs);
      for (const { owner } of answer.changes) this.#note(owner, registry.state(owner)?.head, nowMs);
      this.#cursor = answer.revision;
    }
  }

  /**
   * Takes in what has settled, and leaves out what is older than `earliest` (µs), which may also
   * go back with the clock.
   *
   * @param sweepMs how often all heads are looked at for their age
   * @param ageMs how long a head has been held once it has settled
   */
  settle(nowMs: number, earliest: number, sweepMs: number, ageMs = settleMs): void {
    for (const [owner, { first, last }] of this.#unsettled) {
      if (first.atMs > nowMs - ageMs) break;
      this.#unsettled.delete(owner);
      this.#replace(owner, first.head, earliest);
      if (first.head === undefined && last === undefined) this.#forgetPrefix(owner);
      if (last !== undefined) this.#unsettled.set(owner, { first: last, last: undefined });
    }
    if (nowMs < this.#swept + sweepMs) return;
    this.#swept = nowMs;
    if (this.#oldest < earliest) this.#leaveOut(earliest);
    if (this.#leftOut.size === 0) return;
    for (const [owner, sealed] of this.#leftOut)
      if (sealed.head.lastUpdate >= earliest) this.#replace(owner, sealed, earliest);
  }

  /** A look at all of them, so only when one may be too old. */
  #leaveOut(earliest: number): void {
    let oldest = Infinity;
    for (const [owner, sealed] of this.#settled) {
      const { lastUpdate } = sealed.head;
      if (lastUpdate < earliest) this.#replace(owner, sealed, earliest);
      else oldest = Math.min(oldest, lastUpdate);
    }
    this.#oldest = oldest;
  }

  /** Owners whose key begins so: of one held head each, nearly always one. */
  ownersOf(prefix: Prefix): readonly OwnerId[] {
    return this.#prefixes.get(prefixKey(prefix)) ?? [];
  }

  /** An accusation came to be held, or is no more. @param hash of its body */
  noteAccusation(subject: OwnerId, hash: Hash, isHeld: boolean): void {
    const element = elementOf(hash, this.#key);
    const name = idKey(element.lo, element.hi);
    if (this.#accusations.has(name) === isHeld) return;
    const names = new Set(this.#accused.get(subject));
    if (isHeld) names.add(name);
    else names.delete(name);
    if (isHeld) this.#accusations.set(name, hash);
    else this.#accusations.delete(name);
    if (names.size > 0) this.#accused.set(subject, names);
    else this.#accused.delete(subject);
    if (!this.#settled.has(subject)) return;
    if (isHeld) this.sketch.add(element);
    else this.sketch.remove(element);
  }

  /** Hash of the held accusation whose element this is. */
  accusationNamed({ lo, hi }: Id): Hash | undefined {
    return this.#accusations.get(idKey(lo, hi));
  }

  /** The owner of whom an element speaks, when its head is held and settled. */
  ownerNamed({ lo, hi }: Id): OwnerId | undefined {
    return this.#named.get(idKey(lo, hi));
  }

  /** Whether that very head is in the sketch, so that a peer's answer takes it into account. */
  isCompared(head: SealedHead): boolean {
    return this.#settled.get(head.head.owner) === head;
  }

  /** Of the heads that elements name, those that are not held, settled or not. */
  lacking(ids: readonly Id[]): Id[] {
    const unnamed = ids.filter(
      (id) => this.ownerNamed(id) === undefined && this.accusationNamed(id) === undefined,
    );
    if (unnamed.length === 0) return unnamed;
    const unsettled = new Set<number>();
    for (const { first, last } of this.#unsettled.values())
      for (const news of [first, last])
        if (news?.head !== undefined) unsettled.add(this.nameOf(news.head));
    return unnamed.filter(({ lo, hi }) => !unsettled.has(idKey(lo, hi)));
  }

  /** The name of a head's element, as `idKey` has it. */
  nameOf({ hash }: Pick<SealedHead, 'hash'>): number {
    const { lo, hi } = elementOf(hash, this.#key);
    return idKey(lo, hi);
  }

  /** The settled heads under another key: the whole work anew, so only now and then. */
  salted(salt: Uint8Array, symbols: number): Sketch {
    const sketch = new Sketch(symbols);
    const key = elementKey(salt);
    for (const [owner, { hash }] of this.#settled) {
      sketch.add(elementOf(hash, key));
      for (const accusation of this.#accusationsOf(owner)) sketch.add(elementOf(accusation, key));
    }
    return sketch;
  }

  /** For a registry that is a fork of the one followed here: starts where this one is, in O(1). */
  fork(registry: Registry): SettledHeads {
    return new SettledHeads(this.#cluster, this.sketch.symbolsMax, { origin: this, registry });
  }

  /** After the feed lost its beginning, and at the start: then all there is has settled. */
  #readAll(registry: Registry, nowMs: number): void {
    const atMs = Number.isNaN(this.#cursor) ? -Infinity : nowMs;
    for (const owners of this.#prefixes.values())
      for (const owner of owners)
        if (registry.state(owner) === undefined) this.#note(owner, undefined, atMs);
    for (const [owner, { head }] of registry.owners()) this.#note(owner, head, atMs);
    this.#cursor = registry.feed.revision;
  }

  #note(owner: OwnerId, head: SealedHead | undefined, atMs: number): void {
    const unsettled = this.#unsettled.get(owner);
    const newest = unsettled?.last ?? unsettled?.first;
    const settled = this.#settled.get(owner) ?? this.#leftOut.get(owner);
    if ((newest === undefined ? settled : newest.head) === head) return;
    if (unsettled === undefined) {
      this.#unsettled.set(owner, { first: { head, atMs }, last: undefined });
      this.#notePrefix(owner);
    } else unsettled.last = { head, atMs };
  }

  #notePrefix(owner: OwnerId): void {
    const key = prefixKey(prefixOf(owner));
    const owners = this.#prefixes.get(key) ?? [];
    if (!owners.includes(owner)) this.#prefixes.set(key, [...owners, owner]);
  }

  #replace(owner: OwnerId, head: SealedHead | undefined, earliest: number): void {
    const compared = this.#settled.get(owner);
    const old = compared ?? this.#leftOut.get(owner);
    if (compared !== undefined) {
      this.sketch.remove(elementOf(compared.hash, this.#key));
      for (const hash of this.#accusationsOf(owner)) this.sketch.remove(elementOf(hash, this.#key));
    }
    if (old !== undefined) this.#named.delete(this.nameOf(old));
    this.#settled.delete(owner);
    this.#leftOut.delete(owner);
    if (head === undefined) return;
    this.#named.set(this.nameOf(head), owner);
    const isOld = head.head.lastUpdate < earliest;
    (isOld ? this.#leftOut : this.#settled).set(owner, head);
    if (isOld) return;
    this.#oldest = Math.min(this.#oldest, head.head.lastUpdate);
    this.sketch.add(elementOf(head.hash, this.#key));
    for (const hash of this.#accusationsOf(owner)) this.sketch.add(elementOf(hash, this.#key));
  }

  *#accusationsOf(owner: OwnerId): Generator<Hash> {
    for (const name of this.#accused.get(owner) ?? []) yield this.#accusations.get(name) as Hash;
  }

  /** Of an owner that is held no more nothing stays. */
  #forgetPrefix(owner: OwnerId): void {
    const key = prefixKey(prefixOf(owner));
    const others = (this.#prefixes.get(key) ?? []).filter((other) => other !== owner);
    if (others.length === 0) this.#prefixes.delete(key);
    else this.#prefixes.set(key, others);
  }
}
