/**
 * A cluster in memory on virtual time: the real engine, registry and agent on every node, on the
 * network that really serializes. Deterministic: one random seed, no real time.
 */
import { createPrivateKey, createHash } from 'node:crypto';
import { AdjustableClock } from '../../src/base/clock.ts';
import { VirtualClock } from '../../src/base/virtual-clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { seededRandom } from '../../src/base/random.ts';
import { Agent } from '../../src/gossip/agent.ts';
import { Engine } from '../../src/gossip/engine.ts';
import type { GossipConfig } from '../../src/gossip/context.ts';
import { SettledHeads } from '../../src/gossip/settled-heads.ts';
import { MemoryNetwork } from '../../src/gossip/memory-transport.ts';
import type { MemoryTransport } from '../../src/gossip/memory-transport.ts';
import type { NodeFacts } from '../../src/record/head.ts';
import type { OwnerId } from '../../src/record/owner.ts';
import { plainFields, recordKey } from '../../src/record/record.ts';
import { ed25519Signer, ed25519Verifier } from '../../src/record/signature.ts';
import type { Signer } from '../../src/record/signature.ts';
import { Registry } from '../../src/registry/registry.ts';
import type { RegistryConfig } from '../../src/registry/registry.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import type { Registration } from '../../src/store/store.ts';
import { FreezableProcess } from './freezable-process.ts';
import type { SignatureScheme } from './hashed-signatures.ts';
import { SkewedClock } from './skewed-clock.ts';

export type TestConfig = GossipConfig & RegistryConfig;

export const testConfig: TestConfig = {
  gossipIntervalMs: 1_000,
  gossipK: 3,
  probeIntervalMs: 1_000,
  rumorIntervalMs: 20,
  dialTimeoutMs: 1_000,
  joinTimeoutMs: 10_000,
  pendingDialsMax: 16,
  neighborsK: 8,
  reapAfterMs: 86_400_000,
  clockAheadMs: 60_000,
  trustPeerClock: false,
  recordBytesMax: 8_192,
  recordsPerOwnerMax: 10_000,
  bytesPerOwnerMax: 16 * 1024 * 1024,
  brakeWindowMs: 10_000,
  holdMaxMs: 30_000,
  tombstoneGraceMs: 600_000,
  tombstonesMax: 1_000,
  headBytesMax: 2_048,
  headRefreshMs: 3_600_000,
  recordsMax: 1_000_000,
  bytesMax: 1024 * 1024 * 1024,
  headsMax: 100_000,
  changeFeedMax: 100_000,
};

/** The same key for the same number, in every run. */
export function signerOf(number: number): Signer {
  const secret = createHash('sha256').update(`test key ${number}`).digest();
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), secret]);
  return ed25519Signer(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }));
}

export interface TestNode {
  readonly number: number;
  readonly address: string;
  readonly registry: Registry;
  readonly engine: Engine;
  readonly agent: Agent;
  readonly transport: MemoryTransport;
  readonly store: MemoryStore;
  /** What the node goes by. */
  readonly clock: AdjustableClock;
  /** Its host's clock, which may be wrong. */
  readonly hostClock: SkewedClock;
  /** What it compares with others. */
  readonly heads: SettledHeads;
  readonly process: FreezableProcess;
}

export interface StartOptions {
  readonly seeds?: readonly string[];
  readonly store?: MemoryStore;
  readonly address?: string;
  readonly zone?: string;
  readonly cluster?: string;
  readonly config?: Partial<TestConfig>;
  /** The number of the key, when it is not that of the node: two nodes with one key. */
  readonly key?: number;
  /** How far the host's clock is ahead, ms. */
  readonly skewMs?: number;
  /** How long the host had been up at the beginning, ms. */
  readonly uptimeMs?: number;
  /** The key is older than the store. */
  readonly isReborn?: boolean;
  /** Coded symbols that are kept; few of them make a small difference one that is pulled. */
  readonly symbolsMax?: number;
  /** In place of Ed25519; then for all nodes of a cluster. */
  readonly signatures?: SignatureScheme;
}

export class TestCluster {
  readonly clock = new VirtualClock();
  readonly network = new MemoryNetwork(this.clock);
  readonly nodes = new Map<number, TestNode>();
  readonly #randomSeed: number;
  /** Addresses at which nobody answers a handshake. */
  readonly #frozen = new Set<string>();
  #lives = 0;

  constructor(randomSeed = 1) {
    this.#randomSeed = randomSeed;
  }

  /** Node `number` always has the same key; its address is `mem/<number>` unless given. */
  async start(number: number, options: StartOptions = {}): Promise<TestNode> {
    const { seeds = ['mem/1'], store = new MemoryStore(), cluster = 'test' } = options;
    const address = options.address ?? `mem/${number}`;
    const config = { ...testConfig, ...options.config };
    const life = ++this.#lives;
    const bootId = life.toString(16).padStart(16, '0');
    const { signatures = { signerOf, verifier: ed25519Verifier }, symbolsMax = 8_192 } = options;
    const { verifier } = signatures;
    const signer = signatures.signerOf(options.key ?? number);
    const identity = { signer, cluster, bootId, zone: options.zone ?? '' };
    const process = new FreezableProcess();
    const ownClock = process.clockOver(this.clock);
    const hostClock = new SkewedClock(ownClock, options.skewMs, options.uptimeMs);
    const clock = new AdjustableClock(hostClock, config.clockAheadMs);
    const facts = factsOf(number, address, clock.now().wallMicros);
    const registry = new Registry(identity, facts, verifier, store, config, clock.now());
    clock.resumeFrom(registry.state(registry.self)?.head.head.lastUpdate ?? 0);
    const random = seededRandom(this.#randomSeed * 1_000 + life);
    const heads = new SettledHeads(cluster, symbolsMax);
    const engine = new Engine({ registry, identity, verifier, config, random, seeds, heads });
    const transport = this.network.join(identity.signer.owner, address);
    const dial = transport.dial.bind(transport);
    transport.dial = (target, timeoutMs, done) => {
      const tell = process.outcomeOver(done);
      if (!target.addresses.some((each) => this.#frozen.has(each)))
        return dial(target, timeoutMs, tell);
      this.clock.schedule(timeoutMs, () => tell({ kind: 'failed', how: 'timeout' }));
    };
    const agent = new Agent(engine, transport, registry, clock, silentLog);
    await transport.start(process.handlerOver(agent));
    registry.begin(facts, clock.now(), options.isReborn);
    agent.start();
    const parts = { registry, engine, agent, transport, store, clock, hostClock, heads, process };
    const node = { number, address, ...parts };
    agent.onDuplicate(() => void this.crash(number));
    this.nodes.set(number, node);
    this.#tick(node);
    return node;
  }

  /** Starts nodes 1 to `count`, each with node 1 as its seed node, and lets them settle. */
  static async of(count: number, randomSeed = 1, options: StartOptions = {}): Promise<TestCluster> {
    const cluster = new TestCluster(randomSeed);
    for (let number = 1; number <= count; number++) await cluster.start(number, options);
    cluster.run(5_000);
    return cluster;
  }

  node(number: number): TestNode {
    const node = this.nodes.get(number);
    if (node === undefined) throw new Error(`node ${number} does not run`);
    return node;
  }

  /** Ends a node as kill -9 would: what is on disk stays. */
  crash(number: number): MemoryStore {
    const node = this.node(number);
    this.nodes.delete(number);
    this.#frozen.delete(node.address);
    void node.agent.stop();
    node.transport.crash();
    return node.store;
  }

  /** Stops a node as SIGSTOP would: it hears nothing, says nothing, and keeps its connections. */
  freeze(number: number): void {
    const { process, address } = this.node(number);
    process.freeze();
    this.#frozen.add(address);
  }

  /** As SIGCONT. */
  thaw(number: number): void {
    const { process, address } = this.node(number);
    this.#frozen.delete(address);
    process.thaw();
  }

  run(durationMs: number): void {
    this.clock.advance(durationMs);
  }

  /** Advances in steps of 5 ms until `isSo`, and answers how long it took; fails after the bound. */
  until(isSo: () => boolean, boundMs: number): number {
    for (let waitedMs = 0; waitedMs <= boundMs; waitedMs += 5) {
      if (isSo()) return waitedMs;
      this.clock.advance(5);
    }
    throw new Error(`did not come true within ${boundMs} virtual ms`);
  }

  register(number: number, name: string, overrides: Partial<Registration> = {}): void {
    const registration = registrationOf(name, overrides);
    const { registry, clock } = this.node(number);
    const [result] = registry.commit([{ kind: 'register', registration }], clock.now());
    if (result?.kind !== 'done') throw new Error(`registering ${name} failed`);
  }

  deregister(number: number, name: string): void {
    const { group, instanceId } = registrationOf(name);
    const key = recordKey(group, name, instanceId);
    const { registry, clock } = this.node(number);
    registry.commit([{ kind: 'deregister', key }], clock.now());
  }

  /** Cuts the network between the two sets of nodes; without sets it is whole again. */
  cut(left: readonly number[] = [], right: readonly number[] = []): void {
    const side = new Map<string, number>();
    for (const number of left) side.set(this.node(number).registry.self, 1);
    for (const number of right) side.set(this.node(number).registry.self, 2);
    this.network.rules.isCut = (a, b) => (side.get(a) ?? 0) + (side.get(b) ?? 0) === 3;
    this.network.applyCuts();
  }

  /** Names of the visible services of group `test`, sorted. */
  seenBy(number: number): string[] {
    return this.node(number)
      .registry.index.list('test')
      .map(({ record }) => record.name);
  }

  isSeenByAll(name: string): boolean {
    return [...this.nodes.keys()].every((number) => this.seenBy(number).includes(name));
  }

  isSeenByNone(name: string): boolean {
    return [...this.nodes.keys()].every((number) => !this.seenBy(number).includes(name));
  }

  /** Which life of an owner a node holds. */
  bootIdAt(number: number, owner: OwnerId): string {
    return this.node(number).registry.state(owner)?.head.head.bootId ?? '';
  }

  /** All nodes hold the same heads. */
  isConverged(): boolean {
    return new Set([...this.nodes.keys()].map((number) => this.fingerprint(number))).size === 1;
  }

  /** What a node holds, as text: equal for equal states. */
  fingerprint(number: number): string {
    const heads = [...this.node(number).registry.owners()].map(
      ([owner, { head }]) => `${owner} ${Buffer.from(head.hash).toString('hex')}`,
    );
    return heads.sort().join('\n');
  }

  #tick(node: TestNode): void {
    if (this.nodes.get(node.number) !== node) return;
    node.registry.tick(node.clock.now());
    node.hostClock.schedule(100, () => this.#tick(node));
  }
}

export function registrationOf(name: string, overrides: Partial<Registration> = {}): Registration {
  const address = { ip: '127.0.0.1', port: 1_000, instanceId: `127.0.0.1:1000` };
  const rest = { ttlMs: 0, deregisterAfterMs: 0, version: '', tags: [], metadata: {} };
  return { group: 'test', name, ...address, ...rest, ...plainFields, ...overrides };
}

function factsOf(number: number, address: string, startedAt: number): NodeFacts {
  const name = `node-${number}`;
  const protocol = { protocolMin: 1, protocolMax: 1 };
  return { name, addresses: [address], startedAt, ...protocol, left: false, version: 'test' };
}
