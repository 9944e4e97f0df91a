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
import { hostPort, isInstanceId } from '../record/names.ts';
import { recordKey } from '../record/record.ts';
import type { Health } from '../record/record.ts';
import type { Instance } from '../registry/instance.ts';
import type { Registry } from '../registry/registry.ts';
import type { Registration } from '../store/store.ts';
import { reportMessage } from './convert-checks.ts';
import { holdMessage, instanceMessage, memberMessages } from './convert.ts';
import { findFreePort } from './free-port.ts';
import { findMember } from './find-member.ts';
import { cutPage, isMatch, readFilter } from './list-filter.ts';
import type { NodeControl } from './node-control.ts';
import {
  checkHost,
  checkInstanceId,
  checkName,
  checkPort,
  checkRegister,
  isRegistrable,
  quote,
} from './validate.ts';
import { checkChecks } from './validate-checks.ts';
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

export class DiscoveryService {
  readonly registry: Registry;
  readonly control: NodeControl;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #writes: WriteQueue;
  /** Ports that were given out last, oldest first. */
  readonly #given = new Set<number>();

  constructor(registry: Registry, control: NodeControl, clock: Clock, random: Random) {
    this.registry = registry;
    this.control = control;
    this.#clock = clock;
    this.#random = random;
    this.#writes = new WriteQueue(registry, clock);
  }

  async register(request: Props<'RegisterRequest'>): Promise<Props<'RegisterResponse'>> {
    const wish = checkRegister(request, checkChecks(request.checks ?? []));
    const registration = await this.#place(wish);
    const sealed = await this.#writes.submit({ kind: 'register', registration });
    const { group, name, ip, port, instanceId } = registration;
    const owner = this.registry.self;
    const instance = this.registry.index.get(group, name, owner, instanceId);
    const conflict = instance !== undefined && this.registry.index.isConflict(instance);
    return { ip, port, instanceId, owner, lastUpdate: sealed?.record.lastUpdate ?? 0, conflict };
  }

  async deregister(request: Props<'DeregisterRequest'>): Promise<Props<'DeregisterResponse'>> {
    const group = checkName('group', request.group ?? '');
    const name = checkName('name', request.name ?? '');
    const instanceId = this.#findOwn(group, name, this.#wantedId(request));
    await this.#writes.submit({ kind: 'deregister', key: recordKey(group, name, instanceId) });
    return { instanceId };
  }

  get(request: Props<'GetRequest'>): Props<'ServiceInstance'> {
    const group = checkName('group', request.group ?? '');
    const name = checkName('name', request.name ?? '');
    const instances = this.registry.index.service(group, name);
    for (const health of ['passing', 'warning'] as const) {
      const candidates = instances.filter(({ record }) => record.health === health);
      const picked = this.#random.pick(candidates);
      if (picked === undefined) continue;
      const partial = this.control.isPartial();
      const isolated = this.control.isIsolated();
      const hold = this.registry.brake.hold(group, name);
      const marks = { partial, isolated, ...(hold && { hold: holdMessage(hold) }) };
      return { ...this.#message(picked), candidates: candidates.length, ...marks };
    }
    throw this.#notFound(group, name, instances);
  }

  list(request: Props<'ListRequest'>): Props<'ListResponse'> {
    const filter = readFilter(request);
    const all = this.registry.index.list(filter.group, filter.name);
    const matching = all.filter((instance) => isMatch(instance, filter));
    const { page, nextPageToken } = cutPage(
      matching,
      request.pageSize ?? 0,
      request.pageToken ?? '',
    );
    const sinceReconcileMs = this.control.sinceReconcileMs();
    return {
      instances: page.map((instance) => this.#message(instance)),
      nextPageToken,
      partial: this.control.isPartial(),
      holding: this.#holding(page),
      isolated: this.control.isIsolated(),
      ...(sinceReconcileMs === undefined ? {} : { sinceReconcileMs }),
    };
  }

  listByGroup(request: Props<'ListByGroupRequest'>): Props<'ListResponse'> {
    checkName('group', request.group ?? '');
    return this.list(request);
  }

  heartbeat(request: Props<'HeartbeatRequest'>): Props<'HeartbeatResponse'> {
    const group = checkName('group', request.group ?? '');
    const name = checkName('name', request.name ?? '');
    const wanted = request.instanceId ?? '';
    const id = wanted === '' ? undefined : checkInstanceId(wanted);
    const instanceId = this.#findOwn(group, name, id);
    return this.registry.heartbeat({ group, name, instanceId }, this.#clock.now());
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
    };
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
    const { group, name } = wish;
    const ip = wish.ip === '' ? this.#hostAddress() : wish.ip;
    const port = wish.port === 0 ? await this.#givePort(ip) : wish.port;
    const instanceId = wish.instanceId === '' ? defaultInstanceId(ip, port) : wish.instanceId;
    return { ...wish, group, name, ip, port, instanceId };
  }

  #hostAddress(): string {
    const address = this.control.hostAddress();
    if (isRegistrable(address)) return address;
    const sentence = `ip was left out, and the address of this node, ${quote(address)}, means nothing to others: give ip, or start the daemon with another --advertise`;
    throw new DiscoError('INVALID_ARGUMENT', 'INVALID_ADDRESS', sentence);
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
    return hostPort(isHere ? this.#hostAddress() : checkHost(ip), checkPort(port ?? 0));
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
      const sentence = `${group}/${name} has ${own.length} instances here (${shown.join(', ')}): give the instance_id of one`;
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

  #notFound(group: string, name: string, instances: readonly Instance[]): DiscoError {
    const service = `${group}/${name}`;
    if (instances.length > 0) {
      const count = (health: Health): number =>
        instances.filter(({ record }) => record.health === health).length;
      const sentence = `${service} has no healthy instance: ${count('critical')} critical, ${count('maintenance')} in maintenance; "disco list --group ${group}" shows them`;
      return new DiscoError('NOT_FOUND', 'NO_HEALTHY_INSTANCE', sentence);
    }
    const departure = this.registry.index.departure(group, name);
    if (departure !== undefined) {
      const since = new Date(departure.at / 1000).toISOString();
      const why = departure.reason.replace('_', ' ');
      const sentence = `${service} is gone since ${since} (${why}): no instance is registered now`;
      return new DiscoError('NOT_FOUND', 'SERVICE_GONE', sentence);
    }
    const sentence = `${service} is not known: nobody registered it, or the news has not come here yet; "disco list" shows what is known`;
    return new DiscoError('NOT_FOUND', 'UNKNOWN_SERVICE', sentence);
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

  #message(instance: Instance): Props<'ServiceInstance'> {
    const message = instanceMessage(instance, this.registry.index.isConflict(instance));
    const { group, name, instanceId, owner } = instance.record;
    if (owner !== this.registry.self) return message;
    const reports = this.control.checkReports(recordKey(group, name, instanceId));
    return reports.length === 0 ? message : { ...message, checks: reports.map(reportMessage) };
  }
}

function defaultInstanceId(ip: string, port: number): string {
  const id = hostPort(ip, port);
  if (isInstanceId(id)) return id;
  const sentence = `instance_id was left out, and ip:port is too long for one (${id.length} characters): give a shorter instance_id`;
  throw new DiscoError('INVALID_ARGUMENT', 'INVALID_NAME', sentence);
}
