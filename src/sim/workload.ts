/**
 * Workload: what services ask of the daemons: registrations, changes, deregistrations, heartbeats.
 *
 * Changes come at random moments (a Poisson process); what a daemon acknowledged goes into the
 * ledger at once.
 */
import type { Random } from '../base/random.ts';
import { plainFields, recordKey } from '../record/record.ts';
import type { RecordKey } from '../record/record.ts';
import type { Mutation } from '../registry/own-state.ts';
import type { Registration } from '../store/store.ts';
import type { Acknowledged, Ledger } from './ledger.ts';
import type { SimNode } from './sim-node.ts';
import type { World } from './world.ts';

const instancesMax = 6;
/** Of one service there are at least so many, so that losing most of them means something. */
const perServiceMin = 8;
const servicesMax = 50;
/** A tenth of the instances are leased; their services live as long as the simulation. */
const leasedShare = 0.1;
const ttlMs = 3_000;

export class Workload {
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #random: Random;
  readonly #acknowledged: (node: SimNode, entry: Acknowledged) => void;
  readonly #leased = new Map<RecordKey, Registration>();
  #isStopped = false;
  #instances = 0;
  #versions = 0;

  /** @param acknowledged is told of every change that a daemon took */
  constructor(
    world: World,
    ledger: Ledger,
    acknowledged: (node: SimNode, entry: Acknowledged) => void,
  ) {
    this.#world = world;
    this.#ledger = ledger;
    this.#random = world.random('workload');
    this.#acknowledged = acknowledged;
  }

  /** From now on changes come; heartbeats too. */
  start(): void {
    this.#plan();
    this.#beat();
  }

  /** No more changes; heartbeats go on. */
  stop(): void {
    this.#isStopped = true;
  }

  /** A first instance for a node: to be registered, or to be there already. */
  firstInstance(number: number): Registration {
    return this.#newInstance(number);
  }

  /** It is there already. */
  noteFirst(node: SimNode, registration: Registration): void {
    this.#ledger.note(node.owner, this.#noteRegistered(node, registration));
  }

  #plan(): void {
    const { nodes, changesPerMinute } = this.#world.options;
    const perMs = (nodes * changesPerMinute) / 60_000;
    if (perMs === 0) return;
    const waitMs = -Math.log(1 - this.#random.next()) / perMs;
    this.#world.clock.schedule(waitMs, () => {
      if (this.#isStopped) return;
      this.#change();
      this.#plan();
    });
  }

  #change(): void {
    const number = 1 + this.#random.int(this.#world.options.nodes);
    const [dice, which] = [this.#random.next(), this.#random.next()];
    const node = this.#world.node(number);
    // The service's call waits for as long as its daemon is frozen or down: somebody else's turn.
    if (node === undefined || node.process.isPaused) return;
    const live = this.#ledger.of(node.owner).filter(({ isGone }) => !isGone);
    const chosen = live[Math.floor(which * live.length)];
    const isNew = chosen === undefined || (dice < 0.25 && live.length < instancesMax);
    if (isNew) this.register(node, this.#newInstance(node.number));
    else if (dice < 0.45) this.#deregister(node, chosen);
    else this.register(node, this.#changed(node, chosen));
  }

  /** A service calls its daemon. */
  register(node: SimNode, registration: Registration): void {
    if (!this.#commit(node, { kind: 'register', registration })) return;
    this.#acknowledge(node, this.#noteRegistered(node, registration));
  }

  #noteRegistered(node: SimNode, registration: Registration): Acknowledged {
    const { group, name, instanceId, version } = registration;
    const key = recordKey(group, name, instanceId);
    if (registration.ttlMs > 0) this.#leased.set(key, registration);
    return { ...this.#now(node), key, group, name, instanceId, version, isGone: false };
  }

  #deregister(node: SimNode, entry: Acknowledged): void {
    if (!this.#commit(node, { kind: 'deregister', key: entry.key })) return;
    this.#leased.delete(entry.key);
    this.#acknowledge(node, { ...entry, ...this.#now(node), isGone: true });
  }

  #commit(node: SimNode, mutation: Mutation): boolean {
    const { registry } = node;
    this.#world.trace.add(this.#world.nowMs, node.number, mutation.kind);
    const [result] = registry.commit([mutation], node.now());
    return result?.kind === 'done';
  }

  #now({ registry, owner }: SimNode): Pick<Acknowledged, 'atMs' | 'lastUpdate'> {
    const lastUpdate = registry.state(owner)?.head.head.lastUpdate ?? 0;
    return { atMs: this.#world.nowMs, lastUpdate };
  }

  #acknowledge(node: SimNode, entry: Acknowledged): void {
    this.#ledger.note(node.owner, entry);
    this.#acknowledged(node, entry);
  }

  /** Every leased service calls its daemon three times a ttl. */
  #beat(): void {
    for (const node of this.#world.up()) {
      if (node.process.isPaused) continue;
      for (const entry of this.#ledger.of(node.owner)) {
        const registration = this.#leased.get(entry.key);
        if (registration === undefined || entry.isGone) continue;
        // After a lost database the daemon may not know it any more: register again, as clients do.
        if (node.registry.registration(entry.key) === undefined) this.register(node, registration);
        else node.registry.heartbeat(entry, node.now());
      }
    }
    this.#world.clock.schedule(ttlMs / 3, () => this.#beat());
  }

  get #services(): number {
    return Math.min(servicesMax, Math.ceil(this.#world.options.nodes / perServiceMin));
  }

  #newInstance(node: number): Registration {
    const number = ++this.#instances;
    return {
      group: 'sim',
      name: `service-${number % this.#services}`,
      instanceId: `instance-${number}`,
      ip: `10.${(node >> 16) & 255}.${(node >> 8) & 255}.${node & 255}`,
      port: 1_024 + (number % 60_000),
      ttlMs: this.#random.next() < leasedShare ? ttlMs : 0,
      deregisterAfterMs: 0,
      version: this.#nextVersion(),
      tags: [],
      metadata: { zone: `zone-${number % 3}` },
      ...plainFields,
    };
  }

  #changed(node: SimNode, { key, group, name, instanceId }: Acknowledged): Registration {
    const registration = node.registry.registration(key);
    const version = this.#nextVersion();
    if (registration !== undefined) return { ...registration, version };
    return { ...this.#newInstance(node.number), group, name, instanceId, ttlMs: 0, version };
  }

  #nextVersion(): string {
    return `v${++this.#versions}`;
  }
}
