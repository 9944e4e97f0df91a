/**
 * Campaign: many simulations, each with options and faults that follow from its random seed.
 *
 * A run fails by its violations, a campaign also by a `sometimes` cell that no run reached.
 */
import { seededRandom } from '../base/random.ts';
import type { Random } from '../base/random.ts';
import { partitionShapes, tornParts } from './fault-text.ts';
import { faultKinds, faultNames } from './faults.ts';
import type { Fault, SimOptions, SimResult } from './run.ts';

const tenYearsMs = 10 * 365 * 86_400_000;
/** Quiet time before the end, so that what faults did can be reaped. */
const quietShare = 0.3;
const faultMsMax = 60_000;

/** The run that belongs to a random seed: 16 to 32 nodes, five virtual minutes by default. */
export function campaignOptions(randomSeed: number, durationMs = 300_000): SimOptions {
  const random = seededRandom(randomSeed);
  const nodes = 16 + random.int(17);
  // Half of the networks are good.
  const isPoor = random.next() < 0.5;
  const poor = (most: number): number => (isPoor ? round(random.next() * most) : 0);
  return {
    nodes,
    durationMs,
    randomSeed,
    latencyMs: 2 + random.int(60),
    latencyJitter: round(random.next() * 0.6),
    loss: poor(0.25),
    duplicate: poor(0.05),
    reorder: poor(0.1),
    faults: randomFaults(random, durationMs),
    changesPerMinute: 1 + random.int(5),
    timeScale: 720,
    realSignatures: false,
    isWarm: random.next() < 0.8,
  };
}

/** Three to eight faults, of which no two are clones: one key is in two hands at most. */
export function randomFaults(random: Random, durationMs: number): Fault[] {
  const kinds = Object.keys(faultKinds);
  const count = 3 + random.int(6);
  const endMs = durationMs * (1 - quietShare);
  const faults: Fault[] = [];
  for (let i = 0; i < count; i++) {
    const kind = random.pick(kinds) ?? 'crash';
    if (kind === 'clone' && faults.some((fault) => fault.kind === 'clone')) continue;
    const atMs = Math.round(2_000 + random.next() * (endMs - 2_000));
    const lastMs = faultMsMax * random.next() ** 2;
    const untilMs = Math.round(Math.min(endMs, atMs + 200 + lastMs));
    const detail = randomDetail(kind, random);
    const rest = { atMs, untilMs, nodes: [], count: 0 };
    if (kind !== 'clock-jump' || random.next() < 0.5) faults.push({ ...rest, kind, detail });
    else faults.push(...startWithWrongClock(1 + random.int(16), { ...rest, kind, detail }));
  }
  return faults.sort((a, b) => a.atMs - b.atMs);
}

/** A node whose clock jumps and that is then started again: it knows nothing of the time before. */
function startWithWrongClock(number: number, jump: Fault): Fault[] {
  const { atMs, untilMs } = jump;
  const backMs = Math.round(atMs + (untilMs - atMs) / 4);
  const nodes = [number];
  const crash = { ...jump, kind: 'crash', atMs: atMs + 1, untilMs: backMs, detail: '', nodes };
  return [{ ...jump, nodes }, crash];
}

function randomDetail(kind: string, random: Random): string | number {
  switch (kind) {
    case 'partition':
      return random.pick(partitionShapes) ?? 'halves';
    case 'clock-jump':
      return random.pick([tenYearsMs, -tenYearsMs, 3_000, -60_000, 3_600_000]) ?? tenYearsMs;
    case 'clock-drift':
      return round(random.next() * 0.04 - 0.02);
    case 'torn-store':
      return random.pick(tornParts) ?? 'row';
    case 'slow':
      return 1_000 + random.int(5_000);
    case 'link-breaks':
      return round(0.1 + random.next() * 0.9);
    default:
      return '';
  }
}

/** Options are printed and read back, so they have few digits. */
function round(share: number): number {
  return Math.round(share * 1_000) / 1_000;
}

/** What a campaign comes to, run by run. */
export class Tally {
  readonly failed: SimResult[] = [];
  readonly #sometimes = new Map<string, number>();
  runs = 0;
  events = 0;
  nodes = 0;
  virtualMs = 0;

  add(result: SimResult): void {
    this.runs += 1;
    this.events += result.events;
    this.nodes += result.options.nodes;
    this.virtualMs += result.options.durationMs;
    if (result.violations.length > 0) this.failed.push(result);
    for (const [cell, count] of Object.entries(result.sometimes))
      this.#sometimes.set(cell, (this.#sometimes.get(cell) ?? 0) + count);
    for (const name of faultNames) {
      const cell = `fault: ${name}`;
      if (!this.#sometimes.has(cell)) this.#sometimes.set(cell, 0);
    }
  }

  /** How often each state was reached, by name. */
  get sometimes(): [string, number][] {
    return [...this.#sometimes].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** States that no run reached. */
  get missed(): string[] {
    return this.sometimes.filter(([, count]) => count === 0).map(([cell]) => cell);
  }
}
