/**
 * Daemon: the only place where the parts are put together.
 *
 *   start   data dir ▸ key ▸ store ▸ registry ▸ transport ▸ own head ▸ registration files ▸ API ▸
 *           gossip ▸ run file
 *   stop    files ▸ say goodbye ▸ API ▸ gossip ▸ registry ▸ store ▸ data dir
 */
import { randomBytes } from 'node:crypto';
import { parseAddress, toMultiaddr } from '../base/address.ts';
import type { Address } from '../base/address.ts';
import type { NodeControl, NodeDescription, RoundReport } from '../api/node-control.ts';
import type { ServiceFilesReport } from '../api/node-control.ts';
import { DiscoveryService } from '../api/service.ts';
import { AdjustableClock, systemClock } from '../base/clock.ts';
import type { Cancel } from '../base/clock.ts';
import { DiscoError } from '../base/error.ts';
import { LogBook } from '../base/log.ts';
import type { Log, LogLevels } from '../base/log.ts';
import { seededRandom } from '../base/random.ts';
import type { Random } from '../base/random.ts';
import { Agent } from '../gossip/agent.ts';
import { Engine } from '../gossip/engine.ts';
import { Libp2pTransport } from '../gossip/libp2p-transport.ts';
import { protocolVersion } from '../gossip/message.ts';
import type { Transport } from '../gossip/transport.ts';
import { Checker } from '../health/checker.ts';
import type { Accuser } from '../membership/member.ts';
import { bootIdBytes } from '../record/head.ts';
import type { NodeFacts } from '../record/head.ts';
import { ed25519Signer, ed25519Verifier } from '../record/signature.ts';
import type { RecordKey } from '../record/record.ts';
import type { CheckReport } from '../registry/check-state.ts';
import { Registry } from '../registry/registry.ts';
import { SqliteStore } from '../store/sqlite-store.ts';
import { advertisedAddresses, hostAddressOf } from './addresses.ts';
import type { Config } from './config.ts';
import { DataDir } from './data-dir.ts';
import { Doors } from './doors.ts';
import { FileRegistrar } from './file-registrar.ts';
import { HoldLog } from './hold-log.ts';
import { movesTo } from './host-move.ts';
import { loadIdentity, seedOf } from './identity.ts';
import { MemberLog } from './member-log.ts';
import { Metrics } from './metrics.ts';
import { notifySystemd } from './notify.ts';
import { TroubleLog } from './trouble-log.ts';
import { version } from './version.ts';
import { startWatchdog } from './watchdog.ts';

/** How often leases are looked at and remote merges are written. */
const tickMs = 100;
/** A registry that was not looked at for so long is not live. */
const tickLateMs = 2_000;
/** After which a run file that could not be written is tried again. */
const runFileRetryMs = 5_000;
/** Time that a goodbye gets to reach the others. */
const farewellMs = 150;

export class Daemon implements NodeControl {
  readonly #config: Config;
  readonly #log: LogBook;
  /** A full disk must not end the daemon: reads and gossip go on. */
  readonly #troubles: TroubleLog;
  readonly #clock: AdjustableClock;
  readonly #random: Random = seededRandom(randomBytes(4).readInt32LE());
  readonly #startedAt: number;
  readonly #dataDir: DataDir;
  readonly #store: SqliteStore;
  readonly #registry: Registry;
  readonly #engine: Engine;
  readonly #transport: Transport;
  readonly #agent: Agent;
  readonly #service: DiscoveryService;
  readonly #doors: Doors;
  readonly #memberLog: MemberLog;
  readonly #holdLog: HoldLog;
  readonly #registrar: FileRegistrar;
  readonly #checker: Checker;
  /** Undefined with `--http off`: nobody could read them. */
  readonly #metrics: Metrics | undefined;
  readonly #leaving = Promise.withResolvers<void>();
  readonly #failing = Promise.withResolvers<DiscoError>();
  readonly #hasPast: boolean;
  #facts: NodeFacts;
  #listen: readonly string[] = [];
  #cancelTick: Cancel = () => undefined;
  #stopWatchdog: Cancel = () => undefined;
  #tickedAtMs = 0;
  #isStopped = false;

  /**
   * Takes hold of the data dir and reads what is in it.
   *
   * @throws DiscoError FAILED_PRECONDITION: everything that is wrong with the data dir
   */
  constructor(config: Config, seeds: readonly Address[], log: Log) {
    this.#config = config;
    this.#log = LogBook.over(log, config.logLevel);
    this.#clock = new AdjustableClock(systemClock, config.clockAheadMs);
    this.#troubles = new TroubleLog(this.#clock, this.#log);
    const now = this.#clock.now();
    this.#startedAt = now.wallMicros;
    this.#facts = factsOf(config, now.wallMicros);
    this.#dataDir = new DataDir(config.dataDir);
    const metrics = (this.#metrics = config.http === 'off' ? undefined : new Metrics());
    let store: SqliteStore | undefined;
    try {
      const { key, isNew } = loadIdentity(config.dataDir);
      const signer = ed25519Signer(key);
      const bootId = randomBytes(bootIdBytes).toString('hex');
      const identity = { signer, cluster: config.cluster, bootId, zone: config.zone };
      store = new SqliteStore(this.#dataDir.database, config.cluster);
      this.#store = store;
      const verifier = ed25519Verifier;
      const timed = metrics?.timed(store) ?? store;
      this.#registry = new Registry(identity, this.#facts, verifier, timed, config, now);
      const own = this.#registry.state(this.#registry.self)?.head.head;
      this.#hasPast = !isNew;
      this.#clock.resumeFrom(own?.lastUpdate ?? 0);
      this.#engine = new Engine({
        registry: this.#registry,
        identity,
        verifier,
        config,
        random: this.#random,
        seeds: seeds.map(toMultiaddr),
      });
      const tools = { registry: this.#registry, clock: this.#clock, log: this.#log };
      const hostAddress = (): string => this.hostAddress();
      this.#registrar = new FileRegistrar(config, { ...tools, hostAddress });
      const transport = new Libp2pTransport({
        ...config,
        keySeed: seedOf(key),
        listen: config.listen.map(toListenMultiaddr),
        counters: this.#engine.counters,
      });
      this.#transport = metrics?.metered(transport) ?? transport;
    } catch (error) {
      store?.close();
      this.#dataDir.close();
      throw error;
    }
    const [gossipLog, registryLog, apiLog, healthLog] = (
      ['gossip', 'registry', 'api', 'health'] as const
    ).map((area) => this.#log.area(area)) as [Log, Log, Log, Log];
    const gossiped = [this.#engine, this.#transport, this.#registry, this.#clock] as const;
    this.#agent = new Agent(...gossiped, gossipLog, afterAnswers);
    this.#agent.onDuplicate((bootId) => this.#failing.resolve(duplicateOwner(config, bootId)));
    this.#service = new DiscoveryService(this.#registry, this, this.#clock, this.#random);
    this.#memberLog = new MemberLog(this.#registry, registryLog);
    this.#holdLog = new HoldLog(this.#registry, registryLog);
    const [registry, clock, random] = [this.#registry, this.#clock, this.#random];
    this.#checker = new Checker({ registry, clock, random, log: healthLog });
    this.#doors = new Doors(this.#service, config, { clock, random, log: apiLog, metrics });
    const [engine, agent, checker] = [this.#engine, this.#agent, this.#checker];
    metrics?.observe({ registry, engine, agent, checker, clock, control: this });
  }

  /** Resolves when somebody asked this node to leave through the API. */
  get leaveAsked(): Promise<void> {
    return this.#leaving.promise;
  }

  /** Resolves when this node cannot go on, with what the operator has to do. */
  get failed(): Promise<DiscoError> {
    return this.#failing.promise;
  }

  /**
   * Starts everything; resolves when the API answers, which may be before the node is ready.
   *
   * @throws DiscoError FAILED_PRECONDITION: PORT_IN_USE, ADDRESS_UNAVAILABLE
   */
  async start(): Promise<void> {
    try {
      this.#listen = await this.#transport.start(this.#agent);
      const addresses = advertisedAddresses(this.#config.advertise, this.#listen);
      this.#facts = { ...this.#facts, addresses };
      this.#registry.begin(this.#facts, this.#clock.now(), this.#hasPast);
      this.#followHost();
      this.#memberLog.start();
      this.#holdLog.start();
      this.#registrar.start();
      this.#checker.start();
      this.#tick();
      await this.#doors.open();
      // Last, so that nobody hears of a node whose API finds its port taken.
      this.#agent.start();
    } catch (error) {
      await this.stop({ isGraceful: false });
      throw error;
    }
    const { cluster, listen, advertise, grpc, http, dns, dataDir } = this.describe();
    const told = { peerId: this.#registry.self, cluster, listen, advertise, grpc, http, dns };
    this.#log.info({ ...told, dataDir, version }, 'started');
    void this.#agent.ready().then(() => this.#ready());
  }

  /** Leaves the cluster, so that others drop this node at once, and stops. */
  async stop({ isGraceful } = { isGraceful: true }): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    notifySystemd('STOPPING=1', this.#log);
    this.#cancelTick();
    this.#stopWatchdog();
    this.#registrar.stop();
    this.#service.close();
    await this.#checker.stop();
    if (isGraceful) await this.#sayGoodbye();
    await this.#doors.close();
    await this.#agent.stop();
    this.#memberLog.stop();
    this.#holdLog.stop();
    this.#troubles.guard('writing the last merges', () => this.#registry.flush());
    this.#store.close();
    this.#dataDir.close();
    this.#log.info({}, 'stopped');
  }

  describe(): NodeDescription {
    const { name, cluster, zone, dataDir } = this.#config;
    return {
      name,
      cluster,
      zone,
      version,
      pid: process.pid,
      startedAt: this.#startedAt,
      listen: this.#listen,
      advertise: this.#facts.addresses,
      ...this.#doors.addresses,
      dataDir,
    };
  }

  readiness(): { isReady: boolean; why: string } {
    const { readiness, clockTrouble } = this.#engine;
    const why = readiness ?? `joining: trying ${this.#engine.describeTried()}`;
    const told = clockTrouble === undefined ? why : `${why}; ${clockTrouble}`;
    return { isReady: readiness !== undefined, why: told };
  }

  sinceReconcileMs(): number | undefined {
    const at = this.#engine.reconciledAtMs;
    return at === undefined ? undefined : Math.round(this.#clock.now().monoMs - at);
  }

  isPartial(): boolean {
    return this.#engine.isPartial;
  }

  isIsolated(): boolean {
    return this.#engine.isIsolated;
  }

  linkCount(): number {
    return this.#engine.linkCount;
  }

  isLinked(peer: string): boolean {
    return this.#engine.isLinked(peer);
  }

  rttMs(owner: string): number | undefined {
    return this.#engine.rttMs(owner);
  }

  accusersOf(owner: string): readonly Accuser[] {
    return this.#engine.accusersOf(owner);
  }

  followMembers(wake: (owner: string) => void): Cancel {
    return this.#agent.followLinks(wake);
  }

  dismiss(owner: string): void {
    this.#agent.dismiss(owner);
  }

  checkReports(key: RecordKey): readonly CheckReport[] {
    return this.#checker.reports(key);
  }

  counted(): Record<string, number> {
    const { counters } = this.#registry.brake;
    const inside = [...this.#engine.counters.entries(), ...counters.entries()];
    return Object.fromEntries([...inside, ...this.#doors.counted]);
  }

  round(): Promise<readonly RoundReport[]> {
    return this.#agent.round();
  }

  leave(): void {
    // After the answer is on its way.
    setImmediate(() => this.#leaving.resolve());
  }

  serviceFiles(): ServiceFilesReport {
    return this.#registrar.report();
  }

  logLevels(): LogLevels {
    return this.#log.levels;
  }

  setLogLevels(change: Partial<LogLevels>, isReset: boolean): void {
    if (isReset) this.#log.reset();
    this.#log.set(change);
    this.#log.info({ levels: this.#log.levels }, 'log levels');
  }

  /** Reads the registration files again, now, without waiting for the system to tell of a change. */
  reloadServices(): void {
    if (!this.#isStopped) this.#registrar.reload();
  }

  hostAddress(): string {
    return hostAddressOf(this.#facts.addresses);
  }

  #ready(): void {
    if (this.#isStopped) return;
    this.#doors.setReady();
    this.#writeRunFile();
    notifySystemd('READY=1', this.#log);
    const isLive = (): boolean => this.#clock.now().monoMs - this.#tickedAtMs <= tickLateMs;
    this.#stopWatchdog = startWatchdog({ clock: this.#clock, isLive, log: this.#log });
  }

  #followHost(): void {
    const hostAddress = this.hostAddress();
    const moves = movesTo(hostAddress, this.#registry);
    if (moves.length === 0) return;
    this.#registry.commit(moves, this.#clock.now());
    const instances = moves.filter(({ kind }) => kind === 'register').length;
    this.#log.info({ hostAddress, instances }, 'what was registered without an ip has moved here');
  }

  /** Whoever looks for it finds it as soon as the disk takes it. */
  #writeRunFile(): void {
    if (this.#isStopped) return;
    const { pid, name, cluster, listen, grpc, http, dns } = this.describe();
    const startedAt = new Date(this.#startedAt / 1000).toISOString();
    const peerId = this.#registry.self;
    const content = { pid, peerId, name, cluster, listen, grpc, http, dns, startedAt };
    const isWritten = this.#troubles.guard('writing daemon.json', () =>
      this.#dataDir.writeRunFile(content),
    );
    if (!isWritten) this.#clock.schedule(runFileRetryMs, () => this.#writeRunFile());
  }

  #tick(): void {
    this.#metrics?.ticked(this.#clock.now(), tickMs);
    this.#troubles.guard('the registry tick', () => this.#registry.tick(this.#clock.now()));
    this.#tickedAtMs = this.#clock.now().monoMs;
    this.#cancelTick = this.#clock.schedule(tickMs, () => this.#tick());
  }

  async #sayGoodbye(): Promise<void> {
    const left = { kind: 'facts', facts: { left: true } } as const;
    const isSaid = this.#troubles.guard('saying goodbye', () => {
      this.#registry.commit([left], this.#clock.now());
    });
    if (!isSaid || this.#engine.linkCount === 0) return;
    await new Promise<void>((resolve) => void setTimeout(resolve, farewellMs));
  }
}

/**
 * Runs it when what was committed in this turn is answered: grpc-js sends the message of an answer a
 * turn of the event loop later, and its status, for which the caller waits, another turn later.
 */
function afterAnswers(run: () => void): void {
  setImmediate(() => setImmediate(run));
}

function factsOf(config: Config, startedAt: number): NodeFacts {
  return {
    name: config.name,
    addresses: [],
    startedAt,
    protocolMin: protocolVersion,
    protocolMax: protocolVersion,
    left: false,
    version,
  };
}

function duplicateOwner({ dataDir }: Config, bootId: string): DiscoError {
  const sentence = `another process runs with the key of ${dataDir} (its boot id is ${bootId}), and only one of them can go on: give each its own --data-dir, and in a copied one delete the key and the database before it is started`;
  return new DiscoError('FAILED_PRECONDITION', 'DUPLICATE_OWNER', sentence);
}

function toListenMultiaddr(text: string): string {
  return toMultiaddr(parseAddress(text));
}
