/**
 * Reconcile: the exchange of digests that repairs whatever rumors lost.
 *
 *   asker                              answerer
 *     │ ── digest ──────────────────────▶ │   set hash, four coded symbols
 *     │ ◀───────────────────────── same ── │   equal: four bytes
 *     │ ◀─────────────────── difference ── │   decoded: {want, have}
 *     │ ── delta*, want ────────────────▶ │
 *     │ ◀───────────────── delta*, done ── │
 *
 * When four symbols do not decode, the answerer sends its estimator and the asker as many symbols
 * as that suggests, until they do: two round trips however large the difference. Beyond what
 * symbols are worth, whoever holds less pulls a snapshot (snapshot.ts).
 *
 * Both end with the larger heads. A `want` numbered 0 is outside any exchange.
 */
import type { Sealed } from '../record/head.ts';
import type { OwnerId } from '../record/owner.ts';
import type { ReceiveVerdict } from '../registry/registry.ts';
import type { RefusalReason } from '../record/verdict.ts';
import { Answerer } from './answerer.ts';
import type { AnswererHooks } from './answerer.ts';
import type { GossipContext } from './context.ts';
import { bytesOf, deltasOf } from './delta.ts';
import { digestSymbols, sealDigest } from './digest.ts';
import { idBytes, readId } from './element.ts';
import { encodeFrame } from './message.ts';
import type { Delta, ExchangeFrame, Frame } from './frame.ts';
import type { Rumors } from './rumor.ts';
import { Salts } from './salts.ts';
import { settleMs } from './settled-heads.ts';
import type { SettledHeads } from './settled-heads.ts';
import { symbolBytes } from './sketch.ts';
import { Snapshots } from './snapshot.ts';
import { Staging } from './staging.ts';
import { SymbolStream } from './symbol-stream.ts';
import { prefixKey, prefixOf } from './version.ts';
import type { Version } from './version.ts';
import { Wants } from './wants.ts';

/** An exchange that made no progress for so long is given up. */
const exchangeTimeoutMs = 10_000;
/** Head and record bytes after which an answer says `more`; one owner is never cut. */
const budgetBytes = 2 * 1024 * 1024;

interface Asked {
  readonly id: number;
  /** Monotonic ms of the last answer. */
  progressAtMs: number;
  readonly changed: Set<OwnerId>;
  readonly isSalted: boolean;
  /** Of the sketch from which the digest was made. */
  readonly revision: number;
  /** Since more symbols were asked for. */
  stream: SymbolStream | undefined;
}

export interface ReconcileHooks extends Pick<AnswererHooks, 'heardTime' | 'accusation'> {
  /** Merges what came, at the pace that is taken of one owner. */
  readonly merge: Rumors['merge'];
  /** A repair moved an owner on from version `before`. */
  repaired(owner: OwnerId, before: number, peer: OwnerId): void;
  /** Our own head from an earlier life came back. */
  own(peer: OwnerId, verdict: Extract<ReceiveVerdict, { kind: 'own' }>): void;
  /** This node now holds all that the peer held when it was asked. */
  completed(peer: OwnerId): void;
  /** What a peer sent was refused, and is counted; `head` when it was that of a delta. */
  refused(peer: OwnerId, reason: RefusalReason, head?: Sealed): void;
  /** A digest was sent. */
  asked(peer: OwnerId): void;
}

export interface ReconcileOptions {
  readonly bytesPerOwnerMax: number;
  /** From which all digests are made. */
  readonly heads: SettledHeads;
}

export class Reconciler {
  readonly heads: SettledHeads;
  readonly #context: GossipContext;
  readonly #hooks: ReconcileHooks;
  readonly #staging: Staging;
  readonly #answerer: Answerer;
  readonly #snapshots: Snapshots;
  readonly #salts: Salts;
  readonly #wants: Wants;
  readonly #asked = new Map<OwnerId, Asked>();
  #lastId = 0;

  constructor(context: GossipContext, options: ReconcileOptions, hooks: ReconcileHooks) {
    this.#context = context;
    this.#hooks = hooks;
    this.heads = options.heads;
    this.#salts = new Salts(context.random);
    this.#staging = new Staging(options.bytesPerOwnerMax, context.counters);
    this.#snapshots = new Snapshots(context, {
      take: (peer, delta) => this.onDelta(peer, delta),
      give: (peer, wanted) => void this.#give(peer, wanted),
      ownersOf: (prefix) => this.heads.ownersOf(prefix),
      progressed: (peer) => this.#progressed(peer),
      pulled: (peer) => this.#end(peer, true),
      refused: (peer, reason) => hooks.refused(peer, reason),
      failed: (peer) => this.#end(peer, false),
    });
    this.#wants = new Wants(context, this.heads);
    this.#answerer = new Answerer(context, this.heads, {
      ...hooks,
      wants: this.#wants,
      pull: (peer) => this.#pull(peer),
    });
  }

  /** Starts an exchange with a peer, or joins the one that is under way. */
  start(peer: OwnerId): void {
    const asked = this.#asked.get(peer);
    if (asked === undefined) return this.#askDigest(peer, undefined);
    this.#tellStarted(peer, asked.id);
  }

  #askDigest(peer: OwnerId, salt: Uint8Array | undefined): void {
    const { identity, now, counters } = this.#context;
    const exchange = this.#begin(peer, salt !== undefined);
    const sketch = salt === undefined ? this.heads.sketch : this.heads.salted(salt, digestSymbols);
    const digest = {
      time: now.wallMicros,
      exchange,
      setHash: sketch.setHash(),
      symbols: sketch.symbols(0, digestSymbols),
      salt,
    };
    const sealed = sealDigest(digest, identity.cluster, identity.signer);
    this.#send(peer, { kind: 'digest', sealed });
    this.#hooks.asked(peer);
    counters.add('exchanges_started');
  }

  /** Asks a peer for one owner's records above what is held, outside any exchange. */
  ask(peer: OwnerId, owner: OwnerId, whole = false): void {
    const held = this.#context.registry.state(owner)?.head.head.lastUpdate ?? 0;
    const owners = [{ prefix: prefixOf(owner), lastUpdate: whole ? 0 : held }];
    this.#send(peer, { kind: 'want', exchange: 0, owners });
    this.#context.counters.add(whole ? 'asked_whole' : 'asked_delta');
  }

  isAsking(peer: OwnerId): boolean {
    return this.#asked.has(peer);
  }

  /** Hears what the step before changed, so that a head's age counts from when it came. */
  follow(): void {
    this.heads.follow(this.#context.registry, this.#context.now.monoMs);
  }

  /** Gives up what was never answered. */
  tick(): void {
    const oldest = this.#context.now.monoMs - exchangeTimeoutMs;
    for (const [peer, { progressAtMs }] of this.#asked)
      if (progressAtMs < oldest) this.#end(peer, false);
  }

  unlinked(peer: OwnerId): void {
    this.#staging.forget(peer);
    this.#answerer.forget(peer);
    this.#snapshots.forget(peer);
    this.#end(peer, false);
  }

  /** Any frame of an exchange. */
  on(peer: OwnerId, frame: ExchangeFrame): void {
    switch (frame.kind) {
      case 'digest':
        // Who asks for the first time may have missed the rumors of what is still unsettled.
        this.#settle(this.#answerer.knows(peer) ? settleMs : 0);
        return this.#answerer.onDigest(peer, frame);
      case 'symbols':
        this.#settle();
        return this.#answerer.onSymbols(peer, frame);
      case 'same':
        return this.#onSame(peer);
      case 'moreSymbols':
        return this.#onMoreSymbols(peer, frame);
      case 'difference':
        return this.#onDifference(peer, frame);
      case 'want':
        return this.#onWant(peer, frame);
      case 'done':
        return this.#onDone(peer, frame);
      case 'delta':
        return this.onDelta(peer, frame);
      case 'beyond':
        if (this.#current(peer, frame.exchange) !== undefined) this.#pullInstead(peer);
        return;
      case 'pull':
        return this.#snapshots.onPull(peer, frame);
      case 'page':
        return this.#snapshots.onPage(peer, frame);
      case 'busy':
        if (this.#current(peer, frame.exchange) === undefined) return;
        if (this.#snapshots.isPulling(peer)) return this.#snapshots.onBusy(peer);
        return this.#end(peer, false);
    }
  }

  onDelta(peer: OwnerId, delta: Delta): void {
    const { registry } = this.#context;
    // On a slow link much may be under way; as long as it comes, it is waited for.
    this.#progressed(peer);
    const records = this.#staging.take(peer, delta);
    if (records === 'wait') return;
    if (records === 'too_many') {
      registry.refusals.add('TOO_MANY_RECORDS');
      return this.#wants.refused(peer, delta.head, 'TOO_MANY_RECORDS');
    }
    const received = this.#hooks.merge(peer, delta.head, records, delta.whole);
    this.#context.counters.add(`deltas_${received.kind}`);
    switch (received.kind) {
      case 'applied':
        this.#asked.get(peer)?.changed.add(received.owner);
        return this.#hooks.repaired(received.owner, delta.whole ? 0 : received.before, peer);
      case 'gap':
        // What is held is no ancestor of that head, whatever its number says: once more, whole.
        return this.ask(peer, received.owner, true);
      case 'own':
        return this.#hooks.own(peer, received);
      case 'refused':
        this.#wants.refused(peer, delta.head, received.reason);
        // Of several chunks an honest peer's transport may have dropped one, for want of room.
        if (received.reason === 'ROOT_MISMATCH' && records.length > delta.records.length) return;
        return this.#hooks.refused(peer, received.reason, delta.head);
      case 'duplicate':
      case 'stale':
      case 'throttled':
        return;
    }
  }

  #onSame(peer: OwnerId): void {
    const asked = this.#asked.get(peer);
    if (asked === undefined) return this.#context.counters.add('answers_unasked');
    this.#end(peer, true);
    // What differs anyway need not be compared by versions: a salt is for what seems to be equal.
    const salt = asked.isSalted ? undefined : this.#salts.draw(this.#context.now.monoMs);
    if (salt === undefined) return;
    this.#context.counters.add('exchanges_salted');
    this.#askDigest(peer, salt);
  }

  #onMoreSymbols(peer: OwnerId, frame: Extract<Frame, { kind: 'moreSymbols' }>): void {
    const asked = this.#current(peer, frame.exchange);
    if (asked === undefined) return;
    // Salted sketches are made for one comparison; what differs there is compared by versions.
    if (asked.isSalted) return this.#pullInstead(peer);
    asked.stream ??= new SymbolStream(this.heads.sketch, asked.revision);
    const next = asked.stream.next(frame.estimator);
    if (next === undefined) return this.#pullInstead(peer);
    this.#context.counters.add('symbols_sent', next.symbols.length / symbolBytes);
    this.#send(peer, { kind: 'symbols', exchange: frame.exchange, ...next });
  }

  #onDifference(peer: OwnerId, frame: Extract<Frame, { kind: 'difference' }>): void {
    const asked = this.#current(peer, frame.exchange);
    if (asked === undefined) return;
    const theirs = new Map<number, number>();
    const want: Version[] = [];
    for (const { prefix, lastUpdate } of frame.have) {
      theirs.set(prefixKey(prefix), lastUpdate);
      const from = this.#wants.from(peer, { prefix, lastUpdate });
      if (from !== undefined) want.push({ prefix, lastUpdate: from });
    }
    const give: Version[] = [];
    for (let at = 0; at < frame.want.length; at += idBytes) {
      const id = readId(frame.want, at);
      this.#answerer.tellAccusation(peer, id);
      const owner = this.heads.ownerNamed(id) ?? '';
      const head = this.#context.registry.state(owner)?.head;
      if (head === undefined) continue;
      const prefix = prefixOf(owner);
      const from = this.#wants.leadsFrom(theirs.get(prefixKey(prefix)) ?? 0, head);
      if (from !== undefined) give.push({ prefix, lastUpdate: from });
    }
    this.#give(peer, give);
    if (want.length === 0) return this.#end(peer, true);
    this.#progressed(peer);
    this.#send(peer, { kind: 'want', exchange: frame.exchange, owners: want });
  }

  #onWant(peer: OwnerId, { exchange, owners }: Extract<Frame, { kind: 'want' }>): void {
    const more = this.#give(peer, owners);
    if (exchange !== 0) this.#send(peer, { kind: 'done', exchange, more });
  }

  #onDone(peer: OwnerId, { exchange, more }: Extract<Frame, { kind: 'done' }>): void {
    const asked = this.#current(peer, exchange);
    if (asked === undefined) return;
    this.#end(peer, true, more);
    // Cut short: asked again at once for as long as that makes progress.
    if (more && asked.changed.size > 0) this.start(peer);
  }

  /** @returns whether the budget ended before the list did */
  #give(peer: OwnerId, wanted: readonly Version[]): boolean {
    let sent = 0;
    for (const { prefix, lastUpdate } of wanted) {
      if (sent > budgetBytes) return true;
      for (const owner of this.heads.ownersOf(prefix)) {
        const state = this.#context.registry.state(owner);
        const deltas = state === undefined ? [] : deltasOf(state, lastUpdate);
        for (const delta of deltas) this.#send(peer, delta);
        sent += bytesOf(deltas);
      }
    }
    return false;
  }

  /** A snapshot in place of the exchange that is under way. */
  #pullInstead(peer: OwnerId): void {
    const exchange = this.#asked.get(peer)?.id ?? 0;
    if (!this.#snapshots.start(peer, exchange)) this.#end(peer, false);
  }

  /** A snapshot from a peer that asked us and turned out to hold far more. */
  #pull(peer: OwnerId): void {
    if (this.#asked.has(peer)) return;
    const exchange = this.#begin(peer, false);
    if (!this.#snapshots.start(peer, exchange)) this.#end(peer, false);
  }

  #begin(peer: OwnerId, isSalted: boolean): number {
    this.#settle();
    const id = ++this.#lastId;
    const progressAtMs = this.#context.now.monoMs;
    const { revision } = this.heads.sketch;
    const rest = { changed: new Set<OwnerId>(), stream: undefined };
    this.#asked.set(peer, { id, progressAtMs, isSalted, revision, ...rest });
    this.#tellStarted(peer, id);
    return id;
  }

  #tellStarted(peer: OwnerId, exchange: number): void {
    this.#context.emit({ kind: 'event', event: { kind: 'exchangeStarted', peer, exchange } });
  }

  #current(peer: OwnerId, exchange: number): Asked | undefined {
    const asked = this.#asked.get(peer);
    if (asked?.id === exchange) return asked;
    this.#context.counters.add('answers_unasked');
    return undefined;
  }

  #progressed(peer: OwnerId): void {
    const asked = this.#asked.get(peer);
    if (asked !== undefined) asked.progressAtMs = this.#context.now.monoMs;
  }

  /**
   * @param isAnswered false: given up
   * @param isCut there is more than the answer held
   */
  #end(peer: OwnerId, isAnswered: boolean, isCut = false): void {
    const asked = this.#asked.get(peer);
    if (asked === undefined) return;
    this.#asked.delete(peer);
    this.#snapshots.stop(peer);
    const gained = asked.changed.size > 0 ? 'changed' : 'in_sync';
    const outcome = isAnswered ? gained : 'failed';
    this.#context.counters.add(`exchanges_${outcome}`);
    const changed = [...asked.changed];
    const event = { kind: 'exchanged', peer, exchange: asked.id, outcome, changed } as const;
    this.#context.emit({ kind: 'event', event });
    if (isAnswered && !isCut) this.#hooks.completed(peer);
  }

  /** Brings the sketch up to now; heads that are about to expire would only be refused. */
  #settle(ageMs = settleMs): void {
    const { config, now, registry } = this.#context;
    const horizonMs = config.reapAfterMs - 2 * config.clockAheadMs;
    this.heads.follow(registry, now.monoMs);
    const earliest = now.wallMicros - horizonMs * 1000;
    this.heads.settle(now.monoMs, earliest, config.clockAheadMs, ageMs);
  }

  #send(peer: OwnerId, frame: Frame): void {
    this.#context.emit({ kind: 'send', peer, bytes: encodeFrame(frame) });
  }
}
