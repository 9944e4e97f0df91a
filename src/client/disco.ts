/**
 * The client: one connection to the daemon of this host, and what lives on it.
 */
import { systemClock, type Clock } from '../base/clock.ts';
import { DiscoError } from '../base/error.ts';
import { seededRandom, type Random } from '../base/random.ts';
import { nothingToPick } from './balancer.ts';
import { findDaemon } from './daemon-address.ts';
import { exchangeFromProto, memberFromProto, membersEventFromProto } from './daemon-status.ts';
import { optionalNumber, statusFromProto } from './daemon-status.ts';
import type { DaemonStatus, GossipExchange, Member, MembersEvent } from './daemon-status.ts';
import type { StreamCaller } from './discovery-stub.ts';
import { holdFromProto } from './hold.ts';
import type {
  Abortable,
  ConnectOptions,
  DeregisterOptions,
  GetOptions,
  MaintenanceOptions,
  MaintenanceOutcome,
  PickedInstance,
} from './disco-options.ts';
import { policyToProto } from './disco-options.ts';
import { freshnessToProto, listInstances } from './instance-list.ts';
import type { InstanceList, ListFilter, ListOptions } from './instance-list.ts';
import { instanceFromProto, type Instance } from './instance.ts';
import type { RegisterOptions } from './register-options.ts';
import { Registration } from './registration.ts';
import { fetchFrom, parseServiceUrl, signalOf, urlText } from './service-fetch.ts';
import { ServiceView, type ViewOptions } from './service-view.ts';
import { ViewCache } from './view-cache.ts';

const timeoutMsDefault = 5_000;
/** Leaving and a step of gossip talk to other nodes first. */
const clusterDeadlineMs = 30_000;
const resolvedViewsMaxDefault = 256;
const registrationsMax = 1_000;
const viewsMax = 1_000;

/** What a client speaks through. */
export interface Connection extends StreamCaller {
  /** `unix:/path`, `host:port` or `[v6]:port` */
  readonly address: string;
  close(): void;
}

/**
 * A connected client. Made by Disco.connect(); close() it when done, or the process stays up.
 *
 * Every method throws DiscoError: UNAVAILABLE/NO_DAEMON when the daemon is away,
 * UNAVAILABLE/TIMEOUT when it does not answer in time, FAILED_PRECONDITION/STOPPING after close(),
 * and what is named at each.
 */
export class Disco {
  readonly #stub: Connection;
  readonly #clock: Clock;
  readonly #random: Random = seededRandom(Math.random() * 2 ** 32);
  readonly #registering = new Set<Promise<unknown>>();
  readonly #registrations = new Set<Registration>();
  readonly #views = new Set<ServiceView>();
  readonly #resolved: ViewCache;
  readonly #timeoutMs: number;
  #closing: Promise<void> | undefined;

  /**
   * Finds the daemon and asks it for a sign of life.
   *
   * @throws DiscoError UNAVAILABLE/NO_DAEMON, naming the address; INVALID_ARGUMENT:
   *   INVALID_ADDRESS, USAGE
   */
  static async connect(options: ConnectOptions = {}): Promise<Disco> {
    const daemon = findDaemon(options);
    const timeoutMs = options.timeoutMs ?? timeoutMsDefault;
    if (!(timeoutMs > 0)) {
      const sentence = `timeoutMs is ${timeoutMs}; expected more than 0`;
      throw new DiscoError('INVALID_ARGUMENT', 'USAGE', sentence);
    }
    // Loaded here, so that whoever brings another connection does not pay for grpc-js.
    const { DiscoveryStub } = await import('./discovery-stub.ts');
    const stub = new DiscoveryStub(daemon, timeoutMs);
    try {
      await stub.unary('Status', {}, { signal: options.signal });
    } catch (error) {
      stub.close();
      throw error;
    }
    return new Disco(stub, timeoutMs, options);
  }

  /** A client over a connection that is there: the first call tells whether anybody answers. */
  static over(connection: Connection, timeoutMs: number): Disco {
    return new Disco(connection, timeoutMs, {});
  }

  private constructor(stub: Connection, timeoutMs: number, options: ConnectOptions) {
    this.#stub = stub;
    this.#timeoutMs = timeoutMs;
    this.#clock = options.clock ?? systemClock;
    const resolvedMax = options.resolvedViewsMax ?? resolvedViewsMaxDefault;
    this.#resolved = new ViewCache(resolvedMax, (group, name) => this.#openView({ group, name }));
  }

  /** The daemon's address, as a grpc-js target. */
  get address(): string {
    return this.#stub.address;
  }

  /**
   * Registers an instance and keeps it registered: heartbeats, and again after the daemon was
   * away. Until its close(), or this client's.
   *
   * @throws DiscoError INVALID_ARGUMENT; RESOURCE_EXHAUSTED at 1,000 of them; the signal's reason
   *   when aborted
   */
  async register(options: RegisterOptions): Promise<Registration> {
    this.#assertOpen();
    if (this.#registrations.size + this.#registering.size >= registrationsMax) {
      throw new DiscoError(
        'RESOURCE_EXHAUSTED',
        'TOO_MANY_RECORDS',
        `this client holds ${registrationsMax} registrations already; close some of them`,
      );
    }
    const background = (work: Promise<void>): void => {
      this.#registering.add(work);
      void work.finally(() => this.#registering.delete(work));
    };
    const tools = { ...this.#tools(), background };
    const registering = Registration.register(tools, options, (closed) =>
      this.#registrations.delete(closed),
    );
    this.#registering.add(registering);
    try {
      const registration = await registering;
      this.#registrations.add(registration);
      // When close() came while the daemon was answering, it takes back this one too.
      this.#assertOpen();
      return registration;
    } finally {
      this.#registering.delete(registering);
    }
  }

  /**
   * Takes back any registration of this daemon; one made here is better ended by its own close(),
   * or it comes back with the next heartbeat.
   *
   * @returns the id of the instance that is gone
   * @throws DiscoError NOT_FOUND, INVALID_ARGUMENT/AMBIGUOUS_INSTANCE, PERMISSION_DENIED
   */
  async deregister(options: DeregisterOptions): Promise<string> {
    const { group, name, ip = '', port = 0, instanceId = '', signal } = options;
    const request = { group, name, ip, port, instanceId };
    const answer = await this.#stub.unary('Deregister', request, { signal });
    return answer.instanceId;
  }

  /**
   * Asks the daemon to pick one instance: passing before warning. See resolve() for an answer
   * from the process's own cache.
   *
   * @throws DiscoError NOT_FOUND/UNKNOWN_SERVICE, /NO_HEALTHY_INSTANCE or /SERVICE_GONE;
   *   FAILED_PRECONDITION/STALE; INVALID_ARGUMENT; the signal's reason when aborted
   */
  async get(group: string, name: string, options: GetOptions = {}): Promise<PickedInstance> {
    const { policy = 'random', signal, ...freshness } = options;
    const asked = { policy: policyToProto(policy), ...freshnessToProto(freshness) };
    const answer = await this.#stub.unary('Get', { group, name, ...asked }, { signal });
    const { candidates, partial, isolated, stale } = answer;
    const hold = answer.hold ? holdFromProto(answer.hold) : undefined;
    const instance = instanceFromProto(answer);
    const sinceReconcileMs = optionalNumber(answer.sinceReconcileMs);
    return { instance, candidates, partial, isolated, hold, sinceReconcileMs, stale };
  }

  /**
   * Lists what the daemon knows, all pages of it.
   *
   * @throws DiscoError INVALID_ARGUMENT; RESOURCE_EXHAUSTED beyond 1,000,000 instances;
   *   FAILED_PRECONDITION/STALE; the signal's reason when aborted
   */
  list(filter: ListFilter = {}, options: ListOptions = {}): Promise<InstanceList> {
    return listInstances(this.#stub, filter, options);
  }

  /**
   * Opens a view that follows a group, a service, or everything. At once, without waiting: see
   * its ready(). Until its close(), or this client's.
   *
   * @throws DiscoError RESOURCE_EXHAUSTED/TOO_MANY_WATCHERS at 1,000 open views
   */
  watch(options: ViewOptions = {}): ServiceView {
    this.#assertOpen();
    if (this.#views.size >= viewsMax) {
      throw new DiscoError(
        'RESOURCE_EXHAUSTED',
        'TOO_MANY_WATCHERS',
        `this client has ${viewsMax} open views already; close some, or watch a whole group`,
      );
    }
    return this.#openView(options);
  }

  /**
   * One instance of a service, from a view that stays open: after the first call nothing is asked
   * of the daemon, and while it is away the last good answer serves.
   *
   * @param service `group/name`
   * @param accept only among the instances for which it is true
   * @throws DiscoError NOT_FOUND/UNKNOWN_SERVICE or /NO_HEALTHY_INSTANCE, INVALID_ARGUMENT; the
   *   signal's reason when aborted
   */
  async resolve(
    service: string,
    accept?: (instance: Instance) => boolean,
    signal?: AbortSignal,
  ): Promise<Instance> {
    signal?.throwIfAborted();
    return this.withView(service, async (view) => {
      if (!view.loaded) await view.ready(this.#timeoutMs, signal);
      const instance = view.pick(accept);
      if (instance === undefined) throw nothingToPick(service, view.instances().length);
      return instance;
    });
  }

  /**
   * Lends the view that resolve() keeps of a service: it stays open while `run` is busy, and
   * mostly beyond. It may still be without its first list: see its ready().
   *
   * @param service `group/name`
   * @throws DiscoError INVALID_ARGUMENT/INVALID_NAME; RESOURCE_EXHAUSTED/TOO_MANY_WATCHERS when
   *   all of `resolvedViewsMax` are in use; whatever `run` throws
   */
  async withView<T>(service: string, run: (view: ServiceView) => Promise<T>): Promise<T> {
    this.#assertOpen();
    const [group = '', name = '', ...rest] = service.split('/');
    if (group === '' || name === '' || rest.length > 0) {
      throw new DiscoError(
        'INVALID_ARGUMENT',
        'INVALID_NAME',
        `${JSON.stringify(service)} is no service; expected group/name, such as math/add`,
      );
    }
    return this.#resolved.use(group, name, run);
  }

  /**
   * As the global fetch, for `http://NAME.GROUP/path`: from an instance of group/name that has
   * little to do, and from another one when that does not answer. A property, so that it can be
   * handed to whoever takes a fetch.
   *
   * Throws what fetch throws; DiscoError INVALID_ARGUMENT/INVALID_NAME for another kind of URL,
   * NOT_FOUND/UNKNOWN_SERVICE or /NO_HEALTHY_INSTANCE.
   */
  readonly fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const url = parseServiceUrl(urlText(input));
    return this.withView(`${url.group}/${url.name}`, async (view) => {
      if (!view.loaded) await view.ready(this.#timeoutMs, signalOf(input, init));
      return fetchFrom(view.balancer('least_load'), url, input, init);
    });
  };

  /** The nodes as the daemon sees them, itself among them. */
  async members({ signal }: Abortable = {}): Promise<readonly Member[]> {
    const answer = await this.#stub.unary('Members', {}, { signal });
    return answer.members.map(memberFromProto);
  }

  /**
   * All members, an end mark, then each whenever it changed; leaving the loop ends it. Only the
   * newest state of each is told, so a slow loop misses states, and never the present one.
   *
   * Iterating throws DiscoError UNAVAILABLE when the daemon goes, RESOURCE_EXHAUSTED/
   * TOO_MANY_WATCHERS, or the signal's reason when aborted; begin anew then.
   */
  async *watchMembers(options: Abortable = {}): AsyncGenerator<MembersEvent, void, undefined> {
    for await (const message of this.#stub.serverStream('WatchMembers', {}, options)) {
      const event = membersEventFromProto(message);
      if (event !== undefined) yield event;
    }
  }

  /**
   * Says everywhere that a dead member will not come back: it is listed and dialed no more. Should
   * it come back all the same, it is alive again.
   *
   * @param name its name or its peer id
   * @throws DiscoError NOT_FOUND/UNKNOWN_MEMBER, INVALID_ARGUMENT/AMBIGUOUS_MEMBER,
   *   FAILED_PRECONDITION/MEMBER_ALIVE, RESOURCE_EXHAUSTED/TOO_MANY_DISMISSALS
   */
  async forceLeave(
    name: string,
    { signal }: Abortable = {},
  ): Promise<{ readonly peerId: string; readonly name: string }> {
    const answer = await this.#stub.unary('ForceLeave', { name }, { signal });
    return { peerId: answer.peerId, name: answer.name };
  }

  /**
   * Takes instances that were registered at this daemon out of use, or gives them back: an instance,
   * all of a service, or without either the whole node. It holds over restarts until it is ended.
   *
   * @throws DiscoError INVALID_ARGUMENT: INVALID_NAME, INVALID_REASON; NOT_FOUND/UNKNOWN_INSTANCE;
   *   FAILED_PRECONDITION: NOT_OWNED_HERE, STILL_IN_MAINTENANCE; RESOURCE_EXHAUSTED/TOO_MANY_RULES
   */
  async setMaintenance(options: MaintenanceOptions): Promise<MaintenanceOutcome> {
    const { group = '', name = '', instanceId = '', on, reason = '', signal } = options;
    const request = { group, name, instanceId, on, reason };
    const answer = await this.#stub.unary('SetMaintenance', request, { signal });
    const { instances, inMaintenance, elsewhere } = answer;
    return { instances, inMaintenance, elsewhere };
  }

  async status({ signal }: Abortable = {}): Promise<DaemonStatus> {
    return statusFromProto(await this.#stub.unary('Status', {}, { signal }));
  }

  /**
   * Changes what the daemon logs while it runs.
   *
   * @param levels debug, info, warn, error or silent, by area or by "all"
   * @param isReset go back to its configuration first
   * @returns what holds now, by area
   * @throws DiscoError INVALID_ARGUMENT/INVALID_LOG_LEVEL
   */
  async setLogLevels(
    levels: Readonly<Record<string, string>>,
    isReset = false,
  ): Promise<Readonly<Record<string, string>>> {
    const answer = await this.#stub.unary('SetLogLevels', { levels, reset: isReset });
    return { ...answer.levels };
  }

  /** Lets the daemon do one step of gossip now; may take up to 30 s. */
  async gossip({ signal }: Abortable = {}): Promise<readonly GossipExchange[]> {
    const answer = await this.#stub.unary('Gossip', {}, { deadlineMs: clusterDeadlineMs, signal });
    return answer.exchanges.map(exchangeFromProto);
  }

  /** Makes the daemon leave its cluster and stop; may take up to 30 s. */
  async leave({ signal }: Abortable = {}): Promise<void> {
    await this.#stub.unary('Leave', {}, { deadlineMs: clusterDeadlineMs, signal });
  }

  /**
   * Takes back every registration, closes every view and the connection. Takes 4 s at most, longer by
   * the longest `lingerMs`, and by `timeoutMs` when a register() is under way; never throws, may be
   * called again.
   */
  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  async #shutDown(): Promise<void> {
    this.#resolved.close();
    for (const view of this.#views) view.close();
    // One that is given up meanwhile leaves something to take back.
    while (this.#registering.size > 0) await Promise.allSettled(this.#registering);
    await Promise.all([...this.#registrations].map((registration) => registration.close()));
    this.#stub.close();
  }

  #openView(options: ViewOptions): ServiceView {
    const view = new ServiceView(this.#tools(), options, (ended) => this.#views.delete(ended));
    this.#views.add(view);
    return view;
  }

  #tools() {
    return { caller: this.#stub, clock: this.#clock, random: this.#random };
  }

  #assertOpen(): void {
    if (this.#closing === undefined) return;
    throw new DiscoError(
      'FAILED_PRECONDITION',
      'STOPPING',
      'this disco client is closed; connect a new one with Disco.connect()',
    );
  }
}
