/** SimTransport: one process's end of the simulated network. */
import { assert } from '../base/assert.ts';
import type { DialTarget, RumorVerdict } from '../gossip/context.ts';
import type { DialOutcome, Transport, TransportHandler } from '../gossip/transport.ts';
import type { OwnerId } from '../record/owner.ts';
import type { Lane, Link } from './link.ts';
import { Mesh, heartbeatMs } from './mesh.ts';
import type { MeshPort, Packet } from './mesh.ts';
import type { SimNetwork } from './network.ts';
import type { NodeProcess } from './node-process.ts';

/** Length prefix, yamux header, noise length and tag. */
const frameOverheadBytes = 32;
/** The same around a broadcast, with its topic; around ids of 20 bytes; and around graft or prune. */
const broadcastOverheadBytes = 64;
const controlOverheadBytes = 48;
const idBytes = 22;
/** TCP, noise, yamux and the protocol's name: one-way delays until a dial is through. */
const dialDelays = 6;

/** Bytes on the wire, with what the layers below add. */
export interface Traffic {
  frameBytes: number;
  frames: number;
  rumorBytes: number;
  rumors: number;
}

export interface Seat {
  readonly self: OwnerId;
  readonly address: string;
  /** Number of the node. */
  readonly place: number;
  readonly process: NodeProcess;
  /** Number of the process in its network. */
  readonly index: number;
}

interface End {
  readonly link: Link;
  readonly other: SimTransport;
  readonly out: Lane;
}

export class SimTransport implements Transport, MeshPort {
  readonly self: OwnerId;
  readonly place: number;
  readonly index: number;
  readonly mesh: Mesh;
  readonly sent: Traffic = { frameBytes: 0, frames: 0, rumorBytes: 0, rumors: 0 };
  readonly received: Traffic = { frameBytes: 0, frames: 0, rumorBytes: 0, rumors: 0 };
  readonly #network: SimNetwork;
  readonly #address: string;
  readonly #process: NodeProcess;
  readonly #ends = new Map<OwnerId, End>();
  #handler: TransportHandler | undefined;
  #bytesPerSecond = Infinity;
  #queuedBytesMax: number | undefined;

  constructor(network: SimNetwork, { self, address, place, process, index }: Seat) {
    this.#network = network;
    this.self = self;
    this.place = place;
    this.index = index;
    this.#address = address;
    this.#process = process;
    this.mesh = new Mesh(this, network.options.mesh, network.random);
  }

  start(handler: TransportHandler): Promise<readonly string[]> {
    this.#handler = handler;
    this.#network.listen(this.#address, this);
    const beat = (): void => {
      if (this.#handler !== handler) return;
      this.mesh.heartbeat();
      this.#process.schedule(heartbeatMs, beat);
    };
    this.#process.schedule(this.#network.random.next() * heartbeatMs, beat);
    return Promise.resolve([this.#address]);
  }

  /** Peers with a connection, the oldest first. */
  get peers(): IterableIterator<OwnerId> {
    return this.#ends.keys();
  }

  dial(target: DialTarget, timeoutMs: number, done: (outcome: DialOutcome) => void): void {
    const found = target.addresses.map((address) => this.#network.at(address));
    const node = found.find((candidate) => candidate !== undefined);
    let setupMs = 0;
    const delays = node === undefined ? 2 : dialDelays;
    for (let i = 0; i < delays; i++) setupMs += this.#network.delayMs();
    if (node !== undefined && this.#isDeaf(node)) setupMs = Infinity;
    if (this.#process.isBlocked) setupMs = Infinity;
    // A timer of its own, so that it runs out while the process is blocked, too.
    const timeOut = (leftMs: number): void => {
      this.#process.schedule(leftMs, () => done({ kind: 'failed', how: 'timeout' }));
    };
    if (setupMs > timeoutMs) {
      timeOut(timeoutMs);
      return;
    }
    this.#process.schedule(setupMs, () => {
      const isDeaf = this.#process.isBlocked || (node !== undefined && this.#isDeaf(node));
      if (isDeaf) timeOut(timeoutMs - setupMs);
      else done(this.#connect(target, node));
    });
  }

  send(peer: OwnerId, bytes: Uint8Array): boolean {
    assert(bytes.length > 0, 'a frame is not empty');
    const end = this.#ends.get(peer);
    if (end === undefined) return false;
    const size = bytes.length + frameOverheadBytes;
    // From the pool: an array of its own costs more than the rest of the hop.
    const copy = Buffer.from(bytes);
    const { other } = end;
    const isSent = this.#put(end, size, () => {
      other.received.frames += 1;
      other.received.frameBytes += size;
      other.#handler?.message(this.self, copy);
    });
    if (!isSent) return false;
    this.sent.frames += 1;
    this.sent.frameBytes += size;
    return true;
  }

  publish(bytes: Uint8Array): void {
    this.mesh.publish(bytes);
  }

  /** Connects the two at once, as if this one had dialed. */
  link(other: SimTransport): void {
    const link = this.#network.connect(this, other);
    this.#link({ link, other, out: link.lanes[0] }, true);
    other.#link({ link, other: this, out: link.lanes[1] }, false);
  }

  hangUp(peer: OwnerId): void {
    const end = this.#ends.get(peer);
    if (end === undefined) return;
    this.#process.run(() => this.#close(end));
  }

  stop(): Promise<void> {
    this.crash();
    return Promise.resolve();
  }

  /** Goes without a word, as a killed process does: its links close, its address refuses. */
  crash(): void {
    this.#network.unlisten(this.#address, this);
    this.#handler = undefined;
    for (const end of this.#ends.values()) this.#close(end);
    this.#ends.clear();
  }

  /** From now on it reads so slowly, and others may have so many unread bytes for it. */
  slowDown(bytesPerSecond: number, queuedBytesMax: number): void {
    this.#bytesPerSecond = bytesPerSecond;
    this.#queuedBytesMax = queuedBytesMax;
    for (const [, { other }] of this.#ends) this.#limit(other.#ends.get(this.self)?.out);
  }

  /** The link is no more. */
  lost(link: Link): void {
    for (const [peer, end] of this.#ends) {
      if (end.link !== link) continue;
      this.#ends.delete(peer);
      this.mesh.unlinked(peer);
      this.#process.run(() => this.#handler?.unlinked(peer));
    }
  }

  nowMs(): number {
    return this.#network.clock.now().monoMs;
  }

  judge(peer: OwnerId, bytes: Uint8Array): RumorVerdict {
    return this.#handler?.rumor(peer, bytes) ?? 'ignore';
  }

  /** One hop of gossipsub. */
  pass(peer: OwnerId, packet: Packet): void {
    const end = this.#ends.get(peer);
    if (end === undefined) return;
    const size = bytesOf(packet);
    this.sent.rumors += 1;
    this.sent.rumorBytes += size;
    const { options, random } = this.#network;
    const { other } = end;
    const arrive = (): void => {
      other.received.rumors += 1;
      other.received.rumorBytes += size;
      other.mesh.receive(this.self, packet);
    };
    if (options.loss > 0 && random.next() < options.loss) return;
    if (options.reorder > 0 && random.next() < options.reorder) {
      // Late by up to two more delays, behind what is sent after it.
      const lateMs = this.#network.delayMs() * 2 * random.next();
      this.#network.clock.schedule(lateMs, () => this.#put(end, size, arrive, true));
    } else this.#put(end, size, arrive, true);
    if (options.duplicate > 0 && random.next() < options.duplicate)
      this.#put(end, size, arrive, true);
  }

  #put({ link, out, other }: End, size: number, arrive: () => void, isSpared = false): boolean {
    const deliver = (): void =>
      other.#process.run(() => {
        out.queuedBytes -= size;
        if (other.#ends.get(this.self)?.link === link) arrive();
      });
    if (!this.#process.isBlocked) return link.send(out, size, deliver, isSpared);
    this.#process.run(() => link.send(out, size, deliver, isSpared));
    return true;
  }

  #isDeaf(node: SimTransport): boolean {
    const { place } = node;
    const network = this.#network;
    const isCut = network.isCut(this.place, place) || network.isCut(place, this.place);
    return isCut || node.#process.isPaused || node.#process.isBlocked;
  }

  #connect(target: DialTarget, node: SimTransport | undefined): DialOutcome {
    if (this.#handler === undefined) return { kind: 'failed', how: 'unreachable' };
    if (node === undefined || node.#handler === undefined)
      return { kind: 'failed', how: 'refused' };
    if (node.self === this.self) return { kind: 'failed', how: 'self' };
    if (target.peer !== undefined && target.peer !== node.self)
      return { kind: 'failed', how: 'other_peer' };
    if (this.#ends.get(node.self)?.other !== node) {
      // An older connection of the same key, to a process that is gone or another one.
      this.#ends.get(node.self)?.link.break();
      node.#ends.get(this.self)?.link.break();
      this.link(node);
    }
    return { kind: 'dialed', peer: node.self };
  }

  #link(end: End, isOutbound: boolean): void {
    const { other } = end;
    this.#ends.set(other.self, end);
    other.#limit(end.out);
    this.mesh.linked(other.self, other.index, isOutbound);
    this.#process.run(() => this.#handler?.linked(other.self));
  }

  /** How fast this process reads what comes on a lane. */
  #limit(lane: Lane | undefined): void {
    if (lane === undefined) return;
    lane.bytesPerSecond = this.#bytesPerSecond;
    if (this.#queuedBytesMax !== undefined) lane.bytesMax = this.#queuedBytesMax;
  }

  /** FIN goes behind what was sent before: the other side hears of it, unless the path is cut. */
  #close({ link, out }: End): void {
    if (!link.send(out, 0, () => link.break())) link.break();
  }
}

function bytesOf(packet: Packet): number {
  switch (packet.kind) {
    case 'broadcast':
      return packet.broadcast.bytes.length + broadcastOverheadBytes;
    case 'have':
    case 'want':
      return packet.broadcasts.length * idBytes + controlOverheadBytes;
    case 'dontWant':
      return idBytes + controlOverheadBytes;
    case 'graft':
    case 'prune':
      return controlOverheadBytes;
  }
}
