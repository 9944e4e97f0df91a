/**
 * A network in memory, on a virtual clock: for tests and the simulator.
 *
 * It really serializes: every message is copied into bytes of its own. Links, delays and faults
 * are as the owner of the network sets them; nodes are found by their addresses.
 */
import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { sha256 } from '../record/hash.ts';
import type { OwnerId } from '../record/owner.ts';
import type { DialTarget } from './context.ts';
import type { DialOutcome, Transport, TransportHandler } from './transport.ts';

/** Rumors that a node remembers. */
const heardMax = 10_000;

/** What the network does to its nodes' messages; tests set it while the network runs. */
export interface MemoryNetworkRules {
  /** One-way delay, ms. */
  delayMs(from: OwnerId, to: OwnerId): number;
  /** Nothing gets through between the two, in either direction. */
  isCut(a: OwnerId, b: OwnerId): boolean;
  /** This rumor gets lost on this hop. */
  dropsRumor(from: OwnerId, to: OwnerId): boolean;
  /** A chance to damage what travels. */
  alter(bytes: Uint8Array, from: OwnerId, to: OwnerId): Uint8Array;
}

export class MemoryNetwork {
  readonly rules: MemoryNetworkRules = {
    delayMs: () => 1,
    isCut: () => false,
    dropsRumor: () => false,
    alter: (bytes) => bytes,
  };
  readonly clock: Clock;
  readonly #nodes = new Map<string, MemoryTransport>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** A node that others reach at `address`, any text. */
  join(self: OwnerId, address: string): MemoryTransport {
    return new MemoryTransport(this, self, address);
  }

  at(address: string): MemoryTransport | undefined {
    return this.#nodes.get(address);
  }

  listen(address: string, node: MemoryTransport): void {
    this.#nodes.set(address, node);
  }

  unlisten(address: string): void {
    this.#nodes.delete(address);
  }

  /** Breaks every link that crosses a cut. */
  applyCuts(): void {
    for (const node of this.#nodes.values()) node.dropCutLinks();
  }
}

export class MemoryTransport implements Transport {
  readonly self: OwnerId;
  readonly #network: MemoryNetwork;
  readonly #address: string;
  /** Who spoke last under each key. */
  readonly #links = new Map<OwnerId, MemoryTransport>();
  readonly #lines = new Map<OwnerId, Set<MemoryTransport>>();
  readonly #heard = new Set<string>();
  #handler: TransportHandler | undefined;

  constructor(network: MemoryNetwork, self: OwnerId, address: string) {
    this.#network = network;
    this.self = self;
    this.#address = address;
  }

  start(handler: TransportHandler): Promise<readonly string[]> {
    this.#handler = handler;
    this.#network.listen(this.#address, this);
    return Promise.resolve([this.#address]);
  }

  dial(target: DialTarget, timeoutMs: number, done: (outcome: DialOutcome) => void): void {
    const found = target.addresses.map((address) => this.#network.at(address));
    const node = found.find((candidate) => candidate !== undefined);
    // A refusal takes one round trip; TCP's handshake and that of noise take two.
    const roundTripMs = (node === undefined ? 2 : 4) * this.#delayTo(node);
    if (node !== undefined && this.#network.rules.isCut(this.self, node.self))
      this.#after(timeoutMs, () => done({ kind: 'failed', how: 'timeout' }));
    else this.#after(roundTripMs, () => done(this.#connect(target, node)));
  }

  send(peer: OwnerId, bytes: Uint8Array): boolean {
    assert(bytes.length > 0, 'a frame is not empty');
    const other = this.#links.get(peer);
    if (other === undefined) return false;
    const { rules } = this.#network;
    const copy = rules.alter(new Uint8Array(bytes), this.self, peer);
    this.#after(this.#delayTo(other), () => other.#receive(this, copy));
    return true;
  }

  publish(bytes: Uint8Array): void {
    for (const peer of this.#links.keys()) this.#tell(peer, bytes);
  }

  hangUp(peer: OwnerId): void {
    const other = this.#links.get(peer);
    if (other === undefined) return;
    this.#after(this.#delayTo(other), () => {
      this.#unlink(other);
      // The other end hears nothing of it, until it says something and that gets through.
      if (!this.#network.rules.isCut(this.self, peer)) other.#unlink(this);
    });
  }

  stop(): Promise<void> {
    this.crash();
    return Promise.resolve();
  }

  /** Goes without a word, as a killed process does: its links close, its address refuses. */
  crash(): void {
    if (this.#network.at(this.#address) === this) this.#network.unlisten(this.#address);
    this.#handler = undefined;
    for (const lines of this.#lines.values())
      for (const other of lines) this.#after(this.#delayTo(other), () => other.#unlink(this));
    this.#lines.clear();
    this.#links.clear();
  }

  dropCutLinks(): void {
    for (const [peer, lines] of this.#lines) {
      if (!this.#network.rules.isCut(this.self, peer)) continue;
      for (const other of lines) {
        this.#unlink(other);
        other.#unlink(this);
      }
    }
  }

  #connect(target: DialTarget, node: MemoryTransport | undefined): DialOutcome {
    if (this.#handler === undefined) return { kind: 'failed', how: 'unreachable' };
    if (node === undefined || node.#handler === undefined)
      return { kind: 'failed', how: 'refused' };
    if (node.self === this.self) return { kind: 'failed', how: 'self' };
    if (target.peer !== undefined && target.peer !== node.self)
      return { kind: 'failed', how: 'other_peer' };
    if (!this.#links.has(node.self)) {
      this.#link(node);
      node.#link(this);
    }
    return { kind: 'dialed', peer: node.self };
  }

  #link(other: MemoryTransport): void {
    const lines = this.#lines.get(other.self);
    // Another process with the same key: it is the same peer to us, as it is to libp2p.
    if (lines !== undefined) return void lines.add(other);
    this.#lines.set(other.self, new Set([other]));
    this.#links.set(other.self, other);
    this.#handler?.linked(other.self);
  }

  #unlink(other: MemoryTransport): void {
    const lines = this.#lines.get(other.self);
    if (lines?.delete(other) !== true) return;
    const [left] = lines;
    if (left !== undefined) return void this.#links.set(other.self, left);
    this.#lines.delete(other.self);
    this.#links.delete(other.self);
    this.#handler?.unlinked(other.self);
  }

  #receive(from: MemoryTransport, bytes: Uint8Array): void {
    if (!this.#isConnectedTo(from)) return this.#reset(from);
    this.#links.set(from.self, from);
    this.#handler?.message(from.self, bytes);
  }

  /** There is no such connection here any more, as whoever still uses it hears. */
  #reset(from: MemoryTransport): void {
    this.#after(this.#delayTo(from), () => {
      if (!this.#isConnectedTo(from)) from.#unlink(this);
    });
  }

  #isConnectedTo(other: MemoryTransport): boolean {
    return this.#lines.get(other.self)?.has(other) === true;
  }

  /** One hop of a broadcast; whoever accepts it tells the rest of its links. */
  #tell(peer: OwnerId, bytes: Uint8Array): void {
    const other = this.#links.get(peer);
    if (other === undefined || this.#network.rules.dropsRumor(this.self, peer)) return;
    const copy = this.#network.rules.alter(new Uint8Array(bytes), this.self, peer);
    this.#after(this.#delayTo(other), () => {
      if (other.#hasHeard(copy) || other.#handler?.rumor(this.self, copy) !== 'accept') return;
      for (const next of other.#links.keys()) if (next !== this.self) other.#tell(next, copy);
    });
  }

  /** As gossipsub does, by content: what nobody can apply yet would go round for ever. */
  #hasHeard(rumor: Uint8Array): boolean {
    const id = Buffer.from(sha256(rumor)).toString('latin1');
    if (this.#heard.has(id)) return true;
    if (this.#heard.size >= heardMax) this.#heard.clear();
    this.#heard.add(id);
    return false;
  }

  #delayTo(other: MemoryTransport | undefined): number {
    return other === undefined ? 1 : this.#network.rules.delayMs(this.self, other.self);
  }

  #after(delayMs: number, run: () => void): void {
    this.#network.clock.schedule(delayMs, run);
  }
}
