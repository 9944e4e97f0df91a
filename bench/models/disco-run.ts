/** One run of the experiment with disco's own engine, registry and transport model. */
import type { Member } from '../../src/membership/member.ts';
import type { OwnerId } from '../../src/record/owner.ts';
import type { SimNode } from '../../src/sim/sim-node.ts';
import { World } from '../../src/sim/world.ts';
import { schedulePlan } from './anomalies.ts';
import type { AnomalyPlan } from './anomalies.ts';
import { Verdicts } from './figures.ts';
import type { Figures } from './figures.ts';
import { quietMs } from './swim-run.ts';
import type { RunOptions } from './swim-run.ts';

export function runDisco(plan: AnomalyPlan, run: RunOptions): Figures {
  const startedMs = process.cpuUsage().user / 1_000;
  const { nodes, randomSeed, latencyMs, latencyJitter, loss } = run;
  const rest = { durationMs: plan.endMs, duplicate: 0, reorder: 0, faults: [] };
  const kind = { changesPerMinute: 0, timeScale: 1, realSignatures: false, isWarm: true };
  const network = { latencyMs, latencyJitter, loss };
  const world = new World({ nodes, randomSeed, ...network, ...rest, ...kind });
  const verdicts = new Verdicts(plan, nodes);
  const views = new Map<SimNode, MemberStates>();
  const look = (node: SimNode): void => {
    const view = views.get(node) ?? new MemberStates();
    views.set(node, view);
    for (const { owner, state } of view.news(node))
      if (state === 'suspect' || state === 'dead')
        verdicts.changed(node.number, world.numberOf(owner), state, world.nowMs);
  };
  world.observers.push({ stepped: look, changed: look });
  world.startWarm(() => []);
  world.clock.advance(quietMs);
  world.startMs = world.clock.now().monoMs;
  const before = sentBy(world);
  schedulePlan(plan, world.clock, (node) => world.node(node)?.process);
  world.clock.advance(plan.endMs);
  const after = sentBy(world);
  const sent = { messages: after.messages - before.messages, bytes: after.bytes - before.bytes };
  return verdicts.figures(sent, process.cpuUsage().user / 1_000 - startedMs);
}

/** The member list of one node as it was when last looked at. */
class MemberStates {
  readonly #states = new Map<OwnerId, Member['state']>();
  #revision = -1;

  /** Members whose state is another one now. */
  news({ registry }: SimNode): Member[] {
    if (registry.membersRevision === this.#revision) return [];
    this.#revision = registry.membersRevision;
    const news: Member[] = [];
    for (const member of registry.members()) {
      if (this.#states.get(member.owner) === member.state) continue;
      this.#states.set(member.owner, member.state);
      news.push(member);
    }
    return news;
  }
}

/** Frames and packets of gossipsub, with what noise and yamux add to them. */
function sentBy(world: World): { messages: number; bytes: number } {
  let messages = 0;
  let bytes = 0;
  for (const { transport } of world.up()) {
    const { frames, rumors, frameBytes, rumorBytes } = transport.sent;
    messages += frames + rumors;
    bytes += frameBytes + rumorBytes;
  }
  return { messages, bytes };
}
