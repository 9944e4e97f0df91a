/**
 * The API over a registry in memory: a clock that stands still, a store that can refuse, a daemon
 * around it that does what a test says, and a bare gRPC client that shows the codes as they come.
 */
import { EventEmitter } from 'node:events';
import type { Test } from 'tap';
import { GrpcServer } from '../../src/api/grpc-server.ts';
import type { NodeControl, NodeDescription, RoundReport } from '../../src/api/node-control.ts';
import type { ServiceFilesReport } from '../../src/api/node-control.ts';
import { DiscoveryService } from '../../src/api/service.ts';
import { DiscoError } from '../../src/base/error.ts';
import { silentLog } from '../../src/base/log.ts';
import type { Log, LogLevels } from '../../src/base/log.ts';
import { seededRandom } from '../../src/base/random.ts';
import { VirtualClock } from '../../src/base/virtual-clock.ts';
import { defaults } from '../../src/daemon/config-options.ts';
import type { Config } from '../../src/daemon/config.ts';
import type { Accuser, DeathCause } from '../../src/membership/member.ts';
import type { SealedRecord } from '../../src/record/record.ts';
import { ed25519Verifier } from '../../src/record/signature.ts';
import type { CheckReport } from '../../src/registry/check-state.ts';
import { Registry } from '../../src/registry/registry.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import type { Batch } from '../../src/store/store.ts';
import { ApiClient } from './api-client.ts';
import {
  cluster,
  makeFacts,
  makeSealed,
  makeState,
  signerOf,
  startMicros,
} from '../record/fixtures.ts';

export { ApiClient, lineOf, refusalOf } from './api-client.ts';
export type { Refusal, UnaryName } from './api-client.ts';

/** A store that remembers its commits, and can be full. */
export class SpyStore extends MemoryStore {
  readonly commits: Batch[] = [];
  isFull = false;

  override commit(batch: Batch): void {
    if (this.isFull) {
      const sentence = 'cannot write to disco.sqlite (database or disk is full): free some space';
      throw new DiscoError('RESOURCE_EXHAUSTED', 'DISK', sentence);
    }
    this.commits.push(batch);
    super.commit(batch);
  }
}

const infoEverywhere: LogLevels = {
  daemon: 'info',
  registry: 'info',
  gossip: 'info',
  api: 'info',
  health: 'info',
};

/** A daemon of which a test says what it does. */
export class FakeControl implements NodeControl {
  description: NodeDescription = {
    name: 'node-1',
    cluster,
    zone: '',
    version: '0.1.0',
    pid: 4711,
    startedAt: startMicros,
    listen: ['/ip4/127.0.0.1/tcp/7001'],
    advertise: ['/ip4/127.0.0.1/tcp/7001'],
    grpc: ['127.0.0.1:7002', 'unix:/tmp/disco.sock'],
    http: '127.0.0.1:7003',
    dns: '127.0.0.1:7004',
    dataDir: '/var/lib/disco',
  };
  state = { isReady: true, why: 'reconciled with a peer' };
  reconciledMs: number | undefined = 250;
  partial = false;
  isolated = false;
  linked: readonly string[] = [];
  rtts: Record<string, number> = {};
  accusers: Record<string, readonly Accuser[]> = {};
  readonly memberFollowers = new Set<(owner: string) => void>();
  readonly dismissed: string[] = [];
  /** What becomes of it; nothing unless told. */
  onDismiss: (owner: string) => void = () => undefined;
  /** By the key of the instance's record. */
  reported: Record<string, readonly CheckReport[]> = {};
  counters: Record<string, number> = {};
  reports: readonly RoundReport[] = [];
  host = '127.0.0.1';
  files: ServiceFilesReport = {
    directory: '/var/lib/disco/services.d',
    files: 0,
    instances: 0,
    problem: '',
    bad: [],
  };
  leaves = 0;
  levels: LogLevels = { ...infoEverywhere };

  describe(): NodeDescription {
    return this.description;
  }

  readiness(): { isReady: boolean; why: string } {
    return this.state;
  }

  sinceReconcileMs(): number | undefined {
    return this.reconciledMs;
  }

  isPartial(): boolean {
    return this.partial;
  }

  isIsolated(): boolean {
    return this.isolated;
  }

  linkCount(): number {
    return this.linked.length;
  }

  isLinked(peer: string): boolean {
    return this.linked.includes(peer);
  }

  rttMs(owner: string): number | undefined {
    return this.rtts[owner];
  }

  accusersOf(owner: string): readonly Accuser[] {
    return this.accusers[owner] ?? [];
  }

  followMembers(wake: (owner: string) => void): () => void {
    this.memberFollowers.add(wake);
    return () => void this.memberFollowers.delete(wake);
  }

  dismiss(owner: string): void {
    this.dismissed.push(owner);
    this.onDismiss(owner);
  }

  checkReports(key: string): readonly CheckReport[] {
    return this.reported[key] ?? [];
  }

  counted(): Record<string, number> {
    return this.counters;
  }

  round(): Promise<readonly RoundReport[]> {
    return Promise.resolve(this.reports);
  }

  leave(): void {
    this.leaves += 1;
  }

  serviceFiles(): ServiceFilesReport {
    return this.files;
  }

  hostAddress(): string {
    return this.host;
  }

  logLevels(): LogLevels {
    return this.levels;
  }

  setLogLevels(change: Partial<LogLevels>, isReset: boolean): void {
    this.levels = { ...(isReset ? infoEverywhere : this.levels), ...change };
  }
}

/** One node without a network: everything of the API but how it is carried. */
export class Node {
  readonly clock = new VirtualClock(startMicros);
  readonly store: SpyStore;
  readonly control = new FakeControl();
  readonly registry: Registry;
  readonly service: DiscoveryService;
  /** Emits `follow` and `unfollow` as followers of the feed come and go. */
  readonly followers = new EventEmitter();
  #peerUpdate = startMicros;

  constructor(change: Partial<Config> = {}, store = new SpyStore()) {
    this.store = store;
    const identity = { signer: signerOf(1), cluster, bootId: '0011223344556677' };
    const config = { ...defaults, ...change };
    const facts = makeFacts();
    const now = this.clock.now();
    this.registry = new Registry(identity, facts, ed25519Verifier, this.store, config, now);
    this.registry.begin(facts, now);
    this.store.commits.length = 0;
    this.service = new DiscoveryService(this.registry, this.control, this.clock, seededRandom(7));
    this.#spyOnFeed();
  }

  get self(): string {
    return this.registry.self;
  }

  /** What another node says it has, all of it, reaches this one. */
  hear(key: number, records: readonly SealedRecord[], facts = makeFacts({ name: `node-${key}` })) {
    const signer = signerOf(key);
    this.#peerUpdate += 1_000;
    const lastUpdate = this.#peerUpdate;
    const { head } = makeState(records, { lastUpdate, facts }, signer);
    const bytes = records.map((record) => record.bytes);
    return this.registry.receive(head, bytes, true, this.clock.now());
  }

  /** Node `key` is found dead. */
  die(key: number, why: DeathCause): void {
    const { owner } = signerOf(key);
    this.registry.observe(owner, { kind: 'unreachable', why }, this.clock.now());
  }

  /** A service of four instances, a to d on nodes 2 to 5, three of which fall silent. */
  holdService(group: string, name: string): void {
    this.holdServices(group, [name]);
  }

  /** The same for many services; what those nodes had before is gone. */
  holdServices(group: string, names: readonly string[]): void {
    for (const [index, instanceId] of ['a', 'b', 'c', 'd'].entries()) {
      const { owner } = signerOf(index + 2);
      this.registry.observe(owner, { kind: 'linked' }, this.clock.now());
      const make = (name: string) => makeSealed({ owner, group, name, instanceId });
      this.hear(index + 2, names.map(make));
    }
    for (const key of [2, 3, 4]) this.die(key, 'silent');
  }

  #spyOnFeed(): void {
    const { feed } = this.registry;
    const follow = feed.follow.bind(feed);
    feed.follow = (wake) => {
      const unfollow = follow(wake);
      this.followers.emit('follow');
      return () => {
        unfollow();
        this.followers.emit('unfollow');
      };
    };
  }
}

export interface ServedOptions {
  readonly addresses?: readonly string[];
  readonly watchersMax?: number;
  readonly watchLagMax?: number;
  readonly config?: Partial<Config>;
  readonly store?: SpyStore;
  readonly log?: Log;
}

/** A node that answers over gRPC on a free port, and a client of it. */
export async function serve(
  t: Test,
  options: ServedOptions = {},
): Promise<{ node: Node; server: GrpcServer; bound: readonly string[]; client: ApiClient }> {
  const node = new Node(options.config, options.store);
  const { addresses = ['127.0.0.1:0'], watchersMax = 100, watchLagMax = 1_000 } = options;
  const { log = silentLog } = options;
  const server = new GrpcServer(node.service, { addresses, watchersMax, watchLagMax }, log);
  const bound = await server.start();
  const client = new ApiClient(bound[0] as string);
  t.teardown(async () => {
    client.close();
    await server.stop(0);
  });
  return { node, server, bound, client };
}
