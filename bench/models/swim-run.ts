/** One run of the experiment with the models of SWIM and memberlist. */
import { seededRandom } from '../../src/base/random.ts';
import { VirtualClock } from '../../src/base/virtual-clock.ts';
import { NodeProcess } from '../../src/sim/node-process.ts';
import { schedulePlan } from './anomalies.ts';
import type { AnomalyPlan } from './anomalies.ts';
import { Verdicts } from './figures.ts';
import type { Figures } from './figures.ts';
import { PacketNetwork } from './packet-network.ts';
import type { PacketOptions } from './packet-network.ts';
import { SwimNode } from './swim.ts';
import type { SwimOptions } from './swim-timing.ts';

export interface RunOptions extends PacketOptions {
  readonly nodes: number;
  readonly randomSeed: number;
}

/** Before the first anomaly, as in the paper. */
export const quietMs = 15_000;

export function runSwim(options: SwimOptions, plan: AnomalyPlan, run: RunOptions): Figures {
  const startedMs = process.cpuUsage().user / 1_000;
  const clock = new VirtualClock();
  const random = seededRandom(run.randomSeed ^ 0x5717);
  const network = new PacketNetwork(clock, random, run);
  const verdicts = new Verdicts(plan, run.nodes);
  const numbers = Array.from({ length: run.nodes }, (_, index) => index + 1);
  const processes = new Map(numbers.map((number) => [number, new NodeProcess(clock)]));
  const observer = {
    changed: (node: number, subject: number, state: 'suspect' | 'dead'): void =>
      verdicts.changed(node, subject, state, clock.now().monoMs - quietMs),
  };
  for (const [number, process] of processes)
    new SwimNode({ number, nodes: numbers, options, process, network, random, observer }).start();
  clock.advance(quietMs);
  const before = { ...network.sent };
  schedulePlan(plan, clock, (node) => processes.get(node));
  clock.advance(plan.endMs);
  const sent = {
    messages: network.sent.messages - before.messages,
    bytes: network.sent.bytes - before.bytes,
  };
  return verdicts.figures(sent, process.cpuUsage().user / 1_000 - startedMs);
}
