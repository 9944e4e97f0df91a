/**
 * Timekeeper: what this node does about clocks that differ.
 *
 *   hello, digest ──▶ the peer's time ──▶ judgement ──▶ the clock is adjusted, and the trouble told
 *   a head refused for its time ──▶ its owner is dialed: one more witness of the time
 *
 * The witnesses are for a node whose clock is far off: it refuses every head that it is sent, so it
 * knows nobody but its seed node, and two clocks that differ do not say which of them is wrong.
 */
import type { Now } from '../base/clock.ts';
import { isSignedByOwner, readHead } from '../record/head.ts';
import type { Sealed } from '../record/head.ts';
import type { OwnerId } from '../record/owner.ts';
import type { RefusalReason } from '../record/verdict.ts';
import type { GossipContext } from './context.ts';
import { PeerClock } from './peer-clock.ts';
import type { ClockTrouble } from './peer-clock.ts';

/** The same trouble is told once in so long. */
const toldIntervalMs = 60_000;
/** Dials to witnesses in one interval of gossip. */
const witnessesMax = 4;
/** So many peers' times are enough, whatever is refused. */
const heardMax = 16;

export class Timekeeper {
  readonly #context: GossipContext;
  readonly #clock: PeerClock;
  /** An answer within so long, and not older than twice that, vouches for what came with it. */
  readonly #promptMs: number;
  #toldKind: ClockTrouble['kind'] | undefined;
  #toldAtMs = -Infinity;
  /** Monotonic ms, by linked peer. */
  readonly #askedAtMs = new Map<OwnerId, number>();
  /** When its last answer came, if that was soon. */
  readonly #promptAtMs = new Map<OwnerId, number>();
  #witnesses = 0;

  constructor(context: GossipContext) {
    this.#context = context;
    this.#clock = new PeerClock(context.config);
    this.#promptMs = context.config.clockAheadMs / 4;
  }

  /** One sentence for people on what is wrong with this host's clock; undefined when nothing is. */
  get trouble(): string | undefined {
    const { trouble } = this.#clock;
    return trouble === undefined ? undefined : sentenceOf(trouble);
  }

  /** A peer was told something that it answers at once. */
  asked(peer: OwnerId): void {
    this.#askedAtMs.set(peer, this.#context.now.monoMs);
  }

  /** Its answer came. */
  answered(peer: OwnerId): void {
    const { monoMs } = this.#context.now;
    const askedAtMs = this.#askedAtMs.get(peer);
    this.#askedAtMs.delete(peer);
    if (askedAtMs === undefined) return;
    if (monoMs - askedAtMs <= this.#promptMs) this.#promptAtMs.set(peer, monoMs);
    else this.#promptAtMs.delete(peer);
  }

  /**
   * A peer told its time, µs since the epoch. It counts when that peer answered promptly just now:
   * what waited on its way tells when it was sent, not what time it is, and when we ourselves are
   * slow to read, that is true of all peers.
   */
  heard(peer: OwnerId, micros: number): void {
    const { now } = this.#context;
    const promptAtMs = this.#promptAtMs.get(peer) ?? -Infinity;
    if (now.monoMs - promptAtMs > 2 * this.#promptMs) return;
    this.#clock.note(peer, micros, now);
  }

  unlinked(peer: OwnerId): void {
    this.#clock.unlinked(peer);
    this.#askedAtMs.delete(peer);
    this.#promptAtMs.delete(peer);
  }

  /** Once an interval of gossip. */
  tick(): void {
    this.#witnesses = 0;
    this.#clock.tick();
  }

  /** Judges the clock when there is a reason to, and has it adjusted. @returns the time to go by */
  keep(): Now {
    const { now } = this.#context;
    const correctionMicros = this.#clock.judge(now);
    this.#tell(now.monoMs);
    if (correctionMicros === (now.correctionMicros ?? 0)) return now;
    this.#context.counters.add('clock_adjusted');
    this.#context.emit({ kind: 'adjustClock', correctionMicros });
    const shift = correctionMicros - (now.correctionMicros ?? 0);
    return { monoMs: now.monoMs, wallMicros: now.wallMicros + shift, correctionMicros };
  }

  /** A head was refused, as CLOCK_AHEAD or EXPIRED: who of us is wrong? Its owner is asked the time. */
  untimely(reason: RefusalReason, sealed: Sealed): void {
    if (reason !== 'CLOCK_AHEAD' && reason !== 'EXPIRED') return;
    const { registry, identity, verifier, counters } = this.#context;
    if (this.#clock.heard >= heardMax || this.#witnesses >= witnessesMax) return;
    const rules = { cluster: identity.cluster, headBytesMax: sealed.body.length };
    const read = readHead(sealed, { ...rules, earliest: 0, latest: Number.MAX_SAFE_INTEGER });
    if (read.kind === 'refused' || !isSignedByOwner(read.value, verifier)) return;
    const { owner, facts } = read.value.head;
    if (owner === registry.self || facts.left || this.#clock.hasHeard(owner)) return;
    this.#witnesses += 1;
    counters.add('witnesses_dialed');
    const target = { peer: owner, addresses: facts.addresses };
    const timeoutMs = this.#context.config.dialTimeoutMs;
    this.#context.emit({ kind: 'dial', target, timeoutMs });
  }

  #tell(monoMs: number): void {
    const { trouble } = this.#clock;
    const isOld = trouble?.kind === this.#toldKind;
    if (isOld && (trouble === undefined || monoMs - this.#toldAtMs < toldIntervalMs)) return;
    this.#toldKind = trouble?.kind;
    this.#toldAtMs = monoMs;
    this.#context.emit({ kind: 'event', event: { kind: 'clock', trouble: this.trouble } });
  }
}

function sentenceOf({ kind, aheadMs }: ClockTrouble): string {
  const span = spanOf(Math.abs(aheadMs));
  const away = `${span} ${aheadMs > 0 ? 'ahead of' : 'behind'}`;
  const advice = "set the host's clock right, with NTP for example";
  switch (kind) {
    case 'ahead':
    case 'behind':
      return `the clock of this host is ${away} its peers': this node goes by theirs; ${advice}`;
    case 'behind_untrusted':
      return `the clock of this host is ${away} its peers', so they and this node refuse each other's news: ${advice}, or start with --trust-peer-clock to go by theirs`;
    case 'jumped':
      return `the clock of this host jumped and is ${away} the time that this node knows of: it goes by the latter; ${advice}`;
    case 'disputed':
      return `the clock of this host is ${away} that of its only peer, and two clocks do not say which of them is wrong: ${advice}, on both hosts`;
  }
}

/** In the largest unit of which there are at least two. */
function spanOf(ms: number): string {
  const units = [
    { name: 'days', ms: 86_400_000 },
    { name: 'hours', ms: 3_600_000 },
    { name: 'minutes', ms: 60_000 },
  ] as const;
  const unit = units.find((each) => ms >= 2 * each.ms) ?? { name: 'seconds', ms: 1_000 };
  return `${Math.round(ms / unit.ms)} ${unit.name}`;
}
