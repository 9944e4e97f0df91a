/** A cluster of one of the systems, to be struck: what is the same for all of them. */
import type { BenchProcess } from './liveness-process.ts';
import { type Ledger, monotonicMs } from './liveness-ledger.ts';
import type { Place } from './liveness-network.ts';

export const systemNames = ['disco', 'serf', 'moleculer'] as const;
export type SystemName = (typeof systemNames)[number];

/** What differs between the systems: how nodes are started and how they are looked at. */
export interface Crew {
  /** What makes a node leave on purpose. */
  readonly leaveSignal: NodeJS.Signals;
  /** Starts a node, for the first time or again; resolves when it is up. */
  launch(index: number, keep: (started: BenchProcess) => void): Promise<void>;
  /** All nodes have been started for the first time. */
  begin(): Promise<void>;
  /** The node's process is gone. */
  gone(index: number): void;
  /** All that can be asked for beyond that each shows each: links, observers. */
  isSettled(): Promise<boolean>;
  stop(): Promise<void>;
}

/** Where a cluster runs and what it tells. */
export interface Site {
  readonly places: readonly Place[];
  readonly ledger: Ledger;
  /** An empty folder of its own. */
  readonly directory: string;
}

export interface System {
  readonly name: SystemName;
  /** Fetches what it takes into the folder. @throws Error with a sentence, when it cannot be had */
  prepare(directory: string): Promise<void>;
  crew(site: Site): Crew;
}

/** Nodes that start at the same time: starting is hard work. */
const startersMax = 4;
const settleTimeoutMs = 120_000;
const settlePollMs = 250;
const leaveTimeoutMs = 20_000;

export class Cluster {
  readonly ledger: Ledger;
  readonly nodes: number;
  readonly #crew: Crew;
  readonly #processes: (BenchProcess | undefined)[] = [];
  #isStopped = false;

  constructor(crew: Crew, { ledger }: Site) {
    this.#crew = crew;
    this.ledger = ledger;
    this.nodes = ledger.nodes;
  }

  /** The first alone: the others need somebody to ask. @throws Error when they do not meet */
  async start(): Promise<void> {
    await this.#launch(0);
    for (let first = 1; first < this.nodes; first += startersMax) {
      const count = Math.min(startersMax, this.nodes - first);
      await Promise.all(Array.from({ length: count }, (_, place) => this.#launch(first + place)));
    }
    await this.#crew.begin();
    if (!(await this.settle())) throw new Error(`the nodes did not meet: ${this.missing()}`);
  }

  /** @returns whether each shows each other one, and is linked as it should be, in time */
  async settle(): Promise<boolean> {
    const endMs = monotonicMs() + settleTimeoutMs;
    for (;;) {
      const restMs = endMs - monotonicMs();
      if (restMs <= 0) return false;
      if (!(await this.ledger.until(() => this.ledger.isComplete, restMs))) return false;
      if (await this.#crew.isSettled()) return true;
      await pause(settlePollMs);
    }
  }

  /** Who does not show whom, for people. */
  missing(): string {
    const pairs: string[] = [];
    for (let observer = 0; observer < this.nodes; observer++) {
      for (let subject = 0; subject < this.nodes; subject++) {
        if (observer === subject || this.ledger.shows(observer, subject)) continue;
        pairs.push(`${observer} does not show ${subject}`);
      }
    }
    const [first = 'all show all, but not all links are there'] = pairs;
    return pairs.length > 1 ? `${first}, and ${pairs.length - 1} more` : first;
  }

  signal(index: number, name: NodeJS.Signals): void {
    this.#process(index).signal(name);
  }

  /** Begins to leave. */
  leave(index: number): void {
    this.signal(index, this.#crew.leaveSignal);
  }

  /** Starts again what was killed, or leaves. */
  async revive(index: number): Promise<void> {
    const process = this.#process(index);
    const force = setTimeout(() => process.signal('SIGKILL'), leaveTimeoutMs);
    await process.ended;
    clearTimeout(force);
    this.#crew.gone(index);
    await this.#launch(index);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#crew.stop();
    await Promise.all(this.#processes.map((each) => each?.kill() ?? Promise.resolve()));
  }

  async #launch(index: number): Promise<void> {
    await this.#crew.launch(index, (started) => {
      this.#processes[index] = started;
      // What is interrupted must not go on to start things that nobody ends.
      if (this.#isStopped) void started.kill();
    });
  }

  #process(index: number): BenchProcess {
    const process = this.#processes[index];
    if (process === undefined) throw new Error(`node ${index} was never started`);
    return process;
  }
}

/** What a node is called, in every system. */
export function nodeName(index: number): string {
  return `node-${index}`;
}

/** NaN: none of ours. */
export function indexOfName(name: string): number {
  return Number(/^node-(\d+)$/.exec(name)?.[1] ?? NaN);
}

export function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, delayMs));
}
