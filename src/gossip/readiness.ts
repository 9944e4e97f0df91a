/**
 * Readiness: when a node may say that it knows its cluster, and why.
 *
 *   a whole exchange with one peer ─┐
 *   nobody else is known ───────────┼▶ ready, for good
 *   joinTimeoutMs are over ─────────┘   (the last with a warning that names what was tried)
 */
import type { GossipContext } from './context.ts';

/** The ways into the cluster, as the links know them. */
export interface WaysIn {
  /** All of them were tried, and none led to another node. */
  readonly isAlone: boolean;
  /** For people. */
  describeTried(): string;
}

export class Readiness {
  readonly #context: GossipContext;
  readonly #ways: WaysIn;
  #why: string | undefined;
  #startedAtMs: number | undefined;

  constructor(context: GossipContext, ways: WaysIn) {
    this.#context = context;
    this.#ways = ways;
  }

  /** Why the node is ready; undefined while it is not. */
  get why(): string | undefined {
    return this.#why;
  }

  /** Monotonic ms at which it waits no longer. */
  get wakeAtMs(): number {
    if (this.#why !== undefined) return Infinity;
    return (this.#startedAtMs ?? Infinity) + this.#context.config.joinTimeoutMs;
  }

  /** The node has begun to join. */
  start(): void {
    this.#startedAtMs = this.#context.now.monoMs;
  }

  /** A peer has told all that it knows. */
  reconciled(): void {
    if (this.#why === undefined) this.#become('reconciled with a peer', false);
  }

  /** To be asked after every step. */
  check(): void {
    if (this.#why !== undefined || this.#startedAtMs === undefined) return;
    if (this.#ways.isAlone)
      this.#become('the first node: no other seed node and no peer is known', false);
    else if (this.#context.now.monoMs >= this.wakeAtMs) {
      const { joinTimeoutMs } = this.#context.config;
      const tried = this.#ways.describeTried();
      this.#become(`nobody was reached within ${joinTimeoutMs} ms; tried ${tried}`, true);
    }
  }

  #become(why: string, isWarning: boolean): void {
    this.#why = why;
    this.#context.emit({ kind: 'event', event: { kind: 'ready', why, isWarning } });
  }
}
