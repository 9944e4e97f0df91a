/**
 * Rumors: the fast path.
 *
 *   own head changes ──▶ publish {head, records since the last one told}     at most one an interval
 *   rumor arrives    ──▶ applied: pass on │ known: keep │ gap: wait, then ask │ bad: blame
 *                        too many of one owner: keep the number of the newest, ask for it later
 *   repaired by digest ─▶ tell the other neighbors once, directly
 *
 * Deltas and hellos go by the same count of their owner: another kind of frame is no way around it.
 * Nothing depends on a rumor: what is lost here, the digests repair.
 */
import { disco } from '../gen/gossip.js';
import { safeInteger } from '../record/encoding.ts';
import type { OwnerState } from '../record/merge.ts';
import { ownerFromKey, publicKeyBytes } from '../record/owner.ts';
import type { OwnerId } from '../record/owner.ts';
import type { Sealed } from '../record/head.ts';
import type { RefusalReason } from '../record/verdict.ts';
import type { ReceiveVerdict } from '../registry/registry.ts';
import type { GossipContext, RumorVerdict } from './context.ts';
import { bare, decodeRumor, encodeFrame, encodeRumor, rumorBytesMax } from './message.ts';
import type { Rumor } from './frame.ts';
import { OwnerRate } from './owner-rate.ts';

/** How long a rumor that came before its predecessor waits for it. */
const gapWaitMs = 20;
const gapsMax = 10_000;
/** How long an owner that tells too much is not listened to; its newest head is asked for then. */
const pauseMs = 250;
const pausesMax = 1_000;

interface Gap {
  readonly peer: OwnerId;
  /** The head that was told. */
  readonly lastUpdate: number;
  readonly askAtMs: number;
}

/** Not merged for now: the owner tells too much. */
interface Throttled {
  readonly kind: 'throttled';
  readonly owner: OwnerId;
}

/** It told of no head. */
interface Headless {
  readonly kind: 'headless';
}

export type RumorOutcome = ReceiveVerdict | Throttled | Headless;

/** What came of a broadcast. */
export interface ReceivedRumor {
  readonly verdict: RumorVerdict;
  readonly received: RumorOutcome;
  /** Not heard yet. */
  readonly accusations: readonly Sealed[];
}

export class Rumors {
  readonly #context: GossipContext;
  readonly #ask: (peer: OwnerId, owner: OwnerId) => void;
  /** Both in the order of their time: all of a kind wait for equally long. */
  readonly #gaps = new Map<OwnerId, Gap>();
  readonly #pauses = new Map<OwnerId, Gap>();
  readonly #rate = new OwnerRate();
  /** lastUpdate of the own head that was published last. */
  #toldUpTo = 0;
  #toldAtMs = -Infinity;
  #publishAtMs = Infinity;

  /** @param ask asks a peer for one owner's records above what is held */
  constructor(context: GossipContext, ask: (peer: OwnerId, owner: OwnerId) => void) {
    this.#context = context;
    this.#ask = ask;
  }

  /** Monotonic ms at which there is something to do. */
  get wakeAtMs(): number {
    return Math.min(this.#publishAtMs, firstAskAtMs(this.#gaps), firstAskAtMs(this.#pauses));
  }

  /** The own state has a new head: told at once after a quiet time, else with the next ones. */
  ownChanged(): void {
    const { now, config } = this.#context;
    this.#publishAtMs = Math.max(now.monoMs, this.#toldAtMs + config.rumorIntervalMs);
    this.#publishDue();
  }

  wake(): void {
    this.#publishDue();
    this.#askDue(this.#gaps);
    this.#askDue(this.#pauses);
  }

  /** A rumor from the broadcast topic, as handed on by `peer`. */
  receive(peer: OwnerId, bytes: Uint8Array): ReceivedRumor {
    const rumor = decodeRumor(bytes);
    if (rumor.kind === 'refused') {
      this.#context.registry.refusals.add(rumor.reason);
      return { verdict: 'reject', received: rumor, accusations: [] };
    }
    const received = this.take(peer, rumor.value);
    const { accusations = [] } = rumor.value;
    return { verdict: verdictOn(received), received, accusations };
  }

  /** Merges a rumor and remembers the gap before it, if there is one. */
  take(peer: OwnerId, rumor: Rumor): RumorOutcome {
    const { registry, counters, now } = this.#context;
    const { head: told, records } = rumor;
    if (told === undefined) return { kind: 'headless' };
    const received = this.merge(peer, told, records, false);
    counters.add(`rumors_${received.kind}`);
    if (received.kind !== 'gap') return received;
    const { owner, held, head } = received;
    // Built on what is held, and yet another root: the records are not those of the owner.
    if (held === rumor.previous && held > 0) registry.refusals.add('ROOT_MISMATCH');
    remember(this.#gaps, gapsMax, owner, {
      peer,
      lastUpdate: head.head.lastUpdate,
      askAtMs: now.monoMs + gapWaitMs,
    });
    return received;
  }

  /**
   * Merges what a peer says of an owner, unless that owner is not listened to for now.
   *
   * @param whole the records are all that the head commits to
   */
  merge(
    peer: OwnerId,
    head: Sealed,
    records: readonly Uint8Array[],
    whole: boolean,
  ): ReceiveVerdict | Throttled {
    const { registry, now } = this.#context;
    const received = this.#notePaused(peer, head) ?? registry.receive(head, records, whole, now);
    // Only what its signature vouches for counts against an owner: nobody else can use it up.
    if (received.kind === 'applied' || received.kind === 'gap')
      if (!this.#rate.take(received.owner, now.monoMs)) this.#pause(peer, received.owner);
    return received;
  }

  /**
   * Tells others what is held of an owner, directly: what a repair brought must not crawl a hop a
   * round, and a new link may not yet be one that broadcasts are passed on over.
   *
   * @param before the version that was held before
   * @param source who told it
   */
  tellOthers(owner: OwnerId, before: number, peers: Iterable<OwnerId>, source: OwnerId): void {
    const state = this.#context.registry.state(owner);
    if (state === undefined) return;
    const bytes = encodeFrame({ kind: 'rumor', rumor: rumorOf(state, before) });
    for (const peer of peers) {
      if (peer === source || peer === owner) continue;
      this.#context.counters.add('rumors_retold');
      this.#context.emit({ kind: 'send', peer, bytes });
    }
  }

  /** What is over the bound is listened to; the owners that are, are too many to be told apart. */
  #pause(peer: OwnerId, owner: OwnerId): void {
    const askAtMs = this.#context.now.monoMs + pauseMs;
    remember(this.#pauses, pausesMax, owner, { peer, lastUpdate: 0, askAtMs });
  }

  /** The newest head of an owner that is not listened to is remembered by its number alone. */
  #notePaused(peer: OwnerId, head: Sealed): Throttled | undefined {
    if (this.#pauses.size === 0) return undefined;
    const named = claimOf(head);
    const pause = named === undefined ? undefined : this.#pauses.get(named.owner);
    if (named === undefined || pause === undefined) return undefined;
    const { owner, lastUpdate } = named;
    this.#context.registry.refusals.add('PEER_THROTTLED');
    remember(this.#pauses, pausesMax, owner, { ...pause, peer, lastUpdate });
    return { kind: 'throttled', owner };
  }

  #askDue(gaps: Map<OwnerId, Gap>): void {
    const { now, registry } = this.#context;
    for (const [owner, gap] of gaps) {
      if (gap.askAtMs > now.monoMs) return;
      gaps.delete(owner);
      const held = registry.state(owner)?.head.head.lastUpdate ?? 0;
      if (held < gap.lastUpdate) this.#ask(gap.peer, owner);
    }
  }

  #publishDue(): void {
    const { now, registry, counters } = this.#context;
    if (this.#publishAtMs > now.monoMs) return;
    this.#publishAtMs = Infinity;
    const state = registry.state(registry.self);
    if (state === undefined || state.head.head.lastUpdate === this.#toldUpTo) return;
    // Below what was told: the own stamps went back, and every record was stamped anew.
    const previous = state.head.head.lastUpdate < this.#toldUpTo ? 0 : this.#toldUpTo;
    this.#context.emit({ kind: 'publish', bytes: encodeRumor(rumorOf(state, previous)) });
    counters.add('rumors_published');
    this.#toldUpTo = state.head.head.lastUpdate;
    this.#toldAtMs = now.monoMs;
  }
}

/** The head and what changed since `previous`; over the bound, or from nothing, only the head. */
export function rumorOf(state: OwnerState, previous: number): Rumor {
  const head = bare(state.head);
  const records: Uint8Array[] = [];
  let bytes = head.body.length;
  for (const { bytes: encoded } of state.set.since(previous)) {
    bytes += encoded.length;
    if (bytes > rumorBytesMax) return { head, previous, records: [] };
    records.push(encoded);
  }
  return { head, previous, records };
}

/** What becomes of a broadcast: only what was news here is worth passing on. */
function verdictOn(received: RumorOutcome): RumorVerdict {
  switch (received.kind) {
    case 'applied':
    case 'gap':
      return 'accept';
    case 'duplicate':
    case 'stale':
    case 'own':
    // Whoever passes it on is not to blame for the owner's haste.
    case 'throttled':
    case 'headless':
      return 'ignore';
    case 'refused':
      return isBlame(received.reason) ? 'reject' : 'ignore';
  }
}

/** Only what no honest relay can send is held against it; clocks and bounds differ honestly. */
function isBlame(reason: RefusalReason): boolean {
  return [
    'MALFORMED',
    'TOO_MANY_FIELDS',
    'BAD_SIGNATURE',
    'WRONG_CLUSTER',
    'INVALID_NAME',
  ].includes(reason);
}

/** The newest of an owner's heads, at the time that the first of them set. */
function remember(gaps: Map<OwnerId, Gap>, max: number, owner: OwnerId, gap: Gap): void {
  const known = gaps.get(owner);
  if (known === undefined && gaps.size >= max) return;
  if (known !== undefined && known.lastUpdate > gap.lastUpdate) return;
  gaps.set(owner, { ...gap, askAtMs: known?.askAtMs ?? gap.askAtMs });
}

function firstAskAtMs(gaps: ReadonlyMap<OwnerId, Gap>): number {
  for (const { askAtMs } of gaps.values()) return askAtMs;
  return Infinity;
}

/** Whose head this claims to be, and its number: not checked, good only to ask about. */
export function claimOf({ body }: Sealed): { owner: OwnerId; lastUpdate: number } | undefined {
  if (body.length > rumorBytesMax) return undefined;
  try {
    const { owner, lastUpdate: number } = disco.gossip.v1.Head.decode(body);
    const lastUpdate = safeInteger(number);
    if (Number.isNaN(lastUpdate) || owner.length !== publicKeyBytes) return undefined;
    return { owner: ownerFromKey(owner), lastUpdate };
  } catch {
    return undefined;
  }
}
