/**
 * The Lifeguard paper's experiments (§V): some members are slow, again and again.
 *
 *   0 ── D slow ──── I well ──── D slow ──── I well … ── D slow ── end, past 120 s
 *
 * While slow a member is blocked wherever it sends or receives; its timers run. All of them are
 * slow at the same time. With `paused` nothing of it runs, as after SIGSTOP: not the paper's.
 */
import type { Clock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { NodeProcess } from '../../src/sim/node-process.ts';

export const anomalyKinds = ['blocked', 'paused'] as const;
export type AnomalyKind = (typeof anomalyKinds)[number];

/** The paper's C, D and I, of which it ran all combinations ten times with 128 members. */
export const paperGrid = {
  concurrent: [1, 4, 8, 12, 16, 20, 24, 28, 32],
  durationMs: [128, 512, 2_048, 8_192, 16_384, 32_768],
  intervalMs: [1, 4, 16, 64, 256, 1_024, 4_096, 16_384],
} as const;

export interface AnomalyPlan {
  readonly kind: AnomalyKind;
  readonly durationMs: number;
  readonly intervalMs: number;
  /** Numbers of the slow ones, from 1. */
  readonly slow: ReadonlySet<number>;
  /** Ms from the start at which they begin to be slow. */
  readonly startsMs: readonly number[];
  /** Ms from the start: the end of the last one. */
  readonly endMs: number;
}

/** @param forMs the plan ends with the first anomaly that is over after so long */
export function planOf(
  kind: AnomalyKind,
  nodes: number,
  { concurrent, durationMs, intervalMs, forMs }: Cell,
  randomSeed: number,
): AnomalyPlan {
  const all = Array.from({ length: nodes }, (_, index) => index + 1);
  const slow = new Set(seededRandom(randomSeed).sample(all, concurrent));
  const startsMs = [0];
  const endMs = (): number => (startsMs.at(-1) ?? 0) + durationMs;
  while (endMs() < forMs) startsMs.push(endMs() + intervalMs);
  return { kind, durationMs, intervalMs, slow, startsMs, endMs: endMs() };
}

/** One cell of the grid. */
export interface Cell {
  readonly concurrent: number;
  readonly durationMs: number;
  readonly intervalMs: number;
  readonly forMs: number;
}

/** Makes the plan happen from now on. */
export function schedulePlan(
  plan: AnomalyPlan,
  clock: Clock,
  processOf: (node: number) => NodeProcess | undefined,
): void {
  const struck = [...plan.slow].flatMap((node) => processOf(node) ?? []);
  for (const startMs of plan.startsMs) {
    clock.schedule(startMs, () => {
      for (const process of struck)
        if (plan.kind === 'blocked') process.block();
        else process.pause();
    });
    clock.schedule(startMs + plan.durationMs, () => {
      for (const process of struck)
        if (plan.kind === 'blocked') process.unblock();
        else process.resume();
    });
  }
}
