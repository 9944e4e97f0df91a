/**
 * Prober: who of the linked peers still speaks. One per node; it judges for itself alone, others
 * decide what its word is worth.
 *
 *            a question         no answer in time              nobody vouches for it
 *   resting ─────────▶ waiting ──────────────────▶ vouching ─────────────────────▶ silent
 *      ▲      or ping    │        three others are  │     ▲                          │
 *      │                 │       asked to probe it  ▼     │ somebody is heard again  │
 *      │                 │                        unheard ┘                          │
 *      │                 │              we do not hear those three either            │
 *      └─────────────────┴────────── any frame of the peer, or a vouch ──────────────┘
 *
 * Whatever the host asks of a peer that is answered at once begins a probe too (`asked`). Once an
 * interval a sweep pings those of whom nothing came for a rest, which is the longer the more links
 * there are, so that the pings of a node do not grow with them.
 *
 * From the question to `silent` at least 1.2 s and a round trip pass, so a process that stood still
 * for 1 s is never called silent: what it reads when it goes on it answers in time. All timeouts are
 * stretched by the factor of this node's LocalHealth, and only time in which it listened counts:
 *
 * - woken late, it moves its deadlines by the lag, and first reads what has come meanwhile;
 * - woken very late, it was frozen itself: all probes are void, and it listens for a round;
 * - whoever is asked to vouch is pinged as well. Who cannot hear those either, may be deaf itself
 *   and calls nobody silent.
 *
 * Links keep the order of what is sent and lose nothing while they last (TCP), so an unanswered
 * ping is not repeated: it is late, and the peer will answer it when it can. Another question may
 * have been passed over, so a ping follows it before others are asked to vouch.
 *
 * The host tells of a peer from its greeting to the end of its link, of every frame of such a peer,
 * and calls `tick` no later than `nextMs`: how late that is shows the lag.
 */
import { assert } from '../base/assert.ts';
import type { Random } from '../base/random.ts';
import type { OwnerId } from '../record/owner.ts';
import { LocalHealth } from './local-health.ts';
import { nonceEnd } from './probe-action.ts';
import type { LinkEnd, ProbeAction } from './probe-action.ts';
import { ProbedPeer, vouchMs } from './probed-peer.ts';
import type { Phase } from './probed-peer.ts';
import { chooseVouchers } from './vouchers.ts';
import type { MeasuredRoundTrip } from './round-trip.ts';
import { Vouchings } from './vouchings.ts';
import type { Vouching } from './vouchings.ts';

/** After a late wake: to read what came meanwhile. */
const catchUpMs = 100;
/** Links that rest out in one interval; with fewer each rests for an interval. */
const linksPerInterval = 4;
/** By how much the intervals differ, or both ends would ask at the same moment again and again. */
const sweepJitter = 0.1;
/** Shares of an interval: a host that is awake anyway is welcome to a sweep from then on... */
const sweepEarliest = 0.7;
/** ...and one that comes by once an interval is not woken for it. */
const sweepLatest = 1.3;
/** Of a rest that is over at the next sweep so much is over now. */
const restedShare = 0.8;

export interface ProberOptions {
  readonly self: OwnerId;
  /** A peer of few is pinged after so long without a word, ms. */
  readonly intervalMs: number;
  readonly random: Random;
}

const nothing: readonly ProbeAction[] = [];

export class Prober {
  readonly health: LocalHealth;
  readonly #self: OwnerId;
  readonly #intervalMs: number;
  readonly #random: Random;
  readonly #peers = new Map<OwnerId, ProbedPeer>();
  readonly #vouchings = new Vouchings();
  /** What is to be done by the call under way. */
  #actions: ProbeAction[] = [];
  /** The last call. */
  #calledMs = -Infinity;
  /** Until then no deadline counts. */
  #listenUntilMs = -Infinity;
  /** When the links are looked through next; Infinity without any. */
  #sweepAtMs = Infinity;
  /** When the host is awake next, whatever for. */
  #hostWakesAtMs = Infinity;
  /** The newest word of any peer. */
  #heardMs = -Infinity;
  /** The newest late wake. */
  #lateMs = -Infinity;
  /** Peers in that phase. */
  #unheard = 0;
  /** The last link was lost, and none has come since. */
  #isCutOff = false;
  /** Undefined when it has to be found anew. */
  #nextMs: number | undefined;

  constructor({ self, intervalMs, random }: ProberOptions) {
    this.#self = self;
    this.#intervalMs = intervalMs;
    this.#random = random;
    this.health = new LocalHealth(intervalMs);
  }

  /** When `tick` is due, monotonic ms; Infinity without any peer. */
  get nextMs(): number {
    this.#nextMs ??= this.#findNext();
    return this.#nextMs;
  }

  /** It had links, and hears nobody: they are all lost, silent or unheard. It must accuse nobody. */
  get isIsolated(): boolean {
    if (this.#peers.size === 0) return this.#isCutOff;
    for (const { phase } of this.#peers.values())
      if (phase !== 'silent' && phase !== 'unheard') return false;
    return true;
  }

  /** When any peer was heard last, monotonic ms; -Infinity: never. */
  get heardMs(): number {
    return this.#heardMs;
  }

  /** How long a linked peer takes to answer; undefined: it is not linked. */
  roundTrip(peer: OwnerId): MeasuredRoundTrip | undefined {
    return this.#peers.get(peer)?.roundTrip;
  }

  /** How far the probe of a linked peer is, and its last word; undefined: it is not linked. */
  stateOf(peer: OwnerId): { readonly phase: Phase; readonly heardAtMs: number } | undefined {
    return this.#peers.get(peer);
  }

  /** The host wants to be woken at that time, for whatever it has to do: how late that is tells. */
  hostWakesAt(atMs: number): void {
    this.#hostWakesAtMs = atMs;
  }

  /** A peer was greeted; that is a word of it too. Its first ping comes within an interval. */
  linked(peer: OwnerId, nowMs: number): readonly ProbeAction[] {
    assert(peer !== this.#self, 'a node does not probe itself');
    this.#begin(nowMs);
    if (!this.#peers.has(peer)) {
      if (this.#peers.size === 0) this.#sweepAtMs = nowMs + this.#random.next() * this.#intervalMs;
      this.#peers.set(peer, new ProbedPeer());
      this.#isCutOff = false;
      this.#nextMs = undefined;
    }
    this.#hear(peer, nowMs);
    return this.#end();
  }

  /** The link with a peer went. */
  unlinked(peer: OwnerId, how: LinkEnd): void {
    const probed = this.#peers.get(peer);
    if (probed === undefined) return;
    if (probed.phase === 'unheard') this.#unheard -= 1;
    this.#peers.delete(peer);
    this.#vouchings.forgetAsker(peer);
    for (const other of this.#peers.values()) other.forgetVoucher(peer);
    if (this.#peers.size === 0) {
      this.#isCutOff = how === 'lost';
      this.#sweepAtMs = Infinity;
    }
    this.#nextMs = undefined;
  }

  /** Any frame of a peer came: it lives. */
  heard(peer: OwnerId, nowMs: number): readonly ProbeAction[] {
    this.#begin(nowMs);
    this.#hear(peer, nowMs);
    return this.#end();
  }

  /** The host asked a peer something that is answered at once: as good as a ping. */
  asked(peer: OwnerId, nowMs: number): void {
    this.#begin(nowMs);
    const probed = this.#peers.get(peer);
    if (probed?.phase !== 'resting') return;
    probed.noteQuestion(undefined, nowMs);
    this.#probe(probed, this.#random.int(nonceEnd), nowMs);
  }

  /**
   * A peer answered.
   *
   * @param nonce of its pong; undefined: it answered what the host had asked
   */
  answered(peer: OwnerId, nonce: number | undefined, nowMs: number): readonly ProbeAction[] {
    this.#begin(nowMs);
    const sentMs = this.#hear(peer, nowMs)?.answered(nonce, nowMs, this.#lateMs);
    if (sentMs !== undefined) this.#attest(peer, sentMs, nowMs);
    return this.#end();
  }

  /** A peer asks whether we are there. */
  pinged(peer: OwnerId, nonce: number, nowMs: number): readonly ProbeAction[] {
    this.#begin(nowMs);
    if (this.#hear(peer, nowMs) !== undefined) this.#actions.push({ kind: 'pong', peer, nonce });
    return this.#end();
  }

  /** A peer says that it heard another; it counts when it was asked for that. */
  vouched(from: OwnerId, subject: OwnerId, nonce: number, nowMs: number): readonly ProbeAction[] {
    this.#begin(nowMs);
    this.#hear(from, nowMs);
    const probed = this.#peers.get(subject);
    if (probed?.nonce === nonce && probed.hasAsked(from)) this.#lives(subject, probed, nowMs);
    return this.#end();
  }

  /**
   * A peer asks to hear of another. That is a reason for a ping of our own, if none is under way;
   * the answer goes out with the next word of the subject, or never.
   */
  askedToVouch(
    from: OwnerId,
    subject: OwnerId,
    nonce: number,
    nowMs: number,
  ): readonly ProbeAction[] {
    this.#begin(nowMs);
    const asker = this.#hear(from, nowMs);
    if (asker !== undefined && subject !== from && subject !== this.#self)
      this.#seekWord({ to: from, subject, nonce, untilMs: nowMs + vouchMs }, nowMs);
    return this.#end();
  }

  /** Others say that a peer is silent: a reason for a ping of our own, if none is under way. */
  doubted(peer: OwnerId, nowMs: number): readonly ProbeAction[] {
    this.#begin(nowMs);
    const probed = this.#peers.get(peer);
    if (probed !== undefined) this.#hurry(peer, probed, nowMs);
    return this.#end();
  }

  /** The time has come, or more than that. */
  tick(nowMs: number): readonly ProbeAction[] {
    this.#begin(nowMs);
    if (this.#sweepAtMs <= nowMs) this.#sweep(nowMs);
    for (const [peer, probed] of this.#peers)
      if (this.#dueMs(probed) <= nowMs) this.#overdue(peer, probed, nowMs);
    this.#nextMs = undefined;
    return this.#end();
  }

  /** The host is awake: what comes once an interval may be done now, rather than wake it again. */
  pass(nowMs: number): readonly ProbeAction[] {
    this.#begin(nowMs);
    const isDue = this.#sweepAtMs - nowMs <= (sweepLatest - sweepEarliest) * this.#intervalMs;
    if (isDue) this.#sweep(nowMs);
    return this.#end();
  }

  /** Before anything is concluded from the time: has this node listened? */
  #begin(nowMs: number): void {
    const dueMs = Math.min(this.nextMs, this.#hostWakesAtMs);
    const lateMs = nowMs - Math.max(dueMs, this.#calledMs);
    this.#calledMs = nowMs;
    const waking = this.health.woken(lateMs, nowMs);
    if (waking === 'prompt') return;
    this.#lateMs = nowMs;
    this.#nextMs = undefined;
    const listenMs = waking === 'late' ? catchUpMs : this.#intervalMs;
    this.#listenUntilMs = Math.max(this.#listenUntilMs, nowMs + listenMs);
    for (const probed of this.#peers.values())
      if (waking === 'late') probed.defer(lateMs);
      else if (probed.phase !== 'silent') this.#enter(probed, 'resting', nowMs);
  }

  #end(): readonly ProbeAction[] {
    if (this.#actions.length === 0) return nothing;
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }

  #hear(peer: OwnerId, nowMs: number): ProbedPeer | undefined {
    const probed = this.#peers.get(peer);
    if (probed === undefined) return undefined;
    this.#heardMs = nowMs;
    if (probed.phase === 'waiting') this.health.succeeded(nowMs);
    probed.heardAtMs = nowMs;
    this.#lives(peer, probed, nowMs);
    for (const { to, subject, nonce } of this.#vouchings.take(peer, nowMs))
      this.#actions.push({ kind: 'vouch', to, subject, nonce });
    if (this.#unheard > 0) this.#askAnew(peer, nowMs);
    return probed;
  }

  #lives(peer: OwnerId, probed: ProbedPeer, nowMs: number): void {
    if (probed.phase === 'resting') return;
    if (probed.phase === 'silent') this.#actions.push({ kind: 'speaks', peer });
    this.#enter(probed, 'resting', nowMs);
  }

  #sweep(nowMs: number): void {
    this.#sweepAtMs = nowMs + this.#random.jitter(sweepLatest * this.#intervalMs, sweepJitter);
    this.#nextMs = undefined;
    const restMs = this.#intervalMs * Math.max(1, this.#peers.size / linksPerInterval);
    for (const [peer, probed] of this.#peers) {
      const isRested = nowMs - probed.restsSinceMs(restMs) >= restedShare * restMs;
      if (probed.phase === 'resting' && isRested)
        this.#probe(probed, this.#ping(peer, probed, nowMs), nowMs);
      if (probed.phase === 'silent' && !probed.isAskedEnough) this.#ping(peer, probed, nowMs);
    }
  }

  #probe(probed: ProbedPeer, nonce: number, nowMs: number, isHurried = false): void {
    probed.begin(nonce, nowMs, isHurried);
    this.#nextMs = undefined;
  }

  /** @returns its nonce */
  #ping(peer: OwnerId, probed: ProbedPeer, nowMs: number): number {
    const nonce = this.#random.int(nonceEnd);
    this.#actions.push({ kind: 'ping', peer, nonce });
    probed.noteQuestion(nonce, nowMs);
    return nonce;
  }

  #overdue(peer: OwnerId, probed: ProbedPeer, nowMs: number): void {
    if (probed.phase === 'waiting') {
      this.health.failed(peer, nowMs);
      this.#askOthers(peer, probed, nowMs);
      return this.health.isDoubtful ? this.#pingAll(nowMs) : undefined;
    }
    if (!probed.isAttested) return this.#enter(probed, 'unheard', nowMs);
    this.#enter(probed, 'silent', nowMs);
    this.#actions.push({ kind: 'silent', peer });
  }

  /** When it may be our own fault: is anybody heard at all? */
  #pingAll(nowMs: number): void {
    for (const [peer, probed] of this.#peers)
      if (probed.phase === 'resting') this.#probe(probed, this.#ping(peer, probed, nowMs), nowMs);
  }

  #askOthers(subject: OwnerId, probed: ProbedPeer, nowMs: number): void {
    if (probed.phase === 'unheard') this.#unheard -= 1;
    if (!probed.isPinged) this.#ping(subject, probed, nowMs);
    const vouchers = chooseVouchers(this.#peers, subject, this.#random);
    probed.ask(vouchers, nowMs);
    this.#nextMs = undefined;
    for (const through of vouchers) {
      const voucher = this.#peers.get(through) as ProbedPeer;
      this.#actions.push({ kind: 'askVouch', through, subject, nonce: probed.nonce as number });
      const pinged = this.#ping(through, voucher, nowMs);
      if (voucher.phase === 'resting') this.#probe(voucher, pinged, nowMs);
    }
    this.#actions.push({ kind: 'late', peer: subject });
  }

  /** We hear somebody again: what was asked of others in vain is asked anew, of that one too. */
  #askAnew(heard: OwnerId, nowMs: number): void {
    for (const [subject, probed] of this.#peers)
      if (probed.phase === 'unheard' && !probed.hasAsked(heard))
        this.#askOthers(subject, probed, nowMs);
  }

  /** A peer answered what was sent then, so what was asked of it before that was read too. */
  #attest(voucher: OwnerId, sentMs: number, nowMs: number): void {
    for (const probed of this.#peers.values()) {
      if (!probed.attest(voucher, sentMs, nowMs)) continue;
      if (probed.phase === 'unheard') this.#enter(probed, 'vouching', nowMs);
      this.#nextMs = undefined;
    }
  }

  #seekWord(vouching: Vouching, nowMs: number): void {
    const { subject } = vouching;
    const isAwaited = this.#vouchings.isAwaited(subject, nowMs);
    if (!this.#vouchings.hold(vouching, nowMs)) return;
    const probed = this.#peers.get(subject);
    if (probed === undefined) {
      if (!isAwaited) this.#actions.push({ kind: 'dialFor', subject });
    } else this.#hurry(subject, probed, nowMs);
  }

  #hurry(subject: OwnerId, probed: ProbedPeer, nowMs: number): void {
    if (probed.isPinged) return;
    const nonce = this.#ping(subject, probed, nowMs);
    if (probed.phase === 'resting') this.#probe(probed, nonce, nowMs, true);
  }

  #enter(probed: ProbedPeer, phase: Phase, nowMs: number): void {
    if (probed.phase === 'unheard') this.#unheard -= 1;
    if (phase === 'unheard') this.#unheard += 1;
    probed.enter(phase, nowMs);
    this.#nextMs = undefined;
  }

  #dueMs(probed: ProbedPeer): number {
    return Math.max(probed.dueMs(this.health.factor), this.#listenUntilMs);
  }

  #findNext(): number {
    let nextMs = this.#sweepAtMs;
    for (const probed of this.#peers.values()) nextMs = Math.min(nextMs, this.#dueMs(probed));
    return nextMs;
  }
}
