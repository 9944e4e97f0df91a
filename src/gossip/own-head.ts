/**
 * OwnHeads: what a node does when it meets heads of its own that it does not hold.
 *
 *   a head of an earlier life, above ours   ──▶ everything of ours is stamped anew, above it
 *   the same, and our database is lost      ──▶ ask for all of it, and adopt it: see Rebirth
 *   a head of another process with our key  ──▶ one of the two ends
 *   thought dead, or accused, by others     ──▶ a higher incarnation
 *
 * The two processes: each goes above the head of the other, and whoever goes above a head writes
 * its stamp into the floor. So a floor that is a stamp of this very life proves that somebody else
 * answered it. Where that is not seen, the third time that we would have to go above heads of one
 * boot id counts as proof: an earlier life is gone and leaves a head or two. The process whose
 * SHA-256 of its boot id is smaller stays, by the same rule as everyone who receives both; it goes
 * above what the other left behind as above any earlier life.
 */
import { CellRate } from '../base/cell-rate.ts';
import { compareBytes, sha256 } from '../record/hash.ts';
import type { Head } from '../record/head.ts';
import type { OwnerId } from '../record/owner.ts';
import type { SealedRecord } from '../record/record.ts';
import type { Mutation } from '../registry/own-state.ts';
import type { ReceiveVerdict } from '../registry/registry.ts';
import type { MaintenanceRule } from '../store/store.ts';
import type { GossipContext } from './context.ts';
import { Rebirth } from './rebirth.ts';

/** Refutations and reclaims answer what others say, so others must not set their pace. */
const paceMs = 1_000;
/**
 * Accusations that are answered at once, more than a node has links, then one a second. Three
 * liars after three others must not find it waiting; who was answered is mute for a minute.
 */
const answersAtOnceMax = 64;
/** Own stamps of this life that are remembered as proof. */
const stampsMax = 1_024;
const bootIdsMax = 64;
/** After so many an adopted instance is deregistered: by default clients ask for the same. */
const missedTtlsMax = 6;
/** Reclaims over one boot id; one more is no earlier life. */
const reclaimsMax = 2;

type OwnVerdict = Extract<ReceiveVerdict, { kind: 'own' }>;

export class OwnHeads {
  readonly #context: GossipContext;
  readonly #askWhole: (peer: OwnerId) => void;
  #rebirth = new Rebirth();
  readonly #stamps = new Set<number>();
  /** By boot id: how often we went above it. */
  readonly #reclaims = new Map<string, number>();
  readonly #answers = new CellRate<'self'>({ burst: answersAtOnceMax, perSecond: 1, keysMax: 1 });
  #refutedAtMs = -Infinity;
  #reclaimedAtMs = -Infinity;
  #isOver = false;
  /** Of the feed, up to which own heads are known here. */
  #revision = -1;

  /** @param askWhole asks a peer for all that it holds of this node */
  constructor(context: GossipContext, askWhole: (peer: OwnerId) => void) {
    this.#context = context;
    this.#askWhole = askWhole;
  }

  /** Remembers the stamp of the own head, which the others may hear of now. */
  noteOwn(): void {
    const { registry } = this.#context;
    // Asked after every step: nothing became true, so nothing of ours did.
    if (registry.feed.revision === this.#revision) return;
    this.#revision = registry.feed.revision;
    const stamp = registry.state(registry.self)?.head.head.lastUpdate;
    if (stamp === undefined || this.#stamps.has(stamp)) return;
    this.#stamps.add(stamp);
    if (this.#stamps.size <= stampsMax) return;
    const [oldest] = this.#stamps;
    this.#stamps.delete(oldest as number);
  }

  /** A head of our own, above what we hold, came from a peer. */
  met(peer: OwnerId, { head: { head }, records }: OwnVerdict): void {
    if (this.#isOver) return;
    if (this.#isOfCopy(head)) return this.#meetCopy(head);
    const { registry, identity, now } = this.#context;
    if (registry.isReborn && head.bootId !== identity.bootId) {
      if (this.#rebirth.heard(head, records, now.monoMs)) this.#askWhole(peer);
      return;
    }
    if (this.#mayReclaim()) this.#reclaim(head, []);
  }

  /** Answers being thought dead: a higher incarnation, which everyone hears of. */
  refute(): void {
    if (this.#context.now.monoMs - this.#refutedAtMs >= paceMs) this.#reincarnate();
  }

  /** Answers accusations of the present life likewise, and in time for their verdict. */
  answer(): void {
    const { monoMs } = this.#context.now;
    if (!this.#answers.has('self', monoMs)) return;
    this.#answers.take('self', monoMs);
    this.#reincarnate();
  }

  #reincarnate(): void {
    const { registry, now, counters } = this.#context;
    if (this.#isOver) return;
    this.#refutedAtMs = now.monoMs;
    const above = registry.member(registry.self)?.incarnation ?? 0;
    registry.commit([{ kind: 'reincarnate', above }], now);
    counters.add('refutations');
  }

  /**
   * Once an interval of gossip: a reborn node that has listened for long enough speaks up.
   *
   * @param isJoined somebody is there who could have told of an earlier life
   */
  tick(isJoined: boolean): void {
    const { registry, now } = this.#context;
    if (!registry.isReborn || !isJoined || !this.#rebirth.isOver(now.monoMs)) return;
    const { past } = this.#rebirth;
    const own = registry.state(registry.self)?.head.head;
    if (past !== undefined) this.#reclaim(past.head, past.records);
    else if (own !== undefined) registry.commit([{ kind: 'reclaim', above: own }], now);
    this.#rebirth = new Rebirth();
  }

  #reclaim(seen: Head, records: readonly SealedRecord[]): void {
    const { registry, now, counters } = this.#context;
    const rules = records.length === 0 ? [] : this.#maintenanceOf(seen, records);
    const wanted = this.#registrationsOf(records);
    const results = registry.commit([{ kind: 'reclaim', above: seen }, ...rules, ...wanted], now);
    const adopted = results.slice(1 + rules.length).filter(({ kind }) => kind === 'done').length;
    this.#countReclaim(seen.bootId);
    counters.add('reclaims');
    const event = { kind: 'reclaimed', seen: seen.lastUpdate, adopted } as const;
    this.#context.emit({ kind: 'event', event });
  }

  /** What was registered then, unless this life has had a say on it. */
  #registrationsOf(records: readonly SealedRecord[]): Mutation[] {
    const { registry, identity } = this.#context;
    const own = registry.state(registry.self)?.set;
    const wanted: Mutation[] = [];
    for (const { record, key, bucket } of records) {
      if (record.deleted || own?.get(key, bucket) !== undefined) continue;
      const { group, name, instanceId, ip, port, ttlMs, version, tags, metadata } = record;
      const { weight, endpoints } = record;
      // A record does not say whether its zone is that of the node because nobody named another.
      const zone = record.zone === identity.zone ? '' : record.zone;
      const said = { version, tags, metadata, weight, zone, endpoints };
      const plain = { group, name, instanceId, ip, port, ttlMs, ...said };
      // A record does not say how long a missed lease is kept.
      const registration = { ...plain, deregisterAfterMs: ttlMs * missedTtlsMax };
      wanted.push({ kind: 'register', registration });
    }
    return wanted;
  }

  /** What was in maintenance then, unless this life has had a say on it. */
  #maintenanceOf(seen: Head, records: readonly SealedRecord[]): Mutation[] {
    const { maintenance } = this.#context.registry;
    const since = seen.lastUpdate;
    const rules: MaintenanceRule[] = [];
    const node = { group: '', name: '', instanceId: '', since };
    if (seen.facts.maintenance !== undefined)
      rules.push({ ...node, reason: seen.facts.maintenance });
    else
      for (const { record } of records) {
        if (record.health !== 'maintenance') continue;
        const { group, name, instanceId } = record;
        const reason = record.maintenance?.reason || 'not known any more';
        rules.push({ group, name, instanceId, reason, since });
      }
    return rules
      .filter((rule) => maintenance.get(rule) === undefined)
      .map((rule) => ({ kind: 'maintenance', rule }));
  }

  #isOfCopy({ bootId, floor }: Head): boolean {
    if (bootId === this.#context.identity.bootId) return false;
    return this.#stamps.has(floor) || (this.#reclaims.get(bootId) ?? 0) >= reclaimsMax;
  }

  #meetCopy(head: Head): void {
    const { bootId } = this.#context.identity;
    if (hasPrecedence(bootId, head.bootId)) {
      if (!this.#mayReclaim()) return;
      this.#reclaim(head, []);
      const event = { kind: 'copyMet', bootId: head.bootId } as const;
      return this.#context.emit({ kind: 'event', event });
    }
    this.#isOver = true;
    this.#context.counters.add('duplicate_owner');
    const event = { kind: 'duplicateOwner', bootId: head.bootId } as const;
    this.#context.emit({ kind: 'event', event });
  }

  #countReclaim(bootId: string): void {
    const count = (this.#reclaims.get(bootId) ?? 0) + 1;
    this.#reclaims.delete(bootId);
    this.#reclaims.set(bootId, count);
    const [oldest] = this.#reclaims.keys();
    if (this.#reclaims.size > bootIdsMax) this.#reclaims.delete(oldest as string);
  }

  #mayReclaim(): boolean {
    const { monoMs } = this.#context.now;
    if (monoMs - this.#reclaimedAtMs < paceMs) return false;
    this.#reclaimedAtMs = monoMs;
    return true;
  }
}

/** Which of two processes with one key stays. @param bootId hex, as the other */
export function hasPrecedence(bootId: string, other: string): boolean {
  const [a, b] = [bootId, other].map((hex) => sha256(Buffer.from(hex, 'hex')));
  return compareBytes(a as Uint8Array, b as Uint8Array) < 0;
}
