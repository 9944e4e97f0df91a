/** What one exchange between two nodes costs: bytes each way with their length prefixes. */
import { decodeFrame } from '../../src/gossip/message.ts';
import { settleMs } from '../../src/gossip/settled-heads.ts';
import { Ghost, ghosts } from './ghosts.ts';
import { TestCluster } from './cluster.ts';
import type { SignatureScheme } from './hashed-signatures.ts';

export interface Cost {
  /** From the node that asks. */
  readonly asker: number;
  readonly answerer: number;
  /** Frames in the order in which they were sent. */
  readonly frames: readonly string[];
}

export class ExchangeMeter {
  readonly cluster: TestCluster;
  readonly ghosts: readonly Ghost[];

  private constructor(cluster: TestCluster, all: readonly Ghost[]) {
    this.cluster = cluster;
    this.ghosts = all;
  }

  /** Two nodes that hold the same and never start an exchange of their own accord. */
  static async of(
    owners: number,
    records = 0,
    signatures?: SignatureScheme,
  ): Promise<ExchangeMeter> {
    const config = { gossipIntervalMs: 1e9, probeIntervalMs: 1e9, headsMax: owners + 2 };
    const cluster = await TestCluster.of(2, 1, {
      config,
      ...(signatures && { signatures }),
    });
    const all = ghosts(owners, cluster.clock.now().wallMicros, records, signatures?.signerOf);
    const meter = new ExchangeMeter(cluster, all);
    for (const number of [1, 2]) meter.#giveAll(all, number);
    cluster.run(2 * settleMs);
    await meter.exchange();
    return meter;
  }

  /** Gives a ghost's present state to the nodes with these numbers. */
  give(ghost: Ghost, ...nodes: readonly number[]): void {
    for (const number of nodes) this.#giveAll([ghost], number);
  }

  #giveAll(all: readonly Ghost[], number: number): void {
    const { registry, engine } = this.cluster.node(number);
    const now = this.cluster.clock.now();
    for (const ghost of all) ghost.giveTo(registry, now);
    // It came past the engine, which hears of it with its next step.
    engine.step({ kind: 'changed' }, now);
  }

  /** Both nodes hold the same. */
  isEqual(): boolean {
    return this.cluster.isConverged();
  }

  /** What is held has settled, and node 1 asks node 2. */
  async exchange(): Promise<Cost> {
    this.cluster.run(2 * settleMs);
    const { rules } = this.cluster.network;
    const self = this.cluster.node(1).registry.self;
    const cost = { asker: 0, answerer: 0, frames: [] as string[] };
    rules.alter = (bytes, from) => {
      const frame = decodeFrame(bytes);
      cost.frames.push(frame.kind === 'opened' ? frame.value.kind : frame.reason);
      cost[from === self ? 'asker' : 'answerer'] += bytes.length + prefixBytes(bytes.length);
      return bytes;
    };
    const round = this.cluster.node(1).agent.round();
    this.cluster.run(1_000);
    await round;
    rules.alter = (bytes) => bytes;
    return cost;
  }
}

/** Of the varint before a frame. */
function prefixBytes(length: number): number {
  return length < 128 ? 1 : length < 16_384 ? 2 : 3;
}

export { Ghost };
