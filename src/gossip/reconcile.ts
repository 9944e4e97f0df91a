/**
 * Reconcile: the exchange of digests that repairs whatever rumors lost.
 *
 *   asker                         answerer
 *     │ ── digest ─────────────────▶ │   what I hold
 *     │ ◀──────────────── delta* ─── │   what you lack
 *     │ ◀───────────────── want ──── │   what I lack
 *     │ ── delta* ─────────────────▶ │
 *     │ ── done ───────────────────▶ │
 *
 * Both end with the larger of each pair of heads. An answer is cut at a budget and says `more`;
 * then the exchange is repeated at once for as long as it makes progress. A `want` outside an
 * exchange (number 0) asks for single owners.
 */
import { assert } from '../base/assert.ts';
import type { Sealed } from '../record/head.ts';
import type { OwnerState } from '../record/merge.ts';
import type { OwnerId } from '../record/owner.ts';
import type { ReceiveVerdict } from '../registry/registry.ts';
import type { ExchangeOutcome, GossipContext } from './context.ts';
import { cutRange, difference, isInRange, openDigest, sealDigest, summaryOf } from './digest.ts';
import { bare, encodeFrame } from './message.ts';
import type { Frame, HeadSummary, OwnerVersion } from './message.ts';

/** An exchange that got no answer for so long is given up. */
const exchangeTimeoutMs = 10_000;
/** Record bytes in one delta frame. */
const chunkBytesMax = 512 * 1024;
/** Record bytes after which an answer says `more`; one owner is never cut. */
const budgetBytes = 2 * 1024 * 1024;

type Delta = Extract<Frame, { kind: 'delta' }>;
type Want = Extract<Frame, { kind: 'want' }>;

interface Exchange {
  readonly id: number;
  readonly startedAtMs: number;
  readonly changed: Set<OwnerId>;
  /** The range asked about leaves owners out. */
  readonly isPartial: boolean;
}

/** Chunks of one owner's delta, until the last has come. */
interface Staged {
  readonly head: string;
  readonly records: Uint8Array[];
  bytes: number;
}

export interface ReconcileHooks {
  /** A repair moved an owner on from version `before`. */
  repaired(owner: OwnerId, before: number, peer: OwnerId): void;
  /** Our own head from an earlier life, or of a copy of us, came back. */
  own(peer: OwnerId, verdict: Extract<ReceiveVerdict, { kind: 'own' }>): void;
  /** A peer told its time, µs since the epoch. */
  heard(peer: OwnerId, micros: number): void;
  /** A head was refused as CLOCK_AHEAD or EXPIRED. */
  untimely(head: Sealed): void;
  /** This node now holds all that the peer held when it was asked. */
  completed(peer: OwnerId): void;
}

export class Reconciler {
  readonly #context: GossipContext;
  readonly #hooks: ReconcileHooks;
  readonly #asked = new Map<OwnerId, Exchange>();
  readonly #staged = new Map<OwnerId, Staged>();
  readonly #bytesPerOwnerMax: number;
  #lastId = 0;
  #rangeStart: OwnerId = '';

  constructor(context: GossipContext, bytesPerOwnerMax: number, hooks: ReconcileHooks) {
    this.#context = context;
    this.#bytesPerOwnerMax = bytesPerOwnerMax;
    this.#hooks = hooks;
  }

  /** Starts an exchange with a peer unless one is under way. */
  start(peer: OwnerId): void {
    if (this.#asked.has(peer)) return;
    const { registry, identity, now, counters } = this.#context;
    const { range, heads } = cutRange(this.#summaries(), this.#rangeStart);
    this.#rangeStart = range.end;
    const exchange = ++this.#lastId;
    const { cluster, signer } = identity;
    const time = now.wallMicros;
    const digest = { cluster, owner: registry.self, time, exchange, range, heads };
    const isPartial = range.first !== '' || range.end !== '';
    const changed = new Set<OwnerId>();
    this.#asked.set(peer, { id: exchange, startedAtMs: now.monoMs, changed, isPartial });
    this.#send(peer, { kind: 'digest', sealed: sealDigest(digest, signer) });
    counters.add('exchanges_started');
    this.#context.emit({ kind: 'event', event: { kind: 'exchangeStarted', peer, exchange } });
  }

  /** Asks a peer for one owner's records above what is held, outside any exchange. */
  ask(peer: OwnerId, owner: OwnerId, whole = false): void {
    const lastUpdate = this.#context.registry.state(owner)?.head.head.lastUpdate ?? 0;
    const owners = [{ owner, lastUpdate, whole }];
    this.#send(peer, { kind: 'want', exchange: 0, owners, more: false });
    this.#context.counters.add(whole ? 'asked_whole' : 'asked_delta');
  }

  isAsking(peer: OwnerId): boolean {
    return this.#asked.has(peer);
  }

  /** Gives up what was never answered. */
  tick(): void {
    const oldest = this.#context.now.monoMs - exchangeTimeoutMs;
    for (const [peer, exchange] of this.#asked)
      if (exchange.startedAtMs < oldest) this.#end(peer, 'failed');
  }

  unlinked(peer: OwnerId): void {
    this.#staged.delete(peer);
    if (this.#asked.has(peer)) this.#end(peer, 'failed');
  }

  onDigest(peer: OwnerId, frame: Extract<Frame, { kind: 'digest' }>): void {
    const { identity, verifier, registry, counters } = this.#context;
    const opened = openDigest(frame.sealed, peer, identity.cluster, verifier);
    if (opened.kind === 'refused') {
      registry.refusals.add(opened.reason);
      return;
    }
    const { exchange, range, heads, time } = opened.value;
    this.#hooks.heard(peer, time);
    const mine = this.#summaries().filter(({ owner }) => isInRange(owner, range));
    const { give, want } = difference(mine, heads);
    const more = this.#sendDeltas(peer, exchange, give);
    this.#send(peer, { kind: 'want', exchange, owners: want, more });
    counters.add('exchanges_answered');
  }

  onWant(peer: OwnerId, { exchange, owners, more }: Want): void {
    const cut = this.#sendDeltas(peer, exchange, owners);
    if (exchange === 0) return;
    this.#send(peer, { kind: 'done', exchange, more: cut });
    const asked = this.#asked.get(peer);
    if (asked?.id !== exchange) return;
    const progressed = asked.changed.size > 0;
    this.#end(peer, progressed ? 'changed' : 'in_sync');
    if (more || (asked.isPartial && this.#rangeStart !== '')) {
      if (progressed || !more) this.start(peer);
    } else this.#hooks.completed(peer);
  }

  onDone(peer: OwnerId, { more }: Extract<Frame, { kind: 'done' }>): void {
    // Cut short: what is still missing is asked for in a new exchange.
    if (more) this.start(peer);
  }

  onDelta(peer: OwnerId, delta: Delta): void {
    const { registry, now } = this.#context;
    const records = this.#stage(peer, delta);
    if (records === undefined) return;
    const received = registry.receive(delta.head, records, delta.whole, now);
    this.#afterDelta(peer, delta, received);
  }

  #afterDelta(peer: OwnerId, delta: Delta, received: ReceiveVerdict): void {
    this.#context.counters.add(`deltas_${received.kind}`);
    switch (received.kind) {
      case 'applied':
        this.#asked.get(peer)?.changed.add(received.owner);
        this.#hooks.repaired(received.owner, delta.whole ? 0 : delta.from, peer);
        return;
      case 'gap':
        // What is held is no ancestor of that head, whatever its number says: once more, whole.
        this.ask(peer, received.owner, true);
        return;
      case 'own':
        this.#hooks.own(peer, received);
        return;
      case 'refused':
        if (isUntimely(received.reason)) this.#hooks.untimely(delta.head);
        return;
      case 'duplicate':
      case 'stale':
        return;
    }
  }

  /** All records of a delta once its last chunk is there; undefined before, or over the bound. */
  #stage(peer: OwnerId, delta: Delta): readonly Uint8Array[] | undefined {
    const head = Buffer.from(delta.head.signature).toString('latin1');
    let staged = this.#staged.get(peer);
    if (staged?.head !== head) staged = { head, records: [], bytes: 0 };
    for (const record of delta.records) {
      staged.records.push(record);
      staged.bytes += record.length;
    }
    if (staged.bytes > this.#bytesPerOwnerMax) {
      this.#staged.delete(peer);
      this.#context.registry.refusals.add('TOO_MANY_RECORDS');
      return undefined;
    }
    if (delta.more) {
      this.#staged.set(peer, staged);
      return undefined;
    }
    this.#staged.delete(peer);
    return staged.records;
  }

  /** @returns whether the budget ended before the list did */
  #sendDeltas(peer: OwnerId, exchange: number, owners: readonly OwnerVersion[]): boolean {
    let sent = 0;
    for (const wanted of owners) {
      if (sent > budgetBytes) return true;
      const state = this.#context.registry.state(wanted.owner);
      if (state !== undefined) sent += this.#sendDelta(peer, exchange, state, wanted);
    }
    return false;
  }

  #sendDelta(peer: OwnerId, exchange: number, state: OwnerState, wanted: OwnerVersion): number {
    const { floor, lastUpdate } = state.head.head;
    if (wanted.lastUpdate >= lastUpdate && !wanted.whole) return 0;
    const whole = wanted.whole || wanted.lastUpdate < floor || wanted.lastUpdate === 0;
    const from = whole ? 0 : wanted.lastUpdate;
    const base = { kind: 'delta', exchange, head: bare(state.head), from, whole } as const;
    let chunk: Uint8Array[] = [];
    let bytes = 0;
    let total = 0;
    for (const { record, bytes: encoded } of state.set.records()) {
      if (record.lastUpdate <= from) continue;
      if (bytes + encoded.length > chunkBytesMax) {
        this.#send(peer, { ...base, records: chunk, more: true });
        [chunk, bytes] = [[], 0];
      }
      chunk.push(encoded);
      bytes += encoded.length;
      total += encoded.length;
    }
    this.#send(peer, { ...base, records: chunk, more: false });
    return total + base.head.body.length;
  }

  #end(peer: OwnerId, outcome: ExchangeOutcome): void {
    const exchange = this.#asked.get(peer);
    assert(exchange !== undefined, 'only an exchange that began can end');
    this.#asked.delete(peer);
    this.#context.counters.add(`exchanges_${outcome}`);
    const changed = [...exchange.changed];
    const event = { kind: 'exchanged', peer, exchange: exchange.id, outcome, changed } as const;
    this.#context.emit({ kind: 'event', event });
  }

  /** Heads worth telling, by owner: those about to expire would only be refused. */
  #summaries(): HeadSummary[] {
    const { registry, config, now } = this.#context;
    const horizonMs = config.reapAfterMs - 2 * config.clockAheadMs;
    const earliest = now.wallMicros - horizonMs * 1000;
    const summaries: HeadSummary[] = [];
    for (const [, { head }] of registry.owners())
      if (head.head.lastUpdate >= earliest) summaries.push(summaryOf(head));
    return summaries.sort((a, b) => (a.owner < b.owner ? -1 : 1));
  }

  #send(peer: OwnerId, frame: Frame): void {
    this.#context.emit({ kind: 'send', peer, bytes: encodeFrame(frame) });
  }
}

function isUntimely(reason: string): boolean {
  return reason === 'CLOCK_AHEAD' || reason === 'EXPIRED';
}
