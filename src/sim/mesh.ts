/**
 * Mesh: a model of one node's gossipsub, as js-libp2p's does it with the daemon's options.
 *
 *   own message  ──▶ every linked peer (flood publish)
 *   first copy   ──▶ handler ── accept ──▶ mesh peers but the one it came from and those that said
 *                                          IDONTWANT; kept for IHAVE over 3 heartbeats
 *   heartbeat 1 s ─▶ graft below dLow, prune above dHigh, IHAVE to peers outside the mesh
 *
 * Left out: scores (all peers are honest here), fanout and peer exchange. Who has seen what is
 * noted on the message, since a message outlives its two minutes in no node's memory.
 */
import type { Random } from '../base/random.ts';
import type { RumorVerdict } from '../gossip/context.ts';
import type { OwnerId } from '../record/owner.ts';

/** gossipsub's D, Dlo and Dhi. */
export interface MeshOptions {
  readonly d: number;
  readonly dLow: number;
  readonly dHigh: number;
}

const dOut = 2;
const dLazy = 6;
const gossipFactor = 0.25;
const pruneBackoffMs = 60_000;
/** Heartbeats for which a message can be asked for, and for which it is offered. */
const historyLength = 5;
const historyGossip = 3;
/** Messages of at least so many bytes are announced as not wanted any more. */
const dontWantBytesMin = 512;
export const heartbeatMs = 1_000;
const indexesMax = 2 ** 24;

/** One broadcast, shared by all nodes. */
export class Broadcast {
  readonly bytes: Uint8Array;
  /** By a node's number in the network. */
  #seen = new Uint8Array(64);
  #unwanted: Set<number> | undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** @returns whether this node sees it for the first time */
  see(index: number): boolean {
    if (index >= this.#seen.length) {
      const wider = new Uint8Array(2 * index + 2);
      wider.set(this.#seen);
      this.#seen = wider;
    }
    const isNew = this.#seen[index] === 0;
    this.#seen[index] = 1;
    return isNew;
  }

  isSeen(index: number): boolean {
    return this.#seen[index] === 1;
  }

  /** `teller` told `told` that it has this already; both by their numbers. */
  noteUnwanted(told: number, teller: number): void {
    this.#unwanted ??= new Set();
    this.#unwanted.add(told * indexesMax + teller);
  }

  isUnwanted(told: number, teller: number): boolean {
    return this.#unwanted?.has(told * indexesMax + teller) === true;
  }
}

export type Packet =
  | { readonly kind: 'broadcast'; readonly broadcast: Broadcast }
  | { readonly kind: 'have' | 'want'; readonly broadcasts: readonly Broadcast[] }
  | { readonly kind: 'dontWant'; readonly broadcast: Broadcast }
  | { readonly kind: 'graft' | 'prune' };

/** What the mesh needs of the transport that it is part of. */
export interface MeshPort {
  readonly self: OwnerId;
  /** Number of this process in the network. */
  readonly index: number;
  nowMs(): number;
  pass(peer: OwnerId, packet: Packet): void;
  judge(peer: OwnerId, bytes: Uint8Array): RumorVerdict;
}

interface Peer {
  /** Its number in the network. */
  readonly index: number;
  /** We dialed it. */
  readonly isOutbound: boolean;
  isInMesh: boolean;
}

export class Mesh {
  readonly #port: MeshPort;
  readonly #options: MeshOptions;
  readonly #random: Random;
  readonly #peers = new Map<OwnerId, Peer>();
  readonly #backoff = new Map<OwnerId, number>();
  /** Newest heartbeat first. */
  #history: Broadcast[][] = [[]];
  #size = 0;
  /** Copies that came beyond the first. */
  duplicates = 0;
  /** First copies. */
  firsts = 0;

  constructor(port: MeshPort, options: MeshOptions, random: Random) {
    this.#port = port;
    this.#options = options;
    this.#random = random;
  }

  /** Peers in the mesh. */
  get size(): number {
    return this.#size;
  }

  /** @param isOutbound this node dialed it */
  linked(peer: OwnerId, index: number, isOutbound: boolean): void {
    this.unlinked(peer);
    this.#peers.set(peer, { index, isOutbound, isInMesh: false });
  }

  unlinked(peer: OwnerId): void {
    if (this.#peers.get(peer)?.isInMesh === true) this.#size -= 1;
    this.#peers.delete(peer);
  }

  publish(bytes: Uint8Array): void {
    const broadcast = new Broadcast(Buffer.from(bytes));
    broadcast.see(this.#port.index);
    this.#history[0]?.push(broadcast);
    for (const peer of this.#peers.keys()) this.#port.pass(peer, { kind: 'broadcast', broadcast });
  }

  receive(from: OwnerId, packet: Packet): void {
    switch (packet.kind) {
      case 'broadcast':
        return this.#take(from, packet.broadcast);
      case 'have': {
        const { index } = this.#port;
        const broadcasts = packet.broadcasts.filter((offered) => !offered.isSeen(index));
        if (broadcasts.length > 0) this.#port.pass(from, { kind: 'want', broadcasts });
        return;
      }
      case 'want':
        for (const broadcast of packet.broadcasts)
          if (this.#history.some((messages) => messages.includes(broadcast)))
            this.#port.pass(from, { kind: 'broadcast', broadcast });
        return;
      case 'dontWant':
        return this.#noteUnwanted(from, packet.broadcast);
      case 'graft':
        return this.#grafted(from);
      case 'prune':
        return this.#pruned(from);
    }
  }

  heartbeat(): void {
    const { d, dLow, dHigh } = this.#options;
    if (this.#size < dLow) this.#graft(d - this.#size, () => true);
    if (this.#size > dHigh) this.#pruneTo(d);
    const outbound = this.#count(({ isInMesh, isOutbound }) => isInMesh && isOutbound);
    if (this.#size >= dLow && outbound < dOut)
      this.#graft(dOut - outbound, ({ isOutbound }) => isOutbound);
    this.#offer();
    this.#history.unshift([]);
    this.#history.length = Math.min(this.#history.length, historyLength);
  }

  #take(from: OwnerId, broadcast: Broadcast): void {
    if (!broadcast.see(this.#port.index)) {
      this.duplicates += 1;
      return;
    }
    this.firsts += 1;
    if (broadcast.bytes.length >= dontWantBytesMin)
      for (const [peer, { isInMesh }] of this.#peers)
        if (isInMesh && peer !== from) this.#port.pass(peer, { kind: 'dontWant', broadcast });
    if (this.#port.judge(from, broadcast.bytes) !== 'accept') return;
    this.#history[0]?.push(broadcast);
    for (const [peer, { isInMesh, index }] of this.#peers)
      if (isInMesh && peer !== from && !broadcast.isUnwanted(this.#port.index, index))
        this.#port.pass(peer, { kind: 'broadcast', broadcast });
  }

  #noteUnwanted(from: OwnerId, broadcast: Broadcast): void {
    const peer = this.#peers.get(from);
    if (peer !== undefined) broadcast.noteUnwanted(this.#port.index, peer.index);
  }

  #graft(count: number, isWanted: (peer: Peer) => boolean): void {
    const nowMs = this.#port.nowMs();
    for (const [peer, untilMs] of this.#backoff) if (untilMs <= nowMs) this.#backoff.delete(peer);
    const candidates = [...this.#peers].filter(
      ([owner, peer]) => !peer.isInMesh && !this.#backoff.has(owner) && isWanted(peer),
    );
    for (const [owner, peer] of this.#random.sample(candidates, count)) {
      this.#add(peer);
      this.#port.pass(owner, { kind: 'graft' });
    }
  }

  /** Keeps `count`, outbound ones among them. */
  #pruneTo(count: number): void {
    const members = [...this.#peers].filter(([, { isInMesh }]) => isInMesh);
    const shuffled = this.#random.sample(members, members.length);
    const outbound = shuffled.filter(([, { isOutbound }]) => isOutbound).slice(0, dOut);
    const kept = new Set([...outbound, ...shuffled].slice(0, count + outbound.length));
    for (const entry of [...kept].slice(count)) kept.delete(entry);
    for (const entry of members) if (!kept.has(entry)) this.#prune(...entry);
  }

  #prune(owner: OwnerId, peer: Peer): void {
    if (peer.isInMesh) this.#size -= 1;
    peer.isInMesh = false;
    this.#backoff.set(owner, this.#port.nowMs() + pruneBackoffMs);
    this.#port.pass(owner, { kind: 'prune' });
  }

  #grafted(from: OwnerId): void {
    const peer = this.#peers.get(from);
    if (peer === undefined || peer.isInMesh) return;
    const isBackedOff = (this.#backoff.get(from) ?? 0) > this.#port.nowMs();
    const isFull = this.#size >= this.#options.dHigh && !peer.isOutbound;
    if (isBackedOff || isFull) this.#prune(from, peer);
    else this.#add(peer);
  }

  #pruned(from: OwnerId): void {
    const peer = this.#peers.get(from);
    if (peer?.isInMesh === true) this.#size -= 1;
    if (peer !== undefined) peer.isInMesh = false;
    this.#backoff.set(from, this.#port.nowMs() + pruneBackoffMs);
  }

  #add(peer: Peer): void {
    peer.isInMesh = true;
    this.#size += 1;
  }

  /** Tells some of the peers outside the mesh what was heard lately. */
  #offer(): void {
    const broadcasts = this.#history.slice(0, historyGossip).flat();
    if (broadcasts.length === 0) return;
    const outside = [...this.#peers].filter(([, { isInMesh }]) => !isInMesh);
    const count = Math.max(dLazy, Math.floor(gossipFactor * outside.length));
    for (const [peer] of this.#random.sample(outside, count))
      this.#port.pass(peer, { kind: 'have', broadcasts });
  }

  #count(is: (peer: Peer) => boolean): number {
    let count = 0;
    for (const peer of this.#peers.values()) if (is(peer)) count += 1;
    return count;
  }
}
