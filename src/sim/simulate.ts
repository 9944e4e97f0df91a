/**
 * simulate: one run of the real core in virtual time, from options to result.
 *
 *   warm-up ──▶ 0 ── workload and faults ──▶ durationMs ── settling ──▶ final checks
 */
import { Checkers } from './checkers.ts';
import { Deaths } from './deaths.ts';
import { scheduleFault } from './faults.ts';
import { checkEnd, Settling } from './final-check.ts';
import { Ledger } from './ledger.ts';
import { Observation } from './observation.ts';
import type { Sample, SimOptions, SimResult } from './run.ts';
import { Sometimes } from './sometimes.ts';
import { Workload } from './workload.ts';
import { World } from './world.ts';
import { Zombies } from './zombies.ts';

const sampleMs = 1_000;
/** How often it is looked whether the nodes agree. */
const lookMs = 20;
const settleMsMax = 30_000;
/** The mesh of rumors needs a few heartbeats. */
const warmUpMs = 3_000;

/**
 * Runs a simulation to its end.
 *
 * @param onSample is called for every virtual second; it is waited for
 * @throws RangeError without a node or time
 */
export async function simulate(
  options: SimOptions,
  onSample?: (sample: Sample) => void | Promise<void>,
): Promise<SimResult> {
  if (!(options.nodes >= 1) || !(options.durationMs > 0))
    throw new RangeError('a simulation needs a node and some time');
  const run = new Run(options);
  run.start();
  while (run.world.nowMs < options.durationMs) {
    const sample = run.second();
    await onSample?.(sample);
  }
  return run.end();
}

class Run {
  readonly world: World;
  readonly #options: SimOptions;
  readonly #startedMs = performance.now();
  readonly #checkers: Checkers;
  readonly #seen: Observation;
  readonly #sometimes: Sometimes;
  readonly #ledger = new Ledger();
  readonly #workload: Workload;
  readonly #samples: Sample[] = [];
  /** Virtual ms at which the last fault is over. */
  readonly #healedAtMs: number;
  #bytesBefore = 0;
  #drawnAtMs = -1;
  #healing: Settling | undefined;
  #convergedMs: number | undefined;

  constructor(options: SimOptions) {
    this.#options = options;
    this.world = new World(options);
    this.#checkers = new Checkers(this.world);
    this.#seen = new Observation(this.world);
    this.#sometimes = new Sometimes(this.world);
    const deaths = new Deaths(this.world, this.#checkers);
    const zombies = new Zombies(this.world, this.#ledger, this.#checkers);
    this.world.observers.push(this.#checkers, deaths, zombies, this.#seen, this.#sometimes);
    this.world.observers.push({
      diskLost: (owner, lastUpdate) => this.#ledger.forgive(owner, lastUpdate),
    });
    const ends = options.faults.map(({ untilMs }) => Math.min(untilMs, options.durationMs));
    this.#healedAtMs = Math.max(0, ...ends);
    this.#workload = new Workload(this.world, this.#ledger, (node, { lastUpdate, atMs }) =>
      this.#follow(node.number, node.owner, lastUpdate, atMs),
    );
  }

  start(): void {
    if (this.#options.isWarm) this.#startWarm();
    else this.#startCold();
    this.#workload.start();
    for (const fault of this.#options.faults) scheduleFault(this.world, fault);
    this.#bytesBefore = this.#seen.bytesSent();
    this.#seen.sample();
  }

  /** One virtual second, or what is left of the time. */
  second(): Sample {
    const { world } = this;
    const untilMs = Math.min(this.#options.durationMs, world.nowMs + sampleMs);
    while (world.nowMs < untilMs) {
      const isWatched = world.nowMs >= this.#healedAtMs && this.#convergedMs === undefined;
      const leftMs = untilMs - world.nowMs;
      world.clock.advance(isWatched ? Math.min(lookMs, leftMs) : leftMs);
      if (isWatched) this.#lookForConvergence();
    }
    const sample = this.#seen.sample();
    this.#samples.push(sample);
    return sample;
  }

  end(): SimResult {
    const bytes = this.#seen.bytesSent() - this.#bytesBefore;
    this.#workload.stop();
    const settling = new Settling(this.world);
    for (let waitedMs = 0; waitedMs < settleMsMax && !settling.look(); waitedMs += lookMs)
      this.world.clock.advance(lookMs);
    checkEnd(this.world, this.#ledger, settling, this.#checkers);
    for (const node of this.world.up()) this.#seen.gather(node);
    return this.#result(bytes, settling.look());
  }

  #startWarm(): void {
    const { world } = this;
    const registrations = Array.from({ length: this.#options.nodes }, (_, index) =>
      this.#workload.firstInstance(index + 1),
    );
    world.startWarm((number) => registrations.slice(number - 1, number));
    for (const node of world.up())
      for (const first of registrations.slice(node.number - 1, node.number))
        this.#workload.noteFirst(node, first);
    world.clock.advance(warmUpMs);
    world.startMs = world.clock.now().monoMs;
  }

  #startCold(): void {
    const { world } = this;
    for (let number = 1; number <= this.#options.nodes; number++)
      this.#workload.register(world.start(number), this.#workload.firstInstance(number));
  }

  #lookForConvergence(): void {
    this.#healing ??= new Settling(this.world);
    if (this.#healing.look()) this.#convergedMs = this.world.nowMs - this.#healedAtMs;
  }

  /** Follows a change on its way through the nodes. */
  #follow(number: number, owner: string, lastUpdate: number, atMs: number): void {
    const firstFaultMs = Math.min(Infinity, ...this.#options.faults.map((fault) => fault.atMs));
    // The picture is of the first change, or of the first one that meets a fault.
    const isFirst = this.#drawnAtMs < 0;
    const isDrawn = isFirst || (this.#drawnAtMs < firstFaultMs && atMs >= firstFaultMs);
    if (isDrawn) this.#drawnAtMs = atMs;
    const total = this.world.up().length;
    const { nodes } = this.#options;
    this.#seen.spreads.begin({ number, owner, lastUpdate, atMs, total, nodes, isDrawn });
  }

  #result(bytes: number, isConverged: boolean): SimResult {
    const { world } = this;
    const { nodes, durationMs } = this.#options;
    const nodeSeconds = (nodes * durationMs) / 1_000;
    return {
      options: this.#options,
      violations: this.#checkers.violations,
      isConverged,
      convergedMs: this.#convergedMs,
      traceHash: world.trace.hash,
      events: world.trace.events,
      wallMs: performance.now() - this.#startedMs,
      heapBytes: process.memoryUsage().heapUsed,
      spreads: this.#seen.spreads.spreads(),
      bytesPerNodeSecond: nodeSeconds === 0 ? 0 : bytes / nodeSeconds,
      duplicatesPerMessage: this.#seen.duplicatesPerMessage,
      samples: this.#samples,
      arrivals: this.#seen.spreads.arrivals(),
      sometimes: this.#sometimes.cells(this.#seen.counters),
      counters: Object.fromEntries([...this.#seen.counters].sort(([a], [b]) => (a < b ? -1 : 1))),
    };
  }
}
