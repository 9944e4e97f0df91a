/**
 * Broadcasts in the simulator: the real engine on every node, a registration at a random one, and
 * when each other node held it; beside it what a flood over the very same links could do at best.
 */
import { seededRandom, type Random } from '../src/base/random.ts';
import type { OwnerId } from '../src/record/owner.ts';
import { plainFields } from '../src/record/record.ts';
import type { MeshOptions } from '../src/sim/mesh.ts';
import type { SimNode } from '../src/sim/sim-node.ts';
import { World } from '../src/sim/world.ts';
import type { Registration } from '../src/store/store.ts';
import { quantiles, type Quantiles } from './quantiles.ts';
import { floodTimes } from './flood.ts';
import { SharedHost, type HostOptions } from './shared-host.ts';

export interface SimBroadcastOptions {
  readonly nodes: number;
  readonly delayMs: number;
  readonly jitter: number;
  readonly loss: number;
  readonly broadcasts: number;
  /** Mean time between two of them; they overlap when it is short. */
  readonly gapMs: number;
  /** Random nodes that broadcast in turn, drawn anew for the second half; at most all. */
  readonly origins: number;
  /**
   * Share of the nodes that crash before the second half: every other comes back as it was, the
   * rest are replaced.
   */
  readonly churn: number;
  /** Nodes that crash at most: all hear of each of them, so that they cost the square. */
  readonly churnedMax: number;
  readonly randomSeed: number;
  readonly mesh?: MeshOptions;
  /** What the nodes of the start share; otherwise handling a copy takes no time. */
  readonly host?: HostOptions;
}

export interface SimBroadcastResult {
  /** Pairs of broadcast and other live node, and those without it at the end. */
  readonly pairs: number;
  readonly unseen: number;
  readonly times: Quantiles;
  /** Until the last live node has it. */
  readonly last: Quantiles;
  readonly limit: Quantiles;
  readonly limitLast: Quantiles;
  /** Copies of a rumor that a node got over the topic; at most one of them was news. */
  readonly copiesPerNode: number;
  readonly linksPerNode: number;
  readonly meshPerNode: number;
  readonly events: number;
  readonly wallMs: number;
}

/** One registration on its way. */
interface Followed {
  readonly origin: SimNode;
  readonly lastUpdate: number;
  readonly atMs: number;
  /** Nodes up when it began, and those of them that have it. */
  readonly live: ReadonlySet<number>;
  readonly reached: Map<number, number>;
  readonly floodMs: readonly number[];
}

const warmUpMs = 5_000;
/** Links in no plan are dropped after 10 s; then gossipsub's mesh needs a few heartbeats. */
const settleMs = 16_000;
const downMs = 3_000;
/** What is not there by then is not seen. */
export const lateMs = 5_000;
const lateStepMs = 100;

/** Runs it all in virtual time. @param say is told how far it is */
export function simulateBroadcasts(
  options: SimBroadcastOptions,
  say: (progress: string) => void = () => undefined,
): SimBroadcastResult {
  const startedMs = performance.now();
  const world = worldOf(options);
  const random = seededRandom(options.randomSeed);
  const run = new Broadcasts(world, options, random);
  say('warming up');
  warmUp(world, options.host);
  const half = Math.ceil(options.broadcasts / 2);
  const copiesBefore = copiesOf(world);
  run.broadcastMany(half, say);
  const copies = difference(copiesOf(world), copiesBefore);
  if (options.churn > 0) {
    say('churn');
    churn(world, options, random);
  }
  const copiesThen = copiesOf(world);
  run.broadcastMany(options.broadcasts - half, say);
  const more = difference(copiesOf(world), copiesThen);
  const nodes = world.up();
  const links = nodes.reduce((sum, { transport }) => sum + [...transport.peers].length, 0);
  const inMesh = nodes.reduce((sum, { transport }) => sum + transport.mesh.size, 0);
  const firsts = copies.firsts + more.firsts;
  return {
    ...run.result(),
    copiesPerNode: (firsts + copies.duplicates + more.duplicates) / firsts,
    linksPerNode: links / nodes.length,
    meshPerNode: inMesh / nodes.length,
    events: world.trace.events,
    wallMs: performance.now() - startedMs,
  };
}

/** Registrations at random nodes, each followed until the last node that lives has it. */
export class Broadcasts {
  readonly #world: World;
  readonly #options: Pick<SimBroadcastOptions, 'delayMs' | 'jitter' | 'gapMs' | 'origins'>;
  readonly #random: Random;
  readonly #living: () => SimNode[];
  readonly #following = new Map<OwnerId, Followed[]>();
  readonly #times: number[] = [];
  readonly #lasts: number[] = [];
  readonly #limits: number[] = [];
  readonly #limitLasts: number[] = [];
  #pairs = 0;
  #unseen = 0;
  #count = 0;

  /** @param living those that can tell and be told; all that are up unless given */
  constructor(
    world: World,
    options: Pick<SimBroadcastOptions, 'delayMs' | 'jitter' | 'gapMs' | 'origins'>,
    random: Random,
    living = (): SimNode[] => world.up(),
  ) {
    this.#world = world;
    this.#options = options;
    this.#random = random;
    this.#living = living;
    world.observers.push({
      changed: (node, changes) => {
        for (const { owner } of changes) this.#arrived(node, owner);
      },
    });
  }

  /** So many, and the time that the last of them may take. */
  broadcastMany(count: number, say: (progress: string) => void = () => undefined): void {
    const { gapMs, origins } = this.#options;
    const inTurn = this.#random.sample(this.#living(), origins);
    for (let number = 0; number < count; number++) {
      this.#world.clock.advance(this.#random.jitter(gapMs, 0.6));
      this.#begin(inTurn[number % inTurn.length] as SimNode);
      if (number % 50 === 49) say(`${this.#count} broadcasts`);
    }
    const endMs = this.#world.nowMs + lateMs;
    while (this.#following.size > 0 && this.#world.nowMs < endMs)
      this.#world.clock.advance(lateStepMs);
    for (const list of this.#following.values()) for (const followed of list) this.#end(followed);
    this.#following.clear();
  }

  result() {
    return {
      pairs: this.#pairs,
      unseen: this.#unseen,
      times: quantiles(this.#times),
      last: quantiles(this.#lasts),
      limit: quantiles(this.#limits),
      limitLast: quantiles(this.#limitLasts),
    };
  }

  #begin(origin: SimNode): void {
    const nodes = this.#living();
    const registration = registrationOf(++this.#count);
    const [done] = origin.registry.commit(
      [{ kind: 'register', registration }],
      origin.process.now(),
    );
    if (done?.kind !== 'done') throw new Error(`node ${origin.number} did not register`);
    const { registry, owner, number } = origin;
    const lastUpdate = registry.state(owner)?.head.head.lastUpdate ?? NaN;
    const live = new Set(nodes.filter((node) => node !== origin).map((node) => node.number));
    const floodMs = this.#flood(nodes, number);
    const atMs = this.#world.nowMs;
    const followed = {
      origin,
      lastUpdate,
      atMs,
      live,
      reached: new Map<number, number>(),
      floodMs,
    };
    this.#following.set(owner, [...(this.#following.get(owner) ?? []), followed]);
  }

  #arrived(node: SimNode, owner: OwnerId): void {
    const list = this.#following.get(owner);
    if (list === undefined || node.owner === owner) return;
    const held = node.registry.state(owner)?.head.head.lastUpdate ?? 0;
    for (const followed of list) {
      const { lastUpdate, live, reached, atMs } = followed;
      if (held < lastUpdate || !live.has(node.number) || reached.has(node.number)) continue;
      reached.set(node.number, this.#world.nowMs - atMs);
      if (reached.size === live.size) this.#end(followed);
    }
  }

  #end(followed: Followed): void {
    const { origin, live, reached, floodMs } = followed;
    const rest = this.#following.get(origin.owner)?.filter((other) => other !== followed) ?? [];
    if (rest.length > 0) this.#following.set(origin.owner, rest);
    else this.#following.delete(origin.owner);
    this.#pairs += live.size;
    this.#unseen += live.size - reached.size;
    for (const ms of reached.values()) this.#times.push(ms);
    this.#lasts.push(reached.size < live.size ? Infinity : Math.max(...reached.values()));
    for (const ms of floodMs) if (ms > 0) this.#limits.push(ms);
    this.#limitLasts.push(Math.max(...floodMs));
  }

  /** Over the links as they are now. */
  #flood(nodes: readonly SimNode[], origin: number): number[] {
    const graph: number[][] = [];
    const places = new Map(nodes.map(({ owner }, place) => [owner, place]));
    for (const { transport } of nodes)
      graph.push([...transport.peers].flatMap((peer) => places.get(peer) ?? []));
    const { delayMs, jitter } = this.#options;
    const place = nodes.findIndex(({ number }) => number === origin);
    return floodTimes(graph, place, () => this.#random.jitter(delayMs, jitter));
  }
}

/** Of warm nodes, to which nothing happens by itself. */
export function worldOf(
  options: Pick<
    SimBroadcastOptions,
    'nodes' | 'delayMs' | 'jitter' | 'loss' | 'randomSeed' | 'mesh'
  >,
): World {
  const { nodes, delayMs, jitter, loss, randomSeed, mesh } = options;
  const rest = { durationMs: 0, duplicate: 0, reorder: 0, faults: [], changesPerMinute: 0 };
  const kind = { timeScale: 1, realSignatures: false, isWarm: true };
  const latency = { latencyMs: delayMs, latencyJitter: jitter };
  return new World({ nodes, randomSeed, ...latency, loss, ...rest, ...kind }, mesh);
}

/** All nodes at once, knowing each other; gossipsub's mesh needs a few heartbeats. */
export function warmUp(world: World, host?: HostOptions): void {
  world.startWarm(() => []);
  if (host !== undefined) shareHost(world, new SharedHost(world.clock, host));
  world.clock.advance(warmUpMs);
}

/** From now on a copy that comes in waits for a processor. */
function shareHost(world: World, host: SharedHost): void {
  for (const { transport } of world.up()) {
    const { mesh } = transport;
    const receive = mesh.receive.bind(mesh);
    mesh.receive = (from, packet) => {
      if (packet.kind === 'broadcast') host.work(() => receive(from, packet));
      else receive(from, packet);
    };
  }
}

/** Some crash; every other one of them comes back as it was, the rest as new nodes elsewhere. */
function churn(world: World, options: SimBroadcastOptions, random: Random): void {
  const victims = random.sample(
    world.up().map(({ number }) => number),
    Math.min(options.churnedMax, Math.round(options.churn * options.nodes)),
  );
  for (const victim of victims) world.crash(victim);
  world.clock.advance(downMs);
  for (const [index, victim] of victims.entries()) {
    if (index % 2 === 1) {
      world.loseDataDir(victim);
      world.move(victim);
    }
    world.start(victim);
  }
  world.clock.advance(settleMs);
}

interface Copies {
  readonly firsts: number;
  readonly duplicates: number;
}

function copiesOf(world: World): Copies {
  let firsts = 0;
  let duplicates = 0;
  for (const { transport } of world.up()) {
    firsts += transport.mesh.firsts;
    duplicates += transport.mesh.duplicates;
  }
  return { firsts, duplicates };
}

function difference(after: Copies, before: Copies): Copies {
  return {
    firsts: after.firsts - before.firsts,
    duplicates: after.duplicates - before.duplicates,
  };
}

function registrationOf(number: number): Registration {
  const place = { ip: '127.0.0.1', port: 7_000, instanceId: `bench-${number}` };
  const rest = { ttlMs: 0, deregisterAfterMs: 0, version: '', tags: [], metadata: {} };
  return { group: 'bench', name: 'service', ...place, ...rest, ...plainFields };
}
