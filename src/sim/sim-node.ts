/**
 * SimNode: one life of one simulated daemon: the real registry, engine and agent, on a simulated
 * process, network and disk.
 */
import { AdjustableClock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { silentLog } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { Now } from '../base/clock.ts';
import type { Config } from '../daemon/config.ts';
import { Agent } from '../gossip/agent.ts';
import type { Effect, Input } from '../gossip/context.ts';
import { Engine } from '../gossip/engine.ts';
import type { EngineOptions } from '../gossip/engine.ts';
import { SettledHeads } from '../gossip/settled-heads.ts';
import type { NodeFacts } from '../record/head.ts';
import type { OwnerId } from '../record/owner.ts';
import type { Signer, Verifier } from '../record/signature.ts';
import type { Change } from '../registry/change-feed.ts';
import type { Identity } from '../registry/own-state.ts';
import { Registry } from '../registry/registry.ts';
import type { Sharing } from '../registry/sharing.ts';
import type { Store } from '../store/store.ts';
import type { SimNetwork } from './network.ts';
import type { HostClock } from './host-clock.ts';
import { NodeProcess } from './node-process.ts';
import type { SimTransport } from './sim-transport.ts';
import { simSymbols } from './warm-start.ts';

const simCluster = 'sim';

/** Sees everything that happens in a node. */
export interface Observer {
  /** Its first head is signed. */
  started(node: SimNode): void;
  /** Instead of `started`: these are about to run, and all hold the same heads. */
  startedWarm(nodes: readonly SimNode[]): void;
  /** About to be killed; all that it holds can still be read. */
  ended(node: SimNode): void;
  /** After each step of an engine. */
  stepped(node: SimNode, input: Input): void;
  /** What became true in a registry since the last call, after steps and ticks. */
  changed(node: SimNode, changes: readonly Change[], input: Input | undefined): void;
  /** The disk of a node is gone; others hold its head of `lastUpdate` at best. */
  diskLost(owner: OwnerId, lastUpdate: number): void;
  /** Another process runs with its key, and this one has to end. */
  duplicate(node: SimNode, bootId: string): void;
  /** What must never happen: an exception in the core. */
  failed(node: SimNode, what: string, error: unknown): void;
}

export interface NodeSpec {
  readonly number: number;
  /** Its key follows from it. */
  readonly signer: Signer;
  readonly verifier: Verifier;
  readonly address: string;
  /** Its clocks; they outlive the process. */
  readonly host: HostClock;
  readonly seeds: readonly string[];
  readonly store: Store;
  readonly config: Config;
  readonly random: Random;
  /** How often leases are looked at and remote merges are written. */
  readonly tickMs: number;
  /** Different in every life. */
  readonly bootId: string;
  readonly sharing: Sharing;
  /** Its key is from an earlier life. */
  readonly hasRun: boolean;
  /** Of a warm start: it goes on with this, instead of loading what the store holds. */
  readonly registry?: Registry;
  readonly heads?: SettledHeads;
}

export class SimNode {
  readonly number: number;
  readonly address: string;
  readonly signer: Signer;
  readonly owner: OwnerId;
  readonly store: Store;
  readonly host: HostClock;
  readonly process: NodeProcess;
  readonly transport: SimTransport;
  readonly registry: Registry;
  readonly engine: Engine;
  readonly #clock: AdjustableClock;
  readonly #agent: Agent;
  readonly #observer: Observer;
  readonly #facts: NodeFacts;
  readonly #isWarm: boolean;
  readonly #hasRun: boolean;
  readonly #tickMs: number;
  readonly #tickPhaseMs: number;
  #cursor: number;
  #dueAtMs = -Infinity;
  #isLate = false;

  constructor(spec: NodeSpec, network: SimNetwork, observer: Observer) {
    const { number, signer, verifier, address, seeds, store, config, random, sharing } = spec;
    this.number = number;
    this.address = address;
    this.signer = signer;
    this.owner = signer.owner;
    this.store = store;
    this.#observer = observer;
    this.host = spec.host;
    this.process = new NodeProcess(spec.host);
    this.transport = network.join(signer.owner, address, number, this.process);
    const identity = identityOf(spec);
    this.#clock = new AdjustableClock(this.process, config.clockAheadMs);
    const now = this.#clock.now();
    this.#facts = factsOf(number, address, now.wallMicros);
    this.#isWarm = spec.registry !== undefined;
    this.registry =
      spec.registry ??
      new Registry(identity, this.#facts, verifier, store, config, now, { sharing });
    const own = this.registry.state(this.owner)?.head.head;
    this.#hasRun = spec.hasRun;
    this.#clock.resumeFrom(own?.lastUpdate ?? 0);
    this.#cursor = this.registry.feed.revision;
    this.#tickMs = spec.tickMs;
    this.#tickPhaseMs = random.next() * spec.tickMs;
    const heads = spec.heads ?? new SettledHeads(identity.cluster, simSymbols);
    const options = { registry: this.registry, identity, verifier, config, random, seeds, heads };
    this.engine = new ObservedEngine(options, (input) => this.#stepped(input));
    const log = this.#log();
    this.#agent = new Agent(this.engine, this.transport, this.registry, this.#clock, log);
  }

  /** From now on others reach it. */
  listen(): void {
    void this.transport.start(this.#agent);
  }

  /** Begins its life: signs its first head and gossips. */
  start(): void {
    if (!this.#isWarm) this.registry.begin(this.#facts, this.#clock.now(), this.#hasRun);
    this.#agent.onDuplicate((bootId) => this.#observer.duplicate(this, bootId));
    this.#agent.start();
    if (!this.#isWarm) this.#observer.started(this);
    this.#collect(undefined);
    this.process.schedule(this.#tickPhaseMs, () => this.#tick());
  }

  /** The time that this node goes by. */
  now(): Now {
    return this.#clock.now();
  }

  /** The process was frozen when its last tick was due. */
  get isLate(): boolean {
    return this.#isLate;
  }

  /** Ends it as kill -9 would: what is on disk stays. */
  crash(): void {
    void this.#agent.stop();
    this.transport.crash();
    this.process.end();
  }

  #tick(): void {
    const { monoMs } = this.process.now();
    this.#isLate = monoMs > this.#dueAtMs + this.#tickMs;
    this.#dueAtMs = monoMs + this.#tickMs;
    try {
      this.registry.tick(this.#clock.now());
    } catch (error) {
      this.#observer.failed(this, 'the registry tick', error);
    }
    this.#collect(undefined);
    this.process.schedule(this.#tickMs, () => this.#tick());
  }

  #stepped(input: Input): void {
    this.#observer.stepped(this, input);
    this.#collect(input);
  }

  #collect(input: Input | undefined): void {
    const { feed } = this.registry;
    while (feed.revision !== this.#cursor) {
      const answer = feed.read(this.#cursor);
      if (answer.kind === 'lost') {
        this.#cursor = feed.revision;
        return;
      }
      this.#cursor = answer.revision;
      this.#observer.changed(this, answer.changes, input);
    }
  }

  #log(): Log {
    const error = (fields: object, message: string): void => {
      // Wrong clocks and copies of a key are errors for people, and what a simulation is for.
      if ('error' in fields) this.#observer.failed(this, message, fields.error);
    };
    return { ...silentLog, error };
  }
}

/** The engine, with somebody who looks at each step. */
class ObservedEngine extends Engine {
  readonly #observe: (input: Input) => void;

  constructor(options: EngineOptions, observe: (input: Input) => void) {
    super(options);
    this.#observe = observe;
  }

  override step(input: Input, now: Now): Effect[] {
    const effects = super.step(input, now);
    this.#observe(input);
    return effects;
  }
}

/** Who a node is in one life. */
export function identityOf({ signer, bootId }: Pick<NodeSpec, 'signer' | 'bootId'>): Identity {
  return { signer, cluster: simCluster, bootId };
}

/** What a node says about itself. */
export function factsOf(number: number, address: string, startedAt: number): NodeFacts {
  const name = `node-${number}`;
  const protocol = { protocolMin: 1, protocolMax: 1 };
  return { name, addresses: [address], startedAt, ...protocol, left: false, version: '' };
}
