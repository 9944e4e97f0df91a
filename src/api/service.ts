/**
 * DiscoveryService: the API, apart from how it is carried. gRPC and HTTP call the same methods.
 *
 * Reads are answered from memory, here; writes are answered when they are on disk.
 */
import type { Clock } from '../base/clock.ts';
import { DiscoError } from '../base/error.ts';
import type { Random } from '../base/random.ts';
import type { disco } from '../gen/discovery.js';
import { isShown } from '../membership/member.ts';
import { hostPort } from '../record/names.ts';
import { recordKey } from '../record/record.ts';
import type { RecordKey } from '../record/record.ts';
import type { Instance } from '../registry/instance.ts';
import type { Registry } from '../registry/registry.ts';
import type { Registration } from '../store/store.ts';
import {
  filesMessage,
  holdMessage,
  instanceMessage,
  memberMessages,
  wireState,
} from './convert.ts';
import { reportMessage } from './convert-checks.ts';
import type { InstanceForm } from './encoded-instance.ts';
import { findFreePort } from './free-port.ts';
import { findMember } from './find-member.ts';
import { isStale } from './freshness.ts';
import { cutPage, isMatch, readFilter } from './list-filter.ts';
import { readLogLevels } from './log-levels.ts';
import { answerWish, checkWish, readWish } from './maintenance.ts';
import type { NodeControl } from './node-control.ts';
import { notFound } from './not-found.ts';
import { checkPolicy, ofHealth, Picker } from './pick.ts';
import type { Place } from './pick.ts';
import { checkHostAddress, placedAt } from './placement.ts';
import {
  checkHost,
  checkInstanceId,
  checkName,
  checkPort,
  checkRegister,
  quote,
} from './validate.ts';
import { checkChecks } from './validate-checks.ts';
import { WatcherSeats } from './watcher-seats.ts';
import { WriteQueue } from './write-queue.ts';

type Messages = typeof disco.v1;
type Props<N extends keyof Messages> = Messages[N] extends { encode(message: infer M): unknown }
  ? M
  : never;

const givenPortsMax = 1_000;
/** Of many instances that an error could name. */
const idsShownMax = 5;
/** Held services that the status names. */
const holdsShownMax = 100;
/** What is in maintenance and named by the status. */
const rulesShownMax = 100;

export class DiscoveryService {
  readonly registry: Registry;
  readonly control: NodeControl;
  /** Of the streams of all doors. */
  readonly watchers = new WatcherSeats();
  readonly #clock: Clock;
  readonly #picker: Picker;
  readonly #writes: WriteQueue;
  /** Ports that were given out last, oldest first. */
  readonly #given = new Set<number>();

  constructor(registry: Registry, control: NodeControl, clock: Clock, random: Random) {
    this.registry = registry;
    this.control = control;
    this.#clock = clock;
    this.#picker = new Picker(random, clock);
    this.#writes = new WriteQueue(registry, clock);
  }

  async register(request: Props<'RegisterRequest'>): Promise<Props<'RegisterResponse'>> {
    const wish = checkRegister(request, checkChecks(request.checks ?? []));
    const registration = await this.#place(wish);
    const { group, name, ip, port, instanceId } = registration;
    this.#refuseFiled(recordKey(group, name, instanceId));
    const sealed = await this.#writes.submit({ kind: 'register', registration });
    const owner = this.registry.self;
    const instance = this.registry.index.get(group, name, owner, instanceId);
    const conflict = instance !== undefined && this.registry.index.isConflict(instance);
    return { ip, port, instanceId, owner, lastUpdate: sealed?.record.lastUpdate ?? 0, conflict };
  }

  async deregister(request: Props<'DeregisterRequest'>): Promise<Props<'DeregisterResponse'>> {
    const group = checkName('group', request.group ?? '');
    const name = checkName('name', request.name ?? '');
    const instanceId = this.#findOwn(group, name, this.#wantedId(request));
    const key = recordKey(group, name, instanceId);
    this.#refuseFiled(key);
    await this.#writes.submit({ kind: 'deregister', key });
    return { instanceId };
  }

  /** @param form in which an instance is told; so it is for the other methods */
  get(
    request: Props<'GetRequest'>,
    form: InstanceForm = instanceMessage,
  ): Props<'ServiceInstance'> {
    const group = checkName('group', request.group ?? '');
    const name = checkName('name', request.name ?? '');
    const policy = checkPolicy(request.policy ?? 0);
    const stale = isStale(this.registry, this.control, request);
    const instances = this.registry.index.service(group, name);
    for (const health of ['passing', 'warning'] as const) {
      const candidates = ofHealth(instances, health);
      const picked = this.#picker.pick(policy, candidates, () => this.#here());
      if (picked === undefined) continue;
      const hold = this.registry.brake.hold(group, name);
      const message = this.#message(picked, form);
      message.candidates = candidates.length;
      message.partial = this.control.isPartial();
      message.isolated = this.control.isIsolated();
      message.stale = stale;
      const sinceReconcileMs = this.control.sinceReconcileMs();
      if (sinceReconcileMs !== undefined) message.sinceReconcileMs = sinceReconcileMs;
      if (hold !== undefined) message.hold = holdMessage(hold);
      return message;
    }
    const isTaken = (instance: Instance): boolean => this.#isTaken(instance);
    const isOwn = ({ record }: Instance): boolean => record.owner === this.registry.self;
    throw notFound(this.registry.index, this.control.isPartial(), group, name, isTaken, isOwn);
  }

  list(request: Props<'ListRequest'>, form: InstanceForm = instanceMessage): Props<'ListResponse'> {
    const filter = readFilter(request);
    const stale = isStale(this.registry, this.control, request);
    const all = this.registry.index.list(filter.group, filter.name);
    const matching = all.filter((instance) => isMatch(instance, filter));
    const { page, nextPageToken } = cutPage(
      matching,
      request.pageSize ?? 0,
      request.pageToken ?? '',
    );
    const sinceReconcileMs = this.control.sinceReconcileMs();
    return {
      instances: page.map((instance) => this.#message(instance, form)),
      nextPageToken,
      partial: this.control.isPartial(),
      holding: this.#holding(page),
      isolated: this.control.isIsolated(),
      stale,
      ...(sinceReconcileMs === undefined ? {} : { sinceReconcileMs }),
    };
  }

  listByGroup(
    request: Props<'ListByGroupRequest'>,
    form: InstanceForm = instanceMessage,
  ): Props<'ListResponse'> {
    checkName('group', request.group ?? '');
    return this.list(request, form);
  }

  heartbeat(request: Props<'HeartbeatRequest'>): Props<'HeartbeatResponse'> {
    const group = checkName('group', request.group ?? '');
    const name = checkName('name', request.name ?? '');
    const wanted = request.instanceId ?? '';
    const id = wanted === '' ? undefined : checkInstanceId(wanted);
    const instanceId = this.#findOwn(group, name, id);
    return this.registry.heartbeat({ group, name, instanceId }, this.#clock.now());
  }

  async setMaintenance(
    request: Props<'SetMaintenanceRequest'>,
  ): Promise<Props<'SetMaintenanceResponse'>> {
    const wish = readWish(request);
    checkWish(wish, this.registry);
    const since = this.#clock.now().wallMicros;
    const rule = { ...wish.target, reason: wish.reason, since };
    await this.#writes.submit({ kind: 'maintenance', rule });
    return answerWish(wish, this.registry);
  }

  members(): Props<'MembersResponse'> {
    return { members: memberMessages(this.registry, this.control) };
  }

  /** For a dead member only; one that left already is answered the same. */
  forceLeave(request: Props<'ForceLeaveRequest'>): Props<'ForceLeaveResponse'> {
    const { member, name } = findMember(this.registry, request.name ?? '');
    const { owner, state } = member;
    if (isShown(state)) {
      const sentence = `${quote(name)} is ${state === 'suspect' ? 'suspect, not dead' : 'alive'}: stop it with "disco leave" there, or end the process`;
      throw new DiscoError('FAILED_PRECONDITION', 'MEMBER_ALIVE', sentence);
    }
    if (state === 'dead') this.control.dismiss(owner);
    if (this.registry.member(owner)?.state === 'dead') {
      const sentence = `${quote(name)} cannot be dismissed now: this node has dismissed too many within an hour; ask another node, or wait`;
      throw new DiscoError('RESOURCE_EXHAUSTED', 'TOO_MANY_DISMISSALS', sentence);
    }
    return { peerId: owner, name };
  }

  status(): Props<'StatusResponse'> {
    const { registry, control } = this;
    const { isReady, why } = control.readiness();
    const members = [...registry.members()];
    const alive = members.filter(({ state }) => isShown(state)).length;
    const own = registry.state(registry.self);
    const sinceReconcileMs = control.sinceReconcileMs();
    const described = control.describe();
    const rules = registry.maintenance.list();
    return {
      ...described,
      listen: [...described.listen],
      advertise: [...described.advertise],
      grpc: described.grpc.join(', '),
      peerId: registry.self,
      ready: isReady,
      readiness: why,
      membersAlive: alive,
      membersDead: members.filter(({ state }) => state === 'dead').length,
      links: control.linkCount(),
      instances: registry.index.count,
      instancesOwn: own === undefined ? 0 : own.set.count - own.set.tombstones,
      revision: registry.feed.revision,
      ...(sinceReconcileMs === undefined ? {} : { sinceReconcileMs }),
      refused: Object.fromEntries(registry.refusals.entries()),
      counted: control.counted(),
      holding: registry.brake.holds(holdsShownMax).map(holdMessage),
      servicesHolding: registry.brake.holdCount,
      isolated: control.isIsolated(),
      serviceFiles: filesMessage(control.serviceFiles()),
      maintenance: rules.slice(0, rulesShownMax),
      maintenanceRules: rules.length,
      logLevels: { ...control.logLevels() },
    };
  }

  setLogLevels(request: Props<'SetLogLevelsRequest'>): Props<'SetLogLevelsResponse'> {
    this.control.setLogLevels(readLogLevels(request.levels ?? {}), request.reset ?? false);
    return { levels: { ...this.control.logLevels() } };
  }

  async gossip(): Promise<Props<'GossipResponse'>> {
    const reports = await this.control.round();
    const nameOf = (peer: string): string => this.registry.state(peer)?.head.head.facts.name ?? '';
    return {
      exchanges: reports.map(({ peer, outcome, changed }) => ({
        peerId: peer,
        name: nameOf(peer),
        outcome,
        ownersChanged: [...changed],
      })),
    };
  }

  leave(): Props<'LeaveResponse'> {
    this.control.leave();
    return {};
  }

  /** Writes what is waiting and takes no more writes. */
  close(): void {
    this.#writes.close();
  }

  /** Fills in what the caller left to the daemon. */
  async #place(wish: Registration): Promise<Registration> {
    const host = this.control.hostAddress();
    const ip = wish.ip === '' ? checkHostAddress(host) : wish.ip;
    const port = wish.port === 0 ? await this.#givePort(ip) : wish.port;
    return placedAt({ ...wish, port }, host);
  }

  /** A registration file has the last word on what it holds. */
  #refuseFiled(key: RecordKey): void {
    const file = this.registry.registration(key)?.source;
    if (file === undefined) return;
    const { directory } = this.control.serviceFiles();
    const sentence = `${key} is registered by the file ${quote(file)} in ${directory}: change it there`;
    throw new DiscoError('FAILED_PRECONDITION', 'OWNED_BY_FILE', sentence);
  }

  /** A free port that this daemon has given to nobody else, not even a moment ago. */
  async #givePort(ip: string): Promise<number> {
    const own = this.registry.state(this.registry.self)?.set.records() ?? [];
    const registered = new Set<number>();
    for (const { record } of own) registered.add(record.port);
    const isTaken = (port: number): boolean => registered.has(port) || this.#given.has(port);
    const port = await findFreePort(ip, isTaken);
    const [oldest] = this.#given;
    if (this.#given.size >= givenPortsMax && oldest !== undefined) this.#given.delete(oldest);
    this.#given.add(port);
    return port;
  }

  #wantedId(request: Props<'DeregisterRequest'>): string | undefined {
    const { instanceId, ip, port } = request;
    if (instanceId != null && instanceId !== '') return checkInstanceId(instanceId);
    const isHere = ip == null || ip === '';
    if (isHere && (port ?? 0) === 0) return undefined;
    const host = isHere ? checkHostAddress(this.control.hostAddress()) : checkHost(ip);
    return hostPort(host, checkPort(port ?? 0));
  }

  /** The id of an instance that was registered here: the one asked for, or the only one. */
  #findOwn(group: string, name: string, wanted: string | undefined): string {
    const { index, self } = this.registry;
    const instances = index.service(group, name);
    const own = instances.filter(({ record }) => record.owner === self);
    const found =
      wanted === undefined ? own : own.filter(({ record }) => record.instanceId === wanted);
    const only = found[0];
    if (only !== undefined && found.length === 1) return only.record.instanceId;
    if (found.length > 1) {
      const ids = own.slice(0, idsShownMax).map(({ record }) => record.instanceId);
      const shown = own.length > ids.length ? [...ids, '…'] : ids;
      const sentence = `${group}/${name} has ${own.length} instances here (${shown.join(', ')}): give the instance_id of one (disco deregister --id)`;
      throw new DiscoError('INVALID_ARGUMENT', 'AMBIGUOUS_INSTANCE', sentence);
    }
    const elsewhere = instances.find(
      ({ record }) => wanted === undefined || record.instanceId === wanted,
    );
    const shown = wanted === undefined ? `${group}/${name}` : `${group}/${name}/${wanted}`;
    if (elsewhere !== undefined) {
      const sentence = `${shown} was registered at node ${quote(elsewhere.node)} (${elsewhere.record.owner}), which alone can change it: ask that daemon`;
      throw new DiscoError('FAILED_PRECONDITION', 'NOT_OWNED_HERE', sentence);
    }
    const sentence = `${shown} is not registered at this daemon: "disco list" shows what is`;
    throw new DiscoError('NOT_FOUND', 'UNKNOWN_INSTANCE', sentence);
  }

  /** Of services with instances on a page, once each. */
  #holding(page: readonly Instance[]): Props<'Hold'>[] {
    const { brake } = this.registry;
    if (brake.holdCount === 0) return [];
    const found = new Map<string, Props<'Hold'>>();
    for (const { record } of page) {
      const service = `${record.group}/${record.name}`;
      const hold = found.has(service) ? undefined : brake.hold(record.group, record.name);
      if (hold !== undefined) found.set(service, holdMessage(hold));
    }
    return [...found.values()];
  }

  #message(instance: Instance, form: InstanceForm): Props<'ServiceInstance'> {
    const message = form(instance, this.registry.index.isConflict(instance));
    const owner = this.registry.member(instance.record.owner);
    if (owner !== undefined) message.ownerState = wireState[owner.state];
    const { group, name, instanceId } = instance.record;
    if (instance.record.owner !== this.registry.self) return message;
    const reports = this.control.checkReports(recordKey(group, name, instanceId));
    return reports.length === 0 ? message : { ...message, checks: reports.map(reportMessage) };
  }

  /** Known only where it was registered. */
  #isTaken({ record: { owner, group, name, instanceId } }: Instance): boolean {
    if (owner !== this.registry.self) return false;
    const reports = this.control.checkReports(recordKey(group, name, instanceId));
    return reports.some(({ results: [last] }) => last?.reason === 'identity_mismatch');
  }

  #here(): Place {
    const { zone } = this.control.describe();
    return { self: this.registry.self, zone, rttMs: (owner) => this.control.rttMs(owner) };
  }
}
