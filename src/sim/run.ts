/** What a simulation is asked, and what it answers: plain values, so that they can be printed. */

/** Something that goes wrong between two moments of virtual time. */
export interface Fault {
  /** One of `faultKinds` in faults.ts. */
  readonly kind: string;
  readonly atMs: number;
  /** The same as `atMs` for what happens at once. */
  readonly untilMs: number;
  /** Nodes that it strikes, by number from 1; empty: `count` of them, chosen by the random seed. */
  readonly nodes: readonly number[];
  /** How many nodes it strikes when `nodes` is empty; 0 for what has no number, like a partition. */
  readonly count: number;
  /** What else it needs to know: a share, ms of a clock's jump, the shape of a partition. */
  readonly detail: string | number;
}

export interface SimOptions {
  readonly nodes: number;
  /** Virtual ms after the warm-up. */
  readonly durationMs: number;
  readonly randomSeed: number;
  /** One-way, mean. */
  readonly latencyMs: number;
  /** Share by which it varies around the mean, 0 to 1. */
  readonly latencyJitter: number;
  /** Shares of messages, 0 to 1. */
  readonly loss: number;
  readonly duplicate: number;
  readonly reorder: number;
  readonly faults: readonly Fault[];
  /** Changes of one node a virtual minute: 0.01 means that 1 % of the nodes change something. */
  readonly changesPerMinute: number;
  /** Divides the long time constants (refresh, grace, reap), so that all of them pass. */
  readonly timeScale: number;
  /** Ed25519 instead of a keyed hash. */
  readonly realSignatures: boolean;
  /** All nodes start knowing each other; otherwise they join through node 1. */
  readonly isWarm: boolean;
}

export interface Violation {
  readonly checker: string;
  readonly atMs: number;
  readonly node: number | undefined;
  readonly sentence: string;
}

/** How one change spread over the nodes that were up. */
export interface Spread {
  readonly atMs: number;
  /** ms until that share of the nodes had it; undefined when never. */
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
  readonly allMs: number | undefined;
}

/** One hop of the record that the space-time picture shows. */
export interface Arrival {
  readonly node: number;
  /** 0 at its origin. */
  readonly from: number;
  readonly atMs: number;
  /** Over the broadcast topic, retold by a neighbor, or repaired by an exchange. */
  readonly way: 'rumor' | 'retold' | 'repair' | 'origin';
}

/** What is shown while it runs, and kept as one point of the curves. */
export interface Sample {
  readonly atMs: number;
  readonly nodesUp: number;
  /** Share of the (node up, owner up) pairs where the node holds the owner's newest head. */
  readonly agreement: number;
  /** Bytes on the wire a node and second since the sample before. */
  readonly bytesPerNodeSecond: number;
  /** Steps of engines so far. */
  readonly events: number;
}

export interface SimResult {
  readonly options: SimOptions;
  readonly violations: readonly Violation[];
  readonly isConverged: boolean;
  /** Virtual ms from the end of the last fault to convergence. */
  readonly convergedMs: number | undefined;
  /** Hash over every event in order: equal for equal options. */
  readonly traceHash: string;
  /** Steps of engines. */
  readonly events: number;
  readonly wallMs: number;
  readonly heapBytes: number;
  readonly spreads: readonly Spread[];
  readonly bytesPerNodeSecond: number;
  /** Copies of each rumor that a node received beyond the first. */
  readonly duplicatesPerMessage: number;
  readonly samples: readonly Sample[];
  readonly arrivals: readonly Arrival[];
  /** How often each state that must be reached was reached, by name. */
  readonly sometimes: Readonly<Record<string, number>>;
  /** Steps, refusals and protocol counters of all nodes, added up by name. */
  readonly counters: Readonly<Record<string, number>>;
}
