/**
 * SwimNode: a model of one memberlist agent, as SWIM or with Lifeguard's parts switched on.
 *
 *   prober ── silent ──▶ suspect ── not refuted in time ──▶ dead ── 30 s ──▶ forgotten
 *                            └── alive, higher incarnation ◀── the accused hears of it
 *
 * Modelled from the papers and from memberlist's documented behaviour: probes with relays and TCP
 * fallback, nacks, rumors on every packet and every 200 ms to three nodes, full exchanges over
 * TCP. Left out: joining and leaving (all know each other at the start), user messages and
 * metadata, encryption, addresses that change, the limit of queued packets, the order in which an
 * agent's threads take turns (what comes at once is handled at once, in the order of arrival), and
 * the time that handling takes.
 */
import type { Cancel } from '../../src/base/clock.ts';
import type { Random } from '../../src/base/random.ts';
import type { NodeProcess } from '../../src/sim/node-process.ts';
import { BroadcastQueue } from './broadcast-queue.ts';
import type { PacketHandler, PacketNetwork, StreamMessage } from './packet-network.ts';
import { SwimProber } from './swim-prober.ts';
import type { ProberPort, Target } from './swim-prober.ts';
import { Awareness, pushPullMs, retransmitLimit, Suspicion, suspicionMs } from './swim-timing.ts';
import type { SwimOptions } from './swim-timing.ts';
import * as wire from './swim-wire.ts';
import type { Message, Rumor, StateLine, SwimState } from './swim-wire.ts';

/** Another node as this one sees it. */
interface Peer {
  readonly node: number;
  state: SwimState;
  incarnation: number;
  changedMs: number;
  suspicion: Suspicion | undefined;
  cancel: Cancel | undefined;
}

export interface SwimObserver {
  /** `node` holds `subject` for suspect or dead from now on. */
  changed(node: number, subject: number, state: 'suspect' | 'dead'): void;
}

export interface SwimSpec {
  readonly number: number;
  /** Numbers of all nodes; they know each other from the start. */
  readonly nodes: readonly number[];
  readonly options: SwimOptions;
  readonly process: NodeProcess;
  readonly network: PacketNetwork;
  readonly random: Random;
  readonly observer: SwimObserver;
}

export class SwimNode implements PacketHandler, ProberPort {
  readonly number: number;
  readonly process: NodeProcess;
  readonly random: Random;
  readonly options: SwimOptions;
  readonly awareness: Awareness;
  readonly #network: PacketNetwork;
  readonly #observer: SwimObserver;
  readonly #prober: SwimProber;
  readonly #queue = new BroadcastQueue();
  readonly #peers = new Map<number, Peer>();
  /** The others in the order in which they are probed. */
  #turns: Peer[];
  #turn = 0;
  #incarnation = 1;
  #isGossiping = false;
  #isGossipOverdue = false;

  constructor({ number, nodes, options, process, network, random, observer }: SwimSpec) {
    this.number = number;
    this.options = options;
    this.process = process;
    this.random = random;
    this.#network = network;
    this.#observer = observer;
    this.awareness = new Awareness(options.lhaProbe ? options.awarenessMax : 1);
    for (const node of nodes) if (node !== number) this.#peers.set(node, newPeer(node, 'alive', 1));
    this.#turns = random.sample([...this.#peers.values()], this.#peers.size);
    this.#prober = new SwimProber(this);
    network.join(number, process, this);
  }

  start(): void {
    const { process, random, options } = this;
    this.#prober.start();
    process.schedule(random.next() * options.gossipIntervalMs, () => this.#gossipTick());
    process.schedule(random.next() * options.pushPullIntervalMs, () => this.#waitToExchange());
  }

  /** What this node holds of another one; undefined of itself, and of one that it forgot. */
  peer(node: number): StateLine | undefined {
    return this.#peers.get(node);
  }

  get incarnation(): number {
    return this.#incarnation;
  }

  packet(messages: readonly Message[]): void {
    for (const message of messages) this.#hear(message);
  }

  asked(request: StreamMessage): StreamMessage {
    if (request.kind !== 'states')
      return { kind: 'ack', bytes: wire.encode({ kind: 'ack', seq: 0 }).length };
    const answer = this.#states();
    this.#merge(request.lines);
    return answer;
  }

  nextTarget(): Target | undefined {
    for (let looked = 0; looked <= this.#turns.length; looked++) {
      if (this.#turn >= this.#turns.length) this.#reorder();
      const peer = this.#turns[this.#turn++];
      if (peer !== undefined && peer.state !== 'dead') return { ...peer };
    }
    return undefined;
  }

  relays(count: number, target: number): number[] {
    return this.#pick(count, ({ node, state }) => state === 'alive' && node !== target);
  }

  send(to: number, message: Message, told?: Rumor): void {
    const own = wire.encode(message);
    if (told !== undefined) {
      // To the accused itself, with nothing else.
      const bytes = wire.compound([own, wire.encode(told)]);
      const size = wire.sentBytes(bytes) + wire.checksumBytes;
      this.#network.send(this.process, to, [message, told], size);
      return;
    }
    const left = this.options.packetBytesMax - own.length - wire.compoundBytes;
    const extra = this.#take(left);
    if (extra.length === 0) {
      this.#network.send(this.process, to, [message], own.length);
      return;
    }
    const bytes = wire.compound([own, ...extra.map((queued) => queued.bytes)]);
    const messages = [message, ...extra.map(({ rumor }) => rumor)];
    this.#network.send(this.process, to, messages, wire.sentBytes(bytes));
  }

  ask(to: number, timeoutMs: number, done: (isAnswered: boolean) => void): void {
    const ping = { kind: 'ping', seq: 0, node: to, from: this.number } as const;
    const request = { kind: 'ping', bytes: wire.encode(ping).length } as const;
    this.#network.ask(this.process, to, request, timeoutMs, (answer) => done(answer !== undefined));
  }

  /** Accuses a node that answered nothing. */
  suspect(node: number, incarnation: number): void {
    this.#hearSuspect({ kind: 'suspect', node, incarnation, from: this.number });
  }

  #hear(message: Message): void {
    switch (message.kind) {
      case 'ping':
        return this.send(message.from, { kind: 'ack', seq: message.seq });
      case 'indirect':
        return this.#prober.relay(message.seq, message.node, message.from, message.wantsNack);
      case 'ack':
        return this.#prober.ack(message.seq);
      case 'nack':
        return this.#prober.nack(message.seq);
      case 'alive':
        return this.#hearAlive(message.node, message.incarnation);
      case 'suspect':
        return this.#hearSuspect(message);
      case 'dead':
        return this.#hearDead(message);
    }
  }

  #hearAlive(node: number, incarnation: number): void {
    if (node === this.number) return;
    let peer = this.#peers.get(node);
    if (peer === undefined) {
      peer = newPeer(node, 'dead', 0);
      this.#peers.set(node, peer);
      this.#turns.splice(this.random.int(this.#turns.length + 1), 0, peer);
    }
    if (incarnation <= peer.incarnation) return;
    this.#endSuspicion(peer);
    this.#tell({ kind: 'alive', node, incarnation });
    peer.incarnation = incarnation;
    if (peer.state !== 'alive') this.#change(peer, 'alive');
  }

  #hearSuspect(rumor: Rumor & { kind: 'suspect' | 'dead' }): void {
    const { node, incarnation, from } = rumor;
    if (node === this.number) return this.#refute(incarnation);
    const peer = this.#peers.get(node);
    if (peer === undefined || incarnation < peer.incarnation) return;
    if (peer.suspicion !== undefined) {
      if (!peer.suspicion.confirm(from)) return;
      this.#tell(rumor);
      this.#arm(peer, peer.suspicion);
      return;
    }
    if (peer.state !== 'alive') return;
    this.#tell(rumor);
    peer.incarnation = incarnation;
    this.#change(peer, 'suspect');
    this.#arm(peer, this.#newSuspicion(from));
  }

  #hearDead(rumor: Rumor & { kind: 'suspect' | 'dead' }): void {
    const { node, incarnation } = rumor;
    if (node === this.number) return this.#refute(incarnation);
    const peer = this.#peers.get(node);
    if (peer === undefined || incarnation < peer.incarnation) return;
    this.#endSuspicion(peer);
    if (peer.state === 'dead') return;
    this.#tell(rumor);
    peer.incarnation = incarnation;
    this.#change(peer, 'dead');
  }

  #newSuspicion(from: number): Suspicion {
    const { options } = this;
    const nodes = this.#peers.size + 1;
    const minMs = suspicionMs(options.suspicionMult, nodes, options.probeIntervalMs);
    const expected = options.lhaSuspicion ? options.suspicionMult - 2 : 0;
    const k = nodes - 2 < expected ? 0 : expected;
    const maxMs = options.suspicionMaxTimeoutMult * minMs;
    return new Suspicion(from, k, minMs, maxMs, this.process.now().monoMs);
  }

  /** Sets the timer that ends a suspicion. */
  #arm(peer: Peer, suspicion: Suspicion): void {
    peer.cancel?.();
    peer.suspicion = suspicion;
    const { node, incarnation } = peer;
    peer.cancel = this.process.schedule(suspicion.dueMs - this.process.now().monoMs, () => {
      if (peer.suspicion !== suspicion || peer.state !== 'suspect') return;
      this.#hearDead({ kind: 'dead', node, incarnation, from: this.number });
    });
  }

  #endSuspicion(peer: Peer): void {
    peer.cancel?.();
    peer.cancel = undefined;
    peer.suspicion = undefined;
  }

  #refute(accused: number): void {
    if (accused < this.#incarnation) return;
    this.#incarnation = accused + 1;
    this.awareness.apply(1);
    this.#tell({ kind: 'alive', node: this.number, incarnation: this.#incarnation });
  }

  #change(peer: Peer, state: SwimState): void {
    peer.state = state;
    peer.changedMs = this.process.now().monoMs;
    if (state !== 'alive') this.#observer.changed(this.number, peer.node, state);
  }

  #tell(rumor: Rumor): void {
    this.#queue.add(rumor, wire.encode(rumor));
  }

  #take(limit: number) {
    const nodes = this.#peers.size + 1;
    const transmitLimit = retransmitLimit(this.options.retransmitMult, nodes);
    return this.#queue.take(wire.compoundBytes, limit, transmitLimit);
  }

  #gossipTick(): void {
    this.process.schedule(this.options.gossipIntervalMs, () => this.#gossipTick());
    if (this.#isGossiping) this.#isGossipOverdue = true;
    else this.#gossip();
  }

  #gossip(): void {
    const nowMs = this.process.now().monoMs;
    const { gossipNodes, gossipToTheDeadMs, packetBytesMax } = this.options;
    const isTold = ({ state, changedMs }: Peer): boolean =>
      state !== 'dead' || nowMs - changedMs <= gossipToTheDeadMs;
    let isSent = false;
    for (const node of this.#pick(gossipNodes, isTold)) {
      const rumors = this.#take(packetBytesMax - wire.compoundBytes);
      const [first] = rumors;
      if (first === undefined) break;
      const bytes =
        rumors.length === 1 ? first.bytes : wire.compound(rumors.map((queued) => queued.bytes));
      const messages = rumors.map(({ rumor }) => rumor);
      const size = wire.sentBytes(bytes) + wire.checksumBytes;
      this.#network.send(this.process, node, messages, size);
      isSent = true;
    }
    if (!isSent || !this.process.isBlocked) return;
    // The sending thread waits, and with it its next turns.
    this.#isGossiping = true;
    this.process.run(() => {
      this.#isGossiping = false;
      if (!this.#isGossipOverdue) return;
      this.#isGossipOverdue = false;
      this.#gossip();
    });
  }

  #waitToExchange(): void {
    const waitMs = pushPullMs(this.options.pushPullIntervalMs, this.#peers.size + 1);
    this.process.schedule(waitMs, () => this.#exchange());
  }

  #exchange(): void {
    const [node] = this.#pick(1, ({ state }) => state === 'alive');
    if (node === undefined) return this.#waitToExchange();
    const { tcpTimeoutMs } = this.options;
    this.#network.ask(this.process, node, this.#states(), tcpTimeoutMs, (answer) => {
      if (answer?.kind === 'states') this.#merge(answer.lines);
      this.#waitToExchange();
    });
  }

  #states(): StreamMessage {
    const own = { node: this.number, incarnation: this.#incarnation, state: 'alive' } as const;
    const lines = [own, ...this.#turns].map(({ node, incarnation, state }) => {
      return { node, incarnation, state };
    });
    return { kind: 'states', lines, bytes: wire.sentBytes(wire.encodeStates(lines)) };
  }

  /** Nobody is called dead because another one says so in an exchange: it is suspected. */
  #merge(lines: readonly StateLine[]): void {
    for (const { node, incarnation, state } of lines)
      if (state === 'alive') this.#hearAlive(node, incarnation);
      else this.suspect(node, incarnation);
  }

  /** Random others, as many draws as memberlist makes. */
  #pick(count: number, isWanted: (peer: Peer) => boolean): number[] {
    const picked: number[] = [];
    const draws = 3 * (this.#turns.length + 1);
    for (let draw = 0; draw < draws && picked.length < count; draw++) {
      const peer = this.random.pick(this.#turns);
      if (peer === undefined || picked.includes(peer.node) || !isWanted(peer)) continue;
      picked.push(peer.node);
    }
    return picked;
  }

  /** A round is over: those long dead are forgotten, the others probed in a new order. */
  #reorder(): void {
    const nowMs = this.process.now().monoMs;
    const { gossipToTheDeadMs } = this.options;
    const kept = this.#turns.filter(
      ({ state, changedMs }) => state !== 'dead' || nowMs - changedMs <= gossipToTheDeadMs,
    );
    for (const peer of this.#turns) if (!kept.includes(peer)) this.#peers.delete(peer.node);
    this.#turns = this.random.sample(kept, kept.length);
    this.#turn = 0;
  }
}

function newPeer(node: number, state: SwimState, incarnation: number): Peer {
  return { node, state, incarnation, changedMs: 0, suspicion: undefined, cancel: undefined };
}
