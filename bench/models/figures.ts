/** What a run of the experiment tells of one system, and how runs are added up. */
import type { AnomalyPlan } from './anomalies.ts';

export interface Figures {
  /** Times that a healthy node was held for dead, by whomever: the paper's FP. */
  readonly falsePositives: number;
  /** Those of them at healthy nodes: the paper's FP-. */
  readonly atHealthy: number;
  /** Times that a healthy node was suspected at a healthy one. */
  readonly suspicions: number;
  /** Ms from the first anomaly until one healthy node held a slow one for dead. */
  readonly firstMs: readonly number[];
  /** Until all healthy nodes did. */
  readonly allMs: readonly number[];
  /** Slow nodes that were never held for dead by all healthy ones. */
  readonly undetected: number;
  readonly messages: number;
  readonly bytes: number;
  readonly cpuMs: number;
}

/** Keeps count of who holds whom for what. */
export class Verdicts {
  falsePositives = 0;
  atHealthy = 0;
  suspicions = 0;
  readonly #plan: AnomalyPlan;
  readonly #healthy: number;
  readonly #deaths = new Map<
    number,
    { readonly by: Set<number>; firstMs: number; allMs: number }
  >();

  constructor(plan: AnomalyPlan, nodes: number) {
    this.#plan = plan;
    this.#healthy = nodes - plan.slow.size;
  }

  /** @param atMs since the first anomaly */
  changed(node: number, subject: number, state: 'suspect' | 'dead', atMs: number): void {
    const { slow } = this.#plan;
    const isHealthy = !slow.has(node);
    if (!slow.has(subject)) {
      if (state === 'dead') this.falsePositives += 1;
      if (state === 'dead' && isHealthy) this.atHealthy += 1;
      if (state === 'suspect' && isHealthy) this.suspicions += 1;
    } else if (state === 'dead' && isHealthy) this.#died(node, subject, atMs);
  }

  figures(sent: { messages: number; bytes: number }, cpuMs: number): Figures {
    const { falsePositives, atHealthy, suspicions } = this;
    const deaths = [...this.#deaths.values()];
    const allMs = deaths.flatMap((death) => (Number.isFinite(death.allMs) ? death.allMs : []));
    const undetected = this.#plan.slow.size - allMs.length;
    const firstMs = deaths.map((death) => death.firstMs);
    const counts = { falsePositives, atHealthy, suspicions };
    return { ...counts, firstMs, allMs, undetected, ...sent, cpuMs };
  }

  #died(node: number, subject: number, atMs: number): void {
    const death = this.#deaths.get(subject) ?? { by: new Set(), firstMs: atMs, allMs: Infinity };
    this.#deaths.set(subject, death);
    if (death.by.add(node).size === this.#healthy) death.allMs = Math.min(death.allMs, atMs);
  }
}

/** @returns the figures of all runs together; zeros of none */
export function sum(runs: readonly Figures[]): Figures {
  const total = (of: (run: Figures) => number): number =>
    runs.reduce((all, run) => all + of(run), 0);
  return {
    falsePositives: total((run) => run.falsePositives),
    atHealthy: total((run) => run.atHealthy),
    suspicions: total((run) => run.suspicions),
    firstMs: runs.flatMap((run) => run.firstMs),
    allMs: runs.flatMap((run) => run.allMs),
    undetected: total((run) => run.undetected),
    messages: total((run) => run.messages),
    bytes: total((run) => run.bytes),
    cpuMs: total((run) => run.cpuMs),
  };
}
