/**
 * Rumors: the fast path.
 *
 *   own head changes ──▶ publish {head, records since the last one told}     at most one an interval
 *   rumor arrives    ──▶ applied: pass on │ known: keep │ gap: wait, then ask │ bad: blame
 *   repaired by digest ─▶ tell the other neighbors once, directly
 *
 * Nothing depends on a rumor: what is lost here, the digests repair.
 */
import type { OwnerState } from '../record/merge.ts';
import type { OwnerId } from '../record/owner.ts';
import type { ReceiveVerdict } from '../registry/registry.ts';
import type { GossipContext, RumorVerdict } from './context.ts';
import { bare, decodeRumor, encodeFrame, encodeRumor, rumorBytesMax } from './message.ts';
import type { Rumor } from './message.ts';

/** How long a rumor that came before its predecessor waits for it. */
const gapWaitMs = 20;
const gapsMax = 10_000;

interface Gap {
  readonly peer: OwnerId;
  /** The head that was told. */
  readonly lastUpdate: number;
  readonly askAtMs: number;
}

export class Rumors {
  readonly #context: GossipContext;
  readonly #ask: (peer: OwnerId, owner: OwnerId) => void;
  readonly #gaps = new Map<OwnerId, Gap>();
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
    let earliest = this.#publishAtMs;
    for (const { askAtMs } of this.#gaps.values()) earliest = Math.min(earliest, askAtMs);
    return earliest;
  }

  /** The own state has a new head: told at once after a quiet time, else with the next ones. */
  ownChanged(): void {
    const { now, config } = this.#context;
    this.#publishAtMs = Math.max(now.monoMs, this.#toldAtMs + config.rumorIntervalMs);
    this.#publishDue();
  }

  wake(): void {
    this.#publishDue();
    const { now, registry } = this.#context;
    for (const [owner, gap] of this.#gaps) {
      if (gap.askAtMs > now.monoMs) continue;
      this.#gaps.delete(owner);
      const held = registry.state(owner)?.head.head.lastUpdate ?? 0;
      if (held < gap.lastUpdate) this.#ask(gap.peer, owner);
    }
  }

  /** A rumor from the broadcast topic, as handed on by `peer`. */
  receive(peer: OwnerId, bytes: Uint8Array): { verdict: RumorVerdict; received?: ReceiveVerdict } {
    const rumor = decodeRumor(bytes);
    if (rumor.kind === 'refused') {
      this.#context.registry.refusals.add(rumor.reason);
      return { verdict: 'reject' };
    }
    const received = this.take(peer, rumor.value);
    return { verdict: verdictOn(received), received };
  }

  /** Merges a rumor and remembers the gap before it, if there is one. */
  take(peer: OwnerId, rumor: Rumor): ReceiveVerdict {
    const { registry, counters, now } = this.#context;
    const received = registry.receive(rumor.head, rumor.records, false, now);
    counters.add(`rumors_${received.kind}`);
    if (received.kind !== 'gap') return received;
    const { owner, held, head } = received;
    // Built on what is held, and yet another root: the records are not those of the owner.
    if (held === rumor.previous && held > 0) registry.refusals.add('ROOT_MISMATCH');
    if (this.#gaps.size < gapsMax) {
      const { lastUpdate } = head.head;
      this.#gaps.set(owner, { peer, lastUpdate, askAtMs: now.monoMs + gapWaitMs });
    }
    return received;
  }

  /**
   * Tells the other neighbors what a repair brought, so that it does not crawl a hop a round.
   *
   * @param before the version that was held before the repair
   */
  tellOthers(state: OwnerState, before: number, peers: Iterable<OwnerId>, source: OwnerId): void {
    const rumor = rumorOf(state, before);
    const bytes = encodeFrame({ kind: 'rumor', rumor });
    for (const peer of peers) {
      if (peer === source || peer === state.head.head.owner) continue;
      this.#context.counters.add('rumors_retold');
      this.#context.emit({ kind: 'send', peer, bytes });
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
  for (const { record, bytes: encoded } of state.set.records()) {
    if (record.lastUpdate <= previous) continue;
    bytes += encoded.length;
    if (bytes > rumorBytesMax) return { head, previous, records: [] };
    records.push(encoded);
  }
  return { head, previous, records };
}

/** What becomes of a broadcast: only what was news here is worth passing on. */
function verdictOn(received: ReceiveVerdict): RumorVerdict {
  switch (received.kind) {
    case 'applied':
    case 'gap':
      return 'accept';
    case 'duplicate':
    case 'stale':
    case 'own':
      return 'ignore';
    case 'refused':
      return isBlame(received.reason) ? 'reject' : 'ignore';
  }
}

/** Only what no honest relay can send is held against it; clocks and bounds differ honestly. */
function isBlame(reason: string): boolean {
  return ['MALFORMED', 'BAD_SIGNATURE', 'WRONG_CLUSTER', 'INVALID_NAME'].includes(reason);
}
