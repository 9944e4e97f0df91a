/** Makers for tests of the registry: nodes over a store, owners elsewhere, disks that fill up. */
import type { Now } from '../../src/base/clock.ts';
import { DiscoError } from '../../src/base/error.ts';
import type { NodeFacts } from '../../src/record/head.ts';
import type { OwnerState } from '../../src/record/merge.ts';
import { recordKey } from '../../src/record/record.ts';
import type { RecordKey } from '../../src/record/record.ts';
import { ed25519Verifier } from '../../src/record/signature.ts';
import { advance } from '../../src/registry/own-state.ts';
import type { Identity, Mutation, OwnAdvance } from '../../src/registry/own-state.ts';
import { Registry } from '../../src/registry/registry.ts';
import type { ReceiveVerdict, RegistryConfig } from '../../src/registry/registry.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import type { Batch, Registration, Store, Stored } from '../../src/store/store.ts';
import { makeRegistration } from '../contract/store-contract.ts';
import { at, cluster, makeFacts, signerOf } from '../record/fixtures.ts';

export const smallConfig: RegistryConfig = {
  recordBytesMax: 2_048,
  recordsPerOwnerMax: 100,
  bytesPerOwnerMax: 100_000,
  brakeWindowMs: 10_000,
  holdMaxMs: 30_000,
  tombstoneGraceMs: 600_000,
  tombstonesMax: 50,
  headBytesMax: 2_048,
  clockAheadMs: 60_000,
  reapAfterMs: 86_400_000,
  headRefreshMs: 3_600_000,
  recordsMax: 1_000,
  bytesMax: 1_000_000,
  headsMax: 100,
  changeFeedMax: 1_000,
};

export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;

export function makeIdentity(key: number, bootId = '00000000000000aa'): Identity {
  return { signer: signerOf(key), cluster, bootId };
}

export interface NodeOptions {
  readonly key?: number;
  readonly store?: Store;
  readonly config?: Partial<RegistryConfig>;
  readonly facts?: Partial<NodeFacts>;
}

/** A registry that has loaded its store and not begun a life yet. */
export function loadNode(options: NodeOptions = {}, now: Now = at(0)): Registry {
  const { key = 1, store = new MemoryStore(), config = {}, facts = {} } = options;
  const all = { ...smallConfig, ...config };
  return new Registry(makeIdentity(key), makeFacts(facts), ed25519Verifier, store, all, now);
}

export function startNode(options: NodeOptions = {}, now: Now = at(0)): Registry {
  const registry = loadNode(options, now);
  registry.begin(makeFacts(options.facts), now);
  return registry;
}

export function register(instanceId: string, fields: Partial<Registration> = {}): Mutation {
  return { kind: 'register', registration: makeRegistration({ instanceId, ...fields }) };
}

export function keyOf(instanceId: string): RecordKey {
  return recordKey('shop', 'cart', instanceId);
}

export function nameOf(instanceId: string) {
  return { group: 'shop', name: 'cart', instanceId };
}

export function deregister(instanceId: string): Mutation {
  return { kind: 'deregister', key: keyOf(instanceId) };
}

/** Another node's own state, moved by the same code as ours. */
export class Owner {
  readonly identity: Identity;
  readonly #bounds: RegistryConfig;
  state: OwnerState;

  constructor(key: number, now: Now = at(0), bounds: Partial<RegistryConfig> = {}) {
    this.identity = makeIdentity(key);
    this.#bounds = { ...smallConfig, ...bounds };
    const facts = makeFacts({ name: `node-${key}` });
    const first: Mutation = { kind: 'reincarnate', above: 0 };
    const { wallMicros } = now;
    this.state = advance(undefined, facts, [first], this.identity, this.#bounds, wallMicros).next;
  }

  get id(): string {
    return this.identity.signer.owner;
  }

  get version(): number {
    return this.state.head.head.lastUpdate;
  }

  move(mutations: readonly Mutation[], now: Now): OwnAdvance {
    const { facts } = this.state.head.head;
    const { identity } = this;
    const moved = advance(this.state, facts, mutations, identity, this.#bounds, now.wallMicros);
    this.state = moved.next;
    return moved;
  }
}

/** Hands over everything that a state holds. */
export function sendWhole(to: Registry, state: OwnerState, now: Now): ReceiveVerdict {
  const records = [...state.set.records()].map(({ bytes }) => bytes);
  return to.receive(state.head, records, true, now);
}

/** Hands over the records above a version, as an honest answerer would. */
export function sendDelta(to: Registry, state: OwnerState, from: number, now: Now): ReceiveVerdict {
  const above = [...state.set.records()].filter(({ record }) => record.lastUpdate > from);
  const records = above.map(({ bytes }) => bytes);
  return to.receive(state.head, records, false, now);
}

/** Instance ids that are shown, sorted. */
export function shown(registry: Registry): string[] {
  return registry.index.list().map(({ record }) => record.instanceId);
}

/** Events after a revision, as `up cart-1 registered`. */
export function eventsAfter(registry: Registry, revision: number): string[] {
  const answer = registry.feed.read(revision, Infinity);
  const changes = answer.kind === 'changes' ? answer.changes : [];
  return changes.flatMap(({ events }) =>
    events.map(({ kind, instance, reason }) => `${kind} ${instance.record.instanceId} ${reason}`),
  );
}

/** A store over another, with a disk that can be filled, and an eye on every commit. */
export class WatchedStore implements Store {
  readonly databaseId = 'watched';
  readonly inner: Store;
  readonly batches: Batch[] = [];
  isFull = false;
  onCommit: () => void = () => undefined;
  static readonly diskError = new DiscoError('RESOURCE_EXHAUSTED', 'DISK', 'the disk is full');

  constructor(inner: Store = new MemoryStore()) {
    this.inner = inner;
  }

  load(): Stored {
    return this.inner.load();
  }

  commit(batch: Batch): void {
    if (this.isFull) throw WatchedStore.diskError;
    this.onCommit();
    this.inner.commit(batch);
    this.batches.push(batch);
  }

  close(): void {
    this.inner.close();
  }
}
