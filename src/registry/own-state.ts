/**
 * OwnState: how this node's own set moves on.
 *
 *   current (head, set)  +  what was asked for  ->  next (head, set), with every record stamped
 *
 * Pure but for the signature: time, key and boot id are arguments. One call is one head and one
 * transaction, however many registrations it holds.
 */
import { DiscoError } from '../base/error.ts';
import { bucketOf, sealRecord } from '../record/encoding.ts';
import { sealHead } from '../record/head.ts';
import type { Head, NodeFacts } from '../record/head.ts';
import { healthBeneath, withHealth, withMaintenance, withoutReason } from '../record/health.ts';
import type { MergeBounds, OwnerState } from '../record/merge.ts';
import { plainFields, recordKey } from '../record/record.ts';
import type { Health, RecordKey, SealedRecord, ServiceRecord } from '../record/record.ts';
import { RecordSet } from '../record/record-set.ts';
import type { Signer } from '../record/signature.ts';
import type { MaintenanceRule, Registration } from '../store/store.ts';
import { isCovered, MaintenanceRules, rulesMax } from './maintenance.ts';

/** What can be asked of the own state. */
export type Mutation =
  | { readonly kind: 'register'; readonly registration: Registration }
  | { readonly kind: 'deregister'; readonly key: RecordKey }
  | { readonly kind: 'health'; readonly key: RecordKey; readonly health: Health }
  /** Puts what the rule is for into maintenance, or, when its reason is '', out of it. */
  | { readonly kind: 'maintenance'; readonly rule: MaintenanceRule }
  | { readonly kind: 'facts'; readonly facts: Partial<NodeFacts> }
  /** A new life, or an answer to being thought dead: an incarnation above `above`. */
  | { readonly kind: 'reincarnate'; readonly above: number }
  /** A newer head of ours came back to us: everything is stamped anew, above it. */
  | { readonly kind: 'reclaim'; readonly above: Head }
  /**
   * Our clock was ahead and came back: everything is stamped anew, at the present time.
   *
   * The one exception to "strictly rising". It is for an own head that lies more than
   * `clockAheadMs` in the future: every node whose clock is right refuses that one, so none of them
   * holds it, and none would take anything above it before that date. Whoever holds it all the same
   * was ahead too, and drops it when its own clock comes back; whoever is ahead by so little that
   * it will not has it no longer than that in its future, tells us, and we reclaim.
   */
  | { readonly kind: 'rewind' }
  /** Nothing but a fresh head. */
  | { readonly kind: 'refresh' };

export type MutationResult =
  | { readonly kind: 'done'; readonly sealed: SealedRecord | undefined }
  | { readonly kind: 'failed'; readonly error: DiscoError };

export interface OwnBounds extends MergeBounds {
  readonly recordBytesMax: number;
  readonly headBytesMax: number;
  /** Infinity: they are kept, up to `tombstonesMax`. */
  readonly tombstoneGraceMs: number;
  readonly tombstonesMax: number;
}

/** What does not change over a life of the daemon. */
export interface Identity {
  readonly signer: Signer;
  readonly cluster: string;
  /** Hex of 8 random bytes. */
  readonly bootId: string;
  /** Of what is registered here without one; none unless it is given. */
  readonly zone?: string;
}

export interface OwnAdvance {
  readonly next: OwnerState;
  readonly puts: readonly SealedRecord[];
  readonly removes: readonly SealedRecord[];
  /** One for each mutation, in order. */
  readonly results: readonly MutationResult[];
  readonly rules: MaintenanceRules;
}

/** The present facts and counters, gathered while mutations are applied. */
interface Draft {
  set: RecordSet;
  lastUpdate: number;
  incarnation: number;
  floor: number;
  facts: NodeFacts;
  rules: MaintenanceRules;
  readonly puts: Map<RecordKey, SealedRecord>;
  /** Tombstones that were given up. */
  readonly collected: SealedRecord[];
}

/**
 * Applies all mutations and signs one head over the outcome.
 *
 * @throws DiscoError INVALID_ARGUMENT/CONFIG when the facts make the head larger than others take
 */
export function advance(
  current: OwnerState | undefined,
  facts: NodeFacts,
  mutations: readonly Mutation[],
  identity: Identity,
  bounds: OwnBounds,
  wallMicros: number,
  rules = MaintenanceRules.none,
): OwnAdvance {
  const head = current?.head.head;
  const draft: Draft = {
    set: current?.set ?? RecordSet.empty,
    lastUpdate: head?.lastUpdate ?? 0,
    incarnation: head?.incarnation ?? 0,
    floor: head?.floor ?? 0,
    facts,
    rules,
    puts: new Map(),
    collected: [],
  };
  const stamp = (): number => (draft.lastUpdate = Math.max(wallMicros, draft.lastUpdate + 1));
  if (mutations.some(({ kind }) => kind === 'rewind')) rewind(draft, bounds, wallMicros, stamp);
  const results = mutations.map((mutation) => apply(draft, mutation, identity, bounds, stamp));
  collectTombstones(draft, mutations, bounds, wallMicros);
  const next = sign(draft, identity, bounds, stamp());
  // What was registered anew after its tombstone was given up is a put like any other.
  const removes = draft.collected.filter(({ key, bucket }) => !draft.set.get(key, bucket));
  return { next, puts: [...draft.puts.values()], removes, results, rules: draft.rules };
}

function apply(
  draft: Draft,
  mutation: Mutation,
  identity: Identity,
  bounds: OwnBounds,
  stamp: () => number,
): MutationResult {
  switch (mutation.kind) {
    case 'register': {
      const health = firstHealth(draft.set, mutation.registration);
      return register(draft, recordOf(mutation.registration, health, identity, stamp()), bounds);
    }
    case 'deregister':
    case 'health': {
      const old = draft.set.get(mutation.key, bucketOf(mutation.key));
      if (old === undefined || old.record.deleted) return unknownInstance(mutation.key);
      const lastUpdate = stamp();
      if (mutation.kind === 'health')
        return write(draft, withHealth({ ...old.record, lastUpdate }, mutation.health), bounds);
      return write(draft, tombstoneOf(old.record, lastUpdate), bounds);
    }
    case 'maintenance':
      return maintain(draft, mutation.rule, bounds, stamp);
    case 'facts':
      draft.facts = { ...draft.facts, ...mutation.facts };
      return done;
    case 'reincarnate':
      draft.incarnation = Math.max(draft.incarnation, mutation.above) + 1;
      return done;
    case 'reclaim':
      reclaim(draft, mutation.above, stamp);
      return done;
    case 'rewind':
      restamp(draft, stamp);
      return done;
    case 'refresh':
      return done;
  }
}

const done: MutationResult = { kind: 'done', sealed: undefined };

function unknownInstance(key: RecordKey): MutationResult {
  const sentence = `${key} is not registered at this daemon: list what is with "disco list", and deregister where it was registered`;
  return { kind: 'failed', error: new DiscoError('NOT_FOUND', 'UNKNOWN_INSTANCE', sentence) };
}

function register(draft: Draft, record: ServiceRecord, bounds: OwnBounds): MutationResult {
  return write(draft, withMaintenance(record, draft.rules.closest(record)?.reason), bounds);
}

function maintain(
  draft: Draft,
  rule: MaintenanceRule,
  bounds: OwnBounds,
  stamp: () => number,
): MutationResult {
  const rules = draft.rules.with(rule);
  if (rules === undefined) {
    const sentence = `${rulesMax} services and instances are in maintenance here already: end some, or put the whole node into it`;
    return {
      kind: 'failed',
      error: new DiscoError('RESOURCE_EXHAUSTED', 'TOO_MANY_RULES', sentence),
    };
  }
  draft.rules = rules;
  draft.facts = rules.mark(draft.facts);
  for (const { record } of draft.set.records()) {
    if (record.deleted || !isCovered(rule, record)) continue;
    const moved = withMaintenance(record, rules.closest(record)?.reason);
    if (moved !== record) write(draft, { ...moved, lastUpdate: stamp() }, bounds);
  }
  return done;
}

function write(draft: Draft, record: ServiceRecord, bounds: OwnBounds): MutationResult {
  let sealed = sealRecord(record);
  let isRoom = makeRoom(draft, sealed, bounds);
  if (!isRoom && record.maintenance !== undefined) {
    // An operator's word must not fail for the few bytes of its reason.
    sealed = sealRecord(withoutReason(record));
    isRoom = makeRoom(draft, sealed, bounds);
  }
  if (!isRoom) return { kind: 'failed', error: boundFault(draft, sealed, bounds) };
  draft.set = draft.set.with([sealed], []);
  draft.puts.set(sealed.key, sealed);
  return { kind: 'done', sealed };
}

/** Whether a record fits: if need be, after the older half of the tombstones, or all, are given up. */
function makeRoom(draft: Draft, sealed: SealedRecord, bounds: OwnBounds): boolean {
  if (sealed.bytes.length > bounds.recordBytesMax) return false;
  if (fits(draft.set, sealed, bounds)) return true;
  if (draft.set.tombstones === 0) return false;
  const tombstones = tombstonesOf(draft.set);
  const half = tombstones.slice(0, Math.ceil(tombstones.length / 2));
  for (const collected of [half, tombstones]) {
    if (!fits(draft.set.with([], collected), sealed, bounds)) continue;
    giveUp(draft, collected);
    return true;
  }
  return false;
}

function fits(set: RecordSet, sealed: SealedRecord, bounds: OwnBounds): boolean {
  // A tombstone replaces what it deletes and must always get through.
  if (sealed.record.deleted) return true;
  const old = set.get(sealed.key, sealed.bucket);
  const count = set.count + (old === undefined ? 1 : 0);
  const bytes = set.bytes + sealed.bytes.length - (old?.bytes.length ?? 0);
  return count <= bounds.recordsPerOwnerMax && bytes <= bounds.bytesPerOwnerMax;
}

function boundFault(draft: Draft, sealed: SealedRecord, bounds: OwnBounds): DiscoError {
  const { recordBytesMax, recordsPerOwnerMax, bytesPerOwnerMax } = bounds;
  if (sealed.bytes.length > recordBytesMax) {
    const sentence = `the registration takes ${sealed.bytes.length} bytes, the bound is ${recordBytesMax}: shorten its metadata or tags`;
    return new DiscoError('INVALID_ARGUMENT', 'RECORD_TOO_LARGE', sentence);
  }
  const sentence = `this daemon holds ${draft.set.count} records of its own in ${draft.set.bytes} bytes, the bounds are ${recordsPerOwnerMax} and ${bytesPerOwnerMax}: deregister some, or register at another node`;
  return new DiscoError('RESOURCE_EXHAUSTED', 'TOO_MANY_RECORDS', sentence);
}

/**
 * Without checks an instance passes by its owner's word. With checks it is critical until they pass;
 * one that is at this address already keeps its health until they say otherwise, so that neither
 * a new tag nor a client that registers again takes it out of service.
 */
function firstHealth(set: RecordSet, spec: Registration): Health {
  if ((spec.checks ?? []).length === 0) return 'passing';
  const key = recordKey(spec.group, spec.name, spec.instanceId);
  const old = set.get(key, bucketOf(key))?.record;
  const isSame = old !== undefined && old.ip === spec.ip && old.port === spec.port;
  return isSame && !old.deleted ? healthBeneath(old) : 'critical';
}

function recordOf(
  spec: Registration,
  health: Health,
  identity: Identity,
  lastUpdate: number,
): ServiceRecord {
  const { group, name, instanceId, ip, port, ttlMs, version, tags, metadata } = spec;
  const { weight, endpoints } = spec;
  const { owner } = identity.signer;
  const plain = { group, name, instanceId, ip, port, ttlMs, version, tags, metadata };
  const zone = zoneOf(spec, identity);
  const said = { ...plain, weight, zone, endpoints };
  return { ...said, owner, lastUpdate, deleted: false, health };
}

/** Where a registration's record says that it runs. */
export function zoneOf(spec: Registration, identity: Identity): string {
  return spec.zone === '' ? (identity.zone ?? '') : spec.zone;
}

function tombstoneOf(record: ServiceRecord, lastUpdate: number): ServiceRecord {
  const { owner, group, name, instanceId } = record;
  return {
    owner,
    group,
    name,
    instanceId,
    lastUpdate,
    deleted: true,
    ip: '',
    port: 0,
    health: 'critical',
    ttlMs: 0,
    version: '',
    tags: [],
    metadata: {},
    ...plainFields,
  };
}

function reclaim(draft: Draft, above: Head, stamp: () => number): void {
  draft.lastUpdate = Math.max(draft.lastUpdate, above.lastUpdate);
  draft.incarnation = Math.max(draft.incarnation, above.incarnation) + 1;
  // Below the floor nothing is owed to anyone: whoever holds less asks for the whole.
  draft.floor = draft.lastUpdate;
  restamp(draft, stamp);
}

/**
 * Before anything else is stamped. Below the floor there is nothing for tombstones to delete; only
 * while they are kept for good they tell of a past that is not known yet.
 */
function rewind(draft: Draft, bounds: OwnBounds, wallMicros: number, stamp: () => number): void {
  draft.lastUpdate = wallMicros;
  draft.floor = wallMicros;
  draft.incarnation += 1;
  const tombstones = tombstonesOf(draft.set);
  if (bounds.tombstoneGraceMs === Infinity) return put(draft, tombstones, stamp);
  draft.collected.push(...tombstones);
  draft.set = draft.set.with([], tombstones);
}

function restamp(draft: Draft, stamp: () => number): void {
  const living = [...draft.set.records()].filter(({ record }) => !record.deleted);
  put(draft, living, stamp);
}

/** The same records, each with a stamp of its own. */
function put(draft: Draft, records: readonly SealedRecord[], stamp: () => number): void {
  const fresh = records.map(({ record }) => sealRecord({ ...record, lastUpdate: stamp() }));
  draft.set = draft.set.with(fresh, []);
  for (const sealed of fresh) draft.puts.set(sealed.key, sealed);
}

/**
 * Raises the floor over tombstones that are old enough or, when there are too many, over the older
 * half: rarely, because it walks the whole set.
 */
function collectTombstones(
  draft: Draft,
  mutations: readonly Mutation[],
  bounds: OwnBounds,
  wallMicros: number,
): void {
  const isOver = draft.set.tombstones > bounds.tombstonesMax;
  const isAsked = mutations.some(({ kind }) => kind === 'refresh' || kind === 'reclaim');
  if (draft.set.tombstones === 0 || !(isOver || isAsked)) return;
  const tombstones = tombstonesOf(draft.set);
  const graceEnd = Math.max(draft.floor, wallMicros - bounds.tombstoneGraceMs * 1000);
  const surplus = isOver ? tombstones.length - Math.floor(bounds.tombstonesMax / 2) : 0;
  const isOld = ({ record }: SealedRecord, index: number): boolean =>
    index < surplus || record.lastUpdate <= graceEnd;
  giveUp(draft, tombstones.filter(isOld));
}

/** Oldest first. */
function tombstonesOf(set: RecordSet): SealedRecord[] {
  const tombstones = [...set.records()].filter(({ record }) => record.deleted);
  return tombstones.sort((a, b) => a.record.lastUpdate - b.record.lastUpdate);
}

/** @param tombstones all up to some lastUpdate, oldest first: the floor rises over them */
function giveUp(draft: Draft, tombstones: readonly SealedRecord[]): void {
  draft.floor = Math.max(draft.floor, tombstones.at(-1)?.record.lastUpdate ?? 0);
  draft.set = draft.set.with([], tombstones);
  for (const { key } of tombstones) draft.puts.delete(key);
  draft.collected.push(...tombstones);
}

function sign(
  draft: Draft,
  identity: Identity,
  { headBytesMax }: OwnBounds,
  lastUpdate: number,
): OwnerState {
  const { signer, cluster, bootId } = identity;
  const { set, incarnation, floor, facts } = draft;
  const { count, root } = set;
  const owner = signer.owner;
  const head = { cluster, owner, lastUpdate, incarnation, bootId, floor, count, root, facts };
  const sealed = sealHead(head, signer);
  if (sealed.body.length <= headBytesMax) return { head: sealed, set };
  const sentence = `this node's head takes ${sealed.body.length} bytes, the bound is ${headBytesMax}: shorten its name or advertise fewer addresses`;
  throw new DiscoError('INVALID_ARGUMENT', 'CONFIG', sentence);
}
