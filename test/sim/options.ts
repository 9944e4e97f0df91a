/** Options of a small, calm simulation; tests say what is different. */
import type { Fault, SimOptions } from '../../src/sim/run.ts';

export const calmOptions: SimOptions = {
  nodes: 6,
  durationMs: 10_000,
  randomSeed: 1,
  latencyMs: 10,
  latencyJitter: 0.2,
  loss: 0,
  duplicate: 0,
  reorder: 0,
  faults: [],
  changesPerMinute: 6,
  timeScale: 1,
  realSignatures: false,
  isWarm: true,
};

export function fault(
  kind: string,
  atMs: number,
  untilMs: number,
  more: Partial<Fault> = {},
): Fault {
  return { kind, atMs, untilMs, nodes: [], count: 0, detail: '', ...more };
}
