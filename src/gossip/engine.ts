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
import type { Accuser } from '../membership/member.ts';
import type { Sealed } from '../record/head.ts';
import type { OwnerId } from '../record/owner.ts';
import type { RefusalReason } from '../record/verdict.ts';
import type { Verifier } from '../record/signature.ts';
import type { Identity } from '../registry/own-state.ts';
import type { Registry } from '../registry/registry.ts';
import type { Effect, GossipConfig, GossipContext, Input } from './context.ts';
import { Dismissals } from './dismissals.ts';
import { Doorkeeper } from './doorkeeper.ts';
import { Greetings } from './greetings.ts';
import { Links } from './links.ts';
import { answersDigest, decodeFrame, encodeFrame, isVigilFrame } from './message.ts';
import type { Frame } from './frame.ts';
import { OwnHeads } from './own-head.ts';
import { Readiness } from './readiness.ts';
import { Reconciler } from './reconcile.ts';
import { Rounds } from './rounds.ts';
import { rumorOf, Rumors } from './rumor.ts';
import { SettledHeads } from './settled-heads.ts';
import { Timekeeper } from './timekeeper.ts';
import { Vigil } from './vigil.ts';

/** Coded symbols that are kept: 128 KiB, some 5,000 differences; beyond, a snapshot is as cheap. */
const symbolsMax = 8_192;

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
  readonly #door: Doorkeeper;
  readonly #rumors: Rumors;
  readonly #reconciler: Reconciler;
  readonly #ownHeads: OwnHeads;
  readonly #timekeeper: Timekeeper;
  readonly #vigil: Vigil;
  readonly #greetings: Greetings;
  readonly #rounds: Rounds;
  readonly #dismissals: Dismissals;
  readonly #readiness: Readiness;
  #effects: Effect[] = [];
  #wakeAtMs = Infinity;
  #reconciledAtMs: number | undefined;

  constructor(options: EngineOptions) {
    const { registry, identity, verifier, config, random, seeds } = options;
    const emit = (effect: Effect): void => void this.#effects.push(effect);
    const now = { monoMs: 0, wallMicros: 0 };
    const { counters } = this;
    this.#context = { registry, identity, verifier, config, random, counters, now, emit };
    this.#links = new Links(this.#context, seeds, {
      isDoubtful: () => this.#vigil.isDoubtful,
      isIsolated: () => this.#vigil.isIsolated,
      isSilent: (peer) => this.#vigil.isSilent(peer),
      found: (peer, reason) => this.#vigil.found(peer, reason),
      missing: (peer) => this.#vigil.missing(peer),
    });
    this.#rounds = new Rounds(this.#context);
    this.#greetings = new Greetings(this.#context);
    this.#door = new Doorkeeper(this.#context, this.#links);
    this.#readiness = new Readiness(this.#context, this.#links);
    const { heads = new SettledHeads(identity.cluster, symbolsMax) } = options;
    this.#timekeeper = new Timekeeper(this.#context);
    this.#reconciler = new Reconciler(
      this.#context,
      { bytesPerOwnerMax: config.bytesPerOwnerMax, heads },
      {
        merge: (peer, head, records, whole) => this.#rumors.merge(peer, head, records, whole),
        repaired: (owner, before, peer) => this.#repaired(owner, before, peer),
        own: (peer, verdict) => this.#ownHeads.met(peer, verdict),
        completed: () => this.#completed(),
        refused: (peer, reason, head) => this.#refused(peer, reason, head),
        heardTime: (peer, time) => this.#hear(peer, time),
        asked: (peer) => {
          this.#rounds.met(peer);
          this.#timekeeper.asked(peer);
          this.#vigil.asked(peer);
        },
        accusation: (hash) => this.#vigil.accusation(hash),
      },
    );
    this.#rumors = new Rumors(this.#context, (peer, owner) => this.#ask(peer, owner));
    this.#vigil = new Vigil(this.#context, this.#links, heads, {
      accused: () => this.#ownHeads.answer(),
      ask: (peer, owner) => this.#ask(peer, owner),
      refused: (peer, reason) => this.#door.blame(peer, reason),
    });
    this.#ownHeads = new OwnHeads(this.#context, (peer) => this.#ask(peer, registry.self, true));
    this.#dismissals = new Dismissals(this.#context, {
      peers: () => this.#links.greeted,
      refused: (peer, reason) => this.#door.blame(peer, reason),
      refute: () => this.#ownHeads.refute(),
    });
  }

  /** Why the node is ready; undefined while it is not. */
  get readiness(): string | undefined {
    return this.#readiness.why;
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

  /** It had links and hears nobody: what it knows of the others may be old. */
  get isIsolated(): boolean {
    return this.#vigil.isIsolated;
  }

  /** What is wrong with this host's clock, for people; undefined when nothing is. */
  get clockTrouble(): string | undefined {
    return this.#timekeeper.trouble;
  }

  isLinked(peer: OwnerId): boolean {
    return this.#links.isLinked(peer);
  }

  /** The smoothed round trip to a linked peer, ms; undefined: not known. */
  rttMs(peer: OwnerId): number | undefined {
    return this.#vigil.rttMs(peer);
  }

  /** Who says of a member that it cannot be reached. */
  accusersOf(owner: OwnerId): readonly Accuser[] {
    return this.#vigil.accusersOf(owner);
  }

  /** Accusations that are held, of whomever. */
  get accusationsHeld(): number {
    return this.#vigil.accusationsHeld;
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
    this.#vigil.follow();
    this.#readiness.check();
    this.#dismissals.follow();
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
        return this.#unlinked(input.peer);
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
      case 'dismiss':
        return this.#dismissals.dismiss(input.subject);
      default:
        return unreachable(input);
    }
  }

  #start(): void {
    this.#readiness.start();
    this.#rounds.start();
    this.#rumors.ownChanged();
    this.#links.join();
  }

  #wake(): void {
    this.#wakeAtMs = Infinity;
    this.#vigil.wake();
    this.#rumors.wake();
    if (!this.#rounds.begin()) return;
    this.#timekeeper.tick();
    this.#ownHeads.tick(this.#reconciledAtMs !== undefined);
    this.#reconciler.tick();
    this.#links.maintain();
    if (this.#rounds.isLookAround || this.isIsolated) this.#links.lookAround();
    this.#exchange(this.#links.greeted.filter((peer) => !this.#reconciler.isAsking(peer)));
    this.#vigil.tick();
  }

  #exchange(peers: readonly OwnerId[]): void {
    for (const peer of this.#rounds.choose(peers)) this.#reconciler.start(peer);
  }

  #linked(peer: OwnerId): void {
    this.#greetings.forget(peer);
    this.#links.linked(peer);
    this.#timekeeper.asked(peer);
    this.#greetings.greet(peer);
  }

  #unlinked(peer: OwnerId): void {
    const how = this.#links.isEnding(peer) ? 'ended' : 'lost';
    this.#timekeeper.unlinked(peer);
    this.#greetings.forget(peer);
    this.#reconciler.unlinked(peer);
    this.#rounds.unlinked(peer);
    this.#links.unlinked(peer);
    this.#vigil.unlinked(peer, how);
  }

  #message(peer: OwnerId, bytes: Uint8Array): void {
    const isBanned = this.#door.isBanned(peer);
    // What comes until the link has ended is not even read.
    if (isBanned && this.#links.isEnding(peer)) return;
    const decoded = decodeFrame(bytes);
    if (decoded.kind === 'refused') {
      this.#context.registry.refusals.add(decoded.reason);
      return this.#door.blame(peer, decoded.reason);
    }
    const frame = decoded.value;
    if (frame.kind === 'hello') return this.#hello(peer, frame);
    if (isBanned) return;
    if (frame.kind === 'refusal') return this.#door.refusedBy(peer, frame.sentence);
    if (!this.#links.isGreeted(peer)) return this.#context.registry.refusals.add('UNEXPECTED');
    this.#vigil.heard(peer);
    if (isVigilFrame(frame)) return this.#vigil.on(peer, frame);
    switch (frame.kind) {
      case 'rumor':
        return this.#retold(peer, frame.rumor);
      case 'check':
        return this.#links.check(frame.owner, frame.incarnation);
      case 'bye':
        return this.#links.departed(peer);
      case 'neighbor':
        return this.#links.heard(peer, frame.wanted);
      case 'dismissal':
        return this.#dismissals.take(peer, frame.sealed);
      default:
        if (frame.kind === 'digest') this.#rounds.met(peer);
        if (answersDigest(frame)) {
          this.#timekeeper.answered(peer);
          this.#vigil.answered(peer);
        }
        return this.#reconciler.on(peer, frame);
    }
  }

  #hello(peer: OwnerId, hello: Extract<Frame, { kind: 'hello' }>): void {
    const { registry } = this.#context;
    if (!this.#door.admits(peer, hello)) return;
    if (this.#greetings.isOwed(peer, hello.head)) {
      // What was under way was with another process, or over a connection that its end has lost.
      this.#reconciler.unlinked(peer);
      this.#links.linked(peer);
      this.#greetings.greet(peer);
    }
    this.#timekeeper.answered(peer);
    this.#hear(peer, hello.time);
    const received = this.#rumors.merge(peer, hello.head, [], false);
    const isWelcome = this.#links.greet(peer);
    this.#vigil.greeted(peer);
    if (received.kind === 'refused') this.#door.blame(peer, received.reason);
    if (received.kind === 'applied') this.#repaired(received.owner, received.before, peer);
    if (received.kind === 'own') this.#ownHeads.met(peer, received);
    if (received.kind === 'stale') this.#tellOwn(peer);
    if (hello.thoughtDead) this.#ownHeads.refute();
    if (!isWelcome) return;
    this.#dismissals.tell(peer);
    // One exchange serves both; a node that knows nothing yet does not wait for the other.
    if (this.#reconciledAtMs === undefined || registry.self < peer) this.#reconciler.start(peer);
  }

  /** A peer that says less of itself than it once did hears so. */
  #tellOwn(peer: OwnerId): void {
    const state = this.#context.registry.state(peer);
    if (state === undefined) return;
    this.#send(peer, { kind: 'rumor', rumor: rumorOf(state, state.head.head.lastUpdate) });
  }

  #refused(peer: OwnerId, reason: RefusalReason, head: Sealed | undefined): void {
    if (head !== undefined) this.#timekeeper.untimely(reason, head);
    this.#door.blame(peer, reason);
  }

  /** A rumor from the broadcast topic. */
  #rumor(peer: OwnerId, bytes: Uint8Array): void {
    if (this.#door.isBanned(peer)) return this.#context.emit({ kind: 'judge', verdict: 'ignore' });
    this.#vigil.heard(peer);
    const { verdict, received, accusations } = this.#rumors.receive(peer, bytes);
    const heard = accusations.length === 0 ? verdict : this.#vigil.rumor(peer, accusations);
    this.#context.emit({ kind: 'judge', verdict: verdict === 'ignore' ? heard : verdict });
    if (received.kind === 'own') this.#ownHeads.met(peer, received);
    if (received.kind === 'applied' && this.#links.young.length > 0)
      this.#rumors.tellOthers(received.owner, received.before, this.#links.young, peer);
    if (received.kind === 'refused') this.#door.blame(peer, received.reason);
  }

  /** A rumor that a neighbor tells directly, after a repair. */
  #retold(peer: OwnerId, rumor: Extract<Frame, { kind: 'rumor' }>['rumor']): void {
    const received = this.#rumors.take(peer, rumor);
    for (const sealed of rumor.accusations ?? [])
      this.#vigil.on(peer, { kind: 'accusation', sealed });
    if (received.kind === 'own') this.#ownHeads.met(peer, received);
    if (received.kind === 'applied') this.#repaired(received.owner, received.before, peer);
    if (received.kind === 'refused') this.#door.blame(peer, received.reason);
  }

  #repaired(owner: OwnerId, before: number, peer: OwnerId): void {
    // Whoever joins is the one who knows nothing new.
    if (this.#reconciledAtMs === undefined && owner !== peer) return;
    this.#rumors.tellOthers(owner, before, this.#links.greeted, peer);
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
    this.#readiness.reconciled();
  }

  #setWake(): void {
    const next = Math.min(
      this.#rounds.wakeAtMs,
      this.#readiness.wakeAtMs,
      this.#vigil.wakeAtMs,
      this.#rumors.wakeAtMs,
    );
    if (next === this.#wakeAtMs) return;
    this.#wakeAtMs = next;
    this.#vigil.wakesAt(next);
    this.#context.emit({ kind: 'wakeAt', monoMs: next });
  }

  #send(peer: OwnerId, frame: Frame): void {
    this.#context.emit({ kind: 'send', peer, bytes: encodeFrame(frame) });
  }
}
