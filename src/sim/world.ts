/**
 * World: the nodes of a simulation, their keys, disks and addresses, and what is seen of them.
 *
 *   options ──▶ World ──▶ start, crash, restart ──▶ SimNode (the real core) ──▶ observers
 *
 * One virtual clock, one random seed: everything that happens follows from the options.
 */
import { seededRandom } from '../base/random.ts';
import type { Random } from '../base/random.ts';
import { VirtualClock } from '../base/virtual-clock.ts';
import type { Config } from '../daemon/config.ts';
import { defaults } from '../daemon/config-options.ts';
import type { Input } from '../gossip/context.ts';
import { wantedPairs } from '../membership/neighbors.ts';
import type { OwnerId } from '../record/owner.ts';
import { sha256 } from '../record/hash.ts';
import { ed25519SignerOf, ed25519Verifier } from '../record/signature.ts';
import type { Signer, Verifier } from '../record/signature.ts';
import type { Change } from '../registry/change-feed.ts';
import type { Sharing } from '../registry/sharing.ts';
import { MemoryStore } from '../store/memory-store.ts';
import type { Registration, Store } from '../store/store.ts';
import { HostClock } from './host-clock.ts';
import { keyedHashSigner, keyedHashVerifier } from './keyed-hash.ts';
import type { MeshOptions } from './mesh.ts';
import { SimNetwork } from './network.ts';
import type { SimOptions } from './run.ts';
import { SharedValues } from './sharing.ts';
import { factsOf, identityOf, SimNode } from './sim-node.ts';
import type { NodeSpec, Observer } from './sim-node.ts';
import { tornStore } from './torn-store.ts';
import type { Tear } from './torn-store.ts';
import { Trace } from './trace.ts';
import { warmNodes } from './warm-start.ts';
import type { WarmNode } from './warm-start.ts';

/** As the daemon does it. */
const tickMs = 100;
/** In larger clusters most of the events would be ticks at which nothing is due. */
const preciseNodesMax = 256;
const coarseTickMs = 1_000;

/** The daemon's own defaults, with the long times divided. */
export function simConfig(timeScale: number): Config {
  const { headRefreshMs, reapAfterMs, tombstoneGraceMs, clockAheadMs } = defaults;
  return {
    ...defaults,
    headRefreshMs: headRefreshMs / timeScale,
    reapAfterMs: reapAfterMs / timeScale,
    tombstoneGraceMs: tombstoneGraceMs / timeScale,
    // Above every delay, and well below the time to reap.
    clockAheadMs: Math.min(clockAheadMs, reapAfterMs / timeScale / 24),
  };
}

function meshOf({ neighborsK }: Config): MeshOptions {
  return { d: neighborsK, dLow: Math.max(2, neighborsK - 2), dHigh: 2 * neighborsK };
}

/** What a node keeps over its lives. */
interface Slot {
  readonly number: number;
  readonly host: HostClock;
  signer: Signer;
  /** How often its data dir was lost, and how often it moved. */
  keys: number;
  moves: number;
  address: string;
  store: Store;
  /** A process has run with the present key. */
  hasRun: boolean;
  node: SimNode | undefined;
  /** A second process with the same key. */
  clone: SimNode | undefined;
}

export class World implements Observer {
  readonly options: SimOptions;
  readonly config: Config;
  readonly clock = new VirtualClock();
  readonly network: SimNetwork;
  readonly trace = new Trace();
  readonly observers: Partial<Observer>[] = [];
  readonly verifier: Verifier;
  /** How often each kind of fault struck. */
  readonly struck = new Map<string, number>();
  readonly #slots: Slot[];
  readonly #numbers = new Map<OwnerId, number>();
  readonly #sharing: Sharing;
  /** Virtual ms at which the warm-up was over: what is called 0 outside. */
  startMs = 0;
  #lives = 0;

  /** @param mesh of gossipsub; as the daemon sets it unless given */
  constructor(options: SimOptions, mesh?: MeshOptions) {
    this.options = options;
    this.config = simConfig(options.timeScale);
    this.network = new SimNetwork(this.clock, this.random('network'), {
      ...options,
      mesh: mesh ?? meshOf(this.config),
    });
    this.verifier = options.realSignatures ? ed25519Verifier : keyedHashVerifier;
    this.#sharing = new SharedValues(4 * options.nodes + 10_000);
    this.#slots = Array.from({ length: options.nodes }, (_, index) => this.#slot(index + 1));
  }

  /** Virtual ms since the warm-up. */
  get nowMs(): number {
    return this.clock.now().monoMs - this.startMs;
  }

  /** A source of chance of its own for each purpose, so that one more draw shifts no other. */
  random(purpose: string): Random {
    let hash = this.options.randomSeed | 0;
    for (const letter of purpose) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
    return seededRandom(hash);
  }

  /** The process that runs as this node now, if one does. */
  node(number: number): SimNode | undefined {
    return this.#slots[number - 1]?.node;
  }

  /** The clocks of the host on which this node runs, or would. */
  host(number: number): HostClock {
    return this.#slotOf(number).host;
  }

  /** Nodes that are up, by number; clones are not among them. */
  up(): SimNode[] {
    return this.#slots.flatMap(({ node }) => node ?? []);
  }

  /** Number of the node that had this owner's key, in this or an earlier life; 0: none. */
  numberOf(owner: OwnerId): number {
    return this.#numbers.get(owner) ?? 0;
  }

  /** All nodes at once, knowing each other and linked to their neighbors. */
  startWarm(registrationsOf: (number: number) => readonly Registration[]): void {
    const now = this.clock.now();
    const random = this.random('warm start');
    const specs = this.#slots.map(({ number, signer, address }) => {
      // Heads of all ages, so that they are not all refreshed at once.
      const ageMs = random.next() * this.config.headRefreshMs;
      const wallMicros = Math.round(now.wallMicros - ageMs * 1_000);
      return {
        identity: identityOf({ signer, bootId: this.#nextBootId() }),
        facts: factsOf(number, address, wallMicros),
        registrations: registrationsOf(number),
        wallMicros,
      };
    });
    const warm = warmNodes(specs, this.verifier, this.config, this.#sharing, now);
    const owners = this.#slots.map(({ signer }) => signer.owner);
    const links = [...wantedPairs(owners, this.config.neighborsK)];
    const seeds = this.#warmSeeds(links);
    this.#slots.forEach((slot, index) => {
      const { identity } = specs[index] as (typeof specs)[number];
      const { registry, store, heads } = warm[index] as WarmNode;
      slot.store = store;
      const { bootId } = identity;
      const life = { registry, heads, bootId, seeds: seeds.get(slot.signer.owner) ?? [] };
      slot.node = this.#create(slot, slot.store, slot.address, life);
    });
    this.startedWarm(this.up());
    // Nobody is to find another one not there yet.
    for (const node of this.up()) node.listen();
    for (const node of this.up()) node.start();
    const transports = new Map(this.up().map(({ owner, transport }) => [owner, transport]));
    for (const [a, b] of links) {
      const other = transports.get(b);
      if (other !== undefined) transports.get(a)?.link(other);
    }
  }

  start(number: number): SimNode {
    const slot = this.#slotOf(number);
    const node = this.#create(slot, slot.store, slot.address);
    slot.node = node;
    node.listen();
    node.start();
    return node;
  }

  /** Ends a node as kill -9 would; nothing when it is down. */
  crash(number: number): void {
    const slot = this.#slotOf(number);
    const { node } = slot;
    if (node === undefined) return;
    slot.node = undefined;
    this.trace.add(this.nowMs, number, 'crash');
    this.ended(node);
    node.crash();
  }

  /** The database is gone, the key is kept. For a node that is down. */
  loseDatabase(number: number): void {
    const slot = this.#slotOf(number);
    const { owner } = slot.signer;
    const held = this.up().map(({ registry }) => registry.state(owner)?.head.head.lastUpdate ?? 0);
    this.diskLost(owner, Math.max(0, ...held));
    slot.store = new MemoryStore();
  }

  /** What was written last did not all reach the disk. For a node that is down. */
  tear(number: number, how: Tear): void {
    const slot = this.#slotOf(number);
    slot.store = tornStore(
      slot.store,
      slot.signer.owner,
      how,
      this.random(`torn store ${this.nowMs}`),
    );
  }

  /** The whole data dir is gone: it comes back as a new owner. For a node that is down. */
  loseDataDir(number: number): void {
    const slot = this.#slotOf(number);
    slot.store = new MemoryStore();
    slot.hasRun = false;
    slot.keys += 1;
    slot.signer = this.#signer(number, slot.keys);
    this.#numbers.set(slot.signer.owner, number);
  }

  /** It listens elsewhere in its next life. For a node that is down. */
  move(number: number): void {
    const slot = this.#slotOf(number);
    slot.moves += 1;
    slot.address = `sim/${number}/${slot.moves}`;
  }

  /** A second process with the key of this node and a copy of its disk, at another address. */
  startClone(number: number): void {
    const slot = this.#slotOf(number);
    if (slot.clone !== undefined) return;
    const store = slot.store instanceof MemoryStore ? slot.store.fork('clone') : new MemoryStore();
    slot.clone = this.#create(slot, store, `sim/${number}/clone`);
    slot.clone.listen();
    slot.clone.start();
  }

  endClone(number: number): void {
    const slot = this.#slotOf(number);
    slot.clone?.crash();
    slot.clone = undefined;
  }

  isClone(node: SimNode): boolean {
    return this.#slotOf(node.number).clone === node;
  }

  stepped(node: SimNode, input: Input): void {
    const bytes = 'bytes' in input ? input.bytes : undefined;
    this.trace.add(this.nowMs, node.number, input.kind, bytes);
    for (const observer of this.observers) observer.stepped?.(node, input);
  }

  changed(node: SimNode, changes: readonly Change[], input: Input | undefined): void {
    for (const observer of this.observers) observer.changed?.(node, changes, input);
  }

  started(node: SimNode): void {
    for (const observer of this.observers) observer.started?.(node);
  }

  startedWarm(nodes: readonly SimNode[]): void {
    for (const observer of this.observers) observer.startedWarm?.(nodes);
  }

  ended(node: SimNode): void {
    for (const observer of this.observers) observer.ended?.(node);
  }

  diskLost(owner: OwnerId, lastUpdate: number): void {
    for (const observer of this.observers) observer.diskLost?.(owner, lastUpdate);
  }

  /** The daemon ends itself then; a supervisor that starts it again would only see the same. */
  duplicate(node: SimNode, bootId: string): void {
    for (const observer of this.observers) observer.duplicate?.(node, bootId);
    // After the step in which it noticed.
    this.clock.schedule(0, () => {
      if (this.isClone(node)) this.endClone(node.number);
      else if (this.node(node.number) === node) this.crash(node.number);
    });
  }

  failed(node: SimNode, what: string, error: unknown): void {
    for (const observer of this.observers) observer.failed?.(node, what, error);
  }

  #create(
    slot: Slot,
    store: Store,
    address: string,
    life: Partial<Pick<NodeSpec, 'registry' | 'heads' | 'bootId' | 'seeds'>> = {},
  ): SimNode {
    const { number, signer } = slot;
    const bootId = life.bootId ?? this.#nextBootId();
    this.trace.add(this.nowMs, number, 'start');
    const spec = {
      number,
      signer,
      verifier: this.verifier,
      address,
      host: slot.host,
      tickMs: this.options.nodes > preciseNodesMax ? coarseTickMs : tickMs,
      // Node 2 beside it, so that node 1 may be down when somebody starts.
      seeds: ['sim/1', 'sim/2'],
      store,
      config: this.config,
      random: this.random(`node ${number} boot ${bootId}`),
      sharing: this.#sharing,
      hasRun: slot.hasRun,
      ...life,
      bootId,
    };
    slot.hasRun = true;
    return new SimNode(spec, this.network, this);
  }

  /** Two of the neighbors each, or a large cluster would begin with everyone at node 1. */
  #warmSeeds(links: readonly (readonly [OwnerId, OwnerId])[]): Map<OwnerId, string[]> {
    const seeds = new Map<OwnerId, string[]>();
    for (const [a, b] of links)
      for (const [owner, other] of [
        [a, b],
        [b, a],
      ] as const) {
        const own = seeds.get(owner) ?? [];
        if (own.length < 2) seeds.set(owner, [...own, `sim/${this.numberOf(other)}`]);
      }
    return seeds;
  }

  #nextBootId(): string {
    return (++this.#lives).toString(16).padStart(16, '0');
  }

  #slot(number: number): Slot {
    const signer = this.#signer(number, 0);
    this.#numbers.set(signer.owner, number);
    const address = `sim/${number}`;
    const rest = { store: new MemoryStore(), hasRun: false, node: undefined, clone: undefined };
    const host = new HostClock(this.clock);
    return { number, host, signer, keys: 0, moves: 0, address, ...rest };
  }

  #signer(number: number, keys: number): Signer {
    const name = `node ${number}, key ${keys}`;
    return this.options.realSignatures
      ? ed25519SignerOf(sha256('disco/sim/seed', name))
      : keyedHashSigner(name);
  }

  #slotOf(number: number): Slot {
    const slot = this.#slots[number - 1];
    if (slot === undefined) throw new Error(`there is no node ${number}`);
    return slot;
  }
}
