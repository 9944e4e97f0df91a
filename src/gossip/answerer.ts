/**
 * Answerer: the half of an exchange that compares a peer's digest with what is held here.
 *
 *   digest ─▶ equal: same │ decodes: difference │ counts far apart: beyond, or pull ourselves
 *        └──▶ else: more symbols, until they decode
 */
import type { OwnerId } from '../record/owner.ts';
import type { RefusalReason } from '../record/verdict.ts';
import { equalBytes } from '../record/hash.ts';
import type { Hash } from '../record/hash.ts';
import type { Sealed } from '../record/head.ts';
import type { GossipContext } from './context.ts';
import { countOf, digestSymbols, openDigest } from './digest.ts';
import type { Digest } from './digest.ts';
import { idBytes, idKey, writeId } from './element.ts';
import type { Id } from './element.ts';
import { encodeFrame } from './message.ts';
import type { Frame } from './frame.ts';
import type { SettledHeads } from './settled-heads.ts';
import { symbolBytes } from './sketch.ts';
import { decodeDifference } from './sketch-decoder.ts';
import { prefixOf } from './version.ts';
import type { Version } from './version.ts';
import type { Wants } from './wants.ts';

/** A salted comparison is the whole work anew: one a peer and minute. */
const saltedIntervalMs = 60_000;
/** A batch of symbols is at least the so-many-th part of all that came before it. */
const batchShare = 10;
const noSymbols = new Uint8Array(0);

interface Answering {
  exchange: number;
  /** All symbols of this exchange so far; undefined while none were asked for. */
  symbols: Uint8Array | undefined;
  saltedAtMs: number;
}

export interface AnswererHooks {
  /** An honest digest tells its sender's wall clock, µs. */
  heardTime(peer: OwnerId, time: number): void;
  refused(peer: OwnerId, reason: RefusalReason): void;
  /** Which of the heads that a peer names it is asked for. */
  readonly wants: Wants;
  /** The peer holds far more than we do. */
  pull(peer: OwnerId): void;
  /** The accusation with that hash, if it is still held. */
  accusation(hash: Hash): Sealed | undefined;
}

export class Answerer {
  readonly #context: GossipContext;
  readonly #heads: SettledHeads;
  readonly #hooks: AnswererHooks;
  /** By linked peer. */
  readonly #answering = new Map<OwnerId, Answering>();

  constructor(context: GossipContext, heads: SettledHeads, hooks: AnswererHooks) {
    this.#context = context;
    this.#heads = heads;
    this.#hooks = hooks;
  }

  /** Whether a peer has asked before on this link. */
  knows(peer: OwnerId): boolean {
    return this.#answering.has(peer);
  }

  forget(peer: OwnerId): void {
    this.#answering.delete(peer);
  }

  onDigest(peer: OwnerId, { sealed }: Extract<Frame, { kind: 'digest' }>): void {
    const { identity, verifier, counters } = this.#context;
    const opened = openDigest(sealed, peer, identity.cluster, verifier);
    if (opened.kind === 'refused') return this.#refuse(peer, opened.reason);
    counters.add('exchanges_answered');
    this.#hooks.heardTime(peer, opened.value.time);
    this.#compare(peer, opened.value);
  }

  onSymbols(peer: OwnerId, frame: Extract<Frame, { kind: 'symbols' }>): void {
    const answering = this.#answering.get(peer);
    if (answering?.exchange !== frame.exchange || answering.symbols === undefined)
      return this.#context.counters.add('answers_unasked');
    const { exchange } = frame;
    const known = answering.symbols;
    const before = known.subarray(0, frame.first * symbolBytes);
    const symbols = Buffer.concat([before, frame.symbols]);
    const isTooLong = symbols.length > this.#heads.sketch.symbolsMax * symbolBytes;
    answering.symbols = undefined;
    // Each answer costs a decoding of all symbols, so each has to bring its share.
    const isTrickle = (symbols.length - known.length) * batchShare < known.length;
    if (isTrickle) return this.#refuse(peer, 'MALFORMED');
    if (isTooLong) return this.#send(peer, { kind: 'beyond', exchange });
    if (this.#decode(peer, exchange, symbols, () => noSymbols)) answering.symbols = symbols;
  }

  #compare(peer: OwnerId, digest: Digest): void {
    const { exchange, salt, symbols } = digest;
    const answering = this.#begin(peer, exchange);
    if (salt !== undefined && !this.#maySalt(answering))
      return this.#send(peer, { kind: 'busy', exchange });
    const sketch =
      salt === undefined ? this.#heads.sketch : this.#heads.salted(salt, digestSymbols);
    if (equalBytes(sketch.setHash(), digest.setHash)) return this.#send(peer, { kind: 'same' });
    this.#context.counters.add('exchanges_unequal');
    // Under a salt nothing is named as it is here; versions tell what differs.
    if (salt !== undefined) return this.#send(peer, { kind: 'beyond', exchange });
    const surplus = countOf(digest) - sketch.count;
    if (Math.abs(surplus) <= sketch.symbolsMax / 2) {
      const isOpen = this.#decode(peer, exchange, symbols, () => sketch.estimator());
      if (isOpen) answering.symbols = symbols;
      return;
    }
    // Whoever holds less pulls.
    if (surplus < 0) return this.#send(peer, { kind: 'beyond', exchange });
    this.#send(peer, { kind: 'busy', exchange });
    this.#hooks.pull(peer);
  }

  #refuse(peer: OwnerId, reason: RefusalReason): void {
    this.#context.registry.refusals.add(reason);
    this.#hooks.refused(peer, reason);
  }

  #begin(peer: OwnerId, exchange: number): Answering {
    const before = this.#answering.get(peer);
    const saltedAtMs = before?.saltedAtMs ?? -Infinity;
    const answering: Answering = { exchange, symbols: undefined, saltedAtMs };
    this.#answering.set(peer, answering);
    return answering;
  }

  #maySalt(answering: Answering): boolean {
    const { monoMs } = this.#context.now;
    if (monoMs - answering.saltedAtMs < saltedIntervalMs) return false;
    answering.saltedAtMs = monoMs;
    return true;
  }

  /**
   * @param estimator makes what is sent along when more symbols are needed
   * @returns whether they are
   */
  #decode(
    peer: OwnerId,
    exchange: number,
    symbols: Uint8Array,
    estimator: () => Uint8Array,
  ): boolean {
    const difference = decodeDifference(this.#heads.sketch, symbols);
    switch (difference.kind) {
      case 'malformed':
        this.#refuse(peer, 'MALFORMED');
        return false;
      case 'undecided':
        this.#send(peer, { kind: 'moreSymbols', exchange, estimator: estimator() });
        return true;
      case 'decoded':
        this.#context.counters.add('differences_decoded');
        for (const id of difference.mine) this.tellAccusation(peer, id);
        this.#send(peer, {
          kind: 'difference',
          exchange,
          want: this.#lacking(peer, difference.theirs),
          have: this.#versions(difference.mine, difference.theirs),
        });
        return false;
    }
  }

  /** Tells a peer of an accusation that it lacks, if an id is one's. */
  tellAccusation(peer: OwnerId, id: Id): void {
    const hash = this.#heads.accusationNamed(id);
    const sealed = hash && this.#hooks.accusation(hash);
    if (sealed === undefined) return;
    const { body, signature } = sealed;
    this.#send(peer, { kind: 'accusation', sealed: { body, signature } });
  }

  /** What is on its way here already, held and not settled, or turned away, is not asked for. */
  #lacking(peer: OwnerId, ids: readonly Id[]): Uint8Array {
    const lacking = this.#hooks.wants.named(peer, ids);
    const bytes = new Uint8Array(lacking.length * idBytes);
    lacking.forEach((id, index) => writeId(id, bytes, index * idBytes));
    return bytes;
  }

  /** Our newest of each owner, unless it is what the peer named: ours has not settled yet then. */
  #versions(ids: readonly Id[], theirs: readonly Id[]): Version[] {
    const named = new Set(theirs.map(({ lo, hi }) => idKey(lo, hi)));
    const versions: Version[] = [];
    for (const id of ids) {
      const owner = this.#heads.ownerNamed(id);
      const head = owner === undefined ? undefined : this.#context.registry.state(owner)?.head;
      if (owner === undefined || head === undefined || named.has(this.#heads.nameOf(head)))
        continue;
      versions.push({ prefix: prefixOf(owner), lastUpdate: head.head.lastUpdate });
    }
    return versions;
  }

  #send(peer: OwnerId, frame: Frame): void {
    this.#context.emit({ kind: 'send', peer, bytes: encodeFrame(frame) });
  }
}
