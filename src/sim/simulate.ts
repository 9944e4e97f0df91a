/**
 * simulate: one run of the real core in virtual time, from options to result.
 *
 *   warm-up ──▶ 0 ── workload and faults ──▶ durationMs ── settling ──▶ final checks
 */
import type { Input } from '../gossip/context.ts';
import { Agreement } from './agreement.ts';
import { Checkers } from './checkers.ts';
import { scheduleFault } from './faults.ts';
import { checkEnd, Settling } from './final-check.ts';
import { Ledger } from './ledger.ts';
import type { Arrival, Sample, SimOptions, SimResult } from './run.ts';
import type { Observer, SimNode } from './sim-node.ts';
import { Spreads } from './spreads.ts';
import { Workload } from './workload.ts';
import { World } from './world.ts';

const sampleMs = 1_000;
const settleStepMs = 20;
const settleMsMax = 30_000;
const warmUpMsMax = 60_000;
/** Frames that hand on a rumor, by the first byte of their encoding: field 7, a message. */
const rumorFrameTag = (7 << 3) | 2;

/** What is seen of a run while it goes on. */
class Observation implements Partial<Observer> {
  readonly agreement = new Agreement();
  readonly spreads = new Spreads();
  readonly counters = new Map<string, number>();
  readonly world: World;
  #duplicates = 0;
  #firsts = 0;
  #bytes = 0;

  constructor(world: World) {
    this.world = world;
  }

  started(node: SimNode): void {
    if (this.world.isClone(node)) return;
    for (const [owner, { head }] of node.registry.owners())
      if (owner === node.owner) this.agreement.signed(owner, head.head.lastUpdate);
      else this.agreement.held(owner, head.head.lastUpdate);
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
      if (origin === 'own') this.agreement.signed(owner, lastUpdate);
      else this.agreement.held(owner, lastUpdate);
      this.spreads.arrived(owner, lastUpdate, this.#arrivalOf(node, input));
    }
  }

  /** Takes the numbers of a node that is about to go. */
  gather({ transport, engine, registry }: SimNode): void {
    this.#duplicates += transport.mesh.duplicates;
    this.#firsts += transport.mesh.firsts;
    this.#bytes += transport.sent.frameBytes + transport.sent.rumorBytes;
    for (const [name, count] of engine.counters.entries()) this.#count(name, count);
    for (const [name, count] of registry.refusals.entries()) this.#count(`refused ${name}`, count);
  }

  /** Bytes that all nodes have sent so far. */
  bytesSent(): number {
    let bytes = this.#bytes;
    for (const { transport } of this.world.up())
      bytes += transport.sent.frameBytes + transport.sent.rumorBytes;
    return bytes;
  }

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

/**
 * Runs a simulation to its end.
 *
 * @param onSample is called for every virtual second; it is waited for
 */
export async function simulate(
  options: SimOptions,
  onSample?: (sample: Sample) => void | Promise<void>,
): Promise<SimResult> {
  const startedMs = performance.now();
  const world = new World(options);
  const checkers = new Checkers(world);
  const seen = new Observation(world);
  world.observers.push(checkers, seen);
  const ledger = new Ledger();
  const workload = startWorkload(world, ledger, seen);
  warmUp(world, workload);
  workload.start();
  for (const fault of options.faults) scheduleFault(world, fault);
  const faultsEndMs = Math.max(0, ...options.faults.map(({ untilMs }) => untilMs));
  const samples: Sample[] = [];
  const bytesBefore = seen.bytesSent();
  let healed: Settling | undefined;
  let convergedMs: number | undefined;
  let lastBytes = bytesBefore;
  while (world.nowMs < options.durationMs) {
    const untilMs = Math.min(options.durationMs, world.nowMs + sampleMs);
    while (world.nowMs < untilMs) {
      const stepMs = Math.min(settleStepMs, untilMs - world.nowMs);
      const isOver = world.nowMs >= faultsEndMs;
      world.clock.advance(isOver && convergedMs === undefined ? stepMs : untilMs - world.nowMs);
      if (world.nowMs < faultsEndMs || convergedMs !== undefined) continue;
      healed ??= new Settling(world);
      if (healed.look()) convergedMs = world.nowMs - faultsEndMs;
    }
    const bytes = seen.bytesSent();
    const sample = sampleOf(world, seen, bytes - lastBytes);
    lastBytes = bytes;
    samples.push(sample);
    await onSample?.(sample);
  }
  const bytes = seen.bytesSent() - bytesBefore;
  workload.stop();
  const isConverged = settle(world);
  if (!isConverged) checkers.report('converged', undefined, 'the nodes never agreed');
  checkEnd(world, ledger, checkers);
  for (const node of world.up()) seen.gather(node);
  const nodeSeconds = (options.nodes * options.durationMs) / 1_000;
  return {
    options,
    violations: checkers.violations,
    isConverged,
    convergedMs,
    traceHash: world.trace.hash,
    events: world.trace.events,
    wallMs: performance.now() - startedMs,
    heapBytes: process.memoryUsage().heapUsed,
    spreads: seen.spreads.spreads(0),
    bytesPerNodeSecond: nodeSeconds === 0 ? 0 : bytes / nodeSeconds,
    duplicatesPerMessage: seen.duplicatesPerMessage,
    samples,
    arrivals: seen.spreads.arrivals(0),
    sometimes: {},
    counters: Object.fromEntries([...seen.counters].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function startWorkload(world: World, ledger: Ledger, seen: Observation): Workload {
  let drawn = -1;
  const firstFaultMs = Math.min(Infinity, ...world.options.faults.map(({ atMs }) => atMs));
  return new Workload(world, ledger, ({ number, owner }, { lastUpdate, atMs }) => {
    if (world.startMs === 0 && world.options.isWarm) return;
    // The picture is of the first change, or of the first one that meets a fault.
    const isDrawn = drawn < 0 || (drawn < firstFaultMs && atMs >= firstFaultMs);
    if (isDrawn) drawn = atMs;
    const up = world.up().length;
    seen.spreads.begin(number, owner, lastUpdate, atMs, up, world.options.nodes, isDrawn);
  });
}

/** Starts all nodes; warm ones know each other before time counts. */
function warmUp(world: World, workload: Workload): void {
  const { nodes, isWarm } = world.options;
  for (let number = 1; number <= nodes; number++) {
    const node = world.start(number);
    workload.introduce(node);
  }
  if (!isWarm) return;
  const settling = new Settling(world);
  for (let waitedMs = 0; waitedMs < warmUpMsMax && !settling.look(); waitedMs += 100)
    world.clock.advance(100);
  // The mesh of rumors needs a few heartbeats.
  world.clock.advance(3_000);
  world.startMs = world.clock.now().monoMs;
}

function settle(world: World): boolean {
  const settling = new Settling(world);
  for (let waitedMs = 0; waitedMs < settleMsMax; waitedMs += settleStepMs) {
    if (settling.look()) return true;
    world.clock.advance(settleStepMs);
  }
  return settling.look();
}

function sampleOf(world: World, { agreement }: Observation, bytes: number): Sample {
  const nodesUp = world.up().length;
  const bytesPerNodeSecond = nodesUp === 0 ? 0 : (bytes * 1_000) / sampleMs / nodesUp;
  return { atMs: world.nowMs, nodesUp, agreement: agreement.share(nodesUp), bytesPerNodeSecond };
}
