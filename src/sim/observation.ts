/** Observation: the figures of a run, gathered while it goes on. */
import type { Input } from '../gossip/context.ts';
import { Agreement } from './agreement.ts';
import type { Arrival, Sample } from './run.ts';
import type { Observer, SimNode } from './sim-node.ts';
import { Spreads } from './spreads.ts';
import type { World } from './world.ts';

/** Frames that hand on a rumor, by the first byte of their encoding: field 7, a message. */
const rumorFrameTag = (7 << 3) | 2;

export class Observation implements Partial<Observer> {
  readonly agreement = new Agreement();
  readonly spreads = new Spreads();
  readonly counters = new Map<string, number>();
  readonly world: World;
  #duplicates = 0;
  #firsts = 0;
  #bytes = 0;
  #sampledBytes = 0;
  #sampledAtMs = 0;

  constructor(world: World) {
    this.world = world;
  }

  started(node: SimNode): void {
    if (this.world.isClone(node)) return;
    for (const [owner, { head }] of node.registry.owners())
      this.agreement.held(owner, head.head.lastUpdate);
    this.agreement.up(node.owner);
  }

  /** Without a look at all pairs, of which there are N x N. */
  startedWarm(nodes: readonly SimNode[]): void {
    for (const [owner, { head }] of nodes[0]?.registry.owners() ?? [])
      this.agreement.held(owner, head.head.lastUpdate, nodes.length);
    for (const { owner } of nodes) this.agreement.up(owner);
  }

  ended(node: SimNode): void {
    this.gather(node);
    for (const [owner, { head }] of node.registry.owners())
      this.agreement.lost(owner, head.head.lastUpdate);
    this.agreement.down(node.owner);
  }

  changed(node: SimNode, changes: Parameters<Observer['changed']>[1], input?: Input): void {
    if (this.world.isClone(node)) return;
    for (const { owner, origin } of changes) {
      const lastUpdate = node.registry.state(owner)?.head.head.lastUpdate;
      if (origin === 'member' || lastUpdate === undefined) continue;
      this.agreement.held(owner, lastUpdate);
      this.spreads.arrived(owner, lastUpdate, this.#arrivalOf(node, input));
    }
  }

  /** Takes the numbers of a node that is about to go. */
  gather({ transport, engine, registry }: SimNode): void {
    this.#duplicates += transport.mesh.duplicates;
    this.#firsts += transport.mesh.firsts;
    this.#bytes += transport.sent.frameBytes + transport.sent.rumorBytes;
    for (const [name, count] of engine.counters.entries()) this.#count(name, count);
    for (const [name, count] of registry.brake.counters.entries()) this.#count(name, count);
    for (const [name, count] of registry.refusals.entries()) this.#count(`refused ${name}`, count);
  }

  /** Bytes that all nodes have sent so far. */
  bytesSent(): number {
    let bytes = this.#bytes;
    for (const { transport } of this.world.up())
      bytes += transport.sent.frameBytes + transport.sent.rumorBytes;
    return bytes;
  }

  /** What is shown of this moment, and of the time since the one before. */
  sample(): Sample {
    const { world } = this;
    const atMs = world.nowMs;
    const nodesUp = world.up().length;
    const bytes = this.bytesSent();
    const nodeSeconds = (nodesUp * (atMs - this.#sampledAtMs)) / 1_000;
    const bytesPerNodeSecond = nodeSeconds > 0 ? (bytes - this.#sampledBytes) / nodeSeconds : 0;
    this.#sampledBytes = bytes;
    this.#sampledAtMs = atMs;
    const agreement = this.agreement.share(nodesUp);
    return { atMs, nodesUp, agreement, bytesPerNodeSecond, events: world.trace.events };
  }

  /** Copies of a rumor that a node received beyond the first, on average. */
  get duplicatesPerMessage(): number {
    return this.#firsts === 0 ? 0 : this.#duplicates / this.#firsts;
  }

  #count(name: string, by: number): void {
    this.counters.set(name, (this.counters.get(name) ?? 0) + by);
  }

  #arrivalOf(node: SimNode, input: Input | undefined): Arrival {
    const atMs = this.world.nowMs;
    if (input?.kind === 'rumor')
      return { node: node.number, from: this.world.numberOf(input.peer), atMs, way: 'rumor' };
    if (input?.kind !== 'message') return { node: node.number, from: 0, atMs, way: 'origin' };
    const way = input.bytes[0] === rumorFrameTag ? 'retold' : 'repair';
    return { node: node.number, from: this.world.numberOf(input.peer), atMs, way };
  }
}
