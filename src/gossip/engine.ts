/**
 * Engine: the gossip protocol, sans-IO. It routes; the parts decide.
 *
 *            ┌─ links ──── who is linked, dialed, dead
 *   input ──▶├─ rumors ─── the fast path            ──▶ registry (the one door) ──▶ effects
 *            └─ reconciler ─ the exchange of digests
 *
 * `step(input, now) -> effects`: no clock, no socket, no timer, no randomness of its own. The
 * daemon and the tests' virtual network run this very code.
 */
import { unreachable } from '../base/assert.ts';
import { Counters } from '../base/counters.ts';
import type { Now } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { Sealed } from '../record/head.ts';
import type { OwnerId } from '../record/owner.ts';
import type { RefusalReason } from '../record/verdict.ts';
import type { Verifier } from '../record/signature.ts';
import type { Identity } from '../registry/own-state.ts';
import type { Registry } from '../registry/registry.ts';
import { Bans, banSentence } from './bans.ts';
import type { Ban } from './bans.ts';
import type { Effect, GossipConfig, GossipContext, GossipEvent, Input } from './context.ts';
import { helloFault } from './hello.ts';
import { Links } from './links.ts';
import { answersDigest, bare, decodeFrame, encodeFrame, protocolVersion } from './message.ts';
import type { Frame } from './message.ts';
import { OwnHeads } from './own-head.ts';
import { PeerBoots } from './peer-boots.ts';
import { Reconciler } from './reconcile.ts';
import { rumorOf, Rumors } from './rumor.ts';
import { SettledHeads } from './settled-heads.ts';
import { Timekeeper } from './timekeeper.ts';

/**
 * Coded symbols that are kept: 128 KiB, enough for some 5,000 differences. With more, half of each
 * head is spent on finding it, and a snapshot is as cheap.
 */
const symbolsMax = 8_192;
/** In one round of so many a member that is no neighbor is asked too. */
const roundsPerLookAround = 10;
/** The first rounds come early, so that a small cluster is whole at once. */
const firstRoundMs = 50;

export interface EngineOptions {
  readonly registry: Registry;
  readonly identity: Identity;
  readonly verifier: Verifier;
  readonly config: GossipConfig & { readonly bytesPerOwnerMax: number };
  readonly random: Random;
  /** Multiaddrs. */
  readonly seeds: readonly string[];
  /** Where the comparison of heads starts from; made from the registry unless given. */
  readonly heads?: SettledHeads;
}

export class Engine {
  readonly counters = new Counters();
  readonly #context: GossipContext & { now: Now };
  readonly #links: Links;
  readonly #bans = new Bans();
  readonly #rumors: Rumors;
  readonly #reconciler: Reconciler;
  readonly #ownHeads: OwnHeads;
  readonly #timekeeper: Timekeeper;
  readonly #boots = new PeerBoots();
  #effects: Effect[] = [];
  #roundAtMs = Infinity;
  #rounds = 0;
  #wakeAtMs = Infinity;
  #startedAtMs: number | undefined;
  #readiness: string | undefined;
  #reconciledAtMs: number | undefined;

  constructor(options: EngineOptions) {
    const { registry, identity, verifier, config, random, seeds } = options;
    const emit = (effect: Effect): void => void this.#effects.push(effect);
    const now = { monoMs: 0, wallMicros: 0 };
    const { counters } = this;
    this.#context = { registry, identity, verifier, config, random, counters, now, emit };
    this.#links = new Links(this.#context, seeds);
    const { bytesPerOwnerMax } = config;
    const { heads = new SettledHeads(identity.cluster, symbolsMax) } = options;
    this.#timekeeper = new Timekeeper(this.#context);
    this.#reconciler = new Reconciler(
      this.#context,
      { bytesPerOwnerMax, heads },
      {
        repaired: (owner, before, peer) => this.#repaired(owner, before, peer),
        own: (peer, verdict) => this.#ownHeads.met(peer, verdict),
        completed: () => this.#completed(),
        refused: (peer, reason, head) => this.#refused(peer, reason, head),
        heardTime: (peer, time) => this.#hear(peer, time),
        asked: (peer) => this.#timekeeper.asked(peer),
      },
    );
    this.#rumors = new Rumors(this.#context, (peer, owner) => this.#ask(peer, owner));
    const { self } = registry;
    this.#ownHeads = new OwnHeads(this.#context, (peer) => this.#ask(peer, self, true));
  }

  /** Why the node is ready; undefined while it is not. */
  get readiness(): string | undefined {
    return this.#readiness;
  }

  /** Monotonic ms of the last completed reconcile with any peer. */
  get reconciledAtMs(): number | undefined {
    return this.#reconciledAtMs;
  }

  /** Others are known of, and none of them has told all it knows yet. */
  get isPartial(): boolean {
    return this.#reconciledAtMs === undefined && !this.#links.isAlone;
  }

  get linkCount(): number {
    return this.#links.count;
  }

  /** What is wrong with this host's clock, for people; undefined when nothing is. */
  get clockTrouble(): string | undefined {
    return this.#timekeeper.trouble;
  }

  isLinked(peer: OwnerId): boolean {
    return this.#links.isLinked(peer);
  }

  describeTried(): string {
    return this.#links.describeTried();
  }

  /** Takes one input and answers with all that the host is to do, in order. */
  step(input: Input, now: Now): Effect[] {
    this.#context.now = now;
    this.#effects = [];
    this.#context.now = this.#timekeeper.keep();
    this.#ownHeads.noteOwn();
    this.#route(input);
    this.#reconciler.follow();
    this.#checkReadiness();
    this.#links.follow();
    this.#setWake();
    return this.#effects;
  }

  #route(input: Input): void {
    switch (input.kind) {
      case 'start':
        return this.#start();
      case 'wake':
        return this.#wake();
      case 'round':
        return this.#exchange(this.#links.greeted);
      case 'linked':
        return this.#linked(input.peer);
      case 'unlinked':
        this.#timekeeper.unlinked(input.peer);
        this.#boots.forget(input.peer);
        this.#reconciler.unlinked(input.peer);
        return this.#links.unlinked(input.peer);
      case 'dialed':
        return this.#links.dialed(input.target, input.peer);
      case 'dialFailed':
        return this.#links.dialFailed(input.target, input.how);
      case 'message':
        return this.#message(input.peer, input.bytes);
      case 'rumor':
        return this.#rumor(input.peer, input.bytes);
      case 'changed':
        return this.#rumors.ownChanged();
      default:
        return unreachable(input);
    }
  }

  #start(): void {
    const { now, random, config } = this.#context;
    this.#startedAtMs = now.monoMs;
    this.#roundAtMs = now.monoMs + firstRoundMs + random.next() * config.gossipIntervalMs;
    this.#rumors.ownChanged();
    this.#links.join();
  }

  #wake(): void {
    const { now, random, config } = this.#context;
    this.#links.noteLag(now.monoMs - this.#wakeAtMs);
    this.#wakeAtMs = Infinity;
    this.#rumors.wake();
    if (now.monoMs < this.#roundAtMs) return;
    this.#roundAtMs = now.monoMs + random.jitter(config.gossipIntervalMs, 0.2);
    this.#timekeeper.tick();
    this.#ownHeads.tick(this.#reconciledAtMs !== undefined);
    this.#reconciler.tick();
    this.#links.maintain();
    this.#rounds += 1;
    if (this.#rounds % roundsPerLookAround === 0) this.#links.lookAround();
    this.#exchange(this.#links.greeted.filter((peer) => !this.#reconciler.isAsking(peer)));
  }

  #exchange(peers: readonly OwnerId[]): void {
    const { random, config } = this.#context;
    for (const peer of random.sample(peers, config.gossipK)) this.#reconciler.start(peer);
  }

  #linked(peer: OwnerId): void {
    this.#boots.forget(peer);
    this.#links.linked(peer);
    this.#timekeeper.asked(peer);
    this.#greet(peer);
  }

  #greet(peer: OwnerId): void {
    const { registry, identity, now } = this.#context;
    const own = registry.state(registry.self);
    if (own === undefined) return;
    const thoughtDead = registry.member(peer)?.state === 'dead';
    this.#send(peer, {
      kind: 'hello',
      cluster: identity.cluster,
      protocolMin: protocolVersion,
      protocolMax: protocolVersion,
      time: now.wallMicros,
      head: bare(own.head),
      thoughtDead,
    });
  }

  #message(peer: OwnerId, bytes: Uint8Array): void {
    const isBanned = this.#bans.at(peer, this.#context.now.monoMs) !== undefined;
    // What comes until the link has ended is not even read.
    if (isBanned && this.#links.isEnding(peer)) return;
    const decoded = decodeFrame(bytes);
    if (decoded.kind === 'refused') {
      this.#context.registry.refusals.add(decoded.reason);
      return this.#blame(peer, decoded.reason);
    }
    const frame = decoded.value;
    if (frame.kind === 'hello') return this.#hello(peer, frame);
    if (isBanned) return;
    if (frame.kind === 'refusal') return this.#refusedBy(peer, frame.sentence);
    if (!this.#links.isGreeted(peer)) return this.#context.registry.refusals.add('UNEXPECTED');
    switch (frame.kind) {
      case 'rumor':
        return this.#retold(peer, frame.rumor);
      case 'check':
        return this.#links.check(frame.owner, frame.incarnation);
      case 'bye':
        return this.#links.departed(peer);
      case 'neighbor':
        return this.#links.heard(peer, frame.wanted);
      default:
        if (answersDigest(frame)) this.#timekeeper.answered(peer);
        return this.#reconciler.on(peer, frame);
    }
  }

  #hello(peer: OwnerId, hello: Extract<Frame, { kind: 'hello' }>): void {
    const { registry, identity, now } = this.#context;
    const ban = this.#bans.at(peer, now.monoMs);
    if (ban !== undefined) {
      registry.refusals.add('BANNED');
      return this.#turnAway(peer, ban);
    }
    const refusal = helloFault(hello, identity.cluster);
    if (refusal !== undefined) {
      const { reason, sentence, toPeer } = refusal;
      registry.refusals.add(reason);
      this.#send(peer, { kind: 'refusal', reason, sentence: toPeer });
      return this.#refusedBy(peer, sentence);
    }
    if (this.#boots.isAnother(peer, hello.head, identity.cluster)) {
      // What was under way was with the other process.
      this.#reconciler.unlinked(peer);
      this.#greet(peer);
    }
    this.#timekeeper.answered(peer);
    this.#hear(peer, hello.time);
    const received = registry.receive(hello.head, [], false, this.#context.now);
    const isWelcome = this.#links.greet(peer);
    if (received.kind === 'refused') this.#blame(peer, received.reason);
    if (received.kind === 'applied') this.#repaired(received.owner, received.before, peer);
    if (received.kind === 'own') this.#ownHeads.met(peer, received);
    if (received.kind === 'stale') this.#tellOwn(peer);
    if (hello.thoughtDead) this.#ownHeads.refute();
    if (!isWelcome) return;
    // One exchange serves both; a node that knows nothing yet does not wait for the other.
    if (this.#reconciledAtMs === undefined || registry.self < peer) this.#reconciler.start(peer);
  }

  /** A peer that says less of itself than it once did hears so at once. */
  #tellOwn(peer: OwnerId): void {
    const state = this.#context.registry.state(peer);
    if (state === undefined) return;
    const { lastUpdate } = state.head.head;
    this.#send(peer, { kind: 'rumor', rumor: rumorOf(state, lastUpdate) });
  }

  #refusedBy(peer: OwnerId, sentence: string): void {
    this.#links.departed(peer);
    this.#context.emit({ kind: 'event', event: { kind: 'linkRefused', peer, sentence } });
    this.#context.emit({ kind: 'hangUp', peer });
  }

  #refused(peer: OwnerId, reason: RefusalReason, head: Sealed | undefined): void {
    if (head !== undefined) this.#timekeeper.untimely(reason, head);
    this.#blame(peer, reason);
  }

  /** Something that a peer sent was refused, and is counted already. */
  #blame(peer: OwnerId, reason: RefusalReason): void {
    const ban = this.#bans.note(peer, reason, this.#context.now.monoMs);
    if (ban !== undefined) this.#turnAway(peer, ban);
  }

  #turnAway(peer: OwnerId, ban: Ban): void {
    const sentence = banSentence(ban, this.#context.now.monoMs);
    this.#send(peer, { kind: 'refusal', reason: 'BANNED', sentence });
    this.#refusedBy(peer, sentence);
    this.#links.shun(peer, ban.untilMs);
  }

  /** A rumor from the broadcast topic. */
  #rumor(peer: OwnerId, bytes: Uint8Array): void {
    if (this.#bans.at(peer, this.#context.now.monoMs) !== undefined)
      return this.#context.emit({ kind: 'judge', verdict: 'ignore' });
    const { verdict, received } = this.#rumors.receive(peer, bytes);
    this.#context.emit({ kind: 'judge', verdict });
    if (received.kind === 'own') this.#ownHeads.met(peer, received);
    if (received.kind === 'refused') this.#blame(peer, received.reason);
  }

  /** A rumor that a neighbor tells directly, after a repair. */
  #retold(peer: OwnerId, rumor: Extract<Frame, { kind: 'rumor' }>['rumor']): void {
    const received = this.#rumors.take(peer, rumor);
    if (received.kind === 'own') this.#ownHeads.met(peer, received);
    if (received.kind === 'applied') this.#repaired(received.owner, received.before, peer);
    if (received.kind === 'refused') this.#blame(peer, received.reason);
  }

  #repaired(owner: OwnerId, before: number, peer: OwnerId): void {
    // Whoever joins is the one who knows nothing new.
    if (this.#reconciledAtMs === undefined && owner !== peer) return;
    const state = this.#context.registry.state(owner);
    if (state !== undefined) this.#rumors.tellOthers(state, before, this.#links.greeted, peer);
  }

  #ask(peer: OwnerId, owner: OwnerId, whole = false): void {
    const someone = this.#links.isGreeted(peer) ? peer : this.#links.greeted[0];
    if (someone !== undefined) this.#reconciler.ask(someone, owner, whole);
  }

  #hear(peer: OwnerId, micros: number): void {
    this.#timekeeper.heard(peer, micros);
    this.#context.now = this.#timekeeper.keep();
  }

  #completed(): void {
    this.#reconciledAtMs = this.#context.now.monoMs;
    this.#links.reconciled();
    if (this.#readiness === undefined) this.#ready('reconciled with a peer', false);
  }

  #checkReadiness(): void {
    if (this.#readiness !== undefined || this.#startedAtMs === undefined) return;
    const { now, config } = this.#context;
    if (this.#links.isAlone)
      this.#ready('the first node: no other seed node and no peer is known', false);
    else if (now.monoMs - this.#startedAtMs >= config.joinTimeoutMs)
      this.#ready(
        `nobody was reached within ${config.joinTimeoutMs} ms; tried ${this.describeTried()}`,
        true,
      );
  }

  #ready(why: string, isWarning: boolean): void {
    this.#readiness = why;
    this.#event({ kind: 'ready', why, isWarning });
  }

  #setWake(): void {
    const joinMs = (this.#startedAtMs ?? Infinity) + this.#context.config.joinTimeoutMs;
    const readyMs = this.#readiness === undefined ? joinMs : Infinity;
    const next = Math.min(this.#roundAtMs, this.#rumors.wakeAtMs, readyMs);
    if (next === this.#wakeAtMs) return;
    this.#wakeAtMs = next;
    this.#context.emit({ kind: 'wakeAt', monoMs: next });
  }

  #send(peer: OwnerId, frame: Frame): void {
    this.#context.emit({ kind: 'send', peer, bytes: encodeFrame(frame) });
  }

  #event(event: GossipEvent): void {
    this.#context.emit({ kind: 'event', event });
  }
}
