/** One node's half of an exchange, held in hand: frames go in, what it would send comes out. */
import { Counters } from '../../src/base/counters.ts';
import { seededRandom } from '../../src/base/random.ts';
import { VirtualClock } from '../../src/base/virtual-clock.ts';
import type { Effect, GossipContext } from '../../src/gossip/context.ts';
import { sealDigest } from '../../src/gossip/digest.ts';
import type { Digest } from '../../src/gossip/digest.ts';
import { decodeFrame } from '../../src/gossip/message.ts';
import type { Frame } from '../../src/gossip/frame.ts';
import { Reconciler } from '../../src/gossip/reconcile.ts';
import { SettledHeads, settleMs } from '../../src/gossip/settled-heads.ts';
import { ed25519Verifier } from '../../src/record/signature.ts';
import type { Verifier } from '../../src/record/signature.ts';
import { Registry } from '../../src/registry/registry.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { signerOf, testConfig } from './cluster.ts';
import type { TestConfig } from './cluster.ts';
import type { Ghost } from './ghosts.ts';

export interface LoneNodeOptions {
  readonly number?: number;
  readonly symbolsMax?: number;
  readonly config?: Partial<TestConfig>;
  readonly verifier?: Verifier;
}

/** The owner with this number, as a peer. */
export const peerOf = (number: number): string => signerOf(number).owner;

export class LoneNode {
  readonly clock = new VirtualClock();
  readonly counters = new Counters();
  readonly registry: Registry;
  readonly heads: SettledHeads;
  readonly reconciler: Reconciler;
  readonly context: GossipContext;
  /** Peers with whom an exchange ended so that all of theirs is held. */
  readonly completed: string[] = [];
  /** Outcomes of the exchanges that this node asked for. */
  readonly outcomes: string[] = [];
  #sent: { readonly peer: string; readonly frame: Frame }[] = [];

  constructor({ number = 1, symbolsMax = 256, ...options }: LoneNodeOptions = {}) {
    const signer = signerOf(number);
    const config = { ...testConfig, ...options.config };
    const identity = { signer, cluster: 'test', bootId: '00'.repeat(8) };
    const startedAt = this.clock.now().wallMicros;
    const protocol = { protocolMin: 1, protocolMax: 1, version: '' };
    const facts = { name: 'lone', addresses: [], startedAt, left: false, ...protocol };
    const { verifier = ed25519Verifier } = options;
    const now = this.clock.now();
    this.registry = new Registry(identity, facts, verifier, new MemoryStore(), config, now);
    this.registry.begin(facts, now);
    this.heads = new SettledHeads('test', symbolsMax);
    const { registry, counters, clock } = this;
    this.context = {
      registry,
      identity,
      verifier,
      config,
      random: seededRandom(number),
      counters,
      get now() {
        return clock.now();
      },
      emit: (effect) => this.#emit(effect),
    };
    const { bytesPerOwnerMax } = config;
    this.reconciler = new Reconciler(
      this.context,
      { bytesPerOwnerMax, heads: this.heads },
      {
        merge: (_peer, head, records, whole) => registry.receive(head, records, whole, clock.now()),
        repaired: () => undefined,
        own: () => undefined,
        completed: (peer) => void this.completed.push(peer),
        refused: () => undefined,
        heardTime: () => undefined,
        asked: () => undefined,
        accusation: () => undefined,
      },
    );
    this.settle();
  }

  /** All that is held now counts from now on. */
  settle(): void {
    this.reconciler.follow();
    this.clock.advance(settleMs);
    const horizonMs = this.context.config.reapAfterMs - 2 * this.context.config.clockAheadMs;
    const { monoMs, wallMicros } = this.clock.now();
    this.heads.settle(monoMs, wallMicros - horizonMs * 1000, this.context.config.clockAheadMs);
  }

  give(...ghosts: readonly Ghost[]): void {
    for (const ghost of ghosts) ghost.giveTo(this.registry, this.clock.now());
    this.settle();
  }

  /** Frames that were sent since the last time, to any peer. */
  sent(): Frame[] {
    return this.#sent.splice(0).map(({ frame }) => frame);
  }

  kinds(): string[] {
    return this.sent().map(({ kind }) => kind);
  }

  /** What this node answers to a frame from a peer. */
  on(peer: string, frame: Parameters<Reconciler['on']>[1]): Frame[] {
    this.reconciler.on(peer, frame);
    this.reconciler.follow();
    return this.sent();
  }

  /** Its digest, as a peer would send it; with other parts where they are given. */
  digestOf(number: number, parts: Partial<Digest> = {}): Extract<Frame, { kind: 'digest' }> {
    const { sketch } = this.heads;
    const own = { setHash: sketch.setHash(), symbols: sketch.symbols(0, 4), salt: undefined };
    const digest = { time: this.clock.now().wallMicros, exchange: 1, ...own, ...parts };
    return { kind: 'digest', sealed: sealDigest(digest, 'test', signerOf(number)) };
  }

  #emit(effect: Effect): void {
    if (effect.kind === 'event' && effect.event.kind === 'exchanged')
      this.outcomes.push(effect.event.outcome);
    if (effect.kind !== 'send') return;
    const frame = decodeFrame(effect.bytes);
    if (frame.kind === 'refused') throw new Error(`sent a frame that is ${frame.reason}`);
    this.#sent.push({ peer: effect.peer, frame: frame.value });
  }
}

/** Carries frames between two nodes until neither has anything to say; answers what was said. */
export function converse(asker: LoneNode, answerer: LoneNode): string[] {
  const [a, b] = [asker.registry.self, answerer.registry.self];
  const said: string[] = [];
  for (let turns = 0; turns < 1_000; turns++) {
    const fromAsker = asker.sent();
    for (const frame of fromAsker) answerer.reconciler.on(a, frame as never);
    answerer.reconciler.follow();
    const fromAnswerer = answerer.sent();
    for (const frame of fromAnswerer) asker.reconciler.on(b, frame as never);
    asker.reconciler.follow();
    if (fromAsker.length + fromAnswerer.length === 0) return said;
    said.push(...[...fromAsker, ...fromAnswerer].map(({ kind }) => kind));
  }
  throw new Error('they talk without end');
}
